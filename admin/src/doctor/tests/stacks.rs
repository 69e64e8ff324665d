//! In the lines of PAM.

use std::os::unix::fs::symlink;

use super::*;

pub const STACKS: &[Case] = &[
    (
        |it| it.remove("/etc/pam.d/common-account"),
        &["no_include sshd /etc/pam.d/sshd:4", "no_include sudo /etc/pam.d/sudo:3"],
    ),
    (
        |it| it.remove("/usr/lib/x86_64-linux-gnu/security/pam_mfa.so"),
        &[
            "no_module sshd /etc/pam.d/sshd:2",
            "no_module sshd /etc/pam.d/sshd:5",
            "no_module sshd /etc/pam.d/sshd:6",
            "no_module sudo /etc/pam.d/sudo:2",
            "no_module sudo /etc/pam.d/sudo:4",
        ],
    ),
    (
        |it| {
            it.write("/opt/pam_mfa.so", "");
            it.sudo("auth required pam_mfa", "auth required /opt/pam_mfa");
        },
        &["other_module sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.sudo("auth required pam_mfa", "auth required /opt/pam_mfa"),
        &["no_module sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.append("/etc/pam.d/sudo", "auth required pam_mfa.so"),
        &["listed_twice sudo /etc/pam.d/sudo:6"],
    ),
    (
        |it| {
            it.append("/etc/pam.d/common-auth", "auth required pam_mfa.so");
        },
        &["listed_twice sshd /etc/pam.d/sshd:2", "listed_twice sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.append("/etc/pam.d/sudo", "auth required pam_google_authenticator.so"),
        &["beside_google sudo /etc/pam.d/sudo:6"],
    ),
    (
        |it| {
            let security = it.at("/usr/lib/x86_64-linux-gnu/security");
            symlink("pam_mfa.so", security.join("pam_google_authenticator.so")).unwrap();
            it.append("/etc/pam.d/sudo", "auth required pam_google_authenticator.so");
        },
        &["listed_twice sudo /etc/pam.d/sudo:6"],
    ),
    (
        |it| it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so retries=2 x"),
        &["unknown_option sudo /etc/pam.d/sudo:2", "unknown_option sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so enroll"),
        &["bad_option sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| {
            it.sudo(
                "auth required pam_mfa.so",
                "auth required pam_mfa.so enroll account=yes store=home",
            );
        },
        &["bad_option sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so nullok"),
        &["nullok sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| {
            it.write(
                "/etc/pam.d/postgresql",
                "auth required pam_mfa.so\nauth required pam_unix.so\n",
            );
        },
        &["needs_root postgresql /etc/pam.d/postgresql:1"],
    ),
    // Some are not asked, which is meant.
    (
        |it| {
            let line = "auth [success=1 default=ignore] pam_succeed_if.so user ingroup robots";
            it.sudo("auth required", &format!("{line}\nauth required"));
            it.sudo("account", "account sufficient pam_localuser.so\naccount");
        },
        &[],
    ),
    // An earlier line ends the stack.
    (
        |it| {
            it.write(
                "/etc/pam.d/common-auth",
                "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
            );
        },
        &["not_reached sshd /etc/pam.d/sshd:2", "not_reached sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.sudo("auth required pam_mfa", "auth optional pam_mfa"),
        &["not_binding sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| it.sudo("auth required pam_mfa", "auth [success=ok default=ignore] pam_mfa"),
        &["not_binding sudo /etc/pam.d/sudo:2"],
    ),
    // Whoever a rule skips gets in with nothing.
    (
        |it| {
            it.write(
                "/etc/pam.d/sudo",
                &format!(
                    "auth sufficient pam_mfa.so\n{}",
                    SUDO.replace("auth required pam_mfa.so\n", "")
                ),
            );
        },
        &["not_binding sudo /etc/pam.d/sudo:1", "lets_in sudo /etc/pam.d/sudo:1"],
    ),
    (
        |it| {
            it.write(
                "/etc/pam.d/sudo",
                &SUDO
                    .replace("@include common-auth", "auth [success=done default=die] pam_mfa.so")
                    .replace("auth required pam_mfa.so\n", ""),
            );
        },
        &["lets_in sudo /etc/pam.d/sudo:1"],
    ),
    (|it| it.sudo("@include common-auth\n", ""), &["lets_in sudo /etc/pam.d/sudo:1"]),
    // Whom nobody lets off a code is let in by nothing else.
    (
        |it| {
            it.remove("/etc/pam_mfa/bypass.toml");
            it.write(
                "/etc/pam_mfa/policy.toml",
                "version = 1\nrecheck = [\"sudo\"]\n[[rule]]\nname = \"past\"\n\
                 require = [\"otp\"]\nenrolled_by = 2023-11-14",
            );
            it.sudo("@include common-auth\n", "");
        },
        &[],
    ),
    // A dry run lets everybody in.
    (
        |it| {
            it.remove("/etc/pam_mfa/bypass.toml");
            it.write(
                "/etc/pam_mfa/policy.toml",
                "version = 1\nrecheck = [\"sudo\"]\n[[rule]]\nname = \"rehearsal\"\n\
                 deny = \"x\"\nenforce = false",
            );
            it.sudo("@include common-auth\n", "");
        },
        &["lets_in sudo /etc/pam.d/sudo:1"],
    ),
    // An entry of the list that is over lets nobody in.
    (
        |it| {
            it.append("/etc/pam_mfa/bypass.toml", "expires = 2023-01-01");
            it.write("/etc/pam_mfa/policy.toml", "version = 1\nrecheck = [\"sudo\"]");
            it.sudo("@include common-auth\n", "");
        },
        &["bypass_expired - /etc/pam_mfa/bypass.toml:1"],
    ),
    // With skip=ignore nobody says yes.
    (
        |it| {
            it.remove("/etc/pam_mfa/policy.toml");
            it.remove("/etc/pam_mfa/bypass.toml");
            it.write(
                "/etc/pam.d/sudo",
                "auth required pam_mfa.so nullok\nauth required pam_permit.so\n",
            );
            it.sshd_config("AuthenticationMethods publickey,keyboard-interactive");
        },
        &["nullok sudo /etc/pam.d/sudo:1", "lets_in sudo /etc/pam.d/sudo:1"],
    ),
    (
        |it| {
            it.write(
                "/etc/pam.d/sudo",
                &SUDO.replace("@include common-auth", "auth required pam_unix.so").replace(
                    "auth required pam_mfa.so",
                    "auth required pam_mfa.so enroll account=yes",
                ),
            );
        },
        &["enrols_strangers sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| {
            it.sshd("auth required pam_mfa.so", "auth required pam_mfa.so enroll account=yes");
            it.sshd("account required pam_mfa.so\n", "");
        },
        &["no_account_line sshd /etc/pam.d/sshd:2"],
    ),
    (|it| it.sudo("account required pam_mfa.so\n", ""), &["no_account_line sudo /etc/pam.d/sudo"]),
    (
        |it| it.replace("/etc/pam_mfa/policy.toml", "[\"sudo\"]", "[\"sudo\", \"su\"]"),
        &["no_account_line - /etc/pam_mfa/policy.toml"],
    ),
    (
        |it| it.write("/etc/pam.d/common-account", "account sufficient pam_unix.so\n"),
        &["not_reached sudo /etc/pam.d/sudo:4"],
    ),
    (
        |it| it.sudo("account required pam_mfa", "account optional pam_mfa"),
        &["not_binding sudo /etc/pam.d/sudo:4"],
    ),
    (|it| it.sshd("session required pam_mfa.so\n", ""), &["no_session_line sshd /etc/pam.d/sshd"]),
    (
        |it| it.sshd("session required pam_mfa", "session optional pam_mfa"),
        &["not_binding sshd /etc/pam.d/sshd:6"],
    ),
    (
        |it| {
            it.sshd("session required pam_mfa.so\n", "");
            it.append("/etc/pam.d/sshd", "session required pam_mfa.so");
        },
        &["after_user_environment sshd /etc/pam.d/sshd:8"],
    ),
    (
        |it| {
            fs::create_dir(it.at("/etc/pam.d/dir")).unwrap();
            it.append("/etc/pam.d/sudo", "session include dir");
        },
        &["unreadable - /etc/pam.d/dir"],
    ),
];
