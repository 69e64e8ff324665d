//! `mfactl state`: what counts as used where nobody knows.

use std::io::Write;

use clap::{Subcommand, value_parser};
use mfa_core::record::{Method, Record};
use mfa_core::state::State;
use mfa_core::store::Lost;
use serde::Serialize;

use crate::failure::Failure;
use crate::fresh::Fresh;
use crate::log::changed;
use crate::person::{self, Person};
use crate::report::json;
use crate::world::World;

/// What to do with states.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the state of records that have lost theirs; one that is there is left alone
    Init(Init),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Time-based codes up to now count as used, recovery and bypass codes as well, and the \
                  counter of a token has to be found by two consecutive codes, unless the options \
                  say otherwise. A security key counts from its next use on: whether there was a \
                  copy of it before, nobody can tell."
)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub struct Init {
    /// The login name
    #[arg(group = "whose")]
    user: Option<String>,

    /// For everybody who has a record
    #[arg(long, group = "whose", conflicts_with = "counter")]
    all: bool,

    /// The next counter of the user's one token (HOTP)
    #[arg(long, value_name = "N", value_parser = value_parser!(i64).range(0..))]
    counter: Option<i64>,

    /// No recovery or bypass code has been used: all are good
    #[arg(long)]
    codes_unused: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    users: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    user: String,
    /// Whether the state was made or filled up.
    changed: bool,
    /// Why it was not; `null` if all is well.
    failed: Option<String>,
    #[serde(skip)]
    said: String,
}

/// Runs the command.
///
/// # Errors
/// Why it was not done, at least for somebody.
pub fn run(command: &Command, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let Command::Init(args) = command;
    let now = (world.clock)();
    let fresh = Fresh { now, counter: args.counter, codes_unused: args.codes_unused };
    if let Some(user) = &args.user {
        let row = init(&Person::find(&world.base, user)?, fresh, world)?;
        return Report { users: vec![row] }.write(args.json, output);
    }
    let one = |user: String| {
        let done = Person::find(&world.base, &user).and_then(|person| init(&person, fresh, world));
        done.unwrap_or_else(|failure| {
            let said = format!("left as it is: {failure}.");
            Row { user, changed: false, failed: Some(failure.to_string()), said }
        })
    };
    let users: Vec<_> = person::everyone(&world.base)?.into_iter().map(one).collect();
    let (of, failed) = (users.len(), users.iter().filter(|row| row.failed.is_some()).count());
    Report { users }.write(args.json, output)?;
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::Some { failed, of, dry_run: false })
}

impl Report {
    fn write(&self, as_json: bool, output: &mut dyn Write) -> Result<(), Failure> {
        if as_json {
            return json(output, self);
        }
        self.users.iter().try_for_each(|Row { user, said, .. }| {
            writeln!(output, "{user}: {said}").map_err(Failure::Output)
        })
    }
}

fn init(person: &Person, fresh: Fresh, world: &World) -> Result<Row, Failure> {
    let (mut edit, record) = person.edit(Lost::Renew)?;
    let user = &person.name;
    let row = |changed, said| Row { user: user.clone(), changed, failed: None, said };
    let mut state = edit.state().cloned().unwrap_or_default();
    let tokens = tokens(&record, &state);
    let lacks_keys = record.keys.iter().any(|key| !state.keys.contains_key(&key.id));
    if fresh.counter.is_some() && tokens.len() != 1 {
        return Err(Failure::Refused(format!(
            "--counter is for one token (HOTP) without its state, and {user} has {}; leave it out",
            tokens.len()
        )));
    }
    let added = fresh.fill(&mut state, &record, |_| true);
    if edit.state().is_some() && added == 0 {
        return Ok(row(false, "has its state; left alone.".to_owned()));
    }
    let mut said = vec!["the state is made. Time-based codes up to now count as used.".to_owned()];
    if lacks_keys {
        said.push(
            "A copy of a security key would not be noticed before the key's next use.".to_owned(),
        );
    }
    if fresh.counter.is_none() {
        let again = |name| format!("{name:?} is good again after two consecutive codes.");
        said.extend(tokens.into_iter().map(again));
    }
    if record.codes.iter().any(|codes| !state.codes.contains_key(&codes.id)) {
        said.push(format!(
            "Recovery and bypass codes are good no more; `mfactl codes {user} --new` makes new ones."
        ));
    }
    let before = if edit.state().is_some() { "incomplete" } else { "lost" };
    edit.save(record, state)?;
    let counter = fresh.counter.map_or("unknown".to_owned(), |counter| counter.to_string());
    let codes = if fresh.codes_unused { "unused" } else { "used" };
    let after = format!("counter:{counter},codes:{codes}");
    changed(world, ("user", user), "state", before, &after);
    Ok(row(true, said.join(" ")))
}

