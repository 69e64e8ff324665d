//! A new key: made by a token and tried once, or read from a file of OpenSSH.

use std::io::{BufRead, Write};
use std::path::Path;

use mfa_core::account::{Counter, Key, Port};
use mfa_core::helper::{Algorithm, Subject};
use mfa_core::key;
use mfa_core::record::Name;
use mfa_core::u2f;

use super::args::Add;
use super::keyring::{Keyring, admit};
use super::ssh;
use crate::failure::{Failure, KeyFailure};
use crate::talk::Talk;
use crate::token::{Tokens, fresh};
use crate::world::World;

/// Makes the key, which counts from then on; what is there now.
///
/// # Errors
/// Why nothing was written.
pub fn add<R: BufRead, W: Write>(
    args: &Add,
    ring: &dyn Keyring,
    talk: &mut Talk<R, W>,
    tokens: &mut Tokens,
    world: &World,
) -> Result<Key, Failure> {
    // Nobody should touch a key that cannot be saved.
    let name =
        args.name.clone().or_else(|| Name::new(if args.ssh.is_some() { "ssh-key" } else { "key" }));
    ring.admit(name.as_ref())?;
    let mut key = match &args.ssh {
        Some(file) => of_file(file, args)?,
        None => of_token(args, ring, talk, tokens, world)?,
    };
    key.name = name.filter(|_| args.user.is_some()).map(|name| name.as_str().to_owned());
    admit(ring.keys(), &key)?;
    ring.add(&key, world)?;
    Ok(key)
}

/// The relying party that was asked for, or that of this machine.
pub fn origin(args: &Add, world: &World) -> String {
    args.origin.clone().unwrap_or_else(|| usual_origin(world))
}

/// The relying party that keys of this machine are enrolled for, as pam_u2f has it.
pub fn usual_origin(world: &World) -> String {
    u2f::usual_origin(&world.host.to_string_lossy())
}

fn of_file(file: &Path, args: &Add) -> Result<Key, Failure> {
    let sk = ssh::read(file)?;
    Ok(Key {
        name: None,
        port: Port::Ssh,
        public: sk.public,
        application: sk.application,
        touch: !args.no_touch,
        verification: args.pin || args.verify_required,
        // The first use tells how far it is.
        counter: if args.no_counter { Counter::Unchecked } else { Counter::Last(Ok(0)) },
    })
}

/// What mfa-fido says of it counts only once the key has signed what we ask it to.
fn of_token<R: BufRead, W: Write>(
    args: &Add,
    ring: &dyn Keyring,
    talk: &mut Talk<R, W>,
    tokens: &mut Tokens,
    world: &World,
) -> Result<Key, Failure> {
    let application = origin(args, world);
    let made = tokens.make(
        talk,
        Subject {
            relying_party: application.clone(),
            user: short(ring.user()),
            user_id: fresh(world.random)?.to_vec(),
            algorithm: Algorithm::Es256,
            resident: args.resident,
            verification: args.verify_required && !args.pin,
            pin: args.pin,
            exclude: handles(ring.keys(), &application),
        },
    )?;
    let mut key = Key {
        name: None,
        port: Port::Usb {
            handle: if args.resident { Vec::new() } else { made.handle },
            pin: args.pin,
        },
        public: made.public,
        application,
        touch: !args.no_touch,
        verification: args.pin || args.verify_required,
        counter: Counter::Last(Ok(0)),
    };
    admit(ring.keys(), &key)?;
    talk.say("The key is made. Once more, to see that it works:\n")?;
    let (_, assertion, message) = tokens.assert(talk, std::slice::from_ref(&key))?;
    let counter = key::verify(&key, &assertion, &message).map_err(KeyFailure::Unproven)?;
    key.counter = match counter {
        Some(counter) if !args.no_counter => Counter::Last(Ok(counter)),
        _ => Counter::Unchecked,
    };
    Ok(key)
}

/// The handles of keys that tokens are to know again: those for the same relying party.
fn handles(keys: &[Key], application: &str) -> Vec<Vec<u8>> {
    let of_usb = keys.iter().filter(|key| key.application == application).filter_map(|key| {
        let Port::Usb { handle, .. } = &key.port else { return None };
        (!handle.is_empty()).then(|| handle.clone())
    });
    of_usb.take(mfa_core::helper::MAX_KEYS).collect()
}

/// As much of a login name as a token keeps.
fn short(user: &str) -> String {
    let fits = |end: &usize| user.is_char_boundary(*end);
    let end = (0..=user.len().min(64)).rev().find(fits).unwrap_or(0);
    user.get(..end).unwrap_or_default().to_owned()
}
