//! The store for system records: what is enrolled is in `users/NAME.toml`, what has been used in
//! `state/NAME`. A login writes the second only, in place, and never more than its two slots.

mod base;
mod edit;
pub(super) mod name;
mod ticket;

use std::cell::OnceCell;
use std::fs::File;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::fstatat;
use nix::unistd::Uid;
use zeroize::Zeroizing;

use super::file::{self, StateFile};
use super::lock::{self, Deadline};
use super::replace::clear;
use super::slots::{self, Damage, Device};
use super::{Decide, Opened, Outcome, Place, Rights, Rules, Shown, Store, Trouble, Trust};
use crate::account::Account;
use crate::reason::Reason;
use crate::record::{self, Record};
use crate::seal;
use crate::state::State;
pub use base::Base;
pub(crate) use base::make_dir;
pub use edit::{Edit, Lost};

/// One user's system record.
#[derive(Debug, Clone)]
pub struct SystemRecord {
    base: Base,
    user: String,
    uid: Uid,
    /// The user's name as files are called.
    name: String,
}

/// Whether a user has a system record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// There is one.
    Here,
    /// There is none, and what the user's home holds does not count any more either.
    Reset,
    /// There is none.
    Absent,
    /// This host keeps no system records.
    NoRecords,
}

/// Where one user's files are, in directories that are open.
struct Places {
    record: Place,
    state: Place,
}

/// A record and its state as they were read, and the open state file.
struct Read {
    text: Zeroizing<Vec<u8>>,
    record: Record,
    state_file: StateFile,
    /// Why the state file can only be read, if that is so.
    unwritable: Option<Errno>,
    state: State,
}

impl SystemRecord {
    /// The record of the user of this name and id in the user database.
    ///
    /// # Errors
    /// [`Reason::BadUserName`] if no record can be called so.
    pub fn new(base: Base, user: &str, uid: Uid) -> Result<Self, Reason> {
        Ok(Self { base, user: user.to_owned(), uid, name: name::encode(user)? })
    }

    /// The same record, as the user of this id has it.
    #[must_use]
    pub fn of_uid(self, uid: Uid) -> Self {
        Self { uid, ..self }
    }

    /// Looks whether there is a record, without reading it.
    ///
    /// # Errors
    /// Nobody can tell.
    pub fn look(&self) -> Result<Presence, Trouble> {
        match self.places() {
            Ok(places) => self.presence(&places),
            Err(trouble) if trouble.reason == Reason::NoRecords => Ok(Presence::NoRecords),
            Err(trouble) => Err(trouble),
        }
    }

    fn places(&self) -> Result<Places, Trouble> {
        let (users, state) = self.base.open()?;
        Ok(Places {
            record: Place { dir: users, name: self.record().into() },
            state: Place { dir: state, name: self.name.clone().into() },
        })
    }

    fn presence(&self, places: &Places) -> Result<Presence, Trouble> {
        for (file, presence) in
            [(self.record(), Presence::Here), (self.tombstone(), Presence::Reset)]
        {
            match fstatat(&places.record.dir, file.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(_) => return Ok(presence),
                Err(Errno::ENOENT) => {}
                Err(errno) => {
                    let path = self.base.dir.join("users").join(file);
                    return Err(Trouble::system(Reason::Unreadable, Shown(&path), errno));
                }
            }
        }
        Ok(Presence::Absent)
    }

