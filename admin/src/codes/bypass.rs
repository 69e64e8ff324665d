//! `mfactl bypass-code`: one code from the help desk, for a while.

use std::io::Write;

use mfa_core::record::CodeKind;
use serde::Serialize;

use super::{NewSet, draw, install};
use crate::failure::Failure;
use crate::person::Person;
use crate::report::json;
use crate::time::{length, moment};
use crate::world::World;

const MINUTE: u64 = 60;
const WEEK: u64 = 7 * 24 * 60 * MINUTE;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The code is kept as a hash. That it was made, and by whom, goes to the system's \
                        log; its use is logged there as well."
)]
pub struct Args {
    /// The login name
    user: String,

    /// How long it is good, such as 30m, 1h or 2d; a minute to a week
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = length(MINUTE, WEEK))]
    ttl: u64,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    user: &'a str,
    code: &'a str,
    id: String,
    /// In seconds since 1970.
    expires: u64,
}

pub fn bypass_code(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    let user = person.name.as_str();
    let now = (world.clock)();
    let expires = now.saturating_add(args.ttl);
    let NewSet { codes, kept } = draw(&person.read()?, world, CodeKind::Bypass, 1, Some(expires))?;
    let id = kept.id;
    install(&person, kept, world, |codes, state| {
        let is_over = codes.expires.is_some_and(|expires| expires <= now);
        codes.kind == CodeKind::Bypass && (is_over || state.codes_left(codes) == 0)
    })?;
    for code in &codes {
        let code = code.grouped();
        if args.json {
            json(output, &Report { user, code: &code, id: id.to_string(), expires })?;
        } else {
            let until = moment(expires);
            writeln!(output, "Good once for {user}, until {until}:\n  {}", code.as_str())
                .map_err(Failure::Output)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mfa_core::record::CodeKind;
    use mfa_core::store::Lost;
    use serde_json::Value;

    use crate::lab::{Lab, NOW, totp};

    #[test]
    fn one_code_for_a_while_and_a_line_in_the_log() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.run("codes daemon --new", "").unwrap();
        let said = lab.run("bypass-code daemon", "").unwrap();
        let (head, code) = said.split_once('\n').unwrap();
        assert_eq!(head, "Good once for daemon, until 2023-11-14T23:13:30Z:");
        assert_eq!(code.trim().len(), 14, "{code}");
        let set = record.read().unwrap().0.codes[1].clone();
        assert_eq!((set.kind, set.expires), (CodeKind::Bypass, Some(NOW + 3600)));
        assert_eq!(
            lab.log.borrow()[..],
            [
                "changed user=daemon what=recovery_codes before=0 after=10 uid=0 login_uid=1000"
                    .to_owned(),
                format!(
                    "changed user=daemon what=bypass_code before=\"\" \
                     after={}/2023-11-14T23:13:30Z uid=0 login_uid=1000",
                    set.id
                )
            ]
        );
        let said = lab.run("codes daemon", "").unwrap();
        assert_eq!(said, "daemon has 10 recovery codes and 1 bypass code left.\n");
        assert!(!lab.log.borrow()[1].contains(code.trim()));
    }

    #[test]
    fn what_is_over_goes_with_the_next() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let issue = |now, ttl| {
            let line = format!("bypass-code daemon --ttl {ttl} --json");
            let said: Value = serde_json::from_str(&lab.run_at(now, &line, "").unwrap()).unwrap();
            said["id"].as_str().unwrap().to_owned()
        };
        let (short, long) = (issue(NOW, "1m"), issue(NOW, "1d"));
        let ids = || -> Vec<_> {
            record.read().unwrap().0.codes.iter().map(|codes| codes.id.to_string()).collect()
        };
        assert_eq!(ids(), [short, long.clone()]);
        let used = issue(NOW + 60, "1h");
        assert_eq!(ids(), [long.clone(), used.clone()]);

        let (kept, mut state) = record.read().unwrap();
        state.codes.insert(used.parse().unwrap(), 1);
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        let next = issue(NOW + 61, "1h");
        assert_eq!(ids(), [long, next]);
        for _ in 2..8 {
            issue(NOW + 61, "1h");
        }
        let sentence = lab.refused("bypass-code daemon");
        assert!(sentence.contains("8 sets of codes"), "{sentence}");
        assert_eq!(ids().len(), 8);
    }
}
