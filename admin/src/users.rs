//! `mfactl users`: who has which factors.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::enrolment::{Enrolment, Stored};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::person::{self, Person};
use crate::report::{alarm, head, json, table};
use crate::waiting::Waiting;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Listed is everybody who has a record, a tombstone, or a google-authenticator \
                        file in the home. Users whom the user database does not list, and files \
                        that a PAM line names by secret=, are not among them. Last used is the last \
                        answer, right or wrong."
)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    users: &'a [Facts],
}

pub fn users(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let now = (world.clock)();
    let waiting = Waiting::read(world);
    let mut everybody = Vec::new();
    for name in names(world)? {
        let person = match Person::find(&world.base, &name) {
            // Gone meanwhile, or of a name that no login gets anywhere with.
            Err(Failure::UnknownUser(_) | Failure::BadUserName(_)) => continue,
            found => found?,
        };
        let enrolment = Enrolment::find(&person, world);
        if enrolment.stored != Stored::Nowhere {
            everybody.push(Facts::of(enrolment, &waiting, now));
        }
    }
    if args.json {
        return json(output, &Report { users: &everybody });
    }
    let head = head(["user", "stored", "factors", "codes left", "last used", "locked until"]);
    let rows: Vec<_> = std::iter::once(head).chain(everybody.iter().map(row)).collect();
    table(output, world.colour, &rows)
}

fn names(world: &World) -> Result<BTreeSet<String>, Failure> {
    let base = &world.base;
    let mut names = (world.everyone)()?;
    names.extend(person::everyone(base)?);
    match base.buried() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        buried => {
            names.extend(buried.map_err(|error| Failure::Unlisted(base.dir.clone(), error))?);
        }
    }
    Ok(names)
}

fn row(facts: &Facts) -> [String; 6] {
    let factors = facts.factors();
    [
        facts.user.escape_debug().to_string(),
        facts.stored.name().to_owned(),
        if facts.is_troubled() { alarm(&factors) } else { factors },
        facts.codes(),
        facts.last_used(),
        match facts.locked_until().as_str() {
            "-" => "-".to_owned(),
            until => alarm(until),
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mfa_core::store::Lost;
    use serde_json::{Value, json};

    use crate::lab::{Lab, NOW, hotp, totp};

    #[test]
    fn everybody_who_has_something() {
        let lab = Lab::new();
        assert_eq!(
            lab.run("users", "").unwrap(),
            "user  stored  factors  codes left  last used  locked until\n"
        );
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        lab.run("codes daemon --new", "").unwrap();
        lab.run("bypass-code daemon", "").unwrap();
        let (kept, mut state) = record.read().unwrap();
        state.attempts = vec![NOW - 9, NOW - 6, NOW - 3];
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        lab.enrol("bin", vec![totp(1, "phone")]);
        lab.run("reset bin --yes", "").unwrap();
        let lost = lab.enrol("sys", vec![totp(1, "phone")]);
        fs::remove_file(lost.state_path()).unwrap();
        let said = lab.run("users", "").unwrap();
        let line = |[user, stored, factors, codes, used, locked]: [&str; 6]| {
            let line =
                format!("{user:6}  {stored:6}  {factors:26}  {codes:13}  {used:20}  {locked}");
            format!("{}\n", line.trim_end())
        };
        let lines = [
            ["user", "stored", "factors", "codes left", "last used", "locked until"],
            ["bin", "reset", "-", "0", "-", "-"],
            [
                "daemon",
                "system",
                "phone (totp), token (hotp)",
                "10 + 1 bypass",
                "2023-11-14T22:13:27Z",
                "2023-11-14T22:13:52Z",
            ],
            ["sys", "system", "no_state", "0", "-", "-"],
        ];
        assert_eq!(said, lines.map(line).concat());
        let said: Value = serde_json::from_str(&lab.run("users --json", "").unwrap()).unwrap();
        let daemon = json!({
            "user": "daemon", "stored": "system",
            "factors": [
                {"type": "totp", "name": "phone", "unusable": null},
                {"type": "hotp", "name": "token", "unusable": null},
            ],
            "recovery_codes_left": 10, "bypass_codes_left": 1,
            "last_used": NOW - 3, "locked_until": NOW + 22, "trouble": null,
        });
        assert_eq!(said["users"][1], daemon);
        assert_eq!(said["users"][2]["trouble"][0], "no_state");
    }
}
