//! In what is kept of people.

use super::*;

pub const PEOPLE: &[Case] = &[
    (|it| it.remove("/var/lib/pam_mfa/state"), &["no_directory - /var/lib/pam_mfa/state"]),
    (
        |it| it.enrol("ghost", 1001, totp(2, "phone")),
        &["record_without_account - /var/lib/pam_mfa/users/ghost.toml"],
    ),
    // A database that is down does not say that somebody is gone.
    (|it| it.enrol("down", 1001, totp(2, "phone")), &[]),
    (
        |it| it.enrol("root", 1002, totp(2, "phone")),
        &["uid_changed - /var/lib/pam_mfa/users/root.toml"],
    ),
    (
        |it| it.remove("/var/lib/pam_mfa/state/alice"),
        &["record_without_state - /var/lib/pam_mfa/state/alice"],
    ),
    (
        |it| {
            let path = it.at("/var/lib/pam_mfa/users/alice.toml");
            fs::write(path, "version = 1\n").unwrap();
        },
        &["bad_record - /var/lib/pam_mfa/users/alice.toml"],
    ),
    (
        |it| {
            let users = it.at("/var/lib/pam_mfa/users");
            fs::rename(users.join("alice.toml"), users.join("alice.gone")).unwrap();
            it.write("/home/alice/.google_authenticator", "");
        },
        &["home_file_left - /home/alice/.google_authenticator"],
    ),
    (|it| it.write("/home/alice/.google_authenticator", ""), &[]),
    (
        |it| {
            it.write("/root/.google_authenticator", "");
            it.sudo("auth required pam_mfa.so", "auth required pam_mfa.so store=system");
        },
        &["home_file_ignored - /root/.google_authenticator"],
    ),
    (
        |it| {
            it.write("/root/.google_authenticator", "");
            it.replace(
                "/etc/pam_mfa/policy.toml",
                "version = 1",
                "version = 1\nstore = \"system\"",
            );
        },
        &["home_file_ignored - /root/.google_authenticator"],
    ),
];
