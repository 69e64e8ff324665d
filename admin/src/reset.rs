//! `mfactl reset`: what somebody has enrolled counts no more.

use std::io::{BufRead, Write};

use clap::ValueEnum;
use mfa_core::fresh::forget;
use mfa_core::notice::Kind;
use mfa_core::record::Record;
use mfa_core::store::Lost;
use mfa_enroll::talk::Talk;
use serde::Serialize;

use crate::enrolment::{Enrolment, Stored};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::log::{changed, codes_left, enrolled};
use crate::person::Person;
use crate::report::json;
use crate::time::moment;
use crate::waiting::Waiting;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
    The record goes, with what it knows of used codes, and a tombstone stays: what is in the \
    home does not count either. `mfactl credential add USER` enrols again, or the user does \
    at a login, with `enroll` on the PAM line. Until then the user is denied, with \
    nullok on the line as well; a line with secret= or store=home goes on by its file.")]
pub struct Args {
    /// The login name
    user: String,

    /// Only this: recovery is all codes on paper and from the help desk; otp is what makes codes, key all
    /// security keys. Without either nothing can be there: then it is the whole
    #[arg(value_enum)]
    factor: Option<Factor>,

    /// Ask nothing
    #[arg(long)]
    yes: bool,

    /// Print one JSON object
    #[arg(long, requires = "yes")]
    json: bool,
}

/// A kind of factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Factor {
    // Codes by time or counter.
    Otp,
    // Codes on paper and from the help desk.
    Recovery,
    // Security keys.
    Key,
}

#[derive(Serialize)]
struct Report<'a> {
    user: &'a str,
    /// Whether there was anything to remove.
    changed: bool,
}

pub fn reset(
    args: &Args,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    let mut talk = Talk::new(input, &mut *output);
    let said = match args.factor {
        Some(Factor::Recovery) => paper(&person, args, world, &mut talk)?,
        Some(Factor::Otp) => generators(&person, args, world, &mut talk)?,
        Some(Factor::Key) => keys(&person, args, world, &mut talk)?,
        None => whole(&person, args, world, &mut talk)?,
    };
    let user = person.name.as_str();
    if args.json {
        return json(output, &Report { user, changed: said.is_some() });
    }
    let said = said.unwrap_or_else(|| "there is nothing to reset; left alone".to_owned());
    writeln!(output, "{user}: {said}.").map_err(Failure::Output)
}

/// Removes all there is; what to say, if there was anything.
fn whole<R: BufRead, W: Write>(
    person: &Person,
    args: &Args,
    world: &World,
    talk: &mut Talk<R, W>,
) -> Result<Option<String>, Failure> {
    let user = &person.name;
    let enrolment = Enrolment::find(person, world);
    if matches!(enrolment.stored, Stored::Reset | Stored::Nowhere) {
        return Ok(None);
    }
    let facts = Facts::of(enrolment, &Waiting::read(world), (world.clock)());
    let codes = facts.codes();
    insist(
        args,
        world,
        talk,
        &format!("{user} has {} and recovery codes: {codes}. Remove it all?", facts.factors()),
    )?;
    world.base.create().map_err(|error| Failure::Directory(world.base.dir.clone(), error))?;
    // What has been used need not be known of what goes.
    let edit = person.record.edit(Lost::Renew)?;
    let before = edit.record().map_or("home".to_owned(), |record| {
        enrolled(record, &edit.state().cloned().unwrap_or_default())
    });
    // First the tombstone: at no moment does what the home holds count again.
    edit.bury(&format!("mfactl reset, {}\n", moment((world.clock)())))?;
    edit.remove()?;
    forget(world.run, user, None)?;
    changed(world, ("user", user), "enrolment", &before, "tombstone");
    Ok(Some(format!(
        "reset. Nothing that was enrolled counts any more; `mfactl credential add {user}` enrols again"
    )))
}

