//! `mfactl apply`: records that configuration management writes, all of them or none.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use mfa_core::codes::Hash;
use mfa_core::notice::Kind;
use mfa_core::record::{CodeKind, Codes, Id, MAX_CODE_SETS, Record};
use mfa_core::state::State;
use mfa_core::store::Presence;
use serde::Serialize;

use crate::failure::Failure;
use crate::finding::{self, Finding};
use crate::fresh::Fresh;
use crate::log::{changed, enrolled};
use crate::person::Person;
use crate::report::json;
use crate::source::{self, Source};
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
    A record that is new here gets its state: time-based codes up to now count as used, \
    recovery codes as unused, and tokens begin at counter 0. What is known keeps what has \
    been used, and bypass codes of the help desk stay while they are good. What is new in a \
    record that is known may have been in it before, as may anything once the last \
    credential was removed: new recovery codes count after `mfactl state init USER \
    --codes-unused`, and a token is good after two consecutive codes. Codes that are new in \
    a known set count as used; give new codes a set, and an id, of their own.\n\n\
    Exit code: 0 if all is as it shall be, 3 if there are mistakes, and then nothing is \
    installed, 1 if it could not be done.")]
pub struct Args {
    /// A record, or a directory of them, whose names end in .toml; - for one from the input
    #[arg(value_name = "FILE|DIR")]
    source: PathBuf,

    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct Report {
    users: Vec<Row>,
    mistakes: Vec<Finding>,
}

#[derive(Serialize)]
struct Row {
    user: String,
    outcome: Outcome,
    /// Whether it has recovery codes that do not count until somebody says that none has been used.
    codes_in_doubt: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Changed,
    Unchanged,
}

/// A record that may be installed, and whose it is.
struct Candidate {
    person: Person,
    record: Record,
}

pub fn apply(
    args: &Args,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let sources = if args.source == Path::new("-") {
        vec![Source::read(args.source.clone(), input)?]
    } else {
        source::all(&args.source)?
    };
    let mut report = Report::default();
    let candidates = candidates(sources, world, &mut report.mistakes)?;
    let mut done = Ok(());
    if report.mistakes.is_empty() {
        for Candidate { person, record } in candidates {
            let outcome = if args.dry_run {
                foresee(&person, &record, world)
            } else {
                install(&person, &record, world)
            };
            match outcome {
                Ok((outcome, codes_in_doubt)) => {
                    report.users.push(Row { user: person.name, outcome, codes_in_doubt });
                }
                Err(failure) => {
                    done = Err(failure);
                    break;
                }
            }
        }
    }
    if args.json {
        json(output, &report)?;
    } else {
        finding::list(output, &report.mistakes)?;
        for Row { user, outcome, codes_in_doubt } in &report.users {
            let outcome = match outcome {
                Outcome::Unchanged => "unchanged",
                Outcome::Changed if args.dry_run => "would change",
                Outcome::Changed => "changed",
            };
            writeln!(output, "{user}: {outcome}.").map_err(Failure::Output)?;
            if *codes_in_doubt {
                writeln!(
                    output,
                    "{user}: new recovery codes count after `mfactl state init {user} \
                     --codes-unused`."
                )
                .map_err(Failure::Output)?;
            }
        }
    }
    finding::verdict(&report.mistakes).and(done)
}

/// All that may be installed; what may not be is added to `mistakes`.
fn candidates(
    sources: Vec<Source>,
    world: &World,
    mistakes: &mut Vec<Finding>,
) -> Result<Vec<Candidate>, Failure> {
    let mut candidates = Vec::new();
    let mut users = BTreeSet::new();
    for Source { file, record } in sources {
        let found = match record {
            Err(finding) => Err(finding),
            Ok(record) if !users.insert(record.user.clone()) => Err(Finding::new(
                &file,
                format!("another file has a record of {:?} already", record.user),
                "leave one of them",
            )),
            Ok(record) => candidate(&file, record, world)?,
        };
        match found {
            Ok(candidate) => candidates.push(candidate),
            Err(finding) => mistakes.push(finding),
        }
    }
    Ok(candidates)
}

/// # Errors
/// Nobody can tell whether it may be installed.
fn candidate(
    file: &Path,
    record: Record,
    world: &World,
) -> Result<Result<Candidate, Finding>, Failure> {
    let user = &record.user;
    let wrong = |cause: String, mend: String| Ok(Err(Finding::new(file, cause, mend)));
    let make = "make the user first, or leave the record out".to_owned();
    let person = match Person::find(&world.base, user) {
        Err(failure @ (Failure::UnknownUser(_) | Failure::BadUserName(_))) => {
            return wrong(failure.to_string(), make);
        }
        found => found?,
    };
    let Some(uid) = person.uid else {
        return wrong(format!("the user database has no {user:?}"), make);
    };
    if person.name != *user {
        let name = &person.name;
        let cause = format!("user is {user:?}, and the user database says {name:?}");
        return wrong(cause, format!("write user = {name:?}"));
    }
    if uid.as_raw() != record.uid {
        let cause = format!("uid is {}, and {user} has uid {uid}", record.uid);
        return wrong(cause, format!("write uid = {uid}"));
    }
    match person.read().and_then(|_| person.record.read().map_err(Failure::from)) {
        Ok(_) | Err(Failure::NoRecord(_)) => Ok(Ok(Candidate { person, record })),
        Err(failure @ Failure::UidChanged { .. }) => {
            wrong(failure.to_string(), "then apply again".to_owned())
        }
        Err(Failure::Record(trouble)) => {
            let Finding { cause, mend, .. } = Finding::of(&person.record.path(), user, &trouble);
            wrong(format!("what is installed for {user} cannot be changed: {cause}"), mend)
        }
        Err(failure) => Err(failure),
    }
}

/// What [`install`] would do.
fn foresee(person: &Person, new: &Record, world: &World) -> Result<(Outcome, bool), Failure> {
    let (old, state) = match person.read() {
        Err(Failure::NoRecord(_)) => (None, State::default()),
        read => {
            read?;
            let (old, state) = person.record.read()?;
            (Some(old), state)
        }
    };
    let is_first = old.is_none() && person.record.look()? != Presence::Reset;
    Ok(match merged(old.as_ref(), &state, new, fresh(is_first, (world.clock)())) {
        None => (Outcome::Unchanged, is_in_doubt(new, &state)),
        Some((record, state)) => (Outcome::Changed, is_in_doubt(&record, &state)),
    })
}

fn install(person: &Person, new: &Record, world: &World) -> Result<(Outcome, bool), Failure> {
    let (mut edit, _) = person.edit_or_create(&world.base)?;
    let state = edit.state().cloned().unwrap_or_default();
    // With the last credential that was removed, the state went as well.
    let is_first = edit.record().is_none() && !edit.is_buried()?;
    Ok(match merged(edit.record(), &state, new, fresh(is_first, (world.clock)())) {
        None => (Outcome::Unchanged, is_in_doubt(new, &state)),
        Some((record, mut state)) => {
            let in_doubt = is_in_doubt(&record, &state);
            for kind in news(edit.record(), &record) {
                state.notify(kind, (world.clock)());
            }
            let was =
                edit.record().zip(edit.state()).map(|(record, state)| enrolled(record, state));
            let is = enrolled(&record, &state);
            edit.save(record, state)?;
            let user = ("user", person.name.as_str());
            changed(world, user, "enrolment", &was.unwrap_or_default(), &is);
            (Outcome::Changed, in_doubt)
        }
    })
}

/// What counts as used at `now` of what is new. Unless it is the user's first record, it may have been
/// in an earlier one, and used then.
fn fresh(is_first: bool, now: u64) -> Fresh {
    Fresh { now, counter: is_first.then_some(0), codes_unused: is_first }
}

/// What the user is to be told of a change.
fn news(old: Option<&Record>, new: &Record) -> Vec<Kind> {
    let codes = |record: &Record| -> Vec<_> { record.codes.iter().map(|set| set.id).collect() };
    let factors = |record: &Record| -> Vec<_> {
        let codes = codes(record);
        record.ids().filter(|id| !codes.contains(id)).collect()
    };
    let has_more = |these: &[Id], than: &[Id]| these.iter().any(|id| !than.contains(id));
    let (had, has) = (old.map(factors).unwrap_or_default(), factors(new));
    let told = [
        (Kind::Enrolled, has_more(&has, &had)),
        (Kind::Removed, has_more(&had, &has)),
        (Kind::RecoveryCodes, has_more(&codes(new), &old.map(codes).unwrap_or_default())),
    ];
    told.into_iter().filter_map(|(kind, is_so)| is_so.then_some(kind)).collect()
}

/// Whether nobody knows what has been used of some recovery codes.
fn is_in_doubt(record: &Record, state: &State) -> bool {
    record.codes.iter().any(|codes| !state.codes.contains_key(&codes.id))
}

/// Record and state as they shall be; `None` if they are so.
fn merged(
    old: Option<&Record>,
    state: &State,
    new: &Record,
    fresh: Fresh,
) -> Option<(Record, State)> {
    let mut record = new.clone();
    let is_known = |record: &Record, id| record.ids().any(|known| known == id);
    for codes in old.iter().flat_map(|old| &old.codes) {
        let is_good = codes.expires.is_some_and(|expires| expires > fresh.now);
        let has_room = record.codes.len() < MAX_CODE_SETS;
        if codes.kind == CodeKind::Bypass && is_good && has_room && !is_known(&record, codes.id) {
            record.codes.push(codes.clone());
        }
    }
    let mut after = state.clone();
    // What is known and has no state may have been used.
    let is_new = |id| old.is_none_or(|old| !is_known(old, id));
    fresh.fill(&mut after, &record, is_new);
    for codes in old.iter().flat_map(|old| &old.codes) {
        follow(codes, &record, &mut after);
    }
    after.retain(&record);
    let is_there = old == Some(&record) && after == *state;
    (!is_there).then_some((record, after))
}

/// The state marks used codes by place: where a set lists them in another order, the marks go along.
/// Codes that the set did not have may be of an earlier version of it, and used then.
fn follow(old: &Codes, new: &Record, state: &mut State) {
    let Some(new) = new.codes.iter().find(|new| new.id == old.id && new.hashes != old.hashes)
    else {
        return;
    };
    let Some(used) = state.codes.get_mut(&old.id) else { return };
    let before = *used;
    let is_unused = |hash: &Hash| {
        let mut places = old.hashes.iter().enumerate().filter(|(_, other)| *other == hash);
        places.clone().next().is_some() && places.all(|(place, _)| before & (1 << place) == 0)
    };
    let marks = new.hashes.iter().enumerate().filter(|(_, hash)| !is_unused(hash));
    *used = marks.fold(0, |used, (place, _)| used | 1 << place);
}

#[cfg(test)]
mod tests;
