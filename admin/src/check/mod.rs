//! `mfactl check`: what is wrong with records, policy and bypass list, and what mends it.

mod installed;
mod policy;

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use mfa_core::account::{Account, CodeKind, Counter};
use mfa_core::policy::MAX_SIZE;
use mfa_core::reason::Reason;
use mfa_core::record::Record;
use mfa_core::store::{Base, Opened, Store, SystemRecord, Trouble};
use nix::unistd::Uid;
use serde::Serialize;

use crate::failure::{Failure, is_absent};
use crate::finding::{self, Finding};
use crate::person::{self, Person};
use crate::report::json;
use crate::source;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 if all is well, also with warnings, 3 if there are mistakes, 1 if \
                        something could not be looked at. A configuration manager validates a \
                        policy by `mfactl check --policy FILE`."
)]
pub struct Args {
    /// Files or directories of records, or login names; left out, all records of this machine, and
    /// its policy and bypass list. What holds a slash or exists is a file
    #[arg(value_name = "FILE|USER")]
    what: Vec<String>,

    /// A policy that is not installed, whosever it is
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// A bypass list that is not installed
    #[arg(long, value_name = "FILE")]
    bypass: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct Report {
    /// How many records were looked at.
    records: usize,
    /// How many rules a policy has; `null` if none was looked at.
    rules: Option<usize>,
    /// How many entries a bypass list has; `null` if none was looked at.
    bypasses: Option<usize>,
    mistakes: Vec<Finding>,
    /// What may be meant as it is.
    warnings: Vec<Finding>,
}

pub fn check(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let mut report = Report::default();
    let now = (world.clock)();
    if args.what.is_empty() && args.policy.is_none() && args.bypass.is_none() {
        world.require_root()?;
        report.everything(&world.base)?;
        report.installed(world)?;
    }
    if let Some(file) = &args.policy {
        report.policy(file, &source::read(file, MAX_SIZE)?, false);
    }
    if let Some(file) = &args.bypass {
        report.bypass(file, &source::read(file, MAX_SIZE)?, now);
    }
    for what in &args.what {
        let path = Path::new(what);
        if what.contains('/') || path.exists() {
            report.files(path)?;
        } else {
            world.require_root()?;
            let person = Person::find(&world.base, what)?;
            report.person(&person)?;
        }
    }
    if args.json {
        json(output, &report)?;
    } else {
        report.write(output)?;
    }
    finding::verdict(&report.mistakes)
}

/// The text of a policy that is to be installed here, if it has no mistake; what it has is written.
///
/// # Errors
/// [`Failure::File`], or [`Failure::Mistakes`].
pub fn policy_text(file: &Path, output: &mut dyn Write) -> Result<Vec<u8>, Failure> {
    let text = source::read(file, MAX_SIZE)?;
    let mut report = Report::default();
    report.policy(file, &text, true);
    finding::list(output, &report.mistakes)?;
    finding::warnings(output, &report.warnings)?;
    finding::verdict(&report.mistakes)?;
    Ok(text)
}

impl Report {
    fn write(&self, output: &mut dyn Write) -> Result<(), Failure> {
        finding::list(output, &self.mistakes)?;
        finding::warnings(output, &self.warnings)?;
        if !self.mistakes.is_empty() {
            return Ok(());
        }
        let is_alone = self.rules.is_none() && self.bypasses.is_none();
        let looked_at = [
            Some((self.records, "record", "records")).filter(|(count, ..)| *count > 0 || is_alone),
            self.rules.map(|count| (count, "rule", "rules")),
            self.bypasses.map(|count| (count, "bypass entry", "bypass entries")),
        ];
        for (count, one, many) in looked_at.into_iter().flatten() {
            let what = if count == 1 { one } else { many };
            write!(output, "{count} {what}, ").map_err(Failure::Output)?;
        }
        writeln!(output, "no mistakes.").map_err(Failure::Output)
    }

    fn files(&mut self, path: &Path) -> Result<(), Failure> {
        for source in source::all(path)? {
            self.records += 1;
            self.mistakes.extend(source.record.err());
        }
        Ok(())
    }

    fn everything(&mut self, base: &Base) -> Result<(), Failure> {
        if matches!(base.dir.try_exists(), Ok(false)) {
            return Ok(());
        }
        for (name, mode) in [("", 0o755), ("users", 0o711), ("state", 0o700)] {
            self.mistakes.extend(directory(&base.dir.join(name), mode)?);
        }
        let users = person::everyone(base)?;
        let mut files = Vec::new();
        for user in users {
            let person = Person::find(base, &user)?;
            let path = path(base, &user)?;
            if person.name == user {
                self.person(&person)?;
            } else {
                self.records += 1;
                self.mistakes.push(Finding::new(
                    &path,
                    format!("the user database calls {user:?} {:?}", person.name),
                    "nobody logs in by it; remove it, and enrol them by that name",
                ));
            }
            files.push(path);
        }
        self.strays(&base.dir.join("users"), &files)
    }

    /// Records that no user's are called so.
    fn strays(&mut self, users: &Path, known: &[PathBuf]) -> Result<(), Failure> {
        let entries = match fs::read_dir(users) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let entries = entries.map_err(|error| Failure::Unlisted(users.to_owned(), error))?;
        let mut files: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
        files.retain(|file| {
            file.extension().is_some_and(|ending| ending == "toml") && !known.contains(file)
        });
        files.sort();
        let why = "no user's record is called so";
        let mend = "install it with `mfactl apply`, and remove it here";
        self.mistakes.extend(files.iter().map(|file| Finding::new(file, why, mend)));
        Ok(())
    }

