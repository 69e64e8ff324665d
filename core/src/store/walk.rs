//! From a path to its last directory, opened, symbolic links resolved once and step by step.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::Uid;

use super::{Shown, Trouble};
use crate::reason::Reason;

/// As many as the kernel follows (path_resolution(7)).
const MAX_LINKS: u32 = 40;

/// A name in an opened directory; when it was looked up it was no symbolic link.
#[derive(Debug)]
pub struct Place {
    /// The directory, opened with `O_PATH`.
    pub dir: OwnedFd,
    /// What it has the file under.
    pub name: OsString,
}

/// Who may have had a hand in a path, besides root: whoever has can choose which file is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Anybody: what they choose is read and written with the user's rights only.
    Anybody,
    /// The symbolic links must be the user's.
    OwnLinks,
    /// The symbolic links must be the user's, and every directory in the user's hands alone.
    OwnPath,
}

/// Finds the directory that `path` really ends in. The last name need not exist.
///
/// # Errors
/// Why there is none, or none that `keeper` may trust, [`Reason::UnsafePath`].
pub fn locate(path: &Path, trust: Trust, keeper: Uid) -> Result<Place, Trouble> {
    let place = if trust == Trust::Anybody { plain(path) } else { None };
    place.map_or_else(|| walk(path, trust, keeper), Ok)
}

/// The usual case, in one step: the last name is no link, and whoever made others does not matter.
fn plain(path: &Path) -> Option<Place> {
    let (parent, name) = (path.parent()?, path.file_name()?);
    // As a walk takes it: nothing in front is this directory, a slash behind does not matter.
    let parent = if parent.as_os_str().is_empty() { start(path) } else { parent };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // Whatever the rights, this process's capabilities would open the way through the /proc of others.
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let dir = openat2(AT_FDCWD, parent, how).ok()?;
    let is_no_link = readlinkat(&dir, name) == Err(Errno::EINVAL);
    is_no_link.then(|| Place { dir, name: name.to_owned() })
}

fn walk(path: &Path, trust: Trust, keeper: Uid) -> Result<Place, Trouble> {
    let link_keeper = (trust != Trust::Anybody).then_some(keeper);
    let keeper = (trust == Trust::OwnPath).then_some(keeper);
    let shown = Shown(path);
    let failed = |errno: Errno| {
        let reason = match errno {
            Errno::ENOENT => Reason::NoDirectory,
            Errno::ELOOP => Reason::SymlinkLoop,
            _ => Reason::Unreadable,
        };
        Trouble::system(reason, shown, errno)
    };
    // Names still to be walked, the next one last.
    let mut ahead: Vec<OsString> = Vec::new();
    push(&mut ahead, path);
    let mut dir = open(start(path), DIRECTORY, Mode::empty()).map_err(failed)?;
    guard(&dir, keeper, path)?;
    let mut links = 0;
    loop {
        let Some(name) = ahead.pop() else {
            if path.as_os_str().is_empty() {
                return Err(failed(Errno::ENOENT));
            }
            return Err(Trouble::new(Reason::NotRegular, format!("{shown}: a directory")));
        };
        if !ahead.is_empty() {
            match openat(&dir, name.as_os_str(), DIRECTORY, Mode::empty()) {
                // Perhaps a link.
                Err(Errno::ENOTDIR) => {}
                entered => {
                    dir = entered.map_err(failed)?;
                    guard(&dir, keeper, path)?;
                    continue;
                }
            }
        }
        match readlinkat(&dir, name.as_os_str()) {
            Ok(mut target) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(failed(Errno::ELOOP));
                }
                if let Some(keeper) = link_keeper {
                    // The owner and the target of one link: under this name may be another by now.
                    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                    let link = openat(&dir, name.as_os_str(), flags, Mode::empty());
                    let link = link.map_err(failed)?;
                    owned(&fstat(&link).map_err(failed)?, keeper, path)?;
                    target = readlinkat(&link, "").map_err(failed)?;
                }
                let target = Path::new(&target);
                if target.is_absolute() {
                    dir = open(start(target), DIRECTORY, Mode::empty()).map_err(failed)?;
                }
                push(&mut ahead, target);
            }
            Err(Errno::EINVAL) if !ahead.is_empty() => return Err(failed(Errno::ENOTDIR)),
            // Not a link, or it does not exist.
            Err(Errno::EINVAL | Errno::ENOENT) if ahead.is_empty() => {
                return Ok(Place { dir, name });
            }
            Err(errno) => return Err(failed(errno)),
        }
    }
}

const DIRECTORY: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

fn start(path: &Path) -> &'static Path {
    Path::new(if path.is_absolute() { "/" } else { "." })
}

fn push(ahead: &mut Vec<OsString>, path: &Path) {
    ahead.extend(path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    }));
}

/// A directory others can write to is safe only if it is sticky: then entries stay who they are.
fn guard(dir: &OwnedFd, keeper: Option<Uid>, path: &Path) -> Result<(), Trouble> {
    let Some(keeper) = keeper else { return Ok(()) };
    let stat =
        fstat(dir).map_err(|errno| Trouble::system(Reason::Unreadable, Shown(path), errno))?;
    owned(&stat, keeper, path)?;
    let mode = Mode::from_bits_truncate(stat.st_mode);
    if mode.intersects(Mode::S_IWGRP | Mode::S_IWOTH) && !mode.contains(Mode::S_ISVTX) {
        let detail = format!("{}: a directory has mode {:04o}", Shown(path), mode.bits());
        return Err(Trouble::new(Reason::UnsafePath, detail));
    }
    Ok(())
}

fn owned(stat: &FileStat, keeper: Uid, path: &Path) -> Result<(), Trouble> {
    if stat.st_uid == 0 || stat.st_uid == keeper.as_raw() {
        return Ok(());
    }
    let detail = format!("{}: a part of it belongs to uid {}", Shown(path), stat.st_uid);
    Err(Trouble::new(Reason::UnsafePath, detail))
}
