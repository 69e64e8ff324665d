//! Changes of what is enrolled. They take turns with each other and with logins by the lock on the
//! state file.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{AccessFlags, Uid, UnlinkatFlags, faccessat, fsync, unlinkat};

use super::{Places, Presence, RULES, StateFile, SystemRecord, io_trouble};
use crate::reason::Reason;
use crate::record::Record;
use crate::state::State;
use crate::store::lock::Deadline;
use crate::store::replace::{Unreplaced, clear, replace};
use crate::store::slots::{self, Device};
use crate::store::{Place, Rights, Shown, Trouble, file};

/// What to do where a record has lost its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Nothing: what has been used is not known any more.
    Refuse,
    /// Make a new one: somebody has decided what shall count as used.
    Renew,
}

/// A record that nobody else can change, nor log in by, until this goes.
pub struct Edit<'a> {
    pub(super) of: &'a SystemRecord,
    places: Places,
    state_file: StateFile,
    record: Option<Record>,
    state: Option<State>,
}

impl SystemRecord {
    /// Whether a record could be made: there is none yet, and this process may write one. Writes nothing.
    ///
    /// # Errors
    /// Why not: [`Reason::NoRecords`], [`Reason::NeedsRoot`], [`Reason::Changed`] if there is one,
    /// or what the system says.
    pub fn check_vacant(&self) -> Result<(), Trouble> {
        let places = self.places()?;
        if self.presence(&places)? == Presence::Here {
            return Err(self.enrolled_meanwhile());
        }
        let access = AccessFlags::W_OK | AccessFlags::X_OK;
        for (place, path) in [(&places.record, self.path()), (&places.state, self.state_path())] {
            faccessat(&place.dir, ".", access, AtFlags::AT_EACCESS).map_err(|errno| {
                let is_barred = errno == Errno::EACCES && !Uid::effective().is_root();
                let reason = if is_barred { Reason::NeedsRoot } else { Reason::CannotWrite };
                Trouble::system(reason, Shown(&path), errno)
            })?;
        }
        Ok(())
    }

