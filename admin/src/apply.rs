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
    let credentials = |record: &Record| -> Vec<_> {
        record.credentials.iter().map(|credential| credential.id).collect()
    };
    let codes = |record: &Record| -> Vec<_> { record.codes.iter().map(|set| set.id).collect() };
    let has_more = |these: &[Id], than: &[Id]| these.iter().any(|id| !than.contains(id));
    let (had, has) = (old.map(credentials).unwrap_or_default(), credentials(new));
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
mod tests {
    use std::fs;

    use mfa_core::codes::Hex;
    use mfa_core::record::{CodeKind, Codes, Id, Name};
    use mfa_core::state::Used;
    use mfa_core::store::SystemRecord;
    use nix::unistd::Uid;
    use serde_json::{Value, json};

    use super::*;
    use crate::lab::{Lab, NOW, hotp, totp, uid_of};

    fn id(n: u8) -> Id {
        Id::new([0, 0, 0, n])
    }

    fn wanted(user: &str) -> Record {
        let codes = Codes {
            id: id(9),
            kind: CodeKind::Recovery,
            salt: Hex::new([1; 16]),
            hashes: vec![Hex::new([2; 32]); 3],
            created: None,
            expires: None,
        };
        Record {
            credentials: vec![totp(1, "phone"), hotp(2, "token")],
            codes: vec![codes],
            ..Record::new(user, uid_of(user))
        }
    }