    /// The record's path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.base.dir.join("users").join(self.record())
    }

    /// The path of its state.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.base.dir.join("state").join(&self.name)
    }

    fn record(&self) -> String {
        format!("{}.toml", self.name)
    }

    fn ticket(&self) -> String {
        format!("{}.ticket", self.name)
    }

    fn tombstone(&self) -> String {
        format!("{}.gone", self.name)
    }

    /// Reads the record alone.
    ///
    /// # Errors
    /// Why there is none that can be used; [`Reason::NoFile`] if there positively is none.
    pub fn read_record(&self) -> Result<Record, Trouble> {
        self.read_record_in(&self.places()?).map(|(_, record)| record)
    }

    /// Reads record and state.
    ///
    /// # Errors
    /// As [`SystemRecord::read_record`], or what is wrong with the state.
    pub fn read(&self) -> Result<(Record, State), Trouble> {
        let Read { record, state, .. } = self.read_in(&self.places()?, OFlag::O_RDONLY)?;
        Ok((record, state))
    }

    /// The account that a login is judged by.
    fn account(&self, record: &Record, state: &State) -> Account {
        let key = OnceCell::new();
        let key = || {
            key.get_or_init(|| {
                self.base.host_key().map_err(|trouble| trouble.reason)?.ok_or(Reason::Sealed)
            })
        };
        record::account(record, state, &|sealed, context| match key() {
            Ok(key) => seal::open(sealed, key, context.as_bytes()),
            Err(reason) => Err(*reason),
        })
    }

    fn read_record_in(&self, places: &Places) -> Result<(Zeroizing<Vec<u8>>, Record), Trouble> {
        let path = self.path();
        let shown = Shown(&path);
        let opened = file::open(&places.record, OFlag::O_RDONLY, Rights::of_caller(), RULES, shown)
            .map_err(|trouble| {
                let is_barred = trouble.errno == Some(Errno::EACCES)
                    || matches!(trouble.reason, Reason::WrongOwner);
                if is_barred && !Uid::effective().is_root() {
                    return Trouble { reason: Reason::NeedsRoot, ..trouble };
                }
                trouble
            })?;
        let text = file::read(&opened, shown)?;
        let wrong = |reason, why| {
            let check = format!("see mfactl check {}", self.user);
            Err(Trouble::new(reason, format!("{shown}: {why}; {check}")))
        };
        match Record::read(&text) {
            Err(mistake) => wrong(mistake.reason(), mistake.to_string()),
            Ok(record) if record.user != self.user => {
                wrong(Reason::BadRecord, format!("it is the record of {:?}", record.user))
            }
            Ok(record) => Ok((text, record)),
        }
    }

    /// Reads all of it. A state file that cannot be opened for writing is opened for reading.
    fn read_in(&self, places: &Places, access: OFlag) -> Result<Read, Trouble> {
        let (text, record) = self.read_record_in(places)?;
        if record.uid != self.uid.as_raw() {
            let detail = format!(
                "{}: made for uid {}, and {} is {} now; see mfactl credential rebind {}",
                Shown(&self.path()),
                record.uid,
                self.user,
                self.uid,
                self.user
            );
            return Err(Trouble::new(Reason::UidChanged, detail));
        }
        let (mut state_file, unwritable) = match self.open_state(&places.state, access) {
            Err(Trouble { errno: Some(errno), .. })
                if access != OFlag::O_RDONLY && matches!(errno, Errno::EROFS | Errno::EACCES) =>
            {
                (self.open_state(&places.state, OFlag::O_RDONLY)?, Some(errno))
            }
            opened => (opened?, None),
        };
        let (_, state) = self.read_state(&mut state_file.file)?;
        Ok(Read { text, record, state_file, unwritable, state })
    }

    fn open_state(&self, place: &Place, access: OFlag) -> Result<StateFile, Trouble> {
        let path = self.state_path();
        file::open(place, access, Rights::of_caller(), RULES, Shown(&path)).map_err(|trouble| {
            let init = |reason| self.needs_init(reason, &trouble.detail);
            match trouble.reason {
                Reason::NoFile => init(Reason::NoState),
                Reason::EmptyFile | Reason::TooBig => init(Reason::BadState),
                _ => trouble,
            }
        })
    }

    fn read_state(&self, file: &mut File) -> Result<(Vec<u8>, State), Trouble> {
        let path = self.state_path();
        let shown = Shown(&path);
        let slots = file.read().map_err(|error| io_trouble(Reason::Unreadable, shown, &error))?;
        let damaged =
            |why: String| Err(self.needs_init(Reason::BadState, &format!("{shown}: {why}")));
        let state = match slots::load(&slots) {
            Err(newer @ Damage::Newer(_)) => {
                return Err(Trouble::new(Reason::NewerState, format!("{shown}: {newer}")));
            }
            Err(damage) => return damaged(damage.to_string()),
            Ok(newest) => State::read(newest.body),
        };
        match state {
            Ok(state) => Ok((slots, state)),
            Err(mistake) => damaged(mistake.to_string()),
        }
    }

    fn needs_init(&self, reason: Reason, what: &str) -> Trouble {
        Trouble::new(reason, format!("{what}; see mfactl state init {}", self.user))
    }

    /// Locks the state file, if it still has its name then.
    fn lock(&self, places: &Places, file: &StateFile, deadline: Deadline) -> Result<bool, Trouble> {
        let path = self.state_path();
        let shown = Shown(&path);
        match lock::lock(&file.file, deadline) {
            Ok(()) => {}
            Err(Errno::EWOULDBLOCK) => {
                return Err(Trouble::new(Reason::Locked, format!("{shown}: by another login")));
            }
            Err(errno) => return Err(Trouble::system(Reason::CannotLock, shown, errno)),
        }
        let named = fstatat(&places.state.dir, self.name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        match named {
            Ok(stat) => Ok((stat.st_dev, stat.st_ino) == (file.stat.st_dev, file.stat.st_ino)),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(Trouble::system(Reason::Unreadable, shown, errno)),
        }
    }
}

