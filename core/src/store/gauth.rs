//! The store for one google-authenticator file.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::Uid;
use zeroize::Zeroizing;

use super::file::{self, StateFile};
use super::lock::{self, Deadline};
use super::replace::{Unreplaced, clear, is_clear, replace};
use super::walk::{Place, Trust, locate};
use super::{Decide, Opened, Outcome, Presence, Rights, Shown, Store, SystemRecord, Trouble};
use crate::account::{Account, Change};
use crate::gauth;
use crate::reason::Reason;

/// As the original leaves it.
const MODE: Mode = Mode::S_IRUSR;

/// What a file must be like, from the options of the PAM line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The file must belong to the identity that reads it.
    pub strict_owner: bool,
    /// The mode bits a file may have, 0600 by default.
    pub allowed_mode: u32,
    /// Who may have had a hand in the path.
    pub path: Trust,
}

/// One state file, and whose rights it is read and written with.
#[derive(Debug, Clone)]
pub struct GauthFile {
    /// Where it is; symbolic links are followed and stay.
    pub path: PathBuf,
    /// With whose rights.
    pub rights: Rights,
    /// What it must be like.
    pub rules: Rules,
    /// Where root's locks are, `/run/pam_mfa`.
    pub run_dir: PathBuf,
    /// The record that takes the file's place once it is there: what the file says has been used
    /// counts there, too, so nothing may be used here any more.
    pub overtaken_by: Option<SystemRecord>,
}

impl Store for GauthFile {
    fn open(&self) -> Opened {
        match self.rights.run(|| self.read()).and_then(|read| read) {
            Ok((_, text)) => Opened::Enrolled(Box::new(gauth::parse(&text))),
            Err(trouble) => match trouble.reason {
                Reason::NoFile | Reason::NoDirectory => Opened::NotEnrolled(trouble),
                _ => Opened::Broken(trouble),
            },
        }
    }

    /// The decision is made before there is a lock, and made again if the file is another by then.
    /// Who changes nothing needs no lock.
    fn transact(&self, decide: &mut Decide) -> Result<Outcome, Trouble> {
        let (text, (verdict, changes), clear) = self.rights.run(|| {
            let (place, text) = self.read()?;
            let decided = decide(&gauth::parse(&text));
            Ok((text, decided, is_clear(&place)))
        })??;
        if clear && changes.is_empty() {
            return Ok(Outcome { verdict, written: Ok(()), warning: None });
        }
        let deadline = Deadline::from_now();
        let (path_lock, warning) = self.lock_path(deadline)?;
        self.rights.run(|| {
            let (place, opened) = self.lock_file(deadline, path_lock.is_some())?;
            self.check_not_overtaken()?;
            let current = file::read(&opened, self.shown_path())?;
            let is_same = current == text;
            let (verdict, changes) =
                if is_same { (verdict, changes) } else { decide(&gauth::parse(&current)) };
            let written = self.write(&place, &opened, current, &changes);
            Ok(Outcome { verdict, written, warning })
        })?
    }

    fn shown(&self) -> String {
        self.shown_path().to_string()
    }
}