    fn person(&mut self, person: &Person) -> Result<(), Failure> {
        let path = person.record.path();
        let record = match person.record.read_record() {
            Err(trouble) if is_absent(&trouble) => {
                return Err(Failure::NoRecord(person.name.clone()));
            }
            Err(trouble) => {
                self.records += 1;
                return self.trouble(&path, &person.name, trouble);
            }
            Ok(record) => record,
        };
        self.records += 1;
        let user = &person.name;
        match person.uid {
            None => self.mistakes.push(Finding::new(
                &path,
                format!("the user database has no {user:?}"),
                "if they are gone for good, remove what is enrolled with `mfactl credential remove`",
            )),
            Some(uid) if uid.as_raw() != record.uid => self.mistakes.push(Finding::new(
                &path,
                format!("made for uid {}, and {user} has uid {uid}", record.uid),
                format!("if they are the same person, run `mfactl credential rebind {user}`"),
            )),
            Some(_) => {}
        }
        self.account(person, &record)
    }

    /// Looks at record and state together, as the record's own user would.
    fn account(&mut self, person: &Person, record: &Record) -> Result<(), Failure> {
        let (path, user) = (person.record.path(), &person.name);
        match person.record.clone().of_uid(Uid::from_raw(record.uid)).open() {
            Opened::Enrolled(account) => {
                self.mistakes.extend(parts(&path, user, &account));
                Ok(())
            }
            Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => {
                self.trouble(&person.record.state_path(), user, trouble)
            }
        }
    }

    /// # Errors
    /// [`Failure::Record`] if it only says that nobody can look.
    fn trouble(&mut self, file: &Path, user: &str, trouble: Trouble) -> Result<(), Failure> {
        let found = match trouble.reason {
            Reason::NeedsRoot | Reason::Unreadable => return Err(trouble.into()),
            // What is wrong with directories has been said.
            Reason::UnsafePath | Reason::NoDirectory if !self.mistakes.is_empty() => return Ok(()),
            Reason::BadRecord | Reason::NewerRecord => in_text(file),
            _ => None,
        };
        self.mistakes.push(found.unwrap_or_else(|| Finding::of(file, user, &trouble)));
        Ok(())
    }
}

/// What is wrong with a directory that should have this mode.
fn directory(path: &Path, mode: u32) -> Result<Option<Finding>, Failure> {
    let stat = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mend = format!("run `install -d -m {mode:04o} {}`", path.display());
            return Ok(Some(Finding::new(path, "the directory is missing", mend)));
        }
        stat => stat.map_err(|error| Failure::File(path.to_owned(), error))?,
    };
    let (is, owner) = (stat.mode() & 0o7777, stat.uid());
    Ok(if !stat.is_dir() {
        Some(Finding::new(path, "not a directory", "put a directory of root's in its place"))
    } else if owner != 0 && owner != Uid::effective().as_raw() {
        let mend = format!("run `chown root {}`", path.display());
        Some(Finding::new(path, format!("owned by uid {owner}"), mend))
    } else if is != mode {
        let mend = format!("run `chmod {mode:04o} {}`", path.display());
        Some(Finding::new(path, format!("mode {is:04o}, not {mode:04o}"), mend))
    } else {
        None
    })
}

/// The mistake in a record's text, with its line.
fn in_text(file: &Path) -> Option<Finding> {
    source::all(file).ok()?.pop()?.record.err()
}

/// What each part of an account lacks.
fn parts(path: &Path, user: &str, account: &Account) -> Vec<Finding> {
    let credentials = account.credentials.iter().filter_map(|credential| {
        let name = credential.name.as_deref().unwrap_or_default();
        let reason = credential.secret.as_ref().err()?;
        let (cause, mend) = match reason {
            Reason::NoState => {
                ("the state does not know it".to_owned(), format!("run `mfactl state init {user}`"))
            }
            Reason::BadSeal => (reason.to_string(), "remove it and enrol it again".to_owned()),
            _ => (
                reason.to_string(),
                "put the host's key in its place, or enrol it again".to_owned(),
            ),
        };
        Some(Finding::new(path, format!("the credential {name:?}: {cause}"), mend))
    });
    let keys = account.keys.iter().filter_map(|key| {
        let Counter::Last(Err(reason)) = key.counter else { return None };
        let name = key.name.as_deref().unwrap_or_default();
        let cause = match reason {
            Reason::NoState => "the state does not know it".to_owned(),
            _ => reason.to_string(),
        };
        let mend = format!("run `mfactl state init {user}`");
        Some(Finding::new(path, format!("the key {name:?}: {cause}"), mend))
    });
    let mut findings: Vec<_> = credentials.chain(keys).collect();
    let dead =
        account.code_sets.iter().find(|set| set.kind == CodeKind::Recovery && set.used.is_err());
    findings.extend(dead.map(|_| {
        let cause = "recovery codes that the state does not know: none of them is good";
        Finding::new(path, cause, format!("run `mfactl codes {user} --new`"))
    }));
    findings
}

/// Where the record of this user is.
fn path(base: &Base, user: &str) -> Result<PathBuf, Failure> {
    let record = SystemRecord::new(base.clone(), user, Uid::from_raw(u32::MAX));
    record.map(|record| record.path()).map_err(|_| Failure::BadUserName(user.to_owned()))
}

#[cfg(test)]
mod tests;
