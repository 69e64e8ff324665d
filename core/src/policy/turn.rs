//! One change to a file in /etc/pam_mfa: commands take turns, and the file is replaced whole or not at
//! all.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::Uid;

use super::files::{self, MAX_SIZE};
use crate::reason::Reason;
use crate::store::{Deadline, Place, Shown, Trouble, Unreplaced, lock_path, make_dir, replace};

/// Nobody else's command changes the file before this is dropped. The file need not exist.
pub struct Turn {
    dir: PathBuf,
    name: &'static str,
    _lock: OwnedFd,
}

impl Turn {
    /// Waits for those who change `name` in `dir`, three seconds at most. The lock is kept in
    /// `run_dir`, which root alone can enter: one on what everybody may read, anybody could hold.
    ///
    /// # Errors
    /// [`Reason::Locked`] or [`Reason::CannotLock`].
    pub fn take(run_dir: &Path, dir: &Path, name: &'static str) -> Result<Self, Trouble> {
        let lock = lock_path(run_dir, &dir.join(name), Deadline::from_now())?;
        Ok(Self { dir: dir.to_owned(), name, _lock: lock })
    }

    /// The text; empty if there is none.
    ///
    /// # Errors
    /// Why it cannot be trusted or read. A symbolic link is neither followed nor replaced.
    pub fn read(&self) -> Result<Vec<u8>, Trouble> {
        Ok(files::read(&self.dir, self.name, Uid::effective())?.unwrap_or_default())
    }

    /// Puts a text in its place, for everybody to read. The directory is made if it is missing.
    ///
    /// What is returned says why the new text, which is in place, may not survive a crash.
    ///
    /// # Errors
    /// [`Reason::TooBig`] or [`Reason::CannotWrite`]; then nothing has changed.
    pub fn replace(&self, text: &[u8]) -> Result<Option<Trouble>, Trouble> {
        let path = self.dir.join(self.name);
        if u64::try_from(text.len()).map_or(true, |size| size > MAX_SIZE) {
            let why = format!("{}: {} bytes, at most {MAX_SIZE}", Shown(&path), text.len());
            return Err(Trouble::new(Reason::TooBig, why));
        }
        let failed = |errno| Trouble::system(Reason::CannotWrite, Shown(&path), errno);
        make_dir(&self.dir, 0o755).map_err(|error| failed(errno(&error)))?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let dir = open(&self.dir, flags, Mode::empty()).map_err(failed)?;
        let place = Place { dir, name: self.name.into() };
        let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP | Mode::S_IROTH;
        match replace(&place, text, mode, || Ok(())) {
            Ok(()) => Ok(None),
            Err(Unreplaced::New(error)) => Ok(Some(failed(errno(&error)))),
            Err(Unreplaced::Old(error)) => Err(failed(errno(&error))),
        }
    }

    /// Takes the file away, if there is one.
    ///
    /// # Errors
    /// [`Reason::CannotWrite`]; then it may still be there.
    pub fn remove(&self) -> Result<(), Trouble> {
        let path = self.dir.join(self.name);
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed.and_then(|()| File::open(&self.dir)?.sync_all()),
        };
        removed.map_err(|error| Trouble::system(Reason::CannotWrite, Shown(&path), errno(&error)))
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    use tempfile::TempDir;

    use crate::policy::BYPASS;

    #[test]
    fn the_directory_and_the_file_are_made_and_everybody_reads_them() {
        let here = TempDir::new().unwrap();
        let [run, etc] = ["run", "etc"].map(|name| here.path().join(name));
        let turn = Turn::take(&run, &etc, BYPASS).unwrap();
        assert_eq!(turn.read().unwrap(), b"");
        assert!(!etc.exists(), "whoever only looks makes nothing");
        for text in [&b"one"[..], b"", b"another"] {
            assert_eq!(turn.replace(text).unwrap(), None);
            assert_eq!(turn.read().unwrap(), text);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&etc), mode(&etc.join(BYPASS))), (0o755, 0o644));
        assert_eq!(fs::read_dir(&etc).unwrap().count(), 1, "nothing is left beside it");
        let too_big = usize::try_from(MAX_SIZE).unwrap() + 1;
        assert_eq!(turn.replace(&vec![b' '; too_big]).unwrap_err().reason, Reason::TooBig);
        assert_eq!(turn.read().unwrap(), b"another");
        for _ in 0..2 {
            turn.remove().unwrap();
            assert_eq!(fs::read_dir(&etc).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_link_is_neither_followed_nor_replaced() {
        let here = TempDir::new().unwrap();
        let [run, etc] = ["run", "etc"].map(|name| here.path().join(name));
        make_dir(&etc, 0o755).unwrap();
        fs::write(here.path().join("target"), "target").unwrap();
        symlink("../target", etc.join(BYPASS)).unwrap();
        let turn = Turn::take(&run, &etc, BYPASS).unwrap();
        assert_eq!(turn.read().unwrap_err().reason, Reason::SymlinkLoop);
    }
}
