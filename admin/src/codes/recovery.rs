//! `mfactl codes`: recovery codes, for a lost phone.

use std::io::Write;

use clap::value_parser;
use mfa_core::codes::Canonical;
use mfa_core::record::{CodeKind, MAX_CODES};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{NewSet, draw, install};
use crate::failure::Failure;
use crate::person::Person;
use crate::report::json;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Only hashes of the codes are kept: nobody can show them again. Old ones stay good until --new."
)]
pub struct Args {
    /// The login name
    user: String,

    /// Make new codes in the place of all old ones, and show them, this once
    #[arg(long)]
    new: bool,

    /// How many new ones, 1 to 32
    #[arg(long, value_name = "N", default_value = "10", requires = "new")]
    #[arg(value_parser = value_parser!(u8).range(1..=MAX_CODES as i64))]
    count: u8,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Report<'a> {
    user: &'a str,
    recovery_codes_left: usize,
    bypass_codes_left: usize,
    new_codes: Option<Vec<&'a str>>,
}

pub fn codes(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    if args.new { renew(&person, args, world, output) } else { count(&person, args, world, output) }
}

fn count(
    person: &Person,
    args: &Args,
    world: &World,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let (recovery, bypass) = left(person, world)?;
    let user = &person.name;
    if args.json {
        let (recovery_codes_left, bypass_codes_left) = (recovery, bypass);
        let new_codes = None;
        return json(output, &Report { user, recovery_codes_left, bypass_codes_left, new_codes });
    }
    let codes = |count, kind| format!("{count} {kind} code{}", if count == 1 { "" } else { "s" });
    let (recovery, bypass) = (codes(recovery, "recovery"), codes(bypass, "bypass"));
    writeln!(output, "{user} has {recovery} and {bypass} left.").map_err(Failure::Output)
}

/// How many recovery codes are left, and how many bypass codes that have not expired.
fn left(person: &Person, world: &World) -> Result<(usize, usize), Failure> {
    person.read()?;
    let (record, state) = person.record.read()?;
    let now = (world.clock)();
    let sum = |kind| {
        let sets = record.codes.iter().filter(|codes| codes.kind == kind);
        let good = sets.filter(|codes| codes.expires.is_none_or(|expires| expires > now));
        good.map(|codes| state.codes_left(codes)).sum()
    };
    Ok((sum(CodeKind::Recovery), sum(CodeKind::Bypass)))
}

/// The codes are shown before they count: nobody is left with codes that were never seen.
fn renew(
    person: &Person,
    args: &Args,
    world: &World,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let (_, bypass_codes_left) = left(person, world)?;
    let (record, user) = (person.read()?, &person.name);
    let NewSet { codes, kept } = draw(&record, world, CodeKind::Recovery, args.count.into(), None)?;
    let texts: Vec<Zeroizing<String>> = codes.iter().map(Canonical::grouped).collect();
    if args.json {
        let new_codes = Some(texts.iter().map(|text| text.as_str()).collect());
        let recovery_codes_left = texts.len();
        json(output, &Report { user, recovery_codes_left, bypass_codes_left, new_codes })?;
    } else {
        writeln!(output, "Recovery codes of {user}, each good once:").map_err(Failure::Output)?;
        for text in &texts {
            writeln!(output, "  {}", text.as_str()).map_err(Failure::Output)?;
        }
    }
    install(person, kept, world, |codes, _| codes.kind == CodeKind::Recovery)?;
    if !args.json {
        // It is done, whether or not anybody still listens.
        let _ = writeln!(output, "They count from now on; older ones do not any more.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mfa_core::codes::{canonical, hash, position};
    use serde_json::{Value, json};

    use crate::lab::{Lab, totp};

    fn object(said: &str) -> Value {
        serde_json::from_str(said).unwrap()
    }

    #[test]
    fn new_ones_replace_the_old_and_are_counted() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let none = "daemon has 0 recovery codes and 0 bypass codes left.\n";
        assert_eq!(lab.run("codes daemon", "").unwrap(), none);
        let first = lab.run("codes daemon --new", "").unwrap();
        let shown: Vec<_> = first.lines().filter(|line| line.starts_with("  ")).collect();
        assert_eq!(shown.len(), 10, "{first}");
        assert!(first.ends_with("They count from now on; older ones do not any more.\n"));

        let said = object(&lab.run("codes daemon --new --count 2 --json", "").unwrap());
        assert_eq!((&said["recovery_codes_left"], &said["user"]), (&json!(2), &json!("daemon")));
        let (kept, mut state) = record.read().unwrap();
        let [set] = &kept.codes[..] else { panic!("{kept:?}") };
        assert_eq!(state.codes.len(), 1, "the old ones are forgotten");
        for (place, code) in said["new_codes"].as_array().unwrap().iter().enumerate() {
            let code = canonical(code.as_str().unwrap().as_bytes()).unwrap();
            assert_eq!(position(&hash(&code, &set.salt), &set.hashes), Some(place));
        }
        let text = std::fs::read_to_string(record.path()).unwrap();
        assert!(!text.contains(said["new_codes"][0].as_str().unwrap()));

        state.codes.insert(set.id, 0b10);
        record.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
        let one = "daemon has 1 recovery code and 0 bypass codes left.\n";
        assert_eq!(lab.run("codes daemon", "").unwrap(), one);
        assert_eq!(
            object(&lab.run("codes daemon --json", "").unwrap()),
            json!({"user": "daemon", "recovery_codes_left": 1, "bypass_codes_left": 0, "new_codes": null})
        );
    }

    #[test]
    fn nothing_is_shown_that_cannot_be_saved() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        std::fs::remove_file(record.state_path()).unwrap();
        let sentence = lab.refused("codes daemon --new");
        assert!(sentence.contains("mfactl state init daemon"), "{sentence}");
        assert!(lab.refused("codes bin --new").contains("bin has no system record"));
    }
}
