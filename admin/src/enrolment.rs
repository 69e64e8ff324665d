//! What somebody has enrolled, wherever it is kept.

use std::fs;
use std::os::unix::fs::MetadataExt;

use mfa_core::account::Account;
use mfa_core::policy::Keep;
use mfa_core::reason::Reason;
use mfa_core::store::{Opened, Presence, Store, Trouble};
use serde::Serialize;

use crate::homes::Home;
use crate::person::Person;
use crate::world::World;

/// Where a login finds it, by a PAM line without `store=` and `secret=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// In a record that root keeps.
    System,
    /// In a file in the home.
    Home,
    /// There is a tombstone: what is in the home does not count.
    Reset,
    /// Nothing is enrolled.
    Nowhere,
}

impl Stored {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Home => "home",
            Self::Reset => "reset",
            Self::Nowhere => "nowhere",
        }
    }

    /// The same in words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::System => "in a system record",
            Self::Home => "in the file in the home",
            Self::Reset => "nowhere: reset, and what the home holds does not count",
            Self::Nowhere => "nowhere: not enrolled",
        }
    }
}

/// One user's, as it is now.
#[derive(Debug)]
pub struct Enrolment {
    /// As the user database spells it.
    pub user: String,
    /// Where it is.
    pub stored: Stored,
    /// What a login is judged by, if there is anything; or why nobody can tell.
    pub account: Result<Option<Box<Account>>, Trouble>,
    /// When a file in the home was written last, in seconds since 1970.
    pub written: Option<u64>,
}

impl Enrolment {
    /// Looks, and changes nothing.
    #[must_use]
    pub fn find(person: &Person, world: &World) -> Self {
        let (stored, account) = match person.record.look() {
            Ok(Presence::Here) => match person.record.open() {
                Opened::Enrolled(account) => (Stored::System, Ok(Some(account))),
                Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => {
                    (Stored::System, Err(trouble))
                }
            },
            Ok(Presence::Reset) => (Stored::Reset, Ok(None)),
            Ok(Presence::Absent | Presence::NoRecords) => return Self::at_home(person, world),
            Err(trouble) => (Stored::System, Err(trouble)),
        };
        Self { user: person.name.clone(), stored, account, written: None }
    }

    /// The same where a policy says whose records count.
    #[must_use]
    pub fn kept(keep: Keep, person: &Person, world: &World) -> Self {
        let found = if keep == Keep::Home {
            Self::at_home(person, world)
        } else {
            Self::find(person, world)
        };
        match (keep, found.stored) {
            (Keep::System, Stored::Home) => {
                Self { stored: Stored::Nowhere, account: Ok(None), written: None, ..found }
            }
            _ => found,
        }
    }

    fn at_home(person: &Person, world: &World) -> Self {
        let user = person.name.clone();
        let (stored, account, written) = match Home::of(&user, &world.base) {
            Ok(Home { file, .. }) => match file.open() {
                Opened::Enrolled(account) => {
                    let stat = file.rights.run(|| fs::metadata(&file.path));
                    let written = stat.ok().and_then(|stat| stat.ok()?.mtime().try_into().ok());
                    (Stored::Home, Ok(Some(account)), written)
                }
                Opened::NotEnrolled(_) => (Stored::Nowhere, Ok(None), None),
                Opened::Broken(trouble) => (Stored::Home, Err(trouble), None),
            },
            Err(trouble) => match trouble.reason {
                Reason::UnknownUser | Reason::NoDirectory => (Stored::Nowhere, Ok(None), None),
                _ => (Stored::Home, Err(trouble), None),
            },
        };
        Self { user, stored, account, written }
    }
}
