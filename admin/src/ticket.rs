//! `mfactl ticket`: lets one person enrol at a login whose PAM line says `enroll=ticket`.

use std::io::Write;

use mfa_core::audit::Value;
use mfa_core::codes::Canonical;
use mfa_core::reason::Reason;
use mfa_core::ticket::Ticket;

use crate::failure::Failure;
use crate::person::Person;
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
}

/// Runs the command.
///
/// # Errors
/// Why there is no new ticket.
pub fn ticket(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let expires = (world.clock)().saturating_add(args.ttl);
    let (user, code) = issue(args, world)?;
    // As soon as it counts, and before anybody sees it.
    let shown = Value(&user);
    (world.log)(&format!(
        "issued user={shown} ticket=enrolment ttl={} {}",
        args.ttl, world.invoker
    ));
    let (code, until) = (code.grouped(), moment(expires));
    writeln!(output, "Lets {user} enrol at a login, once, until {until}:\n  {}", code.as_str())
        .map_err(Failure::Output)
}

/// Puts a new ticket in the place of an older one; whose it is, and what is typed.
fn issue(args: &Args, world: &World) -> Result<(String, Canonical), Failure> {
    let Person { name, record, .. } = Person::find(&world.base, &args.user)?;
    world.base.create().map_err(Failure::NoBase)?;
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
    use std::cell::RefCell;
    use std::path::PathBuf;

    use mfa_core::otp::{Algorithm, Digits};
    use mfa_core::random;
    use mfa_core::record::{Credential, Id, Kept, Method, Name, Record};
    use mfa_core::secret::Secret;
    use mfa_core::state::{State, Used};
    use mfa_core::store::{Base, SystemRecord};
    use nix::unistd::{Uid, User};
    use tempfile::TempDir;

    use super::*;
    use crate::log::Invoker;

    const NOW: u64 = 1_700_000_010;

    struct Lab {
        dir: TempDir,
        log: RefCell<Vec<String>>,
    }

    impl Lab {
        fn new() -> Self {
            Self { dir: TempDir::new().unwrap(), log: RefCell::default() }
        }

        fn base(&self) -> Base {
            Base::new(&self.dir.path().join("lib"), &self.dir.path().join("run"))
        }

        fn daemon(&self) -> SystemRecord {
            let uid = User::from_name("daemon").unwrap().unwrap().uid;
            SystemRecord::new(self.base(), "daemon", uid).unwrap()
        }

        /// What is said to who wants a ticket for this user.
        fn run(&self, user: &str, ttl: u64) -> Result<String, Failure> {
            let world = World {
                host: "host".into(),
                base: self.base(),
                pam_d: PathBuf::new(),
                invoker: Invoker { uid: 0, login_uid: Some(1000), sudo_user: None },
                clock: &|| NOW,
                random: &random::system,
                log: &|line| self.log.borrow_mut().push(line.to_owned()),
                columns: None,
            };
            let mut output = vec![];
            ticket(&Args { user: user.to_owned(), ttl }, &world, &mut output)?;
            Ok(String::from_utf8(output).unwrap())
        }
    }

    #[test]
    fn the_newest_one_is_good_for_its_time_and_the_log_says_who_made_it() {
        let lab = Lab::new();
        let [first, second] = [60, 3600].map(|ttl| lab.run("daemon", ttl).unwrap());
        let (head, second) = second.trim_end().split_once('\n').unwrap();
        assert_eq!(head, "Lets daemon enrol at a login, once, until 2023-11-14T23:13:30Z:");
        let check = |typed: &str, now| {
            let checked = lab.daemon().check_ticket(typed.trim().as_bytes(), now);
            checked.map_err(|trouble| trouble.reason)
        };
        assert_eq!(check(second, NOW + 3599), Ok(()));
        assert_eq!(check(second, NOW + 3600), Err(Reason::Expired));
        assert_eq!(check(first.lines().last().unwrap(), NOW), Err(Reason::BadTicket));
        let line =
            |ttl| format!("issued user=daemon ticket=enrolment ttl={ttl} uid=0 login_uid=1000");
        assert_eq!(*lab.log.borrow(), [line(60), line(3600)]);
    }

    #[test]
    fn who_has_enrolled_needs_none() {
        let lab = Lab::new();
        lab.base().create().unwrap();
        let place = lab.daemon();
        let id = Id::new([0; 4]);
        let uid = User::from_name("daemon").unwrap().unwrap().uid;
        let mut record = Record::new("daemon", Uid::as_raw(uid));
        record.credentials.push(Credential {
            id,
            name: Name::new("phone").unwrap(),
            method: Method::Totp { period: 30 },
            secret: Kept::Plain(Secret::new(vec![7; 20])),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            window: 3,
            created: None,
        });
        let state = State { credentials: [(id, Used::totp(0))].into(), ..State::default() };
        place.edit_vacant().unwrap().save(record, state).unwrap();
        let refused = lab.run("daemon", 60).unwrap_err().to_string();
        assert!(refused.contains("daemon has enrolled, and needs no ticket"), "{refused}");
        assert!(matches!(lab.run("no such user", 60), Err(Failure::UnknownUser(_))));
        assert!(lab.log.borrow().is_empty());
    }
}
