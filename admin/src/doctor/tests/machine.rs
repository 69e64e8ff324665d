//! In the clock, and in who has rights to what.

use super::*;

pub const MACHINES: &[Case] = &[
    (
        |it| it.remove("/run/systemd/timesync/synchronized"),
        &["clock_unsynchronised - /run/systemd/timesync"],
    ),
    (|it| it.remove("/run/systemd"), &["clock_unsynchronised - /run"]),
    (
        |it| {
            it.remove("/run/systemd");
            it.write("/run/ntpd.pid", "7");
        },
        &[],
    ),
    (
        |it| {
            it.write("/run/chrony/chronyd.pid", "7");
            it.programs.borrow_mut().push(("chronyc", "A,a,3,1.5,-240.1,0,0,0,0,0,0,0,0,Normal\n"));
        },
        &["clock_off - /run/chrony"],
    ),
    (
        |it| {
            it.write("/run/chrony/chronyd.pid", "7");
            it.programs
                .borrow_mut()
                .push(("chronyc", "A,a,3,1.5,0,0,0,0,0,0,0,0,0,Not synchronised\n"));
        },
        &["clock_unsynchronised - /run/chrony"],
    ),
    (
        |it| it.enrol("alice", 1000, Credential { created: Some(NOW + 600), ..totp(1, "phone") }),
        &["clock_off - /var/lib/pam_mfa/users/alice.toml"],
    ),
    // The code of the next step or two may have been used.
    (
        |it| it.enrol("alice", 1000, Credential { created: Some(NOW + 120), ..totp(1, "phone") }),
        &[],
    ),
    // What everybody may read may also be run.
    (|it| it.chmod("/usr/lib/x86_64-linux-gnu/security/pam_mfa.so", 0o755), &[]),
    (|it| it.chmod("/etc/pam_mfa/policy.toml", 0o664), &["wrong_mode - /etc/pam_mfa/policy.toml"]),
    (|it| it.chmod("/etc/pam_mfa", 0o777), &["wrong_mode - /etc/pam_mfa"]),
    (|it| it.chmod("/etc/pam.d/common-auth", 0o666), &["wrong_mode - /etc/pam.d/common-auth"]),
    (
        |it| it.chmod("/usr/lib/x86_64-linux-gnu/security/pam_mfa.so", 0o775),
        &["wrong_mode - /usr/lib/x86_64-linux-gnu/security/pam_mfa.so"],
    ),
    (
        |it| it.chmod("/var/lib/pam_mfa/state/alice", 0o640),
        &["wrong_mode - /var/lib/pam_mfa/state/alice"],
    ),
    (|it| it.chmod("/var/lib/pam_mfa/users", 0o755), &["wrong_mode - /var/lib/pam_mfa/users"]),
    (
        |it| it.write("/run/pam_mfa/failures", ""),
        &["wrong_mode - /run/pam_mfa", "wrong_mode - /run/pam_mfa/failures"],
    ),
    (
        |it| {
            it.write("/var/lib/totp/alice", "secret");
            it.sudo(
                "auth required pam_mfa.so",
                "auth required pam_mfa.so secret=/var/lib/totp/${USER}",
            );
        },
        &["secret_readable - /var/lib/totp/alice"],
    ),
    (|it| *it.file_system.borrow_mut() = 0x9123_683e, &["copy_on_write - /var/lib/pam_mfa"]),
];