    /// Locks the place of a record that is to be the user's first.
    ///
    /// # Errors
    /// As [`SystemRecord::edit`], or [`Reason::Changed`] if there is one.
    pub fn edit_vacant(&self) -> Result<Edit<'_>, Trouble> {
        let edit = self.edit(Lost::Refuse)?;
        if edit.record.is_some() { Err(self.enrolled_meanwhile()) } else { Ok(edit) }
    }

    fn enrolled_meanwhile(&self) -> Trouble {
        Trouble::new(Reason::Changed, format!("{}: enrolled meanwhile", Shown(&self.path())))
    }

    /// Locks the record for a change. Where there is none, one can be made.
    ///
    /// # Errors
    /// Why it cannot be changed; with [`Lost::Refuse`] also that it has lost its state.
    pub fn edit(&self, lost: Lost) -> Result<Edit<'_>, Trouble> {
        let places = self.places()?;
        let deadline = Deadline::from_now();
        loop {
            let record = self.existing(&places)?;
            let may_create = record.is_none() || lost == Lost::Renew;
            let state_file = match self.open_state(&places.state, OFlag::O_RDWR) {
                Err(trouble) if trouble.reason == Reason::NoState && may_create => {
                    self.create_state(&places)?
                }
                // What a crash left before there was a record, or what is to be renewed.
                Err(trouble) if trouble.reason == Reason::BadState && may_create => {
                    self.empty_state(&places)?
                }
                opened => opened?,
            };
            if self.lock(&places, &state_file, deadline)? {
                return self.locked(places, state_file, lost);
            }
            if deadline.has_passed() {
                return Err(Trouble::new(
                    Reason::Changed,
                    format!("{}: again and again", Shown(&self.state_path())),
                ));
            }
        }
    }

    fn locked(
        &self,
        places: Places,
        mut state_file: StateFile,
        lost: Lost,
    ) -> Result<Edit<'_>, Trouble> {
        clear(&places.record);
        let record = self.existing(&places)?;
        let state = match self.read_state(&mut state_file.file) {
            Ok((_, state)) => Some(state),
            Err(trouble) if trouble.reason != Reason::BadState => return Err(trouble),
            Err(_) if record.is_none() || lost == Lost::Renew => None,
            Err(trouble) => return Err(trouble),
        };
        Ok(Edit { of: self, places, state_file, record, state })
    }

    fn existing(&self, places: &Places) -> Result<Option<Record>, Trouble> {
        match self.read_record_in(places) {
            Ok((_, record)) => Ok(Some(record)),
            Err(trouble) if trouble.reason == Reason::NoFile => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    fn create_state(&self, places: &Places) -> Result<StateFile, Trouble> {
        let path = self.state_path();
        let failed = |errno| Trouble::system(Reason::CannotWrite, Shown(&path), errno);
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let Place { dir, name } = &places.state;
        let fd = openat(dir, name.as_os_str(), flags, mode).map_err(failed)?;
        // The umask may have taken some of it.
        fchmod(&fd, mode).map_err(failed)?;
        let stat = fstat(&fd).map_err(failed)?;
        Ok(StateFile { file: File::from(fd), stat })
    }

    /// Opens a file that has the wrong size, but else is as it should be.
    fn empty_state(&self, places: &Places) -> Result<StateFile, Trouble> {
        let path = self.state_path();
        file::open_any_size(&places.state, OFlag::O_RDWR, Rights::of_caller(), RULES, Shown(&path))
    }
}

impl Edit<'_> {
    /// The record, if there is one.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Its state; `None` if there is none that can be read.
    #[must_use]
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Puts record and state in the place of the old ones; durable when this returns without an
    /// error.
    ///
    /// The state goes first, with what is new and what is old: whatever happens in between, each
    /// record finds its own in it. With a first record the user's ticket is void, before it is there.
    ///
    /// # Errors
    /// What could not be written. The old record stays, and counts.
    pub fn save(&mut self, record: Record, state: State) -> Result<(), Trouble> {
        let wrong = |why: String| Trouble::new(Reason::BadRecord, why);
        record.check().map_err(|mistake| wrong(mistake.to_string()))?;
        if self.record.is_none() {
            self.void_ticket()?;
        }
        let mut both = state.clone();
        if let Some(before) = &self.state {
            for (id, used) in &before.credentials {
                both.credentials.or_insert_with(*id, || used.clone());
            }
            for (id, counter) in &before.keys {
                both.keys.or_insert_with(*id, || *counter);
            }
            for (id, used) in &before.codes {
                both.codes.or_insert_with(*id, || 0);
                // Each set has its own order of codes: what is marked in one counts in neither.
                both.codes.get_mut(id).into_iter().for_each(|marks| *marks |= used);
            }
        }
        // So much may be new that both do not fit: then the old ones die a moment early.
        let both = Some(both).filter(|both| both.to_text().len() <= slots::MAX_BODY);
        let first = both.as_ref().unwrap_or(&state);
        self.put_state(first)?;
        if self.record.as_ref() != Some(&record) {
            self.put_record(&record)?;
        }
        if *first != state {
            self.put_state(&state)?;
        }
        self.record = Some(record);
        self.state = Some(state);
        Ok(())
    }

    /// Removes the record, and the state after it; durable when this returns without an error.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn remove(self) -> Result<(), Trouble> {
        unlink(&self.places.record, &self.of.path())?;
        unlink(&self.places.state, &self.of.state_path())
    }

    /// Leaves a tombstone: without a record the user counts as not enrolled, whatever the home
    /// holds. `why` is for people to read.
    ///
    /// # Errors
    /// That it could not be made.
    pub fn bury(&self, why: &str) -> Result<(), Trouble> {
        self.replace(&self.of.tombstone(), why.as_bytes())
    }

    /// Removes the tombstone, if there is one.
    ///
    /// # Errors
    /// That it could not be removed.
    pub fn unbury(&self) -> Result<(), Trouble> {
        let name = self.of.tombstone();
        let place = self.beside_record(&name)?;
        unlink(&place, &self.of.base.dir.join("users").join(name))
    }

    /// Whether there is a tombstone, besides the record.
    ///
    /// # Errors
    /// Nobody can tell.
    pub fn is_buried(&self) -> Result<bool, Trouble> {
        if self.record.is_none() {
            return Ok(self.of.presence(&self.places)? == Presence::Reset);
        }
        let path = self.of.base.dir.join("users").join(self.of.tombstone());
        path.try_exists().map_err(|error| io_trouble(Reason::Unreadable, Shown(&path), &error))
    }

    fn put_state(&mut self, state: &State) -> Result<(), Trouble> {
        let path = self.of.state_path();
        self.write_state(state)
            .map_err(|error| io_trouble(Reason::CannotWrite, Shown(&path), &error))
    }

    fn write_state(&mut self, state: &State) -> io::Result<()> {
        let file = &mut self.state_file.file;
        let text = state.to_text();
        let slots = file.read()?;
        if let (Ok(newest), Some(_)) = (slots::load(&slots), &self.state) {
            return slots::commit(file, newest, text.as_bytes());
        }
        let whole = slots::initial(text.as_bytes())?;
        file.write(0, &whole)?;
        file.set_len(u64::try_from(whole.len()).unwrap_or(u64::MAX))?;
        file.sync_all()?;
        sync_dir(&self.places.state)
    }

    fn put_record(&self, record: &Record) -> Result<(), Trouble> {
        self.replace(&self.of.record(), record.to_text().as_bytes())
    }

    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let place = self.beside_record(name)?;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        replace(&place, bytes, mode, || Ok(())).map_err(|failure| {
            let path = self.of.base.dir.join("users").join(name);
            match failure {
                Unreplaced::Old(error) => io_trouble(Reason::CannotWrite, Shown(&path), &error),
                Unreplaced::New(error) => io_trouble(Reason::NotDurable, Shown(&path), &error),
            }
        })
    }

    pub(super) fn beside_record(&self, name: &str) -> Result<Place, Trouble> {
        let failed = |error| io_trouble(Reason::CannotWrite, Shown(&self.of.path()), &error);
        let dir = self.places.record.dir.try_clone().map_err(failed)?;
        Ok(Place { dir, name: name.into() })
    }
}

pub(super) fn unlink(place: &Place, path: &Path) -> Result<(), Trouble> {
    match unlinkat(&place.dir, place.name.as_os_str(), UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(errno) => return Err(Trouble::system(Reason::CannotWrite, Shown(path), errno)),
    }
    sync_dir(place).map_err(|error| io_trouble(Reason::NotDurable, Shown(path), &error))
}

fn sync_dir(place: &Place) -> io::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(&place.dir, ".", flags, Mode::empty()).and_then(fsync)?)
}
