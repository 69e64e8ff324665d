//! Keys as people and scripts are shown them.

use mfa_core::account::{Counter, Key, Port};
use serde::Serialize;

use super::keyring::{Keyring, label};

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
pub struct Report<'a> {
    user: &'a str,
    /// A path that is not UTF-8 has U+FFFD where it is not.
    file: String,
    keys: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact")]
struct Row<'a> {
    /// Its place in the list, from 1 on.
    number: usize,
    name: Option<&'a str>,
    /// The factor that it is.
    r#type: &'static str,
    algorithm: &'static str,
    /// FIDO's relying party, or the application of an ssh key.
    relying_party: &'a str,
    touch: bool,
    verification: bool,
    pin: bool,
    /// Whether its counter is compared.
    counter: bool,
    /// In seconds since 1970.
    created: Option<u64>,
}

impl<'a> Report<'a> {
    /// What `ring` has, of which `keys` are to be shown: those from that number on.
    pub fn new(ring: &'a dyn Keyring, keys: &'a [Key], first: usize) -> Self {
        let rows = (first..).zip(keys).map(|(number, key)| Row {
            number,
            name: key.name.as_deref(),
            r#type: kind(key),
            algorithm: key.public.kind(),
            relying_party: &key.application,
            touch: key.touch,
            verification: key.verification,
            pin: asks_pin(key),
            counter: key.counter != Counter::Unchecked,
            created: ring.created(number.saturating_sub(1)),
        });
        let file = ring.path().to_string_lossy().into_owned();
        Self { user: ring.user(), file, keys: rows.collect() }
    }
}

/// A line for each key.
pub fn lines(keys: &[Key]) -> String {
    let line = |(place, key): (usize, &Key)| {
        let name = match &key.name {
            Some(_) => format!("{}: ", label(keys, place)),
            None => String::new(),
        };
        format!(
            "{}. {name}{}, {} for {}; {}\n",
            place + 1,
            kind(key),
            key.public.kind(),
            key.application,
            demands(key)
        )
    };
    keys.iter().enumerate().map(line).collect()
}

fn kind(key: &Key) -> &'static str {
    match key.port {
        Port::Usb { .. } => "key",
        Port::Ssh => "ssh-key",
    }
}

fn asks_pin(key: &Key) -> bool {
    matches!(key.port, Port::Usb { pin: true, .. })
}

fn demands(key: &Key) -> &'static str {
    match (key.touch, key.verification, asks_pin(key)) {
        (true, _, true) => "touch and PIN",
        (false, _, true) => "PIN",
        (true, true, false) => "touch by its own user",
        (false, true, false) => "its own user",
        (true, false, false) => "touch",
        (false, false, false) => "nothing but its presence",
    }
}
