//! The store for an account that has security keys in other files than its codes: in a mapping of
//! pam_u2f, in a file of OpenSSH's.

use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::Uid;

use super::file;
use super::walk::{Trust, locate};
use super::{Decide, Opened, Outcome, Rights, Rules, Shown, Store, Trouble};
use crate::account::{Account, Key};
use crate::reason::Reason;
use crate::ssh::authorized_keys;
use crate::u2f::{self, Options};

/// The largest mapping that is read, in bytes: thousands of people. pam_u2f reads any.
pub const MAX_MAPPING: u64 = 1 << 20;

/// In whose hands a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// Its user's, who may read and write any file under its name anyway: it is read with the user's
    /// rights, and must be the user's or root's.
    User(Rights),
    /// Only this one's, root on a host, and so is every directory on the way.
    Owner(Uid),
}

/// A mapping, and one user in it.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Where it is; symbolic links are followed.
    pub path: PathBuf,
    /// In whose hands it must be.
    pub keeper: Keeper,
    /// The user's name.
    pub user: String,
    /// What the PAM line says of the keys.
    pub options: Options,
}

impl Mapping {
    /// The user's keys; none if there is no mapping, or if it does not know the user.
    ///
    /// # Errors
    /// Why nobody can tell: above all [`Reason::BadMapping`].
    pub fn read(&self) -> Result<Vec<Key>, Trouble> {
        let rights = match self.keeper {
            Keeper::User(rights) => rights,
            Keeper::Owner(_) => Rights::of_caller(),
        };
        let text = match rights.run(|| self.text(rights)).and_then(|read| read) {
            Err(Trouble { reason: Reason::NoFile | Reason::NoDirectory, .. }) => return Ok(vec![]),
            text => text?,
        };
        u2f::read(&text, &self.user, &self.options).map_err(|mistake| {
            Trouble::new(Reason::BadMapping, format!("{}: {mistake}", Shown(&self.path)))
        })
    }

    fn text(&self, rights: Rights) -> Result<Vec<u8>, Trouble> {
        let shown = Shown(&self.path);
        // Whoever can write to the user's own can be anybody, as with pam_u2f.
        let (path, allowed_mode, owners) = match self.keeper {
            Keeper::User(Rights { uid, .. }) => (Trust::Anybody, 0o7777, [uid, Uid::from_raw(0)]),
            Keeper::Owner(owner) => (Trust::OwnPath, 0o755, [owner; 2]),
        };
        let rules = Rules { strict_owner: false, allowed_mode, path };
        let place = locate(&self.path, path, owners[0])?;
        let opened = file::open_any_size(&place, OFlag::O_RDONLY, rights, rules, shown)?;
        let owner = Uid::from_raw(opened.stat.st_uid);
        if !owners.contains(&owner) {
            let why = format!("{shown}: owned by uid {owner}, not {}", owners[0]);
            return Err(Trouble::new(Reason::WrongOwner, why));
        }
        if !u64::try_from(opened.stat.st_size).is_ok_and(|size| size <= MAX_MAPPING) {
            let why = format!("{shown}: {} bytes", opened.stat.st_size);
            return Err(Trouble::new(Reason::TooBig, why));
        }
        file::read(&opened, shown).map(|mut text| std::mem::take(&mut *text))
    }
}

/// A file of the administrator's in OpenSSH's format, whose keys are one user's.
#[derive(Debug, Clone)]
pub struct AuthorizedKeys {
    /// Where it is.
    pub path: PathBuf,
    /// Whom it must belong to, root on a host.
    pub owner: Uid,
    /// Seconds since 1970: keys may be good no more.
    pub now: u64,
}

impl AuthorizedKeys {
    fn read(&self) -> Result<Vec<Key>, Trouble> {
        match authorized_keys::open(&self.path, self.owner, self.now) {
            Err(Trouble { reason: Reason::NoFile | Reason::NoDirectory, .. }) => Ok(vec![]),
            read => read,
        }
    }
}

/// A file of keys.
#[derive(Debug, Clone)]
pub enum KeyFile {
    /// Keys for this machine's ports.
    Mapping(Mapping),
    /// Keys that are reached by ssh.
    AuthorizedKeys(AuthorizedKeys),
}

impl KeyFile {
    fn read(&self) -> Result<Vec<Key>, Trouble> {
        match self {
            Self::Mapping(mapping) => mapping.read(),
            Self::AuthorizedKeys(keys) => keys.read(),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Mapping(Mapping { path, .. })
            | Self::AuthorizedKeys(AuthorizedKeys { path, .. }) => path,
        }
    }
}

/// An account with keys in files of their own. Who has keys there is enrolled, with codes or without.
pub struct Mapped {
    /// Where the codes are, if there are any.
    pub codes: Box<dyn Store>,
    /// Where the keys are.
    pub keys: Vec<KeyFile>,
}

impl Mapped {
    /// The account with its keys, or why none of them counts.
    fn with_keys(&self, mut account: Account) -> Account {
        for file in &self.keys {
            match file.read() {
                Ok(keys) => account.keys.extend(keys),
                Err(trouble) => account.unread_keys = Some((trouble.reason, trouble.detail)),
            }
        }
        account
    }

    /// The account of somebody who has no codes.
    fn keys_alone(&self, no_codes: Trouble) -> Opened {
        let account = self.with_keys(Account::default());
        match (account.keys.as_slice(), &account.unread_keys) {
            ([], None) => Opened::NotEnrolled(no_codes),
            ([], Some((reason, detail))) => Opened::Broken(Trouble::new(*reason, detail.clone())),
            _ => Opened::Enrolled(Box::new(account)),
        }
    }
}

impl Store for Mapped {
    fn open(&self) -> Opened {
        match self.codes.open() {
            Opened::Enrolled(account) => Opened::Enrolled(Box::new(self.with_keys(*account))),
            Opened::NotEnrolled(no_codes) => self.keys_alone(no_codes),
            broken @ Opened::Broken(_) => broken,
        }
    }

    /// Keys of such files leave nothing to write: nobody keeps their counters.
    fn transact(&self, decide: &mut Decide) -> Result<Outcome, Trouble> {
        if let Opened::NotEnrolled(no_codes) = self.codes.open() {
            let account = match self.keys_alone(no_codes) {
                Opened::Enrolled(account) => account,
                Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => return Err(trouble),
            };
            let (verdict, changes) = decide(&account);
            let written = match changes.as_slice() {
                [] => Ok(()),
                _ => Err(Trouble::new(Reason::CannotWrite, self.shown())),
            };
            return Ok(Outcome { verdict, written, warning: None });
        }
        self.codes.transact(&mut |account| decide(&self.with_keys(account.clone())))
    }

    fn shown(&self) -> String {
        let shown = self.keys.iter().map(|file| format!(", {}", Shown(file.path())));
        shown.fold(self.codes.shown(), |all, one| all + &one)
    }
}

#[cfg(test)]
mod tests;
