//! The files in /etc/pam_mfa, as far as they can be trusted.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{Gid, Uid};

use super::trial::{TRIAL, Trial, boot_id};
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
    /// be writable by nobody else. `now`, in seconds since 1970, says which policy counts if one is on
    /// trial.
    ///
    /// # Errors
    /// Why it cannot be trusted, read or understood.
    pub fn read(dir: &Path, owner: Uid, now: u64) -> Result<Self, Trouble> {
        let policy = match in_force(trial(dir, owner)?.as_ref(), now) {
            Some(name) => match read(dir, name, owner)? {
                Some(text) => Some(Policy::read(&text).map_err(|it| misread(dir, name, &it))?),
                None if name == POLICY => None,
                None => return Err(misread(dir, name, &Mistake::new("missing"))),
            },
            None => None,
        };
        let bypasses = match read(dir, BYPASS, owner)? {
            Some(text) => bypass::read(&text).map_err(|it| misread(dir, BYPASS, &it))?,
            None => Vec::new(),
        };
        Ok(Self { policy, bypasses })
    }
}

/// The trial in the directory, if there is one, over or not.
///
/// # Errors
/// Why it cannot be trusted, read or understood.
pub fn trial(dir: &Path, owner: Uid) -> Result<Option<Trial>, Trouble> {
    let Some(text) = read(dir, TRIAL, owner)? else { return Ok(None) };
    Trial::read(&text).map(Some).map_err(|it| misread(dir, TRIAL, &it))
}

/// The name of the file that holds the policy at `now`, in seconds since 1970; `None` for no policy.
#[must_use]
pub fn in_force(trial: Option<&Trial>, now: u64) -> Option<&'static str> {
    trial.map_or(Some(POLICY), |trial| trial.in_force(now, &boot_id()))
}

fn misread(dir: &Path, name: &str, mistake: &Mistake) -> Trouble {
    let reason = if mistake.is_newer { Reason::NewerPolicy } else { Reason::BadPolicy };
    Trouble::new(reason, format!("{}: {mistake}", Shown(&dir.join(name))))
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
