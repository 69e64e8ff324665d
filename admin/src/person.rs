//! From a typed name to the record that it means.

use std::io::ErrorKind;

use mfa_core::record::Record;
use mfa_core::state::State;
use mfa_core::store::{Base, Edit, Lost, SystemRecord};
use nix::errno::Errno;
use nix::unistd::{Uid, User};

use crate::failure::{Failure, is_absent, is_lost};

/// Everyone who has a record; nobody where this host keeps none.
///
/// # Errors
/// [`Failure::Unlisted`].
pub fn everyone(base: &Base) -> Result<Vec<String>, Failure> {
    match base.users() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        users => users.map_err(|error| Failure::Unlisted(base.dir.clone(), error)),
    }
}

/// A user of this machine, or a record whose user is gone.
pub struct Person {
    /// As the user database spells it, or else as typed.
    pub name: String,
    /// As the user database has it; `None` if the user is gone.
    pub uid: Option<Uid>,
    /// Where the record is, or would be.
    pub record: SystemRecord,
}

impl Person {
    /// Looks up who `typed` is.
    ///
    /// # Errors
    /// There is neither such a user nor such a record.
    pub fn find(base: &Base, typed: &str) -> Result<Self, Failure> {
        let bad_name = |_| Failure::BadUserName(typed.to_owned());
        match User::from_name(typed) {
            Ok(Some(User { name, uid, .. })) => {
                let record = SystemRecord::new(base.clone(), &name, uid).map_err(bad_name)?;
                Ok(Self { name, uid: Some(uid), record })
            }
            Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => {
                // Nobody logs in by it: for what is done to it, it is its own.
                let of = |uid| SystemRecord::new(base.clone(), typed, uid).map_err(bad_name);
                let nobody = of(Uid::from_raw(u32::MAX))?;
                let record = match nobody.read_record() {
                    Err(trouble) if is_absent(&trouble) => {
                        return Err(Failure::UnknownUser(typed.to_owned()));
                    }
                    Ok(record) => of(Uid::from_raw(record.uid))?,
                    Err(_) => nobody,
                };
                Ok(Self { name: typed.to_owned(), uid: None, record })
            }
            Err(errno) => Err(Failure::UserDatabase(typed.to_owned(), errno)),
        }
    }

    /// Reads the record, which must be this person's.
    ///
    /// # Errors
    /// [`Failure::NoRecord`], [`Failure::UidChanged`], or what is wrong with it.
    pub fn read(&self) -> Result<Record, Failure> {
        match self.record.read_record() {
            Err(trouble) if is_absent(&trouble) => Err(Failure::NoRecord(self.name.clone())),
            read => self.owned(read?),
        }
    }

    /// Reads the state; `None` if it is lost.
    ///
    /// # Errors
    /// Why nobody can tell.
    pub fn read_state(&self) -> Result<Option<State>, Failure> {
        match self.record.read() {
            Ok((_, state)) => Ok(Some(state)),
            Err(trouble) if is_lost(&trouble) => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Locks the record, which must be there and this person's, for a change.
    ///
    /// # Errors
    /// As [`Person::read`], or why it cannot be changed.
    pub fn edit(&self, lost: Lost) -> Result<(Edit<'_>, Record), Failure> {
        // No state is made for what cannot be changed.
        self.read()?;
        let edit = self.record.edit(lost)?;
        let record = edit.record().cloned().ok_or_else(|| Failure::NoRecord(self.name.clone()))?;
        Ok((edit, self.owned(record)?))
    }

    /// Locks the record for a change. Where there is none it is a new one, which nothing has been
    /// enrolled in yet.
    ///
    /// # Errors
    /// As [`Person::edit`], and [`Failure::UserGone`].
    pub fn edit_or_create(&self, base: &Base) -> Result<(Edit<'_>, Record), Failure> {
        let uid = self.uid()?.as_raw();
        base.create().map_err(|error| Failure::Directory(base.dir.clone(), error))?;
        let edit = self.record.edit(Lost::Refuse)?;
        let record = edit.record().cloned().unwrap_or_else(|| Record::new(&self.name, uid));
        Ok((edit, self.owned(record)?))
    }

    /// The user id.
    ///
    /// # Errors
    /// [`Failure::UserGone`].
    pub fn uid(&self) -> Result<Uid, Failure> {
        self.uid.ok_or_else(|| Failure::UserGone(self.name.clone()))
    }

    fn owned(&self, record: Record) -> Result<Record, Failure> {
        match self.uid {
            Some(uid) if uid.as_raw() != record.uid => Err(Failure::UidChanged {
                user: self.name.clone(),
                was: record.uid,
                is: uid.as_raw(),
            }),
            _ => Ok(record),
        }
    }
}
