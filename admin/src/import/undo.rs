//! Back to the file in the home, where nothing that was used since the import gets good again.

use mfa_core::account::{self, Account, Key, REMEMBERED, Totp, UsedSteps};
use mfa_core::codes::{canonical, hash, position};
use mfa_core::otp::step;
use mfa_core::record::{self, CodeKind, Credential, Method, Record};
use mfa_core::state::{State, Used};
use mfa_core::store::{Base, GauthFile, Lost, Opened, Presence, Store};

use super::gauth::watermark;
use super::report::Outcome;
use crate::failure::Failure;
use crate::log::{changed, enrolled};
use crate::person::Person;
use crate::secret;
use crate::world::World;

/// Removes tombstone, record and state of `person`, in this order: until the record is gone, it
/// counts. What a crash left undone is done by the next run.
///
/// # Errors
/// Why the record stays: above all, that it has accepted what the file would accept again.
pub fn undo(
    person: &Person,
    file: &GauthFile,
    keys: &[Key],
    world: &World,
) -> Result<Outcome, Failure> {
    match person.record.look()? {
        Presence::Here => {}
        Presence::Reset => {
            let why = "the user was reset, not imported; there is no record to go back from";
            return Err(Failure::Refused(why.to_owned()));
        }
        Presence::Absent | Presence::NoRecords => return without_record(person),
    }
    let (edit, record) = person.edit(Lost::Refuse)?;
    let state = edit.state().cloned().unwrap_or_default();
    are_mapped(&record, keys)?;
    match file.open() {
        Opened::Enrolled(account) => {
            compare(&record, &state, &account, &world.base, (world.clock)())?;
        }
        // Keys go on by their mapping.
        Opened::NotEnrolled(_) if record.credentials.is_empty() => {}
        Opened::NotEnrolled(_) => {
            let why = "there is no file in the home to go back to";
            return Err(Failure::Refused(why.to_owned()));
        }
        Opened::Broken(trouble) => return Err(trouble.into()),
    }
    edit.unbury()?;
    edit.remove()?;
    let (before, after) = (enrolled(&record, &state), file.path.display().to_string());
    changed(world, ("user", &person.name), "enrolment", &before, &after);
    Ok(Outcome::Undone)
}

/// Keys leave nothing behind that would be good again, but have to be somewhere.
fn are_mapped(record: &Record, keys: &[Key]) -> Result<(), Failure> {
    let is_lost = |key: &&record::Key| !keys.iter().any(|mapped| mapped.public == key.public);
    match record.keys.iter().find(is_lost) {
        None => Ok(()),
        Some(key) => Err(Failure::Refused(format!(
            "the record has the key {:?} and no mapping has it; take it away with `mfactl credential \
             remove {}`",
            key.name.as_str(),
            record.user
        ))),
    }
}

/// A crash may have left the state.
fn without_record(person: &Person) -> Result<Outcome, Failure> {
    if person.record.state_path().exists() {
        let edit = person.record.edit(Lost::Refuse)?;
        if edit.record().is_none() {
            edit.remove()?;
        }
    }
    Ok(Outcome::Unchanged("there is no system record".to_owned()))
}

fn compare(
    record: &Record,
    state: &State,
    account: &Account,
    base: &Base,
    now: u64,
) -> Result<(), Failure> {
    let name = &record.user;
    let [credential] = record.credentials.as_slice() else {
        return Err(Failure::Refused(format!(
            "the record holds {} credentials and a file only one; take the others away with \
             `mfactl credential remove {name}`",
            record.credentials.len()
        )));
    };
    let used = state.credentials.get(&credential.id).cloned().unwrap_or_default();
    let Some(theirs) = alike(record, credential, account, base)? else {
        return Err(Failure::Refused(format!(
            "the file in the home has another secret than the record; `mfactl export {name}` makes \
             one that goes on where the record is"
        )));
    };
    let moved = |what: &str| {
        Err(Failure::Refused(format!(
            "{what} since the import, and would be good again; `mfactl export {name}` makes a file \
             that goes on where the record is"
        )))
    };
    match &theirs.method {
        account::Method::Hotp(hotp) if used.counter.is_none() || hotp.counter < used.counter => {
            return moved("codes by counter have been used");
        }
        account::Method::Totp(totp) => by_time(credential, &used, theirs, totp, now)?,
        account::Method::Hotp(_) | account::Method::None => {}
    }
    for code in account.scratch_codes.iter() {
        if !is_unused(*code, record, state) {
            return moved("recovery codes have been used or replaced");
        }
    }
    Ok(())
}

/// The file's credential, if it makes the codes that the record's makes.
fn alike<'a>(
    record: &Record,
    credential: &Credential,
    account: &'a Account,
    base: &Base,
) -> Result<Option<&'a account::Credential>, Failure> {
    let secret = secret::open(record, credential, base)?;
    Ok(account.credentials.first().filter(|theirs| {
        let method = match (&theirs.method, credential.method) {
            (account::Method::Hotp(_), Method::Hotp) => true,
            (account::Method::Totp(totp), Method::Totp { period }) => totp.period == Ok(period),
            _ => false,
        };
        method
            && theirs.secret.as_ref() == Ok(&secret)
            && theirs.algorithm == Ok(credential.algorithm)
            && theirs.digits == Ok(credential.digits)
    }))
}

/// Whether one of the steps that the record counts as used is in the file's window and not in its list.
/// That changes within minutes, unless nothing was used since the import.
fn by_time(
    credential: &Credential,
    used: &Used,
    theirs: &account::Credential,
    totp: &Totp,
    now: u64,
) -> Result<(), Failure> {
    let (Method::Totp { period }, Some(last)) = (credential.method, used.step) else {
        return Ok(());
    };
    let imported = credential.created.and_then(|then| watermark(totp, period, then).ok());
    if imported == Some(last) {
        return Ok(());
    }
    let behind = (theirs.window.unwrap_or(100) - 1) / 2;
    let current = i64::try_from(step(now, period)).unwrap_or(i64::MAX);
    let first = current.saturating_add(totp.skew).saturating_sub(behind);
    if (first..=last).all(|step| is_listed(totp, step)) {
        return Ok(());
    }
    let over = last.saturating_sub(totp.skew).saturating_add(behind + 1);
    let period = i64::try_from(period).unwrap_or(i64::MAX);
    let wait = over.saturating_mul(period).saturating_sub(i64::try_from(now).unwrap_or(i64::MAX));
    Err(Failure::Refused(format!(
        "codes have been used since the import that the file would accept again; wait {wait} s \
         without a login, then run this again"
    )))
}

/// Whether the file itself refuses the code of this step.
fn is_listed(totp: &Totp, step: i64) -> bool {
    match &totp.used {
        Some(Ok(UsedSteps::UpTo(last))) => step <= *last,
        Some(Ok(UsedSteps::List(steps))) => {
            let forgotten = steps.len() >= REMEMBERED
                && steps.iter().min().is_some_and(|&earliest| step < earliest);
            forgotten || steps.contains(&step)
        }
        Some(Err(_)) => true,
        None => false,
    }
}

fn is_unused(code: u32, record: &Record, state: &State) -> bool {
    let Some(code) = canonical(code.to_string().as_bytes()) else { return false };
    record.codes.iter().filter(|codes| codes.kind == CodeKind::Recovery).any(|codes| {
        let place = position(&hash(&code, &codes.salt), &codes.hashes);
        let used = state.codes.get(&codes.id).copied().unwrap_or(u32::MAX);
        place
            .and_then(|place| used.checked_shr(u32::try_from(place).ok()?))
            .is_some_and(|bits| bits & 1 == 0)
    })
}
