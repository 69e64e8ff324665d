//! policy.toml and bypass.toml: what of them can never count, or counts otherwise than it reads.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use mfa_core::document::position;
use mfa_core::policy::{
    BYPASS, Bypass, Effect, MAX_SIZE, Mistake, Network, POLICY, Policy, Rule, bypass,
};

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use crate::finding::Finding;
use crate::time::date;

/// A file of /`etc/pam_mfa`.
pub struct Document<T> {
    path: PathBuf,
    text: String,
    read: Result<T, Mistake>,
}

impl<T> Document<T> {
    fn look(
        path: PathBuf,
        read: impl Fn(&[u8]) -> Result<T, Mistake>,
    ) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let mut text = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut text)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err((path, error)),
            Ok(_) => {}
        }
        let is_too_big = u64::try_from(text.len()).is_ok_and(|size| size > MAX_SIZE);
        let read = if is_too_big { Err(Mistake::new("larger than 1 MiB")) } else { read(&text) };
        Ok(Some(Self { path, text: String::from_utf8_lossy(&text).into_owned(), read }))
    }

    fn place(&self, at: usize) -> (&Path, Option<usize>) {
        (&self.path, Some(position(&self.text, at).0))
    }
}

/// What is laid down, and whom the user database knows of those who are named.
pub struct Laws {
    policy: Option<Document<Policy>>,
    bypasses: Option<Document<Vec<Bypass>>>,
    unread: Vec<(PathBuf, io::Error)>,
    no_groups: BTreeSet<String>,
    no_users: BTreeSet<String>,
}

impl Laws {
    /// Reads both files, and asks for the names in them.
    pub fn look(host: &Host) -> Self {
        let at = |name: &str| host.at("/etc/pam_mfa").join(name);
        let mut unread = Vec::new();
        let policy = Document::look(at(POLICY), Policy::read).unwrap_or_else(|failed| {
            unread.push(failed);
            None
        });
        let bypasses = Document::look(at(BYPASS), bypass::read).unwrap_or_else(|failed| {
            unread.push(failed);
            None
        });
        let mut laws = Self {
            policy,
            bypasses,
            unread,
            no_groups: BTreeSet::new(),
            no_users: BTreeSet::new(),
        };
        let named = |of: fn(&Rule) -> &Option<Vec<String>>| {
            let rules = laws.policy().map_or(&[][..], |policy| &policy.rules);
            rules.iter().flat_map(of).flatten().cloned().collect::<BTreeSet<_>>()
        };
        let (groups, users) = (named(|rule| &rule.groups), named(|rule| &rule.users));
        // A database that is down says nothing about who is in it.
        let is_group = |name: &String| (host.is_group)(name).unwrap_or(true);
        let is_absent = |name: &String| (host.uid)(name).is_ok_and(|uid| uid.is_none());
        laws.no_groups = groups.into_iter().filter(|name| !is_group(name)).collect();
        laws.no_users = users.into_iter().filter(is_absent).collect();
        laws
    }

