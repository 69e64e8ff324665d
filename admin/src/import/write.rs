//! From a draft to a record on disk, once.

use mfa_core::record::{Kept, Key};
use mfa_core::store::{Lost, Presence};

use super::draft::Draft;
use super::report::Outcome;
use crate::failure::Failure;
use crate::log::{changed, enrolled};
use crate::person::Person;
use crate::secret;
use crate::world::World;

/// What an import may do.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Only look.
    pub dry_run: bool,
    /// Also where somebody decided otherwise before.
    pub force: bool,
}

/// Makes `draft` the record of `person`, who may have none yet, and leaves a tombstone. `source` is
/// where it comes from.
///
/// Record first: until there is one, whatever is in the home counts. What a crash left undone
/// is done by the next run.
///
/// # Errors
/// Why there is no such record now.
pub fn write(
    person: &Person,
    draft: Draft,
    source: &str,
    world: &World,
    terms: Terms,
) -> Result<Outcome, Failure> {
    let base = &world.base;
    match person.record.look()? {
        Presence::Here => return known(person, &draft, source, world, terms),
        Presence::Reset if !terms.force => {
            return Err(Failure::Refused(
                "the user was reset, so what was enrolled before does not count; --force imports \
                 it all the same"
                    .to_owned(),
            ));
        }
        Presence::Reset | Presence::Absent | Presence::NoRecords => {}
    }
    draft.record.check().map_err(|mistake| Failure::Refused(mistake.to_string()))?;
    let summary = draft.summary();
    let has_otp = !draft.record.credentials.is_empty();
    let has_codes = draft.scratch_codes() > 0;
    if !terms.dry_run {
        base.create().map_err(|error| Failure::Directory(base.dir.clone(), error))?;
        let mut edit = person.record.edit(Lost::Refuse)?;
        if edit.record().is_some() {
            return Ok(Outcome::Unchanged("somebody made a system record just now".to_owned()));
        }
        let after = enrolled(&draft.record, &draft.state);
        edit.save(draft.record, draft.state)?;
        changed(world, ("user", &person.name), "enrolment", source, &after);
        edit.bury(&tombstone(source))?;
    }
    Ok(Outcome::Imported { summary, has_otp, has_codes })
}

fn tombstone(source: &str) -> String {
    format!("Imported from {source}; `mfactl import --undo` goes back.\n")
}

/// Somebody who has a record is left alone, but for a tombstone that an earlier import did not get to.
fn known(
    person: &Person,
    draft: &Draft,
    source: &str,
    world: &World,
    terms: Terms,
) -> Result<Outcome, Failure> {
    let (edit, record) = person.edit(Lost::Refuse)?;
    let mut secrets = Vec::new();
    for credential in &record.credentials {
        secrets.extend(secret::open(&record, credential, &world.base));
    }
    let is_ours = draft.record.credentials.iter().all(|credential| match &credential.secret {
        Kept::Plain(secret) => secrets.contains(secret),
        Kept::Sealed(_) => false,
    });
    let has_key = |new: &Key| record.keys.iter().any(|key| key.public == new.public);
    if !is_ours || !draft.record.keys.iter().all(has_key) {
        let why = "there is a system record, made by other means or for other secrets";
        return Ok(Outcome::Unchanged(why.to_owned()));
    }
    if !terms.dry_run && !edit.is_buried()? {
        edit.bury(&tombstone(source))?;
        changed(world, ("user", &person.name), "tombstone", "", source);
    }
    Ok(Outcome::Unchanged("there is a system record already".to_owned()))
}
