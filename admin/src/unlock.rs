//! `mfactl unlock`: whoever failed too often can try again at once.

use std::io::Write;

use mfa_core::limit::{Pauses, SourceKey, Sources, Whose, clear};
use mfa_core::reason::Reason;
use mfa_core::record::account;
use mfa_core::source;
use mfa_core::state::State;
use mfa_core::store::Lost;
use mfa_core::verify::locked_until;
use serde::Serialize;

use crate::failure::Failure;
use crate::log;
use crate::person::Person;
use crate::report::json;
use crate::time::moment;
use crate::waiting;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Of a user the attempts and failures are forgotten, wherever they came from, but for \
                  the RATE_LIMIT of a file in the home. Of an address the failures are forgotten, \
                  whoever it tried to be; one of IPv6 stands for its network of 64 bits."
)]
pub struct Args {
    /// A login name, or the address that logins come from
    #[arg(value_name = "USER|ADDRESS")]
    whose: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was forgotten.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    /// So many pairs of user and source had failures.
    failures: usize,
    /// Until when somebody would have had to wait, in seconds since 1970.
    until: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// Why it was not done.
pub fn unlock(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let now = (world.clock)();
    let pauses = waiting::limits(world).unwrap_or_default().pauses();
    let (key, name, cleared, until) = if let Some(address) = source::address(&args.whose) {
        let whose = Whose::Source(SourceKey::new(Some(address), None));
        let cleared = clear(world.run, whose, pauses, now)?;
        ("source", address.to_string(), cleared, cleared.until)
    } else {
        let person = Person::find(&world.base, &args.whose)?;
        let until = clear_record(&person, pauses, now)?;
        let cleared = clear(world.run, Whose::User(&person.name), pauses, now)?;
        ("user", person.name, cleared, cleared.until.max(until))
    };
    let before = until.map_or_else(|| "none".to_owned(), moment);
    log::changed(world, (key, &name), "lock", &before, "none");
    if args.json {
        let [user, source] = ["user", "source"].map(|it| (key == it).then_some(name.as_str()));
        return json(output, &Report { user, source, failures: cleared.counters, until });
    }
    let said = match until {
        Some(_) => format!("{name}: unlocked; it would have lasted until {before}."),
        None => format!("{name}: nobody had to wait. What had been counted is forgotten."),
    };
    writeln!(output, "{said}").map_err(Failure::Output)
}

/// Forgets the attempts in a user's record, if there is one; until when some would have been in the way.
fn clear_record(person: &Person, pauses: Pauses, now: u64) -> Result<Option<u64>, Failure> {
    let (mut edit, record) = match person.edit(Lost::Refuse) {
        Err(Failure::NoRecord(_)) => return Ok(None),
        edit => edit?,
    };
    let before = edit.state().cloned().unwrap_or_default();
    let read = account(&record, &before, &|_, _| Err(Reason::Sealed));
    let until = locked_until(&read, Some(pauses), now);
    let sources = Sources { known: before.sources.known.clone(), ..Sources::default() };
    let state = State { attempts: Vec::new(), sources, ..before };
    if edit.state() != Some(&state) {
        edit.save(record, state)?;
    }
    Ok(until)
}

#[cfg(test)]
mod tests {
    use mfa_core::limit::{Attempts, Counter, Known};
    use serde_json::{Value, json};

    use super::*;
    use crate::lab::{Lab, NOW, totp};

    const PAUSES: Pauses = Pauses { failures: 5, max: 900 };

    /// How many of so many wrong answers are let through.
    fn guesses(lab: &Lab, user: &str, address: &str, tries: usize) -> usize {
        let run_dir = &lab.dir.path().join("run");
        let source = SourceKey::new(address.parse().ok(), None);
        let attempts = Attempts { run_dir, user, source, is_exempt: false, pauses: PAUSES };
        (0..tries).filter(|_| attempts.admit(NOW).unwrap().is_ok()).count()
    }

    #[test]
    fn a_user() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        for address in ["192.0.2.7", "2001:db8::1"] {
            assert_eq!(guesses(&lab, "daemon", address, 9), 5);
        }
        guesses(&lab, "bin", "192.0.2.7", 9);
        let (kept, mut state) = record.read().unwrap();
        let known = vec![Known { source: SourceKey::from_number(1), day: NOW / 86_400 }];
        state.attempts = vec![NOW; 3];
        state.sources = Sources {
            known: known.clone(),
            familiar: vec![NOW; 3],
            strangers: Counter { failures: 52, last: NOW },
        };
        record.edit(Lost::Refuse).unwrap().save(kept.clone(), state.clone()).unwrap();

        let said = lab.run("unlock daemon --json", "").unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said, json!({"user": "daemon", "failures": 2, "until": NOW + 120}));
        let (record, after) = record.read().unwrap();
        let sources = Sources { known, ..Sources::default() };
        assert_eq!((record, after), (kept, State { attempts: vec![], sources, ..state }));
        assert_eq!(guesses(&lab, "daemon", "192.0.2.7", 9), 5);
        assert_eq!(guesses(&lab, "bin", "192.0.2.7", 9), 0, "bin is another");
        let line = "changed user=daemon what=lock before=2023-11-14T22:15:30Z after=none uid=0 \
                    login_uid=1000";
        assert_eq!(*lab.log.borrow(), [line]);
    }

    #[test]
    fn a_user_without_a_record() {
        let lab = Lab::new();
        guesses(&lab, "daemon", "192.0.2.7", 9);
        let said = lab.run("unlock daemon", "").unwrap();
        assert_eq!(said, "daemon: unlocked; it would have lasted until 2023-11-14T22:14:00Z.\n");
        let said = lab.run("unlock daemon", "").unwrap();
        assert_eq!(said, "daemon: nobody had to wait. What had been counted is forgotten.\n");
        assert!(matches!(lab.run("unlock no-such-user", ""), Err(Failure::UnknownUser(_))));
    }

    #[test]
    fn an_address() {
        let lab = Lab::new();
        for user in ["daemon", "bin"] {
            guesses(&lab, user, "2001:db8::1", 9);
            guesses(&lab, user, "192.0.2.7", 9);
        }
        let said = lab.run("unlock 2001:db8::2 --json", "").unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said, json!({"source": "2001:db8::2", "failures": 2, "until": NOW + 30}));
        assert_eq!(guesses(&lab, "daemon", "2001:db8::1", 9), 5);
        assert_eq!(guesses(&lab, "daemon", "192.0.2.7", 9), 0);
        assert!(lab.log.borrow()[0].starts_with("changed source=2001:db8::2 what=lock before="));
    }

    #[test]
    fn the_policy_says_how_long() {
        let lab = Lab::new();
        let etc = lab.dir.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        std::fs::write(etc.join("policy.toml"), "version = 1\nlimits = { failures = 4 }\n")
            .unwrap();
        guesses(&lab, "daemon", "192.0.2.7", 9);
        let said = lab.run("unlock daemon --json", "").unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["until"], NOW + 60);
    }
}
