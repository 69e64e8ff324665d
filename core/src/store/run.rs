//! Small files in `/run/pam_mfa`: root's alone, and gone with the next boot.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use zeroize::Zeroizing;

use super::lock::{self, Deadline, private_dir};
use super::replace::{Unreplaced, replace};
use super::system::name;
use super::{Place, Rights, Rules, Shown, Trouble, Trust, file};
use crate::reason::Reason;

/// One of them, whether or not it is there.
pub(crate) struct RunFile {
    place: Place,
    path: PathBuf,
}

impl RunFile {
    /// `name` in the directory `dir` of `run_dir`; both are made if they are missing.
    ///
    /// # Errors
    /// [`Reason::CannotWrite`]: they cannot be made, or are not this process's alone.
    pub(crate) fn find(run_dir: &Path, dir: &str, name: &str) -> Result<Self, Trouble> {
        let parent = run_dir.join(dir);
        let opened =
            private_dir(AT_FDCWD, run_dir).and_then(|run| private_dir(run.as_fd(), dir.as_ref()));
        let opened =
            opened.map_err(|errno| Trouble::system(Reason::CannotWrite, Shown(&parent), errno))?;
        Ok(Self { place: Place { dir: opened, name: name.into() }, path: parent.join(name) })
    }

    /// The file of a user.
    ///
    /// # Errors
    /// As [`RunFile::find`], or [`Reason::BadUserName`] if no file can be called so.
    pub(crate) fn of_user(run_dir: &Path, dir: &str, user: &str) -> Result<Self, Trouble> {
        let name = name::encode(user).map_err(|reason| Trouble::new(reason, ""))?;
        Self::find(run_dir, dir, &name)
    }

    /// The users who have a file there, in order.
    ///
    /// # Errors
    /// [`Reason::Unreadable`].
    pub(crate) fn users(run_dir: &Path, dir: &str) -> Result<Vec<String>, Trouble> {
        let dir = run_dir.join(dir);
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
                return Err(Trouble::system(Reason::Unreadable, Shown(&dir), errno));
            }
            Ok(entries) => entries,
        };
        let names = entries.map_while(Result::ok).map(|entry| entry.file_name());
        let mut users: Vec<_> = names.filter_map(|file| name::decode(file.to_str()?)).collect();
        users.sort();
        Ok(users)
    }

    /// Keeps others from changing it until what is returned goes.
    ///
    /// # Errors
    /// [`Reason::Locked`] or [`Reason::CannotLock`].
    pub(crate) fn lock(&self, run_dir: &Path) -> Result<OwnedFd, Trouble> {
        lock::lock_path(run_dir, &self.path, Deadline::from_now())
    }

    /// The text; `None` if there is none, or none that this process alone can have written.
    pub(crate) fn read(&self) -> Option<Zeroizing<Vec<u8>>> {
        let rules = Rules { strict_owner: true, allowed_mode: 0o600, path: Trust::Anybody };
        let shown = Shown(&self.path);
        let opened = file::open(&self.place, OFlag::O_RDONLY, Rights::of_caller(), rules, shown);
        file::read(&opened.ok()?, shown).ok()
    }

    /// Puts a text in the place of the old one, if there is one.
    ///
    /// # Errors
    /// [`Reason::CannotWrite`].
    pub(crate) fn replace(&self, text: &str) -> Result<(), Trouble> {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        replace(&self.place, text.as_bytes(), mode, || Ok(())).map_err(|failure| {
            let (Unreplaced::Old(error) | Unreplaced::New(error)) = failure;
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
            Trouble::system(Reason::CannotWrite, Shown(&self.path), errno)
        })
    }

    /// Removes it; `false` if it was not there. Of several who do, one was in time.
    ///
    /// # Errors
    /// [`Reason::CannotWrite`].
    pub(crate) fn remove(&self) -> Result<bool, Trouble> {
        match unlinkat(&self.place.dir, self.place.name.as_os_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(Trouble::system(Reason::CannotWrite, Shown(&self.path), errno)),
        }
    }
}