    /// Writes records to a directory to apply, and gives its path.
    fn source(lab: &Lab, records: &[&Record]) -> String {
        let dir = lab.dir.path().join("source");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("README"), "not a record").unwrap();
        for record in records {
            fs::write(dir.join(format!("{}.toml", record.user)), &*record.to_text()).unwrap();
        }
        dir.to_str().unwrap().to_owned()
    }

    fn installed(lab: &Lab, user: &str) -> SystemRecord {
        SystemRecord::new(lab.base(), user, Uid::from_raw(uid_of(user))).unwrap()
    }

    #[test]
    fn new_records_count_as_used_up_to_now_and_once_is_enough() {
        let lab = Lab::new();
        let (daemon, bin) = (wanted("daemon"), wanted("bin"));
        let dir = source(&lab, &[&daemon, &bin]);
        let dry = lab.run(&format!("apply {dir} --dry-run"), "").unwrap();
        assert_eq!(dry, "bin: would change.\ndaemon: would change.\n");
        assert_eq!(installed(&lab, "daemon").look(), Ok(Presence::NoRecords));

        assert_eq!(
            lab.run(&format!("apply {dir}"), "").unwrap(),
            "bin: changed.\ndaemon: changed.\n"
        );
        let line = |user| {
            format!(
                "changed user={user} what=enrolment before=\"\" after=\"phone,token,recovery:3\" \
                 uid=0 login_uid=1000"
            )
        };
        assert_eq!(*lab.log.borrow(), ["bin", "daemon"].map(line));
        let (record, state) = installed(&lab, "daemon").read().unwrap();
        assert_eq!(record, daemon);
        assert_eq!(
            *state.credentials.get(&id(1)).unwrap(),
            Used::totp(i64::try_from(NOW / 30).unwrap() + 1)
        );
        assert_eq!(*state.credentials.get(&id(2)).unwrap(), Used::hotp(Some(0)));
        assert_eq!(*state.codes.get(&id(9)).unwrap(), 0);

        let again = lab.run_at(NOW + 999, &format!("apply {dir} --json"), "").unwrap();
        let expected = json!({
            "users": [
                {"user": "bin", "outcome": "unchanged", "codes_in_doubt": false},
                {"user": "daemon", "outcome": "unchanged", "codes_in_doubt": false},
            ],
            "mistakes": [],
        });
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), expected);
        assert_eq!(installed(&lab, "daemon").read().unwrap().1, state);
        let again = lab.run(&format!("apply {dir}/daemon.toml"), "").unwrap();
        assert_eq!(again, "daemon: unchanged.\n");
        assert_eq!(lab.log.borrow().len(), 2);
    }

    #[test]
    fn what_is_known_keeps_its_state() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone"), totp(3, "old")]);
        let text = wanted("daemon").to_text();
        let doubt =
            "daemon: new recovery codes count after `mfactl state init daemon --codes-unused`.\n";
        for (options, outcome) in [(" --dry-run", "would change"), ("", "changed")] {
            let said = lab.run(&format!("apply -{options}"), &text).unwrap();
            assert_eq!(said, format!("daemon: {outcome}.\n{doubt}"));
        }
        let (_, state) = installed(&lab, "daemon").read().unwrap();
        assert_eq!(*state.credentials.get(&id(1)).unwrap(), Used::totp(0), "known");
        assert_eq!(state.credentials.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(1), id(2)]);
        assert_eq!(state.codes.get(&id(9)), None);
        lab.run("state init daemon --codes-unused", "").unwrap();
        let (_, state) = installed(&lab, "daemon").read().unwrap();
        assert_eq!(state.codes.get(&id(9)), Some(&0));

        let mut renamed = wanted("daemon");
        renamed.credentials[0].name = Name::new("Pixel").unwrap();
        assert_eq!(
            lab.run("apply - --dry-run", &renamed.to_text()).unwrap(),
            "daemon: would change.\n"
        );
        assert_eq!(lab.run("apply -", &renamed.to_text()).unwrap(), "daemon: changed.\n");
        let (record, after) = installed(&lab, "daemon").read().unwrap();
        assert_eq!((record, after), (renamed, state));
    }

    #[test]
    fn what_is_known_and_has_no_state_may_have_been_used() {
        let lab = Lab::new();
        let text = wanted("daemon").to_text();
        lab.run("apply -", &text).unwrap();
        let record = installed(&lab, "daemon");
        let (kept, mut state) = record.read().unwrap();
        state.codes.retain(|_| false);
        record.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
        let said = lab.run("apply -", &text).unwrap();
        assert!(said.starts_with("daemon: unchanged.\ndaemon: new recovery codes count"), "{said}");
        assert!(record.read().unwrap().1.codes.is_empty());
    }

    #[test]
    fn codes_that_were_left_out_once_may_have_been_used() {
        let lab = Lab::new();
        let first = wanted("daemon");
        let second = Record { codes: vec![], ..first.clone() };
        let apply = |record: &Record| lab.run("apply -", &record.to_text()).unwrap();
        apply(&first);
        let installed = installed(&lab, "daemon");
        let (kept, mut state) = installed.read().unwrap();
        state.codes.insert(id(9), 0b111);
        installed.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
        apply(&second);
        let said = apply(&first);
        assert!(said.contains("`mfactl state init daemon --codes-unused`"), "{said}");
        let (record, state) = installed.read().unwrap();
        assert_eq!((state.codes_left(&record.codes[0]), record), (0, first));
    }

    #[test]
    fn codes_that_a_set_gets_may_have_been_in_it_before() {
        let lab = Lab::new();
        let mut first = wanted("daemon");
        first.codes[0].hashes = [1, 2, 3].map(|n| Hex::new([n; 32])).into();
        let mut second = first.clone();
        second.codes[0].hashes = [2, 4].map(|n| Hex::new([n; 32])).into();
        let installed = installed(&lab, "daemon");
        for (record, marks) in [(&first, 0b000), (&second, 0b10), (&first, 0b101)] {
            lab.run("apply -", &record.to_text()).unwrap();
            assert_eq!(installed.read().unwrap().1.codes.get(&id(9)), Some(&marks));
        }
    }

    #[test]
    fn used_codes_stay_used_wherever_in_the_set_they_are() {
        let lab = Lab::new();
        let mut record = wanted("daemon");
        record.codes[0].hashes = [1, 2, 3].map(|n| Hex::new([n; 32])).into();
        lab.run("apply -", &record.to_text()).unwrap();
        let installed = installed(&lab, "daemon");
        let (kept, mut state) = installed.read().unwrap();
        state.codes.insert(id(9), 0b001);
        installed.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
        record.codes[0].hashes = [4, 3, 1].map(|n| Hex::new([n; 32])).into();
        lab.run("apply -", &record.to_text()).unwrap();
        assert_eq!(installed.read().unwrap().1.codes.get(&id(9)), Some(&0b101));
    }

    #[test]
    fn what_was_removed_may_have_been_used() {
        let lab = Lab::new();
        let text = wanted("daemon").to_text();
        lab.run("apply -", &text).unwrap();
        lab.run("credential remove daemon phone", "").unwrap();
        lab.run("credential remove daemon token --last", "").unwrap();
        for (options, outcome) in [(" --dry-run", "would change"), ("", "changed")] {
            let said = lab.run(&format!("apply -{options}"), &text).unwrap();
            assert!(said.starts_with(&format!("daemon: {outcome}.\n")), "{said}");
            assert!(said.contains("`mfactl state init daemon --codes-unused`"), "{said}");
        }
        let record = installed(&lab, "daemon");
        let (_, state) = record.read().unwrap();
        assert_eq!(*state.credentials.get(&id(2)).unwrap(), Used::hotp(None));
        assert!(state.codes.is_empty());
        lab.run("state init daemon --codes-unused", "").unwrap();
        assert_eq!(*record.read().unwrap().1.codes.get(&id(9)).unwrap(), 0);
        assert_eq!(lab.run("apply -", &text).unwrap(), "daemon: unchanged.\n");
    }

    #[test]
    fn bypass_codes_outlive_it_as_long_as_they_are_good() {
        let lab = Lab::new();
        let text = wanted("daemon").to_text();
        lab.run("apply -", &text).unwrap();
        lab.run("bypass-code daemon --ttl 1h", "").unwrap();
        assert_eq!(lab.run("apply -", &text).unwrap(), "daemon: unchanged.\n");
        assert_eq!(lab.run_at(NOW + 3600, "apply -", &text).unwrap(), "daemon: changed.\n");
        assert_eq!(installed(&lab, "daemon").read().unwrap().0, wanted("daemon"));
    }

    #[test]
    fn one_mistake_and_nothing_is_installed() {
        let lab = Lab::new();
        let dir = source(&lab, &[&wanted("daemon")]);
        let file = |name: &str, text: &str| fs::write(format!("{dir}/{name}.toml"), text).unwrap();
        let daemon = wanted("daemon").to_text();
        let uid = format!("uid = {}", uid_of("daemon"));
        file("a", &format!("colour = 1\n{}", *daemon));
        file("b", &daemon);
        file("c", &daemon.replace("\"daemon\"", "\"no.such.user\""));
        file("d", &daemon.replace("\"daemon\"", "\"bin\"").replace(&uid, "uid = 4711"));
        file("e", &"#".repeat(70_000));
        let failure = lab.run(&format!("apply {dir}"), "").unwrap_err();
        assert_eq!((failure.exit_code(), failure.to_string().as_str()), (3, "5 mistakes found"));
        let said = lab.said.borrow().clone();
        for words in [
            "a.toml:1:1: no key colour here",
            "daemon.toml: another file has a record of \"daemon\" already; leave one",
            "c.toml: there is no user \"no.such.user\"",
            &format!("d.toml: uid is 4711, and bin has uid {0}; write uid = {0}.", uid_of("bin")),
            "e.toml: larger than 64 KiB",
        ] {
            assert!(said.contains(words), "{words} in {said}");
        }
        assert_eq!(installed(&lab, "daemon").look(), Ok(Presence::NoRecords));
        assert!(lab.run(&format!("apply {dir} --json"), "").is_err());
        let said: Value = serde_json::from_str(&lab.said.borrow()).unwrap();
        assert_eq!(said["mistakes"][0]["line"], 1);
        assert_eq!((said["mistakes"].as_array().unwrap().len(), &said["users"]), (5, &json!([])));
    }

    #[test]
    fn a_record_that_has_lost_its_state_stops_it() {
        let lab = Lab::new();
        let lost = lab.enrol("daemon", vec![totp(1, "phone")]);
        fs::remove_file(lost.state_path()).unwrap();
        let dir = source(&lab, &[&wanted("daemon"), &wanted("bin")]);
        for dry in ["", " --dry-run"] {
            let failure = lab.run(&format!("apply {dir}{dry}"), "").unwrap_err();
            assert_eq!(failure.exit_code(), 3);
            let said = lab.said.borrow().clone();
            assert!(said.contains("no state; run `mfactl state init daemon`."), "{said}");
        }
        assert_eq!(installed(&lab, "bin").look(), Ok(Presence::Absent));
        assert!(!lost.state_path().exists());

        lab.enrol_uid("sys", 4711, vec![totp(1, "phone")]);
        assert!(lab.run("apply -", &wanted("sys").to_text()).is_err());
        assert!(lab.said.borrow().contains("`mfactl credential rebind sys`"));
    }

    #[test]
    fn what_cannot_be_read() {
        let lab = Lab::new();
        let pipe = lab.dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [pipe.as_path(), Path::new("/nonexistent/x.toml"), Path::new("/dev/null")] {
            let sentence = lab.refused(&format!("apply {}", path.display()));
            assert!(sentence.contains("cannot be read"), "{sentence}");
        }
        let empty = lab.dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert_eq!(lab.run(&format!("apply {}", empty.display()), "").unwrap(), "");
    }
}
