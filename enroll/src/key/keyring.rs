//! Where somebody's security keys are kept: in a mapping of their own, or in the record that root keeps.

use std::path::Path;

use mfa_core::account::{Key, Port};
use mfa_core::record::Name;

use crate::failure::{Failure, KeyFailure};
use crate::world::World;

/// One person's keys, as they were when the command began.
pub trait Keyring {
    /// The file that is written.
    fn path(&self) -> &Path;

    /// The login name.
    fn user(&self) -> &str;

    /// The keys, in order.
    fn keys(&self) -> &[Key];

    /// Whether there is room for one more, of this name.
    ///
    /// # Errors
    /// Why there is none.
    fn admit(&self, name: Option<&Name>) -> Result<(), Failure>;

    /// When the key of that place was enrolled, in seconds since 1970, if that is known.
    fn created(&self, place: usize) -> Option<u64>;

    /// What losing the only key would mean, and how to be safe; `None` where there is another way in.
    fn caution(&self) -> Option<String>;

    /// Adds a key. It is judged against what is there by then.
    ///
    /// # Errors
    /// Why what was there is as it was, but for a disk that may not keep it.
    fn add(&self, key: &Key, world: &World) -> Result<(), Failure>;

    /// Takes away the key of that place.
    ///
    /// # Errors
    /// Likewise.
    fn remove(&self, place: usize, world: &World) -> Result<(), Failure>;
}

/// Whether the key is none of these: one of them could do without what the other demands.
///
/// # Errors
/// [`KeyFailure::Known`].
pub fn admit(keys: &[Key], new: &Key) -> Result<(), KeyFailure> {
    let is_same = |key: &Key| key.public == new.public && is_usb(key) == is_usb(new);
    match keys.iter().position(is_same) {
        Some(place) => Err(KeyFailure::Known(label(keys, place))),
        None => Ok(()),
    }
}

/// What people call the key of that place: its name, or its number.
pub fn label(keys: &[Key], place: usize) -> String {
    let name = keys.get(place).and_then(|key| key.name.as_ref());
    name.map_or_else(|| format!("number {}", place + 1), |name| format!("{name:?}"))
}

/// Whether it is plugged into a machine, rather than used by ssh.
pub fn is_usb(key: &Key) -> bool {
    matches!(key.port, Port::Usb { .. })
}

/// The place of the key that is called so, or has that number.
///
/// # Errors
/// [`KeyFailure::NoKey`].
pub fn find(keys: &[Key], which: &str) -> Result<usize, KeyFailure> {
    let by_name = keys.iter().position(|key| key.name.as_deref() == Some(which));
    let by_number =
        || which.parse::<usize>().ok()?.checked_sub(1).filter(|&place| place < keys.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let there = (0..keys.len()).map(|place| label(keys, place)).collect();
        KeyFailure::NoKey(which.to_owned(), there)
    })
}
