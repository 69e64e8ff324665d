//! From a typed name to the record that it means.

use mfa_core::record::Record;
use mfa_core::store::{Base, Edit, Lost, SystemRecord};
use nix::errno::Errno;
use nix::unistd::{Uid, User};

use crate::failure::{Failure, is_absent};

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
                // The uid does not matter: nobody logs in by it.
                let nobody = Uid::from_raw(u32::MAX);
                let record = SystemRecord::new(base.clone(), typed, nobody).map_err(bad_name)?;
                match record.read_record() {
                    Err(trouble) if is_absent(&trouble) => {
                        Err(Failure::UnknownUser(typed.to_owned()))
                    }
                    _ => Ok(Self { name: typed.to_owned(), uid: None, record }),
                }
            }
            Err(errno) => Err(Failure::UserDatabase(typed.to_owned(), errno)),
        }
    }

    /// Reads the record.
    ///
    /// # Errors
    /// [`Failure::NoRecord`], or what is wrong with it.
    pub fn read(&self) -> Result<Record, Failure> {
        match self.record.read_record() {
            Err(trouble) if is_absent(&trouble) => Err(Failure::NoRecord(self.name.clone())),
            read => Ok(read?),
        }
    }

    /// Locks the record, which must be there and this person's, for a change.
    ///
    /// # Errors
    /// As [`Person::read`], or [`Failure::UidChanged`].
    pub fn edit(&self, lost: Lost) -> Result<(Edit<'_>, Record), Failure> {
        self.read()?;
        let edit = self.record.edit(lost)?;
        let record = edit.record().cloned().ok_or_else(|| Failure::NoRecord(self.name.clone()))?;
        match self.uid {
            Some(uid) if uid.as_raw() != record.uid => Err(Failure::UidChanged {
                user: self.name.clone(),
                was: record.uid,
                is: uid.as_raw(),
            }),
            _ => Ok((edit, record)),
        }
    }
}
