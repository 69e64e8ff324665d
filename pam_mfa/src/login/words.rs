//! What the person is told, besides the prompt.

use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use mfa_core::verify::Denied;
use nix::errno::Errno;

use crate::pam::Host;

/// Tells the person what waiting can mend; `false` if there is nothing of the kind.
///
/// Nothing is said of a code that belongs to another time: who guesses would learn a code that
/// will be good.
pub(super) fn explain(host: &mut impl Host, denied: Denied) -> bool {
    let text = match (denied.reason, denied.wait) {
        (Reason::Reused, Some(0)) => "That code has been used; enter the one shown now".to_owned(),
        (Reason::Reused, Some(wait)) => {
            format!("That code has been used; the next one comes in {wait} s")
        }
        (Reason::Reused, None) => "That code has been used; get a new one".to_owned(),
        (Reason::RateLimited, Some(wait)) => format!("Too many attempts; try again in {wait} s"),
        (
            Reason::Locked
            | Reason::CannotLock
            | Reason::Changed
            | Reason::NotDurable
            | Reason::CannotWrite,
            _,
        ) => "The code could not be checked; try again later, or ask the administrator".to_owned(),
        _ => return false,
    };
    host.tell(&text);
    true
}

/// Tells a person who confirmed a new secret that it counts for nothing.
pub(super) fn not_enrolled(host: &mut impl Host) {
    host.tell("The enrolment could not be kept: remove it from the app, and ask the administrator");
}

/// Tells the person of trouble that the administrator has to mend.
pub(super) fn unwritten(host: &mut impl Host, trouble: &Trouble) {
    if let Some(
        errno @ (Errno::EPERM
        | Errno::EACCES
        | Errno::ENOSPC
        | Errno::EROFS
        | Errno::EIO
        | Errno::EFBIG
        | Errno::EDQUOT),
    ) = trouble.errno
    {
        host.tell(&format!("Error \"{}\" while writing config", errno.desc()));
    }
}
