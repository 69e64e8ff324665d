//! The files in /etc/pam_mfa, as far as they can be trusted.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{Gid, Uid};

use super::{Bypass, Mistake, Policy, bypass};
use crate::reason::Reason;
use crate::store::{Place, Rights, Rules, Shown, Trouble, Trust, read_any_size};

/// The name of the policy.
pub const POLICY: &str = "policy.toml";

/// The name of the bypass list.
pub const BYPASS: &str = "bypass.toml";

/// The largest file that is read, in bytes.
pub const MAX_SIZE: u64 = 1 << 20;

/// What the administrator has laid down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// `None` where there is none: then nothing is another than google-authenticator made it.
    pub policy: Option<Policy>,
    /// Empty where there is no list.
    pub bypasses: Vec<Bypass>,
}

impl Files {
    /// Reads what there is in a directory, all of which must belong to `owner`, root on a host, and
    /// be writable by nobody else.
    ///
    /// # Errors
    /// Why it cannot be trusted, read or understood.
    pub fn read(dir: &Path, owner: Uid) -> Result<Self, Trouble> {
        let understand = |name, error: Mistake| {
            let reason = if error.is_newer { Reason::NewerPolicy } else { Reason::BadPolicy };
            Trouble::new(reason, format!("{}: {error}", Shown(&dir.join(name))))
        };
        let policy = match read(dir, POLICY, owner)? {
            Some(text) => Some(Policy::read(&text).map_err(|error| understand(POLICY, error))?),
            None => None,
        };
        let bypasses = match read(dir, BYPASS, owner)? {
            Some(text) => bypass::read(&text).map_err(|error| understand(BYPASS, error))?,
            None => Vec::new(),
        };
        Ok(Self { policy, bypasses })
    }
}

/// The text of one file; `None` if it or the directory positively is not there.
///
/// # Errors
/// Why it cannot be trusted or read.
pub fn read(dir: &Path, name: &str, owner: Uid) -> Result<Option<Vec<u8>>, Trouble> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let unreadable = |errno| Trouble::system(Reason::Unreadable, Shown(dir), errno);
    let opened = match open(dir, flags, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    let stat = fstat(&opened).map_err(unreadable)?;
    let mode = stat.st_mode & 0o7777;
    if stat.st_uid != owner.as_raw() || mode & 0o022 != 0 {
        let why = format!("{}: owned by uid {}, mode {mode:04o}", Shown(dir), stat.st_uid);
        return Err(Trouble::new(Reason::UnsafePath, why));
    }
    let rights = Rights { uid: owner, gid: Gid::effective() };
    let rules = Rules { strict_owner: true, allowed_mode: 0o755, path: Trust::Anybody };
    let path = dir.join(name);
    let place = Place { dir: opened, name: name.into() };
    match read_any_size(&place, rights, rules, MAX_SIZE, Shown(&path)) {
        Err(trouble) if trouble.reason == Reason::NoFile => Ok(None),
        text => text.map(Some),
    }
}
