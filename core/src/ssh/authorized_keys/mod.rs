//! Files of keys in OpenSSH's format (sshd(8), AUTHORIZED_KEYS FILE FORMAT), kept by root: what users
//! write themselves is no second factor.

mod expiry;
mod options;

use std::path::Path;

use nix::unistd::{Gid, Uid};

use super::{Line, SkKey};
use crate::account::{Counter, Key, Port};
use crate::store::{Rights, Rules, Shown, Trouble, Trust, locate, read_any_size};
use options::Options;

/// The largest file that is read, in bytes.
pub const MAX_SIZE: u64 = 1 << 20;

/// The keys in a file that belongs to `owner`, root on a host, and that nobody else can write or
/// replace, by any directory or symbolic link of its path. `now` is in seconds since 1970.
///
/// # Errors
/// Why it cannot be trusted or read; [`crate::reason::Reason::NoFile`] or
/// [`crate::reason::Reason::NoDirectory`] if there is none.
pub fn open(path: &Path, owner: Uid, now: u64) -> Result<Vec<Key>, Trouble> {
    let place = locate(path, Trust::OwnPath, owner)?;
    let rights = Rights { uid: owner, gid: Gid::effective() };
    let rules = Rules { strict_owner: true, allowed_mode: 0o755, path: Trust::OwnPath };
    let text = read_any_size(&place, rights, rules, MAX_SIZE, Shown(path))?;
    Ok(read(&String::from_utf8_lossy(&text), now))
}

/// The keys in the text of a file, in its order. A line counts only if it is one of a security key and
/// has no options but those that say how it may be used (`no-touch-required`, `verify-required`), that
/// it is good no more (`expiry-time`), or what a session may do besides (`restrict`, `no-pty` and the
/// like); with any other option, known to sshd or not, it is not for everything that is asked here.
#[must_use]
pub fn read(text: &str, now: u64) -> Vec<Key> {
    text.lines().filter_map(|line| key(line.trim_ascii(), now)).collect()
}

fn key(line: &str, now: u64) -> Option<Key> {
    if line.starts_with('#') {
        return None;
    }
    let plain = Line::read(line).ok().map(|line| (Options::default(), line));
    let (options, line) = plain.or_else(|| {
        let (options, line) = options::split(line)?;
        Some((Options::read(options)?, Line::read(line).ok()?))
    })?;
    if options.expiry.is_some_and(|expiry| expiry <= now) {
        return None;
    }
    let SkKey { public, application } = SkKey::of_blob(&line.blob).ok()?;
    Some(Key {
        name: Some(line.comment).filter(|name| !name.is_empty()).map(str::to_owned),
        port: Port::Ssh,
        public,
        application,
        touch: options.touch,
        verification: options.verification,
        counter: Counter::Unchecked,
    })
}

#[cfg(test)]
mod tests;