impl GauthFile {
    fn shown_path(&self) -> Shown<'_> {
        Shown(&self.path)
    }

    /// The file of the person who runs this process, whoever's it was and whatever its mode: to be
    /// replaced. Links that others made are not followed: they would choose what root overwrites.
    #[must_use]
    pub fn of_caller(path: PathBuf) -> Self {
        Self {
            path,
            rights: Rights::of_caller(),
            rules: Rules { strict_owner: false, allowed_mode: 0o7777, path: Trust::OwnLinks },
            run_dir: PathBuf::from("/run/pam_mfa"),
            overtaken_by: None,
        }
    }

    /// Reads the account. Until what is returned with it goes, no login uses anything of it up.
    ///
    /// # Errors
    /// As [`Store::open`], all in one.
    pub fn hold(&self) -> Result<(Account, impl Sized + use<>), Trouble> {
        let deadline = Deadline::from_now();
        let (path_lock, _) = self.lock_path(deadline)?;
        let (text, opened) = self.rights.run(|| {
            let (_, opened) = self.lock_file(deadline, path_lock.is_some())?;
            Ok((file::read(&opened, self.shown_path())?, opened))
        })??;
        Ok((gauth::parse(&text), (path_lock, opened)))
    }

    /// Puts a new file in the place of the old one, if there is one, with mode 0400.
    ///
    /// # Errors
    /// The old file is as it was; the reason says why.
    pub fn install(&self, bytes: &[u8]) -> Result<(), Trouble> {
        let deadline = Deadline::from_now();
        self.rights.run(|| {
            // What no login can read, none can be changing; where there are no locks, a login that
            // does is told that the file has changed.
            let (place, _locked) = match self.lock_file(deadline, true) {
                Ok((place, opened)) => (place, Some(opened)),
                Err(trouble) => match trouble.reason {
                    Reason::NoFile | Reason::EmptyFile | Reason::TooBig | Reason::Unreadable => {
                        (self.locate()?, None)
                    }
                    _ => return Err(trouble),
                },
            };
            replace(&place, bytes, MODE, || Ok(())).map_err(|failure| self.unwritten(&failure))
        })?
    }

    fn read(&self) -> Result<(Place, Zeroizing<Vec<u8>>), Trouble> {
        let place = self.locate()?;
        let opened =
            file::open(&place, OFlag::O_RDONLY, self.rights, self.rules, self.shown_path())?;
        let text = file::read(&opened, self.shown_path())?;
        Ok((place, text))
    }

    fn locate(&self) -> Result<Place, Trouble> {
        locate(&self.path, self.rules.path, self.rights.uid)
    }

    /// Root's own lock; others have none. Where there can be none, why not.
    fn lock_path(&self, deadline: Deadline) -> Result<(Option<OwnedFd>, Option<Trouble>), Trouble> {
        if !Uid::effective().is_root() {
            return Ok((None, None));
        }
        match lock::lock_path(&self.run_dir, &self.path, deadline) {
            Ok(lock) => Ok((Some(lock), None)),
            Err(trouble) if trouble.reason == Reason::CannotLock => Ok((None, Some(trouble))),
            Err(trouble) => Err(trouble),
        }
    }

    /// Asked below the lock, which whoever imports the file holds until the record is there.
    fn check_not_overtaken(&self) -> Result<(), Trouble> {
        match self.overtaken_by.as_ref().map(SystemRecord::look).transpose()? {
            None | Some(Presence::Absent | Presence::NoRecords) => Ok(()),
            Some(Presence::Here | Presence::Reset) => {
                let detail = format!("{}: a system record took its place", self.shown_path());
                Err(Trouble::new(Reason::Changed, detail))
            }
        }
    }

    /// Opens the file and locks it: the one that has the name once the lock is held.
    fn lock_file(
        &self,
        deadline: Deadline,
        path_locked: bool,
    ) -> Result<(Place, StateFile), Trouble> {
        loop {
            let place = self.locate()?;
            let opened =
                file::open(&place, OFlag::O_RDONLY, self.rights, self.rules, self.shown_path())?;
            match lock::lock(&opened.file, deadline) {
                Ok(()) => {}
                // Others cannot be kept out, but are noticed before the file is replaced.
                Err(errno) if path_locked && lock::is_unsupported(errno) => {}
                // Whoever may read the file can hold its lock for ever.
                Err(Errno::EWOULDBLOCK) if path_locked && opened.stat.st_mode & 0o044 != 0 => {}
                Err(Errno::EWOULDBLOCK) => return Err(self.locked()),
                Err(errno) => {
                    return Err(Trouble::system(Reason::CannotLock, self.shown_path(), errno));
                }
            }
            match file::is_current(&place, &opened.stat) {
                Ok(true) => return Ok((place, opened)),
                Ok(false) if deadline.has_passed() => return Err(self.locked()),
                Ok(false) => {}
                Err(errno) => {
                    return Err(Trouble::system(Reason::Unreadable, self.shown_path(), errno));
                }
            }
        }
    }

    fn locked(&self) -> Trouble {
        Trouble::new(Reason::Locked, format!("{}: by another program", self.shown_path()))
    }

    fn write(
        &self,
        place: &Place,
        opened: &StateFile,
        text: Zeroizing<Vec<u8>>,
        changes: &[Change],
    ) -> Result<(), Trouble> {
        if changes.is_empty() {
            clear(place);
            return Ok(());
        }
        let text = changes.iter().fold(text, |text, change| gauth::apply(&text, change));
        // The next login would not read it.
        if u64::try_from(text.len()).map_or(true, |size| size > gauth::MAX_SIZE) {
            return Err(Trouble::system(Reason::CannotWrite, self.shown_path(), Errno::EFBIG));
        }
        let mut outdated = false;
        let unchanged = || {
            outdated = !file::is_current(place, &opened.stat)?;
            if outdated { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        };
        let replaced = replace(place, &text, MODE, unchanged);
        replaced.map_err(|failure| {
            if outdated {
                Trouble::new(Reason::Changed, self.shown_path().to_string())
            } else {
                self.unwritten(&failure)
            }
        })
    }

    fn unwritten(&self, failure: &Unreplaced) -> Trouble {
        let (reason, error) = match failure {
            Unreplaced::Old(error) => (Reason::CannotWrite, error),
            Unreplaced::New(error) => (Reason::NotDurable, error),
        };
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
        Trouble::system(reason, self.shown_path(), errno)
    }
}
