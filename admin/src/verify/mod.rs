//! `mfactl verify`: whose code it is, or which key answers, and what a login would make of it. Nothing is
//! used up.

mod key;

use std::io::{BufRead, Write};

use mfa_core::account::{Account, Change, CodeKind, Credential, Method, Progress};
use mfa_core::reason::Reason;
use mfa_core::verify::{Answer, Denied, Factor, Reply, Terms, Verdict, verify as judge};
use mfa_enroll::silent::Silence;
use mfa_enroll::talk::Talk;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::enrolment::{Enrolment, Stored};
use crate::failure::Failure;
use crate::person::Person;
use crate::report::json;

use crate::time::moment;
use crate::waiting::Waiting;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
    Nothing is changed: a code that is good now stays good, an attempt is not counted. A \
    code on the command line stays in the shell's history, but soon is worth nothing; a \
    recovery code should be typed, or come from the input. A security key that is asked \
    counts on by itself, which no login minds.\n\n\
    Exit code: 0 if a login would accept it, 1 if not.")]
pub struct Args {
    /// The login name
    user: String,

    /// The code; - for a line of the input; left out, it is asked for
    code: Option<String>,

    /// Ask a security key that is plugged into this machine instead
    #[arg(long, conflicts_with = "code")]
    key: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Every key is always there; what does not apply is null.
#[derive(Debug, Serialize)]
struct Report {
    user: String,
    stored: Stored,
    /// Whether a login would accept it, but for limits.
    accepted: bool,
    /// Why not.
    reason: Option<&'static str>,
    matches: Vec<Match>,
    /// In seconds since 1970.
    locked_until: Option<u64>,
}

/// What the code is of.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Match {
    factor: &'static str,
    credential: Option<String>,
    /// How far ahead of ours it is, in steps or counts, where that is known.
    drift: Option<i64>,
    /// The same for codes by time.
    seconds: Option<i64>,
    /// Whether it has been used, or may have been.
    is_used: bool,
    /// Too far away to count alone.
    other_time: bool,
}

pub fn verify(
    args: &Args,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    let Enrolment { user, stored, account, .. } = Enrolment::find(&person, world);
    let account = account?.ok_or_else(|| {
        Failure::Refused(format!("{user} has enrolled nothing that counts, so nothing is good"))
    })?;
    if args.key {
        return key::verify(&user, stored, &account, args.json, world, input, output);
    }
    let code = typed(args, world, &mut Talk::new(input, &mut *output))?;
    let now = (world.clock)();
    let verdict = decide(&account, &code, now).0;
    let denied = match verdict {
        Verdict::Accepted(_) => None,
        Verdict::Denied(Denied { reason, .. }) => Some(reason),
    };
    let locked_until = Waiting::read(world).until(&user, Some(&account), now);
    let report = Report {
        user,
        stored,
        accepted: denied.is_none(),
        reason: denied.map(Reason::code),
        matches: matches(&account, &code, now),
        locked_until,
    };
    if args.json {
        json(output, &report)?;
    } else {
        write!(output, "{report}").map_err(Failure::Output)?;
    }
    let why = |reason| Failure::Refused(format!("a login would be denied: {reason}"));
    denied.map_or(Ok(()), |reason| Err(why(reason)))
}

