//! The mapping of whoever runs this, as pam_u2f reads it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use mfa_core::account::Key;
use mfa_core::reason::Reason;
use mfa_core::record::Name;
use mfa_core::store::{Keeper, MAX_MAPPING, Mapping, Rights, Trouble, rewrite};
use mfa_core::u2f::{self, MAX_DEVICES, Options, USUAL_FILE};

use super::keyring::{Keyring, admit};
use crate::failure::{Failure, KeyFailure};
use crate::world::World;

/// A person's line in their own mapping.
pub struct OwnKeys {
    mapping: Mapping,
    keys: Vec<Key>,
    /// The home has codes as well.
    has_codes: bool,
}

impl OwnKeys {
    /// Looks at the mapping in the home of the person with this login name, enrolled for this relying
    /// party.
    ///
    /// # Errors
    /// [`KeyFailure::Mapping`]: nobody should touch a key that cannot be saved.
    pub fn new(home: &Path, user: &str, origin: &str) -> Result<Self, KeyFailure> {
        let options = Options {
            origin: origin.to_owned(),
            appid: origin.to_owned(),
            max_devices: MAX_DEVICES,
            touch: false,
            verification: false,
            pin: false,
        };
        let keeper = Keeper::User(Rights::of_caller());
        let mapping =
            Mapping { path: home.join(USUAL_FILE), keeper, user: user.to_owned(), options };
        let keys = mapping.read()?;
        Ok(Self { mapping, keys, has_codes: home.join(".google_authenticator").exists() })
    }

    /// Changes the text of the file, in which the keys are these.
    fn change(
        &self,
        change: impl FnOnce(&[u8], &[Key]) -> Result<Option<Vec<u8>>, KeyFailure>,
    ) -> Result<(), KeyFailure> {
        let Mapping { path, user, options, .. } = &self.mapping;
        rewrite(path, MAX_MAPPING, |text| {
            let file = path.display();
            let trouble = |reason, detail| Trouble { reason, detail, errno: None };
            let keys = u2f::read(text, user, options)
                .map_err(|mistake| trouble(Reason::BadMapping, format!("{file}: {mistake}")))?;
            change(text, &keys)?.ok_or_else(|| trouble(Reason::Changed, file.to_string()).into())
        })
    }
}

impl Keyring for OwnKeys {
    fn path(&self) -> &Path {
        &self.mapping.path
    }

    fn user(&self) -> &str {
        &self.mapping.user
    }

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Nobody has a name here.
    fn admit(&self, _: Option<&Name>) -> Result<(), Failure> {
        Ok(has_room(&self.keys)?)
    }

    fn created(&self, _: usize) -> Option<u64> {
        None
    }

    fn caution(&self) -> Option<String> {
        (self.keys.is_empty() && !self.has_codes).then(|| {
            "this is your only key: without it you are locked out. Add a second one, or run `mfa-enroll` \
             for codes and a few on paper"
                .to_owned()
        })
    }

    fn add(&self, key: &Key, _: &World) -> Result<(), Failure> {
        make_directories(self.path())?;
        self.change(|text, keys| {
            has_room(keys)?;
            admit(keys, key)?;
            Ok(u2f::add(text, self.user(), key))
        })?;
        Ok(())
    }

    fn remove(&self, place: usize, _: &World) -> Result<(), Failure> {
        self.change(|text, keys| {
            let is_there = keys == self.keys;
            Ok(is_there.then(|| u2f::remove(text, self.user(), place)).flatten())
        })?;
        Ok(())
    }
}

/// pam_u2f looks at no more.
fn has_room(keys: &[Key]) -> Result<(), KeyFailure> {
    if keys.len() < MAX_DEVICES { Ok(()) } else { Err(KeyFailure::Full(MAX_DEVICES)) }
}

/// As the XDG base directory specification wants it, for nobody else to read.
fn make_directories(path: &Path) -> Result<(), KeyFailure> {
    let Some(directory) = path.parent() else { return Ok(()) };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| KeyFailure::Directory(PathBuf::from(directory), error))
}