impl Store for SystemRecord {
    fn open(&self) -> Opened {
        let places = match self.places() {
            Ok(places) => places,
            Err(trouble) => return Opened::Broken(trouble),
        };
        match self.read_in(&places, OFlag::O_RDONLY) {
            Ok(read) => Opened::Enrolled(Box::new(self.account(&read.record, &read.state))),
            Err(trouble) if trouble.reason == Reason::NoFile => match self.presence(&places) {
                Ok(Presence::Reset) => {
                    Opened::NotEnrolled(Trouble { reason: Reason::Reset, ..trouble })
                }
                Ok(_) => Opened::NotEnrolled(trouble),
                Err(trouble) => Opened::Broken(trouble),
            },
            Err(trouble) => Opened::Broken(trouble),
        }
    }

    /// The decision is made before there is a lock, and made again if the record or its state is
    /// another by then. Who changes nothing needs no lock.
    fn transact(&self, decide: &mut Decide) -> Result<Outcome, Trouble> {
        let places = self.places()?;
        let mut read = self.read_in(&places, OFlag::O_RDWR)?;
        let (mut verdict, mut changes) = decide(&self.account(&read.record, &read.state));
        let deadline = Deadline::from_now();
        loop {
            if changes.is_empty() {
                return Ok(Outcome { verdict, written: Ok(()), warning: None });
            }
            let path = self.state_path();
            let shown = Shown(&path);
            if let Some(errno) = read.unwritable {
                let trouble = Trouble::system(Reason::CannotWrite, shown, errno);
                return Ok(Outcome { verdict, written: Err(trouble), warning: None });
            }
            let is_current = self.lock(&places, &read.state_file, deadline)?;
            let (text, record) = self.read_record_in(&places)?;
            let (slots, state) = self.read_state(&mut read.state_file.file)?;
            if !is_current || record.uid != read.record.uid {
                if deadline.has_passed() {
                    return Err(Trouble::new(Reason::Changed, format!("{shown}: again and again")));
                }
                read = self.read_in(&places, OFlag::O_RDWR)?;
                (verdict, changes) = decide(&self.account(&read.record, &read.state));
                continue;
            }
            clear(&places.record);
            if text != read.text || state != read.state {
                (verdict, changes) = decide(&self.account(&record, &state));
            }
            let written = put(&mut read.state_file.file, &slots, &record, state, &changes);
            let written = written.map_err(|error| io_trouble(Reason::CannotWrite, shown, &error));
            return Ok(Outcome { verdict, written, warning: None });
        }
    }

    fn shown(&self) -> String {
        Shown(&self.path()).to_string()
    }
}

fn put(
    file: &mut File,
    slots: &[u8],
    record: &Record,
    mut state: State,
    changes: &[crate::account::Change],
) -> std::io::Result<()> {
    for change in changes {
        state.apply(record, change);
    }
    let newest = slots::load(slots).map_err(std::io::Error::other)?;
    slots::commit(file, newest, state.to_text().as_bytes())
}

/// Root's alone.
const RULES: Rules = Rules { strict_owner: true, allowed_mode: 0o600, path: Trust::Anybody };

fn io_trouble(reason: Reason, shown: Shown, error: &std::io::Error) -> Trouble {
    match error.raw_os_error() {
        Some(errno) => Trouble::system(reason, shown, Errno::from_raw(errno)),
        None => Trouble::new(reason, format!("{shown}: {error}")),
    }
}

#[cfg(test)]
mod tests;
