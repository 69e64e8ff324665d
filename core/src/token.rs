//! A one-time token by which a login's session phase knows that its auth phase has checked a code.
//!
//! Between the two sshd forgets all that a module keeps but variables, and a user can forge those
//! (pam_env(8), `user_readenv`). So a variable carries a random name, and the check is in the file of
//! that name in `/run/pam_mfa/checks`, root's alone: whoever is let in by it removes it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use crate::digest::digest;
use crate::random::{NoRandomness, Random};
use crate::reason::Reason;
use crate::store::{RunFile, Trouble};

/// How long a token is good, in seconds.
pub const GOOD_FOR: u64 = 600;

/// The most tokens that lie about: a session follows its auth at once, so none of the latest is lost.
const MOST: usize = 256;

/// The length of a token's name: 128 random bits in hexadecimal digits.
const LENGTH: usize = 32;

/// The directory.
const DIR: &str = "checks";

/// The version of what is in a file.
const VERSION: &str = "pam_mfa-check 1";

/// Whose login it is. A name may be forged or stolen, this not.
#[derive(Debug, Clone, Copy)]
pub struct Bearer<'a> {
    /// The name that the user database has.
    pub user: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// `PAM_RHOST` as it is, an address or a name; empty if there is none.
    pub remote: &'a str,
}

/// Leaves a token at `now`, in seconds since 1970, and removes old ones; its name.
///
/// # Errors
/// Why there is none, such as that this process is not root.
pub fn leave(
    run_dir: &Path,
    bearer: &Bearer,
    now: u64,
    random: &Random,
) -> Result<String, Trouble> {
    let mut bytes = [0; LENGTH / 2];
    random(&mut bytes).map_err(|NoRandomness| Trouble::new(Reason::Internal, "no randomness"))?;
    let name = HEXLOWER.encode(&bytes);
    let file = RunFile::find(run_dir, DIR, &name)?;
    sweep(&run_dir.join(DIR), now);
    file.replace(&bearer.text(&name, now))?;
    Ok(name)
}

/// Whether `name` is a token that `bearer` left, at most [`GOOD_FOR`] seconds before `now`. It is good
/// once, and gone then, also if it is old or was left for something else; another user's stays.
#[must_use]
pub fn consume(run_dir: &Path, name: &str, bearer: &Bearer, now: u64) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if name.len() != LENGTH || !name.bytes().all(is_digit) {
        return false;
    }
    let Ok(file) = RunFile::find(run_dir, DIR, name) else { return false };
    let text = file.read().unwrap_or_default();
    let (left, user) = read(&text).unwrap_or((0, bearer.user));
    if user != bearer.user {
        return false;
    }
    let is_good = now.checked_sub(left).is_some_and(|age| age <= GOOD_FOR)
        && *text == bearer.text(name, left).into_bytes();
    // Of two that try it, one removes it.
    file.remove() == Ok(true) && is_good
}

/// When a token was left, and by whom.
fn read(text: &[u8]) -> Option<(u64, &str)> {
    let mut lines = std::str::from_utf8(text).ok()?.strip_suffix('\n')?.splitn(4, '\n');
    let _version = lines.next()?;
    let left = lines.next()?.parse().ok()?;
    let _checksum = lines.next()?;
    Some((left, lines.next()?))
}

impl Bearer<'_> {
    /// Version, time, checksum and, last, since nobody knows what may be in it, the user.
    fn text(&self, name: &str, now: u64) -> String {
        let checksum = digest(&[
            VERSION.as_bytes(),
            name.as_bytes(),
            self.user.as_bytes(),
            self.service.as_bytes(),
            self.remote.as_bytes(),
            &now.to_be_bytes(),
        ]);
        format!("{VERSION}\n{now}\n{checksum}\n{}\n", self.user)
    }
}

/// Removes the tokens that nobody came for, and one more where there are too many. What cannot be
/// removed hinders nobody.
fn sweep(dir: &Path, now: u64) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut oldest: Option<(u64, PathBuf)> = None;
    let mut count = 0;
    // Others may be leaving some.
    for entry in entries.map_while(Result::ok).take(2 * MOST) {
        let Some(file) = entry.metadata().ok().filter(Metadata::is_file) else { continue };
        let left = file.mtime().unsigned_abs();
        if now.saturating_sub(left) > GOOD_FOR {
            let _ = fs::remove_file(entry.path());
            continue;
        }
        count += 1;
        // What a wrong clock has put into the future goes first: it would push out all that come later.
        let left = if left > now.saturating_add(GOOD_FOR) { 0 } else { left };
        if oldest.as_ref().is_none_or(|(other, _)| left < *other) {
            oldest = Some((left, entry.path()));
        }
    }
    if let Some((_, path)) = oldest.filter(|_| count >= MOST) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests;
