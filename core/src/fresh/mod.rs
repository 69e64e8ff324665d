//! Checks that still count: whoever typed a code a moment ago is not asked for another, where a rule
//! says so.
//!
//! A check counts for one user, service and place, and as long as the user has enrolled the same
//! ([`Enrolment`]). They are kept in `/run/pam_mfa/fresh/NAME`, root's alone, at most 16 a user; what is
//! lost of them costs one more code.

mod enrolment;
mod lines;
mod place;

use std::path::Path;

use crate::store::{RunFile, Trouble};
use crate::verify::Factor;

pub use enrolment::Enrolment;
pub use lines::Check;
pub use place::{Leader, Place};

/// The directory.
const DIR: &str = "fresh";

/// What a check counts for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The name that the user database has.
    pub user: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// Where the login comes from.
    pub place: &'a Place,
    /// What the user has enrolled.
    pub enrolment: Enrolment,
}

/// The latest check that still counts at `now`, in seconds since 1970: of a factor that `takes` holds
/// for, and less than `seconds` old. `None` also where nobody can tell.
#[must_use]
pub fn look(
    run_dir: &Path,
    scope: &Scope,
    takes: &dyn Fn(Factor) -> bool,
    seconds: u64,
    now: u64,
) -> Option<Check> {
    let text = file(run_dir, scope.user).ok()?.read()?;
    lines::find(&text, scope, &|check: Check| {
        // A check of a time to come was made by a clock that was wrong.
        let age = now.checked_sub(check.at);
        age.is_some_and(|age| age < seconds) && takes(check.factor)
    })
}

/// Remembers a check. A login for which an old one counted keeps no new one: it would never end.
///
/// # Errors
/// Why it is not remembered, such as that this process is not root.
pub fn keep(run_dir: &Path, scope: &Scope, check: Check) -> Result<(), Trouble> {
    let file = file(run_dir, scope.user)?;
    let _turn = file.lock(run_dir)?;
    let old = file.read().unwrap_or_default();
    file.replace(&lines::add(&old, scope, check))
}

/// Forgets all checks of a user, or those of one place; how many there were, old ones too.
///
/// # Errors
/// Why they may still count.
pub fn forget(run_dir: &Path, user: &str, place: Option<&Place>) -> Result<usize, Trouble> {
    let file = file(run_dir, user)?;
    let _turn = file.lock(run_dir)?;
    let old = file.read().unwrap_or_default();
    let before = lines::lines(&old).count();
    let Some(place) = place else { return file.remove().map(|_| before) };
    let rest = lines::without(&old, place.as_str());
    let after = lines::lines(rest.as_bytes()).count();
    if after != before {
        file.replace(&rest)?;
    }
    Ok(before.saturating_sub(after))
}

/// The users of whom checks are remembered, in order.
///
/// # Errors
/// Why nobody can tell.
pub fn users(run_dir: &Path) -> Result<Vec<String>, Trouble> {
    RunFile::users(run_dir, DIR)
}

fn file(run_dir: &Path, user: &str) -> Result<RunFile, Trouble> {
    RunFile::of_user(run_dir, DIR, user)
}

#[cfg(test)]
mod tests;
