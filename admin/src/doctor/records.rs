//! Who is enrolled, and whether they can log in by it.

use std::fs;
use std::path::PathBuf;

use mfa_core::reason::Reason;
use mfa_core::record::{Method, Record};
use mfa_core::state::State;
use mfa_core::store::{Presence, SystemRecord, Trouble};
use nix::errno::Errno;
use nix::unistd::Uid;

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use super::laws::unreadable;
use crate::failure::{Failure, is_lost};
use crate::finding::Finding;
use crate::person;
use crate::time::moment;

/// How far ahead of the clock something may be, s: a code of the next step or two is as usual.
const SLACK: u64 = 180;

/// A system record.
struct Enrolled {
    user: String,
    path: PathBuf,
    state_path: PathBuf,
    uid: Result<Option<u32>, Errno>,
    record: Result<Record, Trouble>,
    state: Option<Result<State, Trouble>>,
}

/// A google-authenticator file in a home.
struct HomeFile {
    user: String,
    path: PathBuf,
    presence: Presence,
}

/// Everybody of whom something is kept.
pub struct Records {
    enrolled: Vec<Enrolled>,
    homes: Vec<HomeFile>,
    unlisted: Option<Diagnosis>,
}

impl Records {
    /// Reads all of it.
    pub fn look(host: &Host) -> Self {
        let base = host.base();
        let (users, unlisted) = match person::everyone(&base) {
            Err(Failure::Unlisted(path, error)) => (Vec::new(), Some(unreadable(&(path, error)))),
            users => (users.unwrap_or_default(), None),
        };
        let enrolled = users.into_iter().filter_map(|user| Enrolled::look(host, user)).collect();
        Self { enrolled, homes: homes(host), unlisted }
    }

    /// What is wrong. `system_only` names a service that looks at system records alone, if one does.
    pub fn judge(&self, now: u64, system_only: Option<&str>) -> Vec<Diagnosis> {
        let mut found: Vec<_> = self.unlisted.iter().cloned().collect();
        found.extend(self.enrolled.iter().filter_map(Enrolled::judge));
        found.extend(self.ahead(now));
        found.extend(self.homes.iter().filter_map(|home| home.judge(system_only)));
        found
    }

    /// What is of a time that has not come, by which the clock is known to be behind, or to have been
    /// ahead. The worst will do.
    fn ahead(&self, now: u64) -> Option<Diagnosis> {
        let latest =
            self.enrolled.iter().filter_map(|enrolled| Some((enrolled.latest()?, enrolled)));
        let (time, enrolled) = latest.max_by_key(|(time, _)| *time)?;
        let minutes = time.checked_sub(now).filter(|&ahead| ahead > SLACK)? / 60;
        Some(Diagnosis::new(
            Word::ClockOff,
            (&enrolled.path, None),
            format!(
                "{} has logged in or enrolled at {}, which is {minutes} minutes from now: the clock \
                 is behind, or was ahead",
                enrolled.user,
                moment(time)
            ),
            "set the clock right; until the time has come, older codes count as used",
        ))
    }
}

impl Enrolled {
    /// `None` if no record can be called so.
    fn look(host: &Host, user: String) -> Option<Self> {
        let uid = (host.uid)(&user);
        let of = |uid| SystemRecord::new(host.base(), &user, Uid::from_raw(uid)).ok();
        let nobody = of(u32::MAX)?;
        let record = nobody.read_record();
        // As its own user would read it: whether that user is still there is another question.
        let own = record.as_ref().ok().and_then(|record| of(record.uid));
        let state = own.map(|own| own.read().map(|(_, state)| state));
        let (path, state_path) = (nobody.path(), nobody.state_path());
        Some(Self { user, path, state_path, uid, record, state })
    }

