//! `mfactl seal` and `mfactl unseal`: the secrets of all system records, encrypted with the host's key
//! or as they are. One record after the other, each replaced whole, so that logins go on and nothing
//! that interrupts this leaves a record that cannot be read.

use std::fs::File;
use std::io::Write;

use mfa_core::reason::Reason;
use mfa_core::record::{Credential, Kept, Record};
use mfa_core::seal::{self, HostKey, KEY_BYTES, Unsealable};
use mfa_core::store::{Base, Lost, SystemRecord, Trouble, make_host_key};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::{Failure, is_absent};
use crate::log::changed;
use crate::person;
use crate::report::json;
use crate::world::World;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Encrypts what is not encrypted yet. Makes the host's key, if there is none.
///
/// # Errors
/// Why nothing was done, or [`Failure::Some`] after the others were sealed.
pub fn seal(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let base = &world.base;
    let users = person::everyone(base)?;
    let _turn = take_turns(base)?;
    let key = match base.host_key()? {
        Some(key) => key,
        None => new_key(world, &users)?,
    };
    let sealed = |record: &Record, credential: &Credential| match &credential.secret {
        Kept::Sealed(sealed) => {
            // Told now, not at the next login.
            seal::open(sealed, &key, record.seal_context(credential).as_bytes())
                .map_err(|reason| trouble(reason, credential))?;
            Ok(None)
        }
        Kept::Plain(secret) => {
            let context = record.seal_context(credential);
            let sealed = seal::seal(secret, &key, context.as_bytes(), world.random);
            sealed.map(|sealed| Some(Kept::Sealed(sealed))).map_err(|why| match why {
                Unsealable::Random(_) => Failure::NoRandomness,
                Unsealable::Length => trouble(Reason::BadSecret, credential).into(),
            })
        }
    };
    let done = each(world, &users, &sealed, ("plain", "sealed"))?;
    if args.json {
        json(output, &done)?;
        return done.finish();
    }
    done.list(output)?;
    let say =
        |output: &mut dyn Write, text: String| writeln!(output, "{text}").map_err(Failure::Output);
    let Done { changed, same, .. } = &done;
    say(output, format!("Records sealed: {changed}; sealed before: {same}."))?;
    let key = base.keys.iter().find(|key| key.exists());
    if let Some(key) = key {
        say(
            output,
            format!(
                "Keep a copy of {} off this host: without it nobody gets in by a sealed record. \
                 Whoever enrols from now on is sealed by the next `mfactl seal`.",
                key.display()
            ),
        )?;
    }
    done.finish()
}

/// Decrypts what is encrypted. The key stays where it is.
///
/// # Errors
/// As [`seal()`]; also that there is no key.
pub fn unseal(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let base = &world.base;
    let users = person::everyone(base)?;
    let _turn = take_turns(base)?;
    let key = base.host_key()?;
    let plain = |record: &Record, credential: &Credential| {
        let Kept::Sealed(sealed) = &credential.secret else { return Ok(None) };
        let key = key.as_ref().ok_or_else(|| trouble(Reason::Sealed, credential))?;
        let secret = seal::open(sealed, key, record.seal_context(credential).as_bytes());
        let secret = secret.map_err(|reason| trouble(reason, credential))?;
        Ok(Some(Kept::Plain(secret)))
    };
    let done = each(world, &users, &plain, ("sealed", "plain"))?;
    if args.json {
        json(output, &done)?;
        return done.finish();
    }
    done.list(output)?;
    let Done { changed, same, .. } = &done;
    writeln!(output, "Records unsealed: {changed}; not sealed before: {same}.")
        .map_err(Failure::Output)?;
    if let Some(key) = base.keys.iter().find(|key| key.exists()) {
        let key = key.display();
        writeln!(output, "The key {key} stays; old copies of records may need it.")
            .map_err(Failure::Output)?;
    }
    done.finish()
}

/// What one credential's secret is to be; `None` if it is so already.
type Change<'a> = dyn Fn(&Record, &Credential) -> Result<Option<Kept>, Failure> + 'a;

