//! What the other modules of a stack would say, which decides what the stack comes to.

use crate::pam_d::{Answer, Line};

/// Who stands at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// They have every password and token, or none at all.
    pub knows: bool,
    /// Conditions hold for them: they are in the group that is asked for, or root.
    pub fits: bool,
}

/// Modules that ask what somebody is, and not for anything.
const CONDITIONS: [&str; 11] = [
    "pam_access.so",
    "pam_exec.so",
    "pam_listfile.so",
    "pam_localuser.so",
    "pam_rootok.so",
    "pam_securetty.so",
    "pam_shells.so",
    "pam_succeed_if.so",
    "pam_time.so",
    "pam_usertype.so",
    "pam_wheel.so",
];

/// Modules that ask for nothing: they say so, unless something is wrong that has nothing to do with
/// who it is. Those that are not known are taken to ask.
const SILENT: [&str; 25] = [
    "pam_cap.so",
    "pam_echo.so",
    "pam_ecryptfs.so",
    "pam_env.so",
    "pam_faildelay.so",
    "pam_gnome_keyring.so",
    "pam_group.so",
    "pam_issue.so",
    "pam_keyinit.so",
    "pam_kwallet5.so",
    "pam_lastlog.so",
    "pam_limits.so",
    "pam_loginuid.so",
    "pam_mail.so",
    "pam_mkhomedir.so",
    "pam_motd.so",
    "pam_mount.so",
    "pam_namespace.so",
    "pam_nologin.so",
    "pam_selinux.so",
    "pam_systemd.so",
    "pam_tally2.so",
    "pam_umask.so",
    "pam_warn.so",
    "pam_xauth.so",
];

/// What a module that is not ours says of this person in auth.
pub fn auth(line: &Line, person: Person) -> Answer {
    let has = |option: &str| line.options.iter().any(|word| word == option);
    match line.name() {
        "pam_permit.so" => Answer::Success,
        "pam_deny.so" => Answer::Failure,
        "pam_faillock.so" if has("authfail") => Answer::Failure,
        "pam_faillock.so" if has("preauth") => Answer::Ignore,
        name if SILENT.contains(&name) => Answer::Ignore,
        name if CONDITIONS.contains(&name) => of(person.fits),
        _ => of(person.knows),
    }
}

/// What a module that is not ours says in account and session of somebody with whom all is well.
pub fn later(line: &Line, fits: bool) -> Answer {
    match line.name() {
        "pam_deny.so" => Answer::Failure,
        name if CONDITIONS.contains(&name) => of(fits),
        _ => Answer::Success,
    }
}

fn of(yes: bool) -> Answer {
    if yes { Answer::Success } else { Answer::Failure }
}
