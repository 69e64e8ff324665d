//! pam_u2f's mapping, in which each line names a user and the user's security keys, as version 1.4 of it
//! reads it (its manual page, and what it was seen to do): `USER:KEY:KEY...`.

mod credential;
mod edit;

use crate::account::Key;
use crate::document::Mistake;

pub use edit::{add, remove};

/// How many keys of a user count unless `max_devices=` says otherwise.
pub const MAX_DEVICES: usize = crate::helper::MAX_KEYS;

/// Where a user's mapping is unless `authfile=` says otherwise, below the home. XDG_CONFIG_HOME, which the
/// user may have set, is not asked.
pub const USUAL_FILE: &str = ".config/Yubico/u2f_keys";

/// The relying party of keys on the machine of this name, unless `origin=` says otherwise.
#[must_use]
pub fn usual_origin(host: &str) -> String {
    format!("pam://{host}")
}

/// What the PAM line says of all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The relying party that keys were enrolled for, 1 to 255 bytes.
    pub origin: String,
    /// The same of keys in the format of pam_u2f before 1.1.
    pub appid: String,
    /// How many keys of a user count, at least 1; what comes after them is not even looked at.
    pub max_devices: usize,
    /// Each has to be touched; else only those whose line says so.
    pub touch: bool,
    /// Each has to know its user, by PIN or finger; else only those whose line says so.
    pub verification: bool,
    /// Each user is asked for the key's PIN; else only those whose line says so.
    pub pin: bool,
}

/// The keys of `user`, none if the mapping does not know the user; the user's last line counts.
///
/// # Errors
/// What is wrong with a line of the user: then none of the user's keys counts. Lines of others are not
/// looked at.
pub fn read(text: &[u8], user: &str, options: &Options) -> Result<Vec<Key>, Mistake> {
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let wrong = |cause: String| Mistake::in_line(number, cause);
        let Some(credentials) = credentials(line, user) else { continue };
        keys.clear();
        for (place, text) in (1..=options.max_devices).zip(credentials) {
            let key = credential::read(text, options);
            keys.push(key.map_err(|cause| wrong(format!("key {place}: {cause}")))?);
        }
        // Whoever wrote it did not get further: nobody has a line for nothing.
        if keys.is_empty() {
            return Err(wrong("no key behind the user".to_owned()));
        }
    }
    Ok(keys)
}

/// What stands behind the user, if this is a line of that user.
fn credentials<'a>(line: &'a [u8], user: &str) -> Option<impl Iterator<Item = &'a [u8]>> {
    let mut fields = fields(line.trim_ascii_end(), b':');
    (fields.next() == Some(user.as_bytes())).then_some(fields)
}

/// As strtok(3) takes a text apart: there are no empty fields.
fn fields(text: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |&byte| byte == delimiter).filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests;
