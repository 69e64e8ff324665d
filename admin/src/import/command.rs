//! The command line of `mfactl import`, and whom it means.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use mfa_core::reason::Reason;
use mfa_core::record::Name;
use mfa_core::store::{GauthFile, Opened, Presence, Store, SystemRecord};

use super::draft::{Draft, Found};
use super::keys::Mappings;
use super::progress::Progress;
use super::report::{Outcome, Report};
use super::undo::undo;
use super::write::{Terms, write};
use super::{gauth, list, places};
use crate::failure::Failure;
use crate::homes::Home;
use crate::pam_d::Stacks;
use crate::person::{self, Person};
use crate::world::World;

/// What to import, for whom.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of the command line")]
#[command(
    after_help = "Source files stay as they are, and who has a record is left alone: run it again whenever you \
                  like. The code that a phone shows at that moment is not good any more, the next one is."
)]
pub struct Import {
    /// Login names; with --oath, only these; with --uri, the one whose credentials they are
    #[arg(value_name = "USER", required_unless_present_any = ["all_homes", "oath", "uri"])]
    pub users: Vec<String>,
    /// Everybody who has a google-authenticator file in the home, or a security key of pam_u2f
    #[arg(long, conflicts_with_all = ["users", "file", "oath", "uri", "name"])]
    pub all_homes: bool,
    /// This user stays with the file in the home; may be given more than once
    #[arg(long, value_name = "USER", conflicts_with_all = ["oath", "uri"])]
    pub keep_home: Vec<String>,
    /// This google-authenticator file, instead of the one in the home; read with the user's rights
    #[arg(long, value_name = "FILE", conflicts_with_all = ["oath", "uri"])]
    pub file: Option<PathBuf>,
    /// This mapping of pam_u2f, instead of those that PAM lines name
    #[arg(long, value_name = "FILE", conflicts_with_all = ["oath", "uri"])]
    pub u2f: Option<PathBuf>,
    /// What the keys in it were enrolled for; pam://HOST unless given
    #[arg(long, value_name = "PARTY", requires = "u2f")]
    pub origin: Option<String>,
    /// oath-toolkit's users.oath
    #[arg(long, value_name = "FILE", conflicts_with = "undo")]
    pub oath: Option<PathBuf>,
    /// otpauth URIs, one a line; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["undo", "oath"])]
    pub uri: Option<PathBuf>,
    /// What to call the credential
    #[arg(long, value_parser = name)]
    pub name: Option<Name>,
    /// Go back to the file in the home, if nothing was used since that it would accept again
    #[arg(long)]
    pub undo: bool,
    /// Show what would be done, and do nothing
    #[arg(long, short = 'n', conflicts_with = "undo")]
    pub dry_run: bool,
    /// Also where a PAM line names the file, or the user was reset
    #[arg(long)]
    pub force: bool,
    /// One JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

fn name(text: &str) -> Result<Name, &'static str> {
    Name::new(text).ok_or("a name has 1 to 32 printable characters")
}

/// Runs the command.
///
/// # Errors
/// Why nothing was done, or [`Failure::Some`].
pub fn run(args: &Import, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let mut report = Report::new(output, args.json, args.dry_run);
    let now = (world.clock)();
    if !args.undo {
        let survey = places::look(world);
        // Lists are no file that a service goes by.
        if !args.force && args.oath.is_none() && args.uri.is_none() {
            places::check(&survey)?;
        }
        report.without_root(places::without_root(&survey))?;
    }
    match (&args.oath, &args.uri, args.users.as_slice()) {
        (Some(path), _, users) => {
            lists(args, list::oath(&list::read(path)?, now, users), path, world, &mut report)?;
        }
        (None, Some(path), users @ ([] | [_])) => {
            let entries = list::uris(&list::read(path)?, now, users.first());
            lists(args, entries, path, world, &mut report)?;
        }
        (None, Some(_), _) => {
            let why = "--uri is for one user, or for those in the labels";
            return Err(Failure::Refused(why.to_owned()));
        }
        (None, None, _) => homes(args, world, &mut report)?,
    }
    report.finish()
}

fn terms(args: &Import) -> Terms {
    Terms { dry_run: args.dry_run, force: args.force }
}

