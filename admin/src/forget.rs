//! `mfactl forget`: checks count no more, and the next login asks for a code.

use std::io::Write;

use mfa_core::fresh;
use nix::errno::Errno;
use nix::unistd::User;
use serde::Serialize;

use crate::failure::Failure;
use crate::log::changed;
use crate::report::json;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
#[command(
    after_help = "It ends what `fresh` in the policy lets count. Nothing that is enrolled changes."
)]
pub struct Args {
    /// The login name
    #[arg(group = "whose")]
    user: Option<String>,

    /// Everybody's
    #[arg(long, group = "whose")]
    all: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    forgotten: Vec<Forgotten>,
}

#[derive(Serialize)]
struct Forgotten {
    user: String,
    /// How many were remembered, whether or not they still counted.
    checks: usize,
}

/// Runs the command.
///
/// # Errors
/// Why checks may still count, at least somebody's.
pub fn forget(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let users = match &args.user {
        Some(typed) => vec![name(typed, world)?],
        None => fresh::users(world.run)?,
    };
    let mut forgotten = Vec::new();
    for user in users {
        let checks = fresh::forget(world.run, &user, None)?;
        changed(world, ("user", &user), "checks", &checks.to_string(), "0");
        forgotten.push(Forgotten { user, checks });
    }
    if args.json {
        return json(output, &Report { forgotten });
    }
    if forgotten.is_empty() {
        return writeln!(output, "There was nothing to forget.").map_err(Failure::Output);
    }
    for Forgotten { user, checks } in forgotten {
        let plural = if checks == 1 { "" } else { "s" };
        writeln!(output, "{user}: {checks} check{plural} forgotten.").map_err(Failure::Output)?;
    }
    Ok(())
}

/// The name by which checks are remembered. Whoever is gone from the user database may have some left.
fn name(typed: &str, world: &World) -> Result<String, Failure> {
    match User::from_name(typed) {
        Ok(Some(user)) => Ok(user.name),
        Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => fresh::users(world.run)?
            .into_iter()
            .find(|user| user == typed)
            .ok_or_else(|| Failure::UnknownUser(typed.to_owned())),
        Err(errno) => Err(Failure::UserDatabase(typed.to_owned(), errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mfa_core::fresh::{Check, Enrolment, Place, Scope, keep, look};
    use mfa_core::source::address;
    use mfa_core::store::{Opened, Store, SystemRecord};
    use mfa_core::verify::Factor;
    use serde_json::{Value, json};

    use crate::failure::Failure;
    use crate::lab::{Lab, NOW, hotp, totp};

    fn place() -> Place {
        Place::of(address("192.0.2.7"), None, None, None).unwrap()
    }

    fn enrolment(record: &SystemRecord) -> Enrolment {
        match record.open() {
            Opened::Enrolled(account) => Enrolment::of(&account),
            other => panic!("{other:?}"),
        }
    }

    /// A code of this user was right.
    fn check(lab: &Lab, user: &str, record: &SystemRecord) {
        let scope = Scope { user, service: "sudo", place: &place(), enrolment: enrolment(record) };
        keep(&lab.run_dir(), &scope, Check { factor: Factor::Totp, at: NOW }).unwrap();
        assert!(is_fresh(lab, user, record));
    }

    fn is_fresh(lab: &Lab, user: &str, record: &SystemRecord) -> bool {
        let scope = Scope { user, service: "sudo", place: &place(), enrolment: enrolment(record) };
        look(&lab.run_dir(), &scope, &|_| true, 300, NOW + 1).is_some()
    }

    #[test]
    fn one_user_is_asked_again() {
        let lab = Lab::new();
        let daemon = lab.enrol("daemon", vec![totp(1, "phone")]);
        let bin = lab.enrol("bin", vec![totp(2, "phone")]);
        check(&lab, "daemon", &daemon);
        check(&lab, "bin", &bin);
        assert_eq!(lab.run("forget daemon", "").unwrap(), "daemon: 1 check forgotten.\n");
        assert_eq!(
            *lab.log.borrow(),
            ["changed user=daemon what=checks before=1 after=0 uid=0 login_uid=1000"]
        );
        assert!(!is_fresh(&lab, "daemon", &daemon) && is_fresh(&lab, "bin", &bin));
        assert_eq!(lab.run("forget daemon", "").unwrap(), "daemon: 0 checks forgotten.\n");
    }

    #[test]
    fn everybody_is() {
        let lab = Lab::new();
        let nothing = "There was nothing to forget.\n";
        assert_eq!(lab.run("forget --all", "").unwrap(), nothing);
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        for user in ["gone", "daemon"] {
            check(&lab, user, &record);
        }
        let said: Value =
            serde_json::from_str(&lab.run("forget --all --json", "").unwrap()).unwrap();
        let one = |user| json!({"user": user, "checks": 1});
        assert_eq!(said, json!({"forgotten": [one("daemon"), one("gone")]}));
        assert_eq!(lab.log.borrow().len(), 2);
        assert_eq!(lab.run("forget --all", "").unwrap(), nothing);
    }

    #[test]
    fn whoever_there_is() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let unknown = lab.run("forget no.such.user", "").unwrap_err();
        assert!(matches!(unknown, Failure::UnknownUser(_)), "{unknown}");
        check(&lab, "no.such.user", &record);
        let said = lab.run("forget no.such.user", "").unwrap();
        assert_eq!(said, "no.such.user: 1 check forgotten.\n");
        assert!(lab.refused("forget ../x").contains("there is no user \"../x\""));
        assert!(lab.log.borrow().iter().all(|line| line.contains("user=no.such.user ")));
    }

    /// No command that changes what somebody has enrolled needs to know of checks.
    #[test]
    fn what_is_enrolled_anew_is_asked_for() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        for (command, stays) in [
            ("credential rename daemon phone mobile", true),
            ("credential list daemon", true),
            ("codes daemon", true),
            ("codes daemon --new", false),
            ("codes daemon --new", false),
            ("bypass-code daemon", false),
            ("credential add daemon --name spare --no-confirm", false),
            ("credential remove daemon token", false),
        ] {
            check(&lab, "daemon", &record);
            lab.run(command, "").unwrap_or_else(|failure| panic!("{command}: {failure}"));
            assert_eq!(is_fresh(&lab, "daemon", &record), stays, "{command}");
        }

        // A lost state: until somebody decides what has been used, and then by what that leaves.
        check(&lab, "daemon", &record);
        fs::remove_file(record.state_path()).unwrap();
        assert!(matches!(record.open(), Opened::Broken(_)));
        lab.run("state init daemon", "").unwrap();
        assert!(is_fresh(&lab, "daemon", &record), "the same is enrolled");
    }
}