/// Removes what makes codes, and all there is if that leaves no key; what to say, if there was anything.
fn generators<R: BufRead, W: Write>(
    person: &Person,
    args: &Args,
    world: &World,
    talk: &mut Talk<R, W>,
) -> Result<Option<String>, Failure> {
    match person.record.read_record() {
        Ok(record) if !record.keys.is_empty() && record.credentials.is_empty() => Ok(None),
        Ok(record) if !record.keys.is_empty() => {
            let question = format!("Remove all of {} that makes codes?", person.name);
            insist(args, world, talk, &question)?;
            part(person, world, |record| record.credentials.clear()).map(Some)
        }
        _ => whole(person, args, world, talk),
    }
}

/// Removes the security keys, and all there is if that leaves nothing that makes codes; what to say, if
/// there was anything.
fn keys<R: BufRead, W: Write>(
    person: &Person,
    args: &Args,
    world: &World,
    talk: &mut Talk<R, W>,
) -> Result<Option<String>, Failure> {
    let record = match person.read() {
        Err(Failure::NoRecord(_)) => return Ok(None),
        record => record?,
    };
    if record.keys.is_empty() {
        return Ok(None);
    }
    if record.credentials.is_empty() {
        return whole(person, args, world, talk);
    }
    insist(args, world, talk, &format!("Remove all security keys of {}?", person.name))?;
    part(person, world, |record| record.keys.clear()).map(Some)
}

/// Removes something of a record that is not empty without it; what to say.
fn part(
    person: &Person,
    world: &World,
    remove: impl FnOnce(&mut Record),
) -> Result<String, Failure> {
    let user = &person.name;
    let (mut edit, mut record) = person.edit(Lost::Refuse)?;
    let mut state = edit.state().cloned().unwrap_or_default();
    let before = enrolled(&record, &state);
    remove(&mut record);
    state.retain(&record);
    state.notify(Kind::Removed, (world.clock)());
    let after = enrolled(&record, &state);
    edit.save(record, state)?;
    forget(world.run, user, None)?;
    changed(world, ("user", user), "enrolment", &before, &after);
    Ok(format!("what is left is {after}"))
}

/// Removes all codes that are good without a phone; what to say, if there were any.
fn paper<R: BufRead, W: Write>(
    person: &Person,
    args: &Args,
    world: &World,
    talk: &mut Talk<R, W>,
) -> Result<Option<String>, Failure> {
    let user = &person.name;
    if Enrolment::find(person, world).stored == Stored::Home {
        return Err(Failure::Refused(format!(
            "what {user} has is in the file in the home, and stays as it is; `mfactl import {user}` \
             makes a record of it, `mfactl reset {user}` makes it count no more"
        )));
    }
    let all = |record, state| codes_left(record, state, |_| true);
    let seen = person.read()?;
    if seen.codes.is_empty() {
        return Ok(None);
    }
    insist(args, world, talk, &format!("Remove all recovery and bypass codes of {user}?"))?;
    let (mut edit, mut record) = person.edit(Lost::Refuse)?;
    let mut state = edit.state().cloned().unwrap_or_default();
    let before = all(&record, &state);
    record.codes.clear();
    state.retain(&record);
    state.notify(Kind::Removed, (world.clock)());
    edit.save(record, state)?;
    forget(world.run, user, None)?;
    changed(world, ("user", user), "recovery_codes", &before.to_string(), "0");
    Ok(Some(format!("the recovery codes are gone; `mfactl codes {user} --new` makes new ones")))
}