/// The code, without what ends the line.
fn typed<R: BufRead, W: Write>(
    args: &Args,
    world: &World,
    talk: &mut Talk<R, W>,
) -> Result<Zeroizing<String>, Failure> {
    let mut line = match args.code.as_deref() {
        Some("-") => talk.ask("")?,
        Some(code) => Zeroizing::new(code.to_owned()),
        None if world.has_terminal => {
            let _silence = Silence::of_terminal();
            talk.ask("Code: ")?
        }
        None => {
            let why = "there is no terminal to ask at; give the code, or - for the input";
            return Err(Failure::Refused(why.to_owned()));
        }
    };
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

/// What a login would make of it that no limit keeps out, and what that would change.
fn decide(account: &Account, code: &str, now: u64) -> (Verdict, Vec<Change>) {
    let account = Account { rate_limit: None, ..account.clone() };
    let reply = Reply::Given(code.as_bytes());
    let answer = Answer { first_pass: None, reply, combined: false };
    judge(&account, &answer, &TERMS, now)
}

/// As a login has them that comes from nowhere.
const TERMS: Terms = Terms {
    learn_skew: true,
    advance_hotp: false,
    grace: 0,
    host: None,
    source: None,
    limits: None,
};

/// All that the code is of.
fn matches(account: &Account, code: &str, now: u64) -> Vec<Match> {
    let nothing = Account::default();
    let mut found = Vec::new();
    for credential in &account.credentials {
        let alone = |credential| Account { credentials: vec![credential], ..nothing.clone() };
        let is_used = is_reused(&decide(&alone(credential.clone()), code, now).0);
        let drift = drift(&decide(&alone(unused(credential)), code, now));
        let factor = match &credential.method {
            Method::Totp(_) => Factor::Totp,
            Method::Hotp(_) => Factor::Hotp,
            Method::None => continue,
        };
        if is_used || drift.is_some() {
            let (drift, other_time) = drift.unzip();
            found.push(Match {
                factor: factor.name(),
                credential: credential.name.clone(),
                drift,
                seconds: drift.and_then(|drift| seconds(credential, drift)),
                is_used,
                other_time: other_time.unwrap_or(false),
            });
        }
    }
    for set in &account.code_sets {
        let alone = |set| Account { code_sets: vec![set], ..nothing.clone() };
        let is_used = is_reused(&decide(&alone(set.clone()), code, now).0);
        let good = mfa_core::account::CodeSet { used: Ok(0), expires: None, ..set.clone() };
        if matches!(decide(&alone(good), code, now).0, Verdict::Accepted(_)) {
            let factor = match set.kind {
                CodeKind::Recovery => Factor::Recovery,
                CodeKind::Bypass => Factor::Bypass,
            };
            found.push(Match::of_paper(factor, is_used || set.used.is_err()));
        }
    }
    let scratch = Account { scratch_codes: account.scratch_codes.clone(), ..nothing.clone() };
    if matches!(decide(&scratch, code, now).0, Verdict::Accepted(_)) {
        found.push(Match::of_paper(Factor::Scratch, false));
    }
    found
}

impl Match {
    fn of_paper(factor: Factor, is_used: bool) -> Self {
        let (factor, other_time) = (factor.name(), false);
        Self { factor, credential: None, drift: None, seconds: None, is_used, other_time }
    }
}

fn is_reused(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Denied(Denied { reason: Reason::Reused, .. }))
}

/// The same credential, of which no code by time has been used or sighted.
fn unused(credential: &Credential) -> Credential {
    let mut unused = credential.clone();
    if let Method::Totp(totp) = &mut unused.method {
        totp.used = None;
        totp.sightings.clear();
    }
    unused
}

/// How far ahead the code is, and whether it is too far away to count alone; `None` if it is no code
/// of this credential.
fn drift((verdict, changes): &(Verdict, Vec<Change>)) -> Option<(i64, bool)> {
    if let Verdict::Accepted(accepted) = verdict {
        return Some((accepted.drift, false));
    }
    changes.iter().find_map(|change| match change {
        Change::Credential(_, Progress::Sightings(seen)) => Some((seen.last()?.skew, true)),
        _ => None,
    })
}

