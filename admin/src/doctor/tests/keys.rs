//! In what asks for security keys, and in what is believed of them.

use super::*;

/// A login at the console whose line has these options, and all that it needs.
fn console(it: &Seed, options: &str) {
    it.write(
        "/etc/pam.d/login",
        &format!("@include common-auth\nauth required pam_mfa.so {options}\n"),
    );
    it.write("/usr/libexec/mfa-fido", "");
    it.write("/usr/lib/x86_64-linux-gnu/libfido2.so.1", "");
}

/// sudo asks agents, and sudoers has this line.
fn agent(it: &Seed, sudoers: &str) {
    it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so ssh_agent");
    it.sudoers(sudoers);
}

/// The session line of sshd believes what sshd says, and pam_env has this option.
fn trust(it: &Seed, env: &str) {
    it.sshd("session required pam_mfa.so", "session required pam_mfa.so trust_auth_info");
    it.sshd("user_readenv=1", env);
}

/// A rule takes keys that sshd has verified, and sshd has these lines.
fn verified(it: &Seed, touch: &str, config: &str) {
    it.rule(&format!(
        "[[rule]]\nname = \"keys\"\nusers = [\"root\"]\nrequire = [\"otp\", \"ssh-key\"]\n{touch}"
    ));
    it.sshd_config(config);
}

const BY_SSHD: &str = "touch = \"sshd\"";
const METHODS: &str = "AuthenticationMethods publickey,keyboard-interactive";

