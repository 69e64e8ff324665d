//! In sshd and sudo, which call PAM.

use super::*;

pub const CALLERS: &[Case] = &[
    (
        |it| it.replace("/etc/ssh/sshd_config", "UsePAM yes", "UsePAM no"),
        &["use_pam_off sshd /etc/ssh/sshd_config:3"],
    ),
    (
        |it| it.replace("/etc/ssh/sshd_config", "UsePAM yes", ""),
        &["use_pam_off sshd /etc/ssh/sshd_config"],
    ),
    (
        |it| it.append("/etc/ssh/sshd_config.d/local.conf", "ChallengeResponseAuthentication=no"),
        &["keyboard_interactive_off sshd /etc/ssh/sshd_config.d/local.conf:2"],
    ),
    // The first line counts, and sshd itself knows best.
    (|it| it.sshd_config("KbdInteractiveAuthentication yes\nKbdInteractiveAuthentication no"), &[]),
    (
        |it| {
            it.programs
                .borrow_mut()
                .push(("sshd", "usepam yes\nkbdinteractiveauthentication no\n"));
        },
        &["keyboard_interactive_off sshd /etc/ssh/sshd_config"],
    ),
    (
        |it| it.sshd_config("Match User bob\nKbdInteractiveAuthentication no"),
        &["keyboard_interactive_off sshd /etc/ssh/sshd_config:5"],
    ),
    (
        |it| it.sshd_config("AuthenticationMethods publickey"),
        &["methods_without_pam sshd /etc/ssh/sshd_config:4"],
    ),
    (
        |it| {
            it.remove("/etc/pam_mfa/policy.toml");
            it.remove("/etc/pam_mfa/bypass.toml");
        },
        &["key_alone sshd /etc/ssh/sshd_config"],
    ),
    (
        |it| {
            it.remove("/etc/pam_mfa/policy.toml");
            it.sshd_config(
                "AuthenticationMethods publickey,keyboard-interactive:pam\n\
                 Match Group x\nAuthenticationMethods publickey password",
            );
        },
        &["key_alone sshd /etc/ssh/sshd_config:6"],
    ),
    (
        |it| {
            it.replace("/etc/pam_mfa/policy.toml", "recheck = [\"sudo\"]\n", "");
            it.sudoers("deploy ALL=(ALL) \\\n  NOPASSWD:/bin/x");
        },
        &["nopasswd sudo /etc/sudoers:4"],
    ),
    (
        |it| {
            it.write(
                "/etc/sudoers.d/deploy",
                "# deploy NOPASSWD: x\ndeploy ALL=(ALL) NOPASSWD : ALL\n",
            );
        },
        &["nopasswd_recheck sudo /etc/sudoers.d/deploy:2"],
    ),
    (|it| it.write("/etc/sudoers.d/deploy.bak", "deploy ALL=(ALL) NOPASSWD: ALL\n"), &[]),
    (
        |it| it.sudoers("Defaults:bob !lecture, !authenticate"),
        &["nopasswd_recheck sudo /etc/sudoers:4"],
    ),
    (|it| it.sudoers("Defaults !pam_acct_mgmt"), &["sudo_account_off sudo /etc/sudoers:4"]),
];