fn seconds(credential: &Credential, drift: i64) -> Option<i64> {
    let Method::Totp(totp) = &credential.method else { return None };
    drift.checked_mul(i64::try_from(totp.period.ok()?).ok()?)
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = &self.user;
        for one in &self.matches {
            match &one.credential {
                Some(name) => write!(f, "{user}: a code of {name:?} ({})", one.factor)?,
                None => write!(f, "{user}: a code ({})", one.factor)?,
            }
            match (one.drift, one.seconds) {
                (None, _) => {}
                (Some(0), Some(_)) => f.write_str(", in time")?,
                (Some(0), None) => f.write_str(", the next one")?,
                (Some(drift), None) => write!(f, ", {drift} after the next one")?,
                (Some(drift), Some(seconds)) => {
                    let (steps, seconds) = (drift.unsigned_abs(), seconds.unsigned_abs());
                    let side = if drift < 0 { "behind" } else { "ahead" };
                    let plural = if steps == 1 { "" } else { "s" };
                    write!(f, ", {steps} step{plural} ({seconds} s) {side}")?;
                }
            }
            let other = if one.other_time { ", too far away to count" } else { "" };
            let past = if one.is_used { "used before" } else { "not used before" };
            writeln!(f, "{other}, {past}.")?;
        }
        if self.matches.is_empty() {
            writeln!(f, "{user}: no code of what is enrolled.")?;
        }
        if let Some(until) = self.locked_until {
            writeln!(f, "{user}: no answer is looked at until {}.", moment(until))?;
        }
        if self.accepted {
            writeln!(f, "A login would accept it.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use mfa_core::gauth::parse;
    use mfa_core::otp::{Algorithm, Digits, Otp};
    use mfa_core::record::Id;
    use mfa_core::state::Used;
    use mfa_core::store::Lost;

    use super::*;
    use crate::lab::{Lab, NOW, code, hotp, secret, totp};

    const STEP: u64 = NOW / 30;

    /// All files of a machine, with their bytes.
    fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all.extend(files(&path));
            } else {
                all.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
        all.sort();
        all
    }

    #[test]
    fn whose_code_it_is_and_how_far_off() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        let (kept, mut state) = record.read().unwrap();
        let used = Used::totp(i64::try_from(STEP).unwrap() - 1);
        state.credentials.insert(Id::new([0, 0, 0, 1]), used);
        state.credentials.insert(Id::new([0, 0, 0, 2]), Used::hotp(Some(5)));
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        let before = files(lab.dir.path());

        let phone = |step| code(&secret(1), step);
        let token = Otp::new(&secret(2), Algorithm::Sha256, Digits::new(8).unwrap());
        for (typed, words) in [
            (phone(STEP), "daemon: a code of \"phone\" (totp), in time, not used before.\n"),
            (phone(STEP + 1), "(totp), 1 step (30 s) ahead, not used before.\n"),
            (token.text(5), "daemon: a code of \"token\" (hotp), the next one, not used before.\n"),
            (token.text(7), "(hotp), 2 after the next one, not used before.\n"),
        ] {
            let said = lab.run(&format!("verify daemon {typed}"), "").unwrap();
            assert!(said.contains(words), "{said}");
            assert!(said.ends_with("\nA login would accept it.\n"), "{said}");
        }
        for (typed, words, reason) in [
            (phone(STEP - 1), "(totp), 1 step (30 s) behind, used before.\n", "used before"),
            (
                phone(STEP - 100),
                "(totp), 100 steps (3000 s) behind, too far away to count, not used before.\n",
                "another time",
            ),
            (token.text(4), "daemon: a code of \"token\" (hotp), used before.\n", "used before"),
            ("000000".to_owned(), "daemon: no code of what is enrolled.\n", "is wrong"),
        ] {
            let failure = lab.run(&format!("verify daemon {typed}"), "").unwrap_err();
            assert_eq!(failure.exit_code(), 1);
            assert!(failure.to_string().contains(reason), "{failure}");
            assert!(lab.said.borrow().contains(words), "{}", lab.said.borrow());
        }
        assert_eq!(files(lab.dir.path()), before, "nothing is changed");
    }

    #[test]
    fn codes_on_paper() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let said = lab.run("codes daemon --new --count 2", "").unwrap();
        let codes: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        let (kept, mut state) = record.read().unwrap();
        state.codes.insert(kept.codes[0].id, 0b10);
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        let before = files(lab.dir.path());
        let said = lab.run("verify daemon -", &format!("{}\r\n", codes[0])).unwrap();
        assert!(said.starts_with("daemon: a code (recovery), not used before.\n"), "{said}");
        lab.run(&format!("verify daemon {} --json", codes[1]), "").unwrap_err();
        let said: serde_json::Value = serde_json::from_str(&lab.said.borrow()).unwrap();
        let expected = serde_json::json!({
            "user": "daemon", "stored": "system", "accepted": false, "reason": "reused",
            "matches": [{
                "factor": "recovery", "credential": null, "drift": null, "seconds": null,
                "is_used": true, "other_time": false,
            }],
            "locked_until": null,
        });
        assert_eq!(said, expected);
        assert_eq!(files(lab.dir.path()), before, "nothing is changed");
    }

    #[test]
    fn who_is_locked_out_is_told_about_the_code_all_the_same() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let (kept, mut state) = record.read().unwrap();
        state.attempts = vec![NOW; 3];
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        let said = lab.run("verify daemon -", &code(&secret(1), STEP)).unwrap();
        assert!(said.contains("no answer is looked at until 2023-11-14T22:14:01Z"), "{said}");
    }

    #[test]
    fn a_file_in_a_home() {
        let text =
            |more: &str| format!("{}\n\" TOTP_AUTH\n{more}22222222\n", *secret(1).to_base32());
        let of = |more: &str, typed: &str| {
            let account = parse(text(more).as_bytes());
            let accepted = matches!(decide(&account, typed, NOW).0, Verdict::Accepted(_));
            (accepted, matches(&account, typed, NOW))
        };
        let (accepted, found) = of("", &code(&secret(1), STEP));
        assert_eq!((accepted, found[0].drift, found[0].is_used), (true, Some(0), false));
        let reuse = format!("\" DISALLOW_REUSE {STEP}\n");
        let (accepted, found) = of(&reuse, &code(&secret(1), STEP));
        assert_eq!((accepted, found[0].drift, found[0].is_used), (false, Some(0), true));
        let (accepted, found) = of("\" RATE_LIMIT 1 30 1700000009\n", "22222222");
        assert_eq!((accepted, found[0].factor), (true, "scratch"));
        assert!(of("", "33333333").1.is_empty());
    }

    #[test]
    fn where_there_is_nothing_to_ask_or_judge() {
        let lab = Lab::new();
        assert!(lab.refused("verify daemon 123456").contains("daemon has enrolled nothing"));
        lab.enrol("daemon", vec![totp(1, "phone")]);
        assert!(lab.refused("verify daemon").contains("or - for the input"));
        lab.has_terminal.set(true);
        let said = lab.run("verify daemon", &code(&secret(1), STEP)).unwrap();
        assert!(said.starts_with("Code: daemon: a code of"), "{said}");
        lab.run("reset daemon --yes", "").unwrap();
        assert!(lab.refused("verify daemon 123456").contains("daemon has enrolled nothing"));
    }
}