/// Goes on only if somebody wants it.
fn insist<R: BufRead, W: Write>(
    args: &Args,
    world: &World,
    talk: &mut Talk<R, W>,
    question: &str,
) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !world.has_terminal {
        let why = "there is no terminal to ask at; --yes answers";
        return Err(Failure::Refused(why.to_owned()));
    }
    if talk.ask_whether(question)? {
        return Ok(());
    }
    Err(Failure::Refused("nothing was changed".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mfa_core::record::Name;
    use mfa_core::store::Presence;

    use crate::lab::{Lab, hotp, totp, usb_key};

    #[test]
    fn the_whole_goes_and_a_tombstone_stays() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        assert!(lab.refused("reset daemon").contains("--yes answers"));
        assert_eq!(record.look(), Ok(Presence::Here));
        let said = lab.run("reset daemon --yes", "").unwrap();
        assert!(said.starts_with("daemon: reset. Nothing that was enrolled counts"), "{said}");
        assert_eq!(record.look(), Ok(Presence::Reset));
        assert!(!record.state_path().exists());
        let line = "changed user=daemon what=enrolment before=\"phone,token\" after=tombstone";
        assert_eq!(*lab.log.borrow(), [format!("{line} uid=0 login_uid=1000")]);
        let again = lab.run("reset daemon --yes --json", "").unwrap();
        assert_eq!(again, "{\"user\":\"daemon\",\"changed\":false}\n");
        assert_eq!(lab.log.borrow().len(), 1);
    }

    #[test]
    fn what_is_lost_or_anothers_goes_as_well() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        fs::remove_file(record.state_path()).unwrap();
        lab.run("reset daemon otp --yes", "").unwrap();
        assert_eq!(record.look(), Ok(Presence::Reset));
        let record = lab.enrol_uid("bin", 4711, vec![totp(1, "phone")]);
        lab.run("reset bin --yes", "").unwrap();
        assert_eq!(record.look(), Ok(Presence::Reset));
    }

    #[test]
    fn a_person_is_asked() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.has_terminal.set(true);
        let failure = lab.run("reset daemon", "what?\nn\n").unwrap_err();
        assert_eq!(failure.to_string(), "nothing was changed");
        assert!(lab.said.borrow().contains("daemon has phone (totp) and"), "{}", lab.said.borrow());
        assert_eq!(record.look(), Ok(Presence::Here));
        lab.run("reset daemon", "y\n").unwrap();
        assert_eq!(record.look(), Ok(Presence::Reset));
    }

    #[test]
    fn paper_codes_alone() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let said = lab.run("reset daemon recovery --yes", "").unwrap();
        assert_eq!(said, "daemon: there is nothing to reset; left alone.\n");
        lab.run("codes daemon --new", "").unwrap();
        lab.run("bypass-code daemon", "").unwrap();
        lab.run("reset daemon recovery --yes", "").unwrap();
        let (kept, state) = record.read().unwrap();
        assert!(kept.codes.is_empty() && state.codes.is_empty());
        assert!(state.credentials.contains_key(&kept.credentials[0].id));
        let line = "changed user=daemon what=recovery_codes before=11 after=0";
        assert!(lab.log.borrow()[2].starts_with(line), "{:?}", lab.log.borrow());
    }

    #[test]
    fn keys_alone_or_all_but_keys() {
        for (line, left) in
            [("reset daemon key --yes", "phone"), ("reset daemon otp --yes", "blue")]
        {
            let lab = Lab::new();
            let record = lab.enrol("daemon", vec![totp(1, "phone")]);
            assert!(lab.run("reset daemon key --yes", "").unwrap().contains("nothing to reset"));
            lab.add_keys("daemon", vec![usb_key(2, "blue")]);
            let said = lab.run(line, "").unwrap();
            assert_eq!(said, format!("daemon: what is left is {left}.\n"));
            let (kept, state) = record.read().unwrap();
            assert_eq!(kept.names().map(Name::as_str).collect::<Vec<_>>(), [left]);
            assert_eq!(state.credentials.len() + state.keys.len(), 1);
            let line =
                format!("changed user=daemon what=enrolment before=\"phone,blue\" after={left}");
            assert!(lab.log.borrow()[0].starts_with(&line), "{:?}", lab.log.borrow());
        }
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.add_keys("daemon", vec![usb_key(2, "blue")]);
        lab.run("reset daemon otp --yes", "").unwrap();
        assert!(lab.run("reset daemon otp --yes", "").unwrap().contains("nothing to reset"));
        lab.run("reset daemon key --yes", "").unwrap();
        assert_eq!(record.look(), Ok(Presence::Reset));
    }

    #[test]
    fn what_was_used_before_a_reset_is_not_good_after_it() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.run("codes daemon --new", "").unwrap();
        let text = record.read().unwrap().0.to_text();
        lab.run("reset daemon --yes", "").unwrap();
        lab.run("apply -", &text).unwrap();
        let (kept, state) = record.read().unwrap();
        assert_eq!(state.codes_left(&kept.codes[0]), 0);
    }
}