/// How many records were changed and were as they should be, and which could not be changed.
#[derive(Default, Serialize)]
struct Done {
    changed: usize,
    same: usize,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    user: String,
    why: String,
}

impl Done {
    fn list(&self, output: &mut dyn Write) -> Result<(), Failure> {
        self.failed.iter().try_for_each(|Failed { user, why }| {
            writeln!(output, "{}: failed: {why}.", user.escape_debug()).map_err(Failure::Output)
        })
    }

    fn finish(self) -> Result<(), Failure> {
        let of = self.changed + self.same + self.failed.len();
        match self.failed.len() {
            0 => Ok(()),
            failed => Err(Failure::Some { failed, of, dry_run: false }),
        }
    }
}

fn each(
    world: &World,
    users: &[String],
    change: &Change,
    (before, after): (&str, &str),
) -> Result<Done, Failure> {
    let mut done = Done::default();
    for user in users {
        match one(&system_record(&world.base, user)?, change) {
            Ok(true) => {
                changed(world, ("user", user), "secrets", before, after);
                done.changed += 1;
            }
            Ok(false) => done.same += 1,
            // Gone meanwhile.
            Err(Failure::Record(trouble)) if is_absent(&trouble) => {}
            Err(failure) => {
                done.failed.push(Failed { user: user.clone(), why: failure.to_string() });
            }
        }
    }
    Ok(done)
}

/// Whether it had to be changed. A record that need not be is not even locked.
fn one(system: &SystemRecord, change: &Change) -> Result<bool, Failure> {
    if !apply(&mut system.read_record()?, change)? {
        return Ok(false);
    }
    let mut edit = system.edit(Lost::Refuse)?;
    let (Some(record), Some(state)) = (edit.record(), edit.state()) else { return Ok(false) };
    let (mut record, state) = (record.clone(), state.clone());
    let is_changed = apply(&mut record, change)?;
    edit.save(record, state)?;
    Ok(is_changed)
}

fn apply(record: &mut Record, change: &Change) -> Result<bool, Failure> {
    let mut secrets = Vec::new();
    for credential in &record.credentials {
        secrets.push(change(record, credential)?);
    }
    let is_changed = secrets.iter().any(Option::is_some);
    for (credential, secret) in record.credentials.iter_mut().zip(secrets) {
        if let Some(secret) = secret {
            credential.secret = secret;
        }
    }
    Ok(is_changed)
}

/// A key of this host's own, unless records wait for another one.
fn new_key(world: &World, users: &[String]) -> Result<HostKey, Failure> {
    let is_sealed = |record: &Record| {
        record.credentials.iter().any(|credential| matches!(credential.secret, Kept::Sealed(_)))
    };
    for user in users {
        if system_record(&world.base, user)?.read_record().is_ok_and(|record| is_sealed(&record)) {
            return Err(Failure::Refused(format!(
                "the record of {user} is sealed with a key that is not here; put that key back \
                 first, a new one would not open it"
            )));
        }
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    (world.random)(key.as_mut())?;
    let [_, path] = &world.base.keys;
    let key = make_host_key(path, &key)?;
    changed(world, ("file", &path.display().to_string()), "host_key", "", "new");
    Ok(key)
}

/// Two runs at once could make two keys.
fn take_turns(base: &Base) -> Result<Flock<File>, Failure> {
    let failed = |why: &str| Failure::Refused(format!("{} {why}", base.dir.display()));
    let dir = File::open(&base.dir).map_err(|error| {
        failed(&format!("cannot be read, so there are no system records ({error})"))
    })?;
    Flock::lock(dir, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno)| failed(&format!("is locked by another run ({})", errno.desc())))
}

fn system_record(base: &Base, user: &str) -> Result<SystemRecord, Failure> {
    // Nobody logs in here, so the uid does not matter.
    SystemRecord::new(base.clone(), user, Uid::from_raw(u32::MAX))
        .map_err(|_| Failure::BadUserName(user.to_owned()))
}

fn trouble(reason: Reason, credential: &Credential) -> Trouble {
    Trouble { reason, detail: credential.name.as_str().to_owned(), errno: None }
}

#[cfg(test)]
mod tests;
