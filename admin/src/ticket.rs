//! `mfactl ticket`: lets one person enrol at a login whose PAM line says `enroll=ticket`.

use std::io::Write;

use mfa_core::codes::Canonical;
use mfa_core::reason::Reason;
use mfa_core::ticket::Ticket;
use serde::Serialize;

use crate::failure::Failure;
use crate::log::changed;
use crate::person::Person;
use crate::report::json;
use crate::time::{length, moment};
use crate::world::World;

const MINUTE: u64 = 60;
const MONTH: u64 = 30 * 24 * 60 * MINUTE;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Only a hash of it is kept. That it was made, and by whom, goes to the system's log."
)]
pub struct Args {
    /// The login name
    user: String,

    /// How long it is good, such as 30m, 24h or 7d; a minute to 30 days
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = length(MINUTE, MONTH))]
    ttl: u64,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    user: &'a str,
    ticket: &'a str,
    /// In seconds since 1970.
    expires: u64,
}

/// Runs the command.
///
/// # Errors
/// Why there is no new ticket.
pub fn ticket(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let expires = (world.clock)().saturating_add(args.ttl);
    let (user, code) = issue(args, world)?;
    changed(world, ("user", &user), "ticket", "", &moment(expires));
    let code = code.grouped();
    if args.json {
        return json(output, &Report { user: &user, ticket: &code, expires });
    }
    let until = moment(expires);
    writeln!(output, "Lets {user} enrol at a login, once, until {until}:\n  {}", code.as_str())
        .map_err(Failure::Output)
}

/// Puts a new ticket in the place of an older one; whose it is, and what is typed.
fn issue(args: &Args, world: &World) -> Result<(String, Canonical), Failure> {
    let Person { name, record, .. } = Person::find(&world.base, &args.user)?;
    world.base.create().map_err(|error| Failure::Directory(world.base.dir.clone(), error))?;
    let edit = record.edit_vacant().map_err(|trouble| match trouble.reason {
        Reason::Changed => Failure::Refused(format!(
            "{name} has enrolled, and needs no ticket; `mfactl credential list {name}` shows what \
             there is"
        )),
        _ => trouble.into(),
    })?;
    let (code, ticket) = Ticket::draw(world.random, (world.clock)(), args.ttl)?;
    edit.put_ticket(&ticket)?;
    Ok((name, code))
}

#[cfg(test)]
mod tests {
    use mfa_core::store::SystemRecord;
    use nix::unistd::Uid;
    use serde_json::Value;

    use super::*;
    use crate::lab::{Lab, NOW, totp, uid_of};

    fn check(lab: &Lab, typed: &str, now: u64) -> Result<(), Reason> {
        let uid = Uid::from_raw(uid_of("daemon"));
        let daemon = SystemRecord::new(lab.base(), "daemon", uid).unwrap();
        daemon.check_ticket(typed.trim().as_bytes(), now).map_err(|trouble| trouble.reason)
    }

    #[test]
    fn the_newest_one_is_good_for_its_time_and_the_log_says_who_made_it() {
        let lab = Lab::new();
        let first = lab.run("ticket daemon --ttl 1m --json", "").unwrap();
        let first: Value = serde_json::from_str(&first).unwrap();
        assert_eq!((&first["user"], &first["expires"]), (&"daemon".into(), &(NOW + 60).into()));
        let first = first["ticket"].as_str().unwrap();
        assert_eq!(check(&lab, first, NOW + 59), Ok(()));

        let second = lab.run("ticket daemon --ttl 1h", "").unwrap();
        let (head, second) = second.trim_end().split_once('\n').unwrap();
        assert_eq!(head, "Lets daemon enrol at a login, once, until 2023-11-14T23:13:30Z:");
        assert_eq!(check(&lab, second, NOW + 3599), Ok(()));
        assert_eq!(check(&lab, second, NOW + 3600), Err(Reason::Expired));
        assert_eq!(check(&lab, first, NOW), Err(Reason::BadTicket));
        let line = |until| {
            format!(
                "changed user=daemon what=ticket before=\"\" after={until} uid=0 login_uid=1000"
            )
        };
        let both = ["2023-11-14T22:14:30Z", "2023-11-14T23:13:30Z"].map(line);
        assert_eq!(*lab.log.borrow(), both);
    }

    #[test]
    fn who_has_enrolled_needs_none() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone")]);
        let refused = lab.refused("ticket daemon");
        assert!(refused.contains("daemon has enrolled, and needs no ticket"), "{refused}");
        assert!(matches!(lab.run("ticket no-such-user", ""), Err(Failure::UnknownUser(_))));
        assert!(lab.log.borrow().is_empty());
    }
}