pub const KEYS: &[Case] = &[
    (|it| console(it, "u2f local"), &[]),
    (|it| console(it, "u2f"), &["not_local login /etc/pam.d/login:2"]),
    (
        |it| {
            console(it, "u2f");
            it.replace("/etc/pam_mfa/policy.toml", "recheck", "local = [\"login\"]\nrecheck");
        },
        &[],
    ),
    (
        |it| {
            console(it, "u2f local");
            it.remove("/usr/libexec/mfa-fido");
        },
        &["no_helper login /etc/pam.d/login:2"],
    ),
    (
        |it| {
            console(it, "u2f local");
            it.remove("/usr/lib/x86_64-linux-gnu/libfido2.so.1");
        },
        &["no_helper login /etc/pam.d/login:2"],
    ),
    (
        |it| {
            console(it, "u2f local");
            it.chmod("/usr/libexec/mfa-fido", 0o775);
            it.chmod("/usr/libexec", 0o777);
        },
        &["wrong_mode - /usr/libexec", "wrong_mode - /usr/libexec/mfa-fido"],
    ),
    (
        |it| {
            console(it, "u2f local");
            it.sshd("auth required pam_mfa.so", "auth required pam_mfa.so u2f local");
        },
        &["not_local sshd /etc/pam.d/sshd:2"],
    ),
    // Nobody asks it.
    (
        |it| {
            console(it, "");
            it.chmod("/usr/libexec/mfa-fido", 0o777);
        },
        &[],
    ),
    (
        |it| {
            console(it, "u2f local");
            it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so u2f local");
        },
        &["local_from_afar sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| {
            console(it, "u2f local");
            it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so u2f local");
            it.remove("/etc/ssh");
        },
        &[],
    ),
    (|it| console(it, "cue"), &["bad_option login /etc/pam.d/login:2"]),
    (|it| console(it, "u2f local cue origin=pam://host nouserok"), &[]),
    (
        |it| console(it, "u2f local authfile=/etc/u2f_mappings"),
        &["no_key_file login /etc/pam.d/login:2"],
    ),
    (
        |it| {
            console(it, "u2f local authfile=/etc/u2f_mappings");
            it.write("/etc/u2f_mappings", "");
        },
        &[],
    ),
    (
        |it| {
            console(it, "u2f local authfile=/etc/u2f_mappings");
            it.write("/etc/u2f_mappings", "");
            it.chmod("/etc/u2f_mappings", 0o666);
        },
        &["wrong_mode - /etc/u2f_mappings"],
    ),
    (
        |it| {
            agent(it, "Defaults env_keep += SSH_AUTH_SOCK");
            it.sudo("ssh_agent", "ssh_agent authorized_keys=/etc/keys/%u");
            it.write("/etc/keys/alice", "");
            it.write("/etc/keys/bob", "");
            it.chmod("/etc/keys/bob", 0o664);
        },
        &["wrong_mode - /etc/keys/bob"],
    ),
    (|it| agent(it, "Defaults env_reset"), &["agent_not_kept sudo /etc/pam.d/sudo:2"]),
    (|it| agent(it, "Defaults env_keep += \"DISPLAY SSH_AUTH_SOCK\""), &[]),
    (|it| agent(it, "Defaults:alice lecture, env_keep=SSH_AUTH_*"), &[]),
    (|it| agent(it, "Defaults !env_reset"), &[]),
    (
        |it| agent(it, "Defaults env_keep -= \"SSH_AUTH_SOCK\""),
        &["agent_not_kept sudo /etc/pam.d/sudo:2"],
    ),
    (
        |it| agent(it, "Defaults env_keep += \"SSH_AUTH_SOCKET\""),
        &["agent_not_kept sudo /etc/pam.d/sudo:2"],
    ),
    (|it| trust(it, ""), &[]),
    (|it| trust(it, "user_readenv=0"), &[]),
    (|it| trust(it, "user_readenv=1"), &["user_environment_trusted sshd /etc/pam.d/sshd:6"]),
    (|it| trust(it, "user_readenv"), &["user_environment_trusted sshd /etc/pam.d/sshd:6"]),
    // Far below, in a file of another name, in another phase.
    (
        |it| {
            trust(it, "");
            it.write("/etc/pam.d/environment", "auth optional pam_env.so user_readenv=1\n");
            it.append("/etc/pam.d/common-auth", "auth substack environment");
        },
        &["user_environment_trusted sshd /etc/pam.d/sshd:6"],
    ),
    (
        |it| it.sshd("auth required pam_mfa.so", "auth required pam_mfa.so trust_auth_info"),
        &["option_misplaced sshd /etc/pam.d/sshd:2"],
    ),
    (
        |it| it.append("/etc/pam.d/sudo", "session required pam_mfa.so trust_auth_info"),
        &["option_misplaced sudo /etc/pam.d/sudo:6"],
    ),
    (
        |it| verified(it, BY_SSHD, ""),
        &[
            "ssh_key_unseen sshd /etc/ssh/sshd_config",
            "touch_not_demanded sshd /etc/ssh/sshd_config",
        ],
    ),
    (|it| verified(it, BY_SSHD, &format!("{METHODS}\nPubkeyAuthOptions touch-required")), &[]),
    // A key alone shows it to the session line, which believes it or does not.
    (
        |it| {
            verified(it, BY_SSHD, "PubkeyAuthOptions touch-required");
            trust(it, "");
        },
        &[],
    ),
    (
        |it| {
            let methods = "AuthenticationMethods keyboard-interactive,publickey";
            let options = "PubkeyAuthOptions verify-required,touch-required";
            verified(it, BY_SSHD, &format!("{methods}\n{options}"));
        },
        &["ssh_key_unseen sshd /etc/ssh/sshd_config:4"],
    ),
    (
        |it| {
            it.write("/etc/ssh/keys/alice", "");
            verified(it, BY_SSHD, &format!("{METHODS}\nAuthorizedKeysFile none /etc/ssh/keys/%u"));
        },
        &[],
    ),
    (
        |it| {
            it.write("/etc/ssh/keys/alice/keys", "");
            it.chmod("/etc/ssh/keys/alice", 0o775);
            verified(it, BY_SSHD, &format!("{METHODS}\nAuthorizedKeysFile /etc/ssh/keys/%u/keys"));
        },
        &["touch_not_demanded sshd /etc/ssh/sshd_config:5"],
    ),
    (
        |it| {
            it.write("/srv/keys/.keep", "");
            it.chmod("/srv", 0o777);
            verified(it, BY_SSHD, &format!("{METHODS}\nAuthorizedKeysFile /srv/keys/%u"));
        },
        &["touch_not_demanded sshd /etc/ssh/sshd_config:5"],
    ),
    (
        |it| {
            verified(
                it,
                BY_SSHD,
                &format!(
                    "{METHODS}\nAuthorizedKeysFile none\nAuthorizedKeysCommand /usr/bin/keys %u"
                ),
            );
        },
        &["touch_not_demanded sshd /etc/ssh/sshd_config:6"],
    ),
    (
        |it| {
            let everybody = format!("{METHODS}\nPubkeyAuthOptions touch-required");
            verified(it, BY_SSHD, &format!("{everybody}\nMatch User bob\nPubkeyAuthOptions none"));
        },
        &["touch_not_demanded sshd /etc/ssh/sshd_config:7"],
    ),
    (
        |it| {
            verified(it, BY_SSHD, METHODS);
            let said = "usepam yes\nauthenticationmethods publickey,keyboard-interactive\n\
                        pubkeyauthoptions touch-required\n";
            it.programs.borrow_mut().push(("sshd", said));
        },
        &[],
    ),
    // Who demands no touch need not be told.
    (|it| verified(it, "touch = \"unverified\"", METHODS), &[]),
    (|it| verified(it, "", METHODS), &["touch_unknown - /etc/pam_mfa/policy.toml:11"]),
    (
        |it| {
            verified(it, "", METHODS);
            let ca =
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7MEIp2Lr5EDXt9jTs2AAOhzYLHrSE2pSWRHHDlTNfV";
            it.replace(
                "/etc/pam_mfa/policy.toml",
                "recheck",
                &format!("ssh_ca = [\"{ca}\"]\nrecheck"),
            );
        },
        &[],
    ),
    (
        |it| {
            it.rule(
                "[[rule]]\nname = \"su\"\nservices = [\"su\"]\nrequire = [\"ssh-key\"]\n\
                 touch = \"sshd\"",
            );
        },
        &[],
    ),
];