fn homes(args: &Import, world: &World, report: &mut Report) -> Result<(), Failure> {
    let mut kept = BTreeSet::new();
    for user in &args.keep_home {
        // A slip here would import somebody who is to stay.
        kept.insert(Person::find(&world.base, user)?.name);
    }
    if args.file.is_some() && args.users.len() > 1 {
        return Err(Failure::Refused("--file is for one user".to_owned()));
    }
    let mappings = match &args.u2f {
        Some(path) => Mappings::named(path, args.origin.as_deref(), world)?,
        None => Mappings::of_services(&Stacks::read(&places::of(world)), world)?,
    };
    let users = whom(args, world)?;
    let progress = Progress::new(users.len());
    for (done, user) in users.iter().enumerate() {
        progress.show(done);
        let result = one(user, &kept, &mappings, args, world);
        progress.clear();
        let result = match result {
            Ok(Outcome::NotEnrolled) if !args.all_homes => Err(Failure::Refused(
                "there is neither a google-authenticator file nor a key to import".to_owned(),
            )),
            result => result,
        };
        report.add(user, result)?;
    }
    Ok(())
}

fn whom(args: &Import, world: &World) -> Result<Vec<String>, Failure> {
    if !args.all_homes {
        return Ok(args.users.clone());
    }
    if args.undo {
        return person::everyone(&world.base);
    }
    Ok((world.everyone)()?.into_iter().collect())
}

/// One user with a google-authenticator file or keys, there or back.
fn one(
    user: &str,
    kept: &BTreeSet<String>,
    mappings: &Mappings,
    args: &Import,
    world: &World,
) -> Result<Outcome, Failure> {
    let home = match Home::of(user, &world.base) {
        Err(trouble) if trouble.reason == Reason::NoDirectory => return Ok(Outcome::NotEnrolled),
        home => home?,
    };
    if kept.contains(&home.user) {
        return Ok(Outcome::Kept);
    }
    let found = mappings.find(&home)?;
    let file = match &args.file {
        Some(path) => GauthFile { path: path.clone(), ..home.file },
        None => home.file,
    };
    let record = SystemRecord::new(world.base.clone(), &home.user, home.uid)
        .map_err(|_| Failure::BadUserName(home.user.clone()))?;
    let person = Person { name: home.user, uid: Some(home.uid), record };
    if args.undo {
        return undo(&person, &file, &found.keys, world);
    }
    let opened = file.open();
    let has_file = matches!(opened, Opened::Enrolled(_));
    if !has_file && found.keys.is_empty() && person.record.look()? == Presence::Here {
        return Ok(Outcome::Unchanged("there is a system record already".to_owned()));
    }
    let account = match opened {
        Opened::Enrolled(account) => Some(*account),
        Opened::NotEnrolled(_) if found.keys.is_empty() => return Ok(Outcome::NotEnrolled),
        Opened::NotEnrolled(_) => None,
        Opened::Broken(trouble) => return Err(trouble.into()),
    };
    // Logins by the file wait, and find the record.
    let (account, _held) = match account {
        Some(_) if !args.dry_run => {
            file.hold().map(|(account, held)| (Some(account), Some(held)))?
        }
        account => (account, None),
    };
    let whose = (person.name.as_str(), home.uid.as_raw());
    let mut draft = match &account {
        Some(account) => gauth::draft(account, whose, args.name.as_ref(), world)?,
        None => Draft::new(whose.0, whose.1),
    };
    let mut sources = found.paths;
    sources.extend(account.map(|_| file.path));
    for key in found.keys {
        draft.add_key(key, world)?;
    }
    let sources: Vec<_> = sources.iter().map(|path| path.display().to_string()).collect();
    write(&person, draft, &sources.join(" and "), world, terms(args))
}

/// Those whom a list enrols.
fn lists(
    args: &Import,
    entries: Vec<list::Entry>,
    path: &Path,
    world: &World,
    report: &mut Report,
) -> Result<(), Failure> {
    let progress = Progress::new(entries.len());
    for (done, entry) in entries.into_iter().enumerate() {
        progress.show(done);
        let (user, result) = match entry {
            Ok((user, found)) => {
                let result = listed(&user, found, path, args, world);
                (user, result)
            }
            Err((line, failure)) => (line, Err(failure)),
        };
        progress.clear();
        report.add(&user, result)?;
    }
    Ok(())
}

fn listed(
    user: &str,
    found: Vec<Found>,
    path: &Path,
    args: &Import,
    world: &World,
) -> Result<Outcome, Failure> {
    let person = Person::find(&world.base, user)?;
    let Some(uid) = person.uid else { return Err(Failure::UnknownUser(user.to_owned())) };
    let mut draft = Draft::new(&person.name, uid.as_raw());
    for found in found {
        let name = args.name.clone().or(found.name);
        draft.add(Found { name, ..found }, world)?;
    }
    write(&person, draft, &path.display().to_string(), world, terms(args))
}
