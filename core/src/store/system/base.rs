//! The directory that system records are kept in, and the names in it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::Uid;

use super::name;
use crate::reason::Reason;
use crate::seal::HostKey;
use crate::store::{Shown, Trouble, host_key};

/// `/var/lib/pam_mfa`, or another in its place.
#[derive(Debug, Clone)]
pub struct Base {
    /// The directory itself.
    pub dir: PathBuf,
    /// Where the host's key may be, the first that exists counts.
    pub keys: [PathBuf; 2],
}

impl Base {
    /// Records in `dir`; the host's key is `host.key` in `run_dir` or beside them.
    #[must_use]
    pub fn new(dir: &Path, run_dir: &Path) -> Self {
        let keys = [run_dir, dir].map(|dir| dir.join("host.key"));
        Self { dir: dir.to_owned(), keys }
    }

    /// Makes what is missing of the directories: they are made when the first user enrols, or by a
    /// package.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(&self) -> io::Result<()> {
        // Without its parts it would deny everybody's logins, so it gets its name with them.
        if !self.dir.exists() {
            let mut new = self.dir.clone().into_os_string();
            new.push("~mfa");
            let new = PathBuf::from(new);
            let named = make(&new).and_then(|()| fs::rename(&new, &self.dir));
            // Unless somebody else was quicker.
            if !self.dir.exists() {
                named?;
            }
            sync_parent(&self.dir)?;
        }
        make(&self.dir)
    }

    /// The host's key, which opens sealed secrets; `None` if positively there is none.
    ///
    /// # Errors
    /// As [`host_key`].
    pub fn host_key(&self) -> Result<Option<HostKey>, Trouble> {
        let paths: Vec<_> = self.keys.iter().map(PathBuf::as_path).collect();
        host_key(&paths)
    }

    /// The users who have a record, in order. Names that no user can have are left out.
    ///
    /// # Errors
    /// What the system says.
    pub fn users(&self) -> io::Result<Vec<String>> {
        self.named(".toml")
    }

    /// The users who have a tombstone, with a record or without, in order.
    ///
    /// # Errors
    /// What the system says.
    pub fn buried(&self) -> io::Result<Vec<String>> {
        self.named(".gone")
    }

    fn named(&self, ending: &str) -> io::Result<Vec<String>> {
        let mut users = Vec::new();
        for entry in fs::read_dir(self.dir.join("users"))? {
            let file = entry?.file_name();
            users.extend(
                file.to_str().and_then(|file| file.strip_suffix(ending)).and_then(name::decode),
            );
        }
        users.sort();
        Ok(users)
    }

    /// Opens `users` and `state`, which must be in root's hands alone.
    pub(super) fn open(&self) -> Result<(OwnedFd, OwnedFd), Trouble> {
        let shown = Shown(&self.dir);
        let base = open(&self.dir, DIRECTORY, Mode::empty()).map_err(|errno| {
            let reason = match errno {
                Errno::ENOENT => Reason::NoRecords,
                _ => Reason::Unreadable,
            };
            Trouble::system(reason, shown, errno)
        })?;
        guard(&base, &self.dir)?;
        Ok((enter(&base, &self.dir, "users")?, enter(&base, &self.dir, "state")?))
    }
}

fn make(base: &Path) -> io::Result<()> {
    for (dir, mode) in [("", 0o755), ("users", 0o711), ("state", 0o700)] {
        make_dir(&base.join(dir), mode)?;
    }
    Ok(())
}

/// Makes a directory durably, if it is missing.
///
/// # Errors
/// What the system says.
pub(crate) fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        done => done?,
    }
    // The umask may have taken some.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

const DIRECTORY: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

fn enter(base: &OwnedFd, path: &Path, name: &str) -> Result<OwnedFd, Trouble> {
    let path = path.join(name);
    let dir = openat(base, name, DIRECTORY, Mode::empty()).map_err(|errno| {
        let reason = if errno == Errno::ENOENT { Reason::NoDirectory } else { Reason::Unreadable };
        Trouble::system(reason, Shown(&path), errno)
    })?;
    guard(&dir, &path)?;
    Ok(dir)
}

/// Others who can write to it could put anybody's record there.
fn guard(dir: &OwnedFd, path: &Path) -> Result<(), Trouble> {
    let failed = |errno| Trouble::system(Reason::Unreadable, Shown(path), errno);
    let stat = fstat(dir).map_err(failed)?;
    let mode = Mode::from_bits_truncate(stat.st_mode);
    let is_ours = stat.st_uid == 0 || stat.st_uid == Uid::effective().as_raw();
    if is_ours && !mode.intersects(Mode::S_IWGRP | Mode::S_IWOTH) {
        return Ok(());
    }
    let detail = format!("{}: owned by uid {}, mode {:04o}", Shown(path), stat.st_uid, mode.bits());
    Err(Trouble::new(Reason::UnsafePath, detail))
}