/// The names of event-based credentials that the state does not know.
fn tokens(record: &Record, state: &State) -> Vec<String> {
    let lacking = record.credentials.iter().filter(|credential| {
        credential.method == Method::Hotp && !state.credentials.contains_key(&credential.id)
    });
    lacking.map(|credential| credential.name.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mfa_core::record::Id;
    use mfa_core::state::{State, Used};
    use mfa_core::store::Lost;

    use crate::lab::{Lab, NOW, hotp, totp, usb_key};

    fn id(n: u8) -> Id {
        Id::new([0, 0, 0, n])
    }

    #[test]
    fn what_may_have_been_used_is_used() {
        let lab = Lab::new();
        let mut wide = totp(1, "phone");
        wide.window = 17;
        let record = lab.enrol("daemon", vec![wide, hotp(2, "token")]);
        lab.run("codes daemon --new", "").unwrap();
        let codes_id = record.read().unwrap().0.codes[0].id;
        let step = i64::try_from(NOW / 30).unwrap();
        for (options, counter, codes) in [
            ("", None, None),
            (" --counter 17", Some(17), None),
            (" --codes-unused", None, Some(0)),
        ] {
            fs::remove_file(record.state_path()).unwrap();
            let said = lab.run(&format!("state init daemon{options}"), "").unwrap();
            let (_, state) = record.read().unwrap();
            assert_eq!(*state.credentials.get(&id(1)).unwrap(), Used::totp(step + 8), "{options}");
            assert_eq!(*state.credentials.get(&id(2)).unwrap(), Used::hotp(counter), "{options}");
            assert_eq!(state.codes.get(&codes_id).copied(), codes, "{options}");
            assert_eq!(said.contains("two consecutive codes"), counter.is_none(), "{said}");
            assert_eq!(said.contains("mfactl codes daemon --new"), codes.is_none(), "{said}");
        }
    }

    #[test]
    fn a_state_that_is_there_is_left_alone_but_for_what_it_lacks() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        let said = lab.run("state init daemon", "").unwrap();
        assert_eq!(said, "daemon: has its state; left alone.\n");
        let sentence = lab.refused("state init daemon --counter 3");
        assert!(sentence.contains("daemon has 0; leave it out"), "{sentence}");
        let (kept, mut state) = record.read().unwrap();
        assert_eq!(*state.credentials.get(&id(1)).unwrap(), Used::totp(0));
        state.credentials.retain(|kept| kept != id(2));
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        lab.run("state init daemon --counter 3", "").unwrap();
        let (_, state) = record.read().unwrap();
        assert_eq!(*state.credentials.get(&id(1)).unwrap(), Used::totp(0));
        assert_eq!(*state.credentials.get(&id(2)).unwrap(), Used::hotp(Some(3)));
        let line =
            "changed user=daemon what=state before=incomplete after=\"counter:3,codes:used\"";
        assert_eq!(*lab.log.borrow(), [format!("{line} uid=0 login_uid=1000")]);
    }

    #[test]
    fn keys_begin_anew() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.add_keys("daemon", vec![usb_key(2, "blue")]);
        fs::remove_file(record.state_path()).unwrap();
        let said = lab.run("state init daemon", "").unwrap();
        assert!(said.contains("A copy of a security key would not be noticed before"), "{said}");
        assert_eq!(record.read().unwrap().1.keys.get(&id(2)), Some(&0));
        assert!(lab.run("state init daemon", "").unwrap().contains("left alone"));
    }

    #[test]
    fn damaged_ones_are_made_anew() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        for damage in [&b""[..], &[0; 100], &[0xff; 8192]] {
            fs::write(record.state_path(), damage).unwrap();
            lab.run("state init daemon", "").unwrap();
            let (_, State { credentials, .. }) = record.read().unwrap();
            assert_ne!(credentials.get(&id(1)), Some(&Used::totp(0)));
        }
    }

    #[test]
    fn all_at_once() {
        let lab = Lab::new();
        assert_eq!(lab.run("state init --all", "").unwrap(), "");
        let lost = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.enrol("bin", vec![totp(1, "phone")]);
        fs::remove_file(lost.state_path()).unwrap();
        let said = lab.run("state init --all", "").unwrap();
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines[0], "bin: has its state; left alone.");
        assert!(lines[1].starts_with("daemon: the state is made."), "{said}");

        let broken = lab.enrol("sys", vec![totp(1, "phone")]);
        fs::write(broken.path(), "x").unwrap();
        let sentence = lab.run("state init --all", "").unwrap_err().to_string();
        assert!(sentence.starts_with("1 of 3 failed"), "{sentence}");
        assert!(lab.said.borrow().contains("\nsys: left as it is: "), "{}", lab.said.borrow());
    }
}
