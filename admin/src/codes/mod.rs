//! Codes that count once: on paper, and from the help desk.

pub mod bypass;
pub mod recovery;

use mfa_core::codes::{self, Canonical, Drawn};
use mfa_core::notice::Kind;
use mfa_core::record::{CodeKind, Codes, MAX_CODE_SETS, Record};
use mfa_core::state::State;
use mfa_core::store::Lost;

use crate::failure::Failure;
use crate::log::{changed, codes_left};
use crate::person::Person;
use crate::time::moment;
use crate::world::World;

/// Codes to be shown once, and what is kept of them.
struct NewSet {
    codes: Vec<Canonical>,
    kept: Codes,
}

/// Draws a set for `record`.
fn draw(
    record: &Record,
    world: &World,
    kind: CodeKind,
    count: usize,
    expires: Option<u64>,
) -> Result<NewSet, Failure> {
    let Drawn { codes, salt, hashes } = codes::draw(world.random, count)?;
    let created = Some((world.clock)());
    let id = record.new_id(world.random)?;
    Ok(NewSet { codes, kept: Codes { id, kind, salt, hashes, created, expires } })
}

/// Adds a set of which nothing has been used, and logs it. Those go for which `goes` says so.
fn install(
    person: &Person,
    set: Codes,
    world: &World,
    goes: impl Fn(&Codes, &State) -> bool,
) -> Result<(), Failure> {
    let (mut edit, mut record) = person.edit(Lost::Refuse)?;
    let mut state = edit.state().cloned().unwrap_or_default();
    let kind = match set.kind {
        CodeKind::Recovery => Kind::RecoveryCodes,
        CodeKind::Bypass => Kind::BypassCode,
    };
    let (what, before, after) = match set.expires {
        None => {
            let before = codes_left(&record, &state, |codes| codes.kind == set.kind);
            ("recovery_codes", before.to_string(), set.hashes.len().to_string())
        }
        Some(expires) => ("bypass_code", String::new(), format!("{}/{}", set.id, moment(expires))),
    };
    record.codes.retain(|codes| !goes(codes, &state));
    if record.codes.len() >= MAX_CODE_SETS {
        return Err(Failure::Refused(format!(
            "{} has {MAX_CODE_SETS} sets of codes, and no more are possible; wait until a bypass \
             code is used or has expired",
            person.name
        )));
    }
    state.codes.insert(set.id, 0);
    record.codes.push(set);
    state.retain(&record);
    state.notify(kind, (world.clock)());
    edit.save(record, state)?;
    changed(world, ("user", &person.name), what, &before, &after);
    Ok(())
}