    /// The policy, if there is one that can be used.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()?.read.as_ref().ok()
    }

    /// Where the policy is, if there is one.
    pub fn policy_file(&self) -> Option<&Path> {
        self.policy.as_ref().map(|document| document.path.as_path())
    }

    fn bypasses(&self) -> &[Bypass] {
        let list = self.bypasses.as_ref().and_then(|document| document.read.as_ref().ok());
        list.map_or(&[], Vec::as_slice)
    }

    /// By what somebody is let in to `service` without a code, if by anything.
    pub fn skips(&self, service: &str, now: u64) -> Option<String> {
        let is_for = |services: &Option<Vec<String>>| {
            services.as_ref().is_none_or(|services| services.iter().any(|one| one == service))
        };
        let rules = self.policy().map_or(&[][..], |policy| &policy.rules);
        let rule = rules.iter().find(|rule| {
            let is_open = match &rule.effect {
                Effect::Skip(_) => true,
                Effect::Deny(_) => !rule.enforce,
                Effect::Require(demand) => {
                    !rule.enforce || demand.enrolled_by.is_some_and(|by| by > now)
                }
            };
            is_open && is_for(&rule.services)
        });
        let bypasses = self.bypasses().iter();
        let mut bypasses = bypasses.filter(|it| !it.is_expired(now) && is_for(&it.services));
        rule.map(|rule| format!("the rule {:?}", rule.name))
            .or_else(|| bypasses.next().map(|entry| format!("the bypass {}", entry.id)))
    }

    /// What is wrong with them.
    pub fn judge(&self, now: u64) -> Vec<Diagnosis> {
        let mut found: Vec<_> = self.unread.iter().map(unreadable).collect();
        if let Some(document) = &self.policy {
            match &document.read {
                Ok(policy) => found.extend(self.rules(document, policy)),
                Err(mistake) => found.push(mistaken(Word::BadPolicy, &document.path, mistake)),
            }
        }
        if let Some(document) = &self.bypasses {
            match &document.read {
                Ok(entries) => {
                    found.extend(entries.iter().flat_map(|entry| of_entry(document, entry, now)));
                }
                Err(mistake) => found.push(mistaken(Word::BadBypass, &document.path, mistake)),
            }
        }
        found
    }

    fn rules(&self, document: &Document<Policy>, policy: &Policy) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        for (index, rule) in policy.rules.iter().enumerate() {
            let (place, name) = (document.place(rule.at), &rule.name);
            if let Some(above) = policy.rules.iter().take(index).find(|above| covers(above, rule)) {
                found.push(Diagnosis::new(
                    Word::RuleNotReached,
                    place,
                    format!(
                        "the rule {name:?} never decides: {:?} above it is for all of those",
                        above.name
                    ),
                    "put it above that one, or remove it",
                ));
            }
            for group in missing(rule.groups.as_ref(), &self.no_groups) {
                found.push(Diagnosis::new(
                    Word::NoGroup,
                    place,
                    format!(
                        "the rule {name:?} names the group {group:?}, which does not exist; whoever \
                         comes to it is denied"
                    ),
                    "make the group, or correct its name",
                ));
            }
            for user in missing(rule.users.as_ref(), &self.no_users) {
                found.push(Diagnosis::new(
                    Word::NoUser,
                    place,
                    format!("the rule {name:?} names the user {user:?}, who does not exist"),
                    "correct the name, or take it out",
                ));
            }
        }
        found
    }
}

fn missing<'a>(
    names: Option<&'a Vec<String>>,
    absent: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a String> {
    names.into_iter().flatten().filter(|name| absent.contains(*name))
}

/// Whether every login that `rule` is for is one that `above` is for.
fn covers(above: &Rule, rule: &Rule) -> bool {
    fn all<T>(
        above: Option<&Vec<T>>,
        rule: Option<&Vec<T>>,
        fits: impl Fn(&T, &T) -> bool,
    ) -> bool {
        let Some(above) = above else { return true };
        let each = |one: &T| above.iter().any(|other| fits(other, one));
        rule.is_some_and(|rule| rule.iter().all(each))
    }
    all(above.users.as_ref(), rule.users.as_ref(), |other, one| other == one)
        && all(above.groups.as_ref(), rule.groups.as_ref(), |other, one| other == one)
        && all(above.services.as_ref(), rule.services.as_ref(), |other, one| other == one)
        && all(above.hosts.as_ref(), rule.hosts.as_ref(), |other, one| {
            other == one || other.as_str() == "*"
        })
        && all(above.from.as_ref(), rule.from.as_ref(), Network::covers)
}

fn of_entry(document: &Document<Vec<Bypass>>, entry: &Bypass, now: u64) -> Vec<Diagnosis> {
    let (place, id) = (document.place(entry.at), &entry.id);
    let mut found = Vec::new();
    if let Some(expires) = entry.expires.filter(|_| entry.is_expired(now)) {
        found.push(Diagnosis::new(
            Word::Expired,
            place,
            format!("the bypass {id} has expired on {} and counts for nothing", date(expires)),
            format!("run `mfactl bypass remove {id}`"),
        ));
    }
    let is_loopback = |network: &str| {
        network.parse().is_ok_and(|network: Network| network.overlaps(&entry.network))
    };
    if ["127.0.0.0/8", "::1"].iter().any(|network| is_loopback(network)) {
        found.push(Diagnosis::new(
            Word::Loopback,
            place,
            format!(
                "the bypass {id} is for this machine itself: connections that are forwarded come \
                 from it"
            ),
            "take the loopback addresses out of it",
        ));
    }
    found
}

fn mistaken(word: Word, file: &Path, mistake: &Mistake) -> Diagnosis {
    let finding = Finding::in_text(file, mistake);
    let cause = format!("{}; every login is denied", finding.cause);
    Diagnosis::new(word, (file, finding.line), cause, finding.mend)
}

/// A file that may say more.
pub fn unreadable((path, error): &(PathBuf, io::Error)) -> Diagnosis {
    let cause = format!("it cannot be read ({error})");
    Diagnosis::new(Word::Unreadable, (path, None), cause, "make it readable for root")
}