    fn judge(&self) -> Option<Diagnosis> {
        let Self { user, path, .. } = self;
        let place = (path.as_path(), None);
        let of_trouble = |word, file, trouble| {
            let Finding { cause, mend, .. } = Finding::of(file, user, trouble);
            Diagnosis::new(word, (file, None), cause, mend)
        };
        let record = match &self.record {
            Err(trouble) if is_said(trouble) => return None,
            Err(trouble) => return Some(of_trouble(Word::BadRecord, path, trouble)),
            Ok(record) => record,
        };
        match self.uid {
            Ok(None) => {
                return Some(Diagnosis::new(
                    Word::NoAccount,
                    place,
                    format!("the user database has no {user:?}"),
                    format!("if they are gone for good, run `mfactl reset {user}`"),
                ));
            }
            Ok(Some(uid)) if uid != record.uid => {
                return Some(Diagnosis::new(
                    Word::UidChanged,
                    place,
                    format!("made for uid {}, and {user} has uid {uid}", record.uid),
                    format!("if they are the same person, run `mfactl credential rebind {user}`"),
                ));
            }
            _ => {}
        }
        match self.state.as_ref()? {
            Err(trouble) if is_lost(trouble) => {
                Some(of_trouble(Word::NoState, &self.state_path, trouble))
            }
            Err(trouble) if is_said(trouble) => None,
            Ok(_) => None,
            Err(trouble) => Some(of_trouble(Word::BadRecord, &self.state_path, trouble)),
        }
    }

    /// The latest time that is noted of the user, in seconds since 1970.
    fn latest(&self) -> Option<u64> {
        let record = self.record.as_ref().ok()?;
        let credentials = record.credentials.iter().map(|credential| credential.created);
        let created = credentials.chain(record.keys.iter().map(|key| key.created)).flatten();
        let state = self.state.as_ref().and_then(|state| state.as_ref().ok());
        let attempts = state.into_iter().flat_map(|state| state.attempts.iter().copied());
        let used = record.credentials.iter().filter_map(|credential| {
            let Method::Totp { period } = credential.method else { return None };
            let step = state?.credentials.get(&credential.id)?.step?;
            let ahead = period.checked_mul(u64::from(credential.window))?;
            u64::try_from(step).ok()?.checked_mul(period)?.checked_sub(ahead)
        });
        created.chain(attempts).chain(used).max()
    }
}

impl HomeFile {
    fn judge(&self, system_only: Option<&str>) -> Option<Diagnosis> {
        let Self { user, path, presence } = self;
        let place = (path.as_path(), None);
        match (presence, system_only) {
            (Presence::Reset, _) => Some(Diagnosis::new(
                Word::HomeLeft,
                place,
                format!(
                    "{user} was imported or reset: the file does not count, but holds a secret"
                ),
                "remove it",
            )),
            (Presence::Absent | Presence::NoRecords, Some(service)) => Some(Diagnosis::new(
                Word::HomeIgnored,
                place,
                format!("{user} has enrolled here, but {service} looks at system records alone"),
                format!("run `mfactl import {user}`"),
            )),
            _ => None,
        }
    }
}

/// What is wrong with owners, modes and directories is said of all files.
fn is_said(trouble: &Trouble) -> bool {
    use Reason::{NoDirectory, UnsafePath, WrongMode, WrongOwner};
    matches!(trouble.reason, NoDirectory | UnsafePath | WrongMode | WrongOwner)
}

/// The people of /etc/passwd who have such a file.
fn homes(host: &Host) -> Vec<HomeFile> {
    let passwd = fs::read(host.at("/etc/passwd")).unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd);
    let people = passwd.lines().filter_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let (user, uid, home) = (fields.first()?, fields.get(2)?.parse().ok()?, fields.get(5)?);
        let path = host.at(home).join(".google_authenticator");
        // With symbolic links as they are: they are in the user's hands.
        path.symlink_metadata().ok()?;
        let record = SystemRecord::new(host.base(), user, Uid::from_raw(uid)).ok()?;
        Some(HomeFile { user: (*user).to_owned(), path, presence: record.look().ok()? })
    });
    people.collect()
}
