//! policy.toml and bypass.toml: what of them can never count, or counts otherwise than it reads.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use mfa_core::policy::trial::TRIAL;
use mfa_core::policy::{
    BYPASS, Bypass, Demand, Effect, MAX_SIZE, Mistake, POLICY, Policy, Rule, bypass, files,
};
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use nix::unistd::Uid;

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use crate::finding::Finding;
use crate::lint;

/// A file of `/etc/pam_mfa`.
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

    /// A finding about what begins at a byte of the text.
    fn at(&self, at: usize, word: Word, finding: Finding) -> Diagnosis {
        Diagnosis::of_finding(word, finding.at(&self.text, at))
    }
}

/// What is laid down, and whom the user database knows of those who are named.
pub struct Laws {
    policy: Option<Document<Policy>>,
    bypasses: Option<Document<Vec<Bypass>>>,
    /// Why nobody can tell which policy counts.
    trial: Option<(PathBuf, Trouble)>,
    unread: Vec<(PathBuf, io::Error)>,
    no_groups: BTreeSet<String>,
    no_users: BTreeSet<String>,
}

impl Laws {
    /// Reads both files, and asks for the names in them.
    pub fn look(host: &Host) -> Self {
        let at = |name: &str| host.at("/etc/pam_mfa").join(name);
        let mut unread = Vec::new();
        let trial = files::trial(&host.at("/etc/pam_mfa"), Uid::from_raw(host.owner));
        // Once a trial is over, the module goes by the policy before it.
        let name = trial.as_ref().map_or(Some(POLICY), |it| files::in_force(it.as_ref(), host.now));
        let policy = name.map_or(Ok(None), |name| Document::look(at(name), Policy::read));
        let policy = policy.unwrap_or_else(|failed| {
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
            // Who has which rights is looked at by itself.
            trial: trial.err().filter(is_misread).map(|trouble| (at(TRIAL), trouble)),
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

    /// What rules for `service` ask that take keys which sshd has verified.
    pub fn taking_ssh_key(&self, service: &str) -> impl Iterator<Item = &Demand> {
        let rules = self.policy().map_or(&[][..], |policy| &policy.rules);
        let is_for = move |rule: &&Rule| match &rule.services {
            Some(services) => services.iter().any(|one| one == service),
            None => true,
        };
        rules.iter().filter(is_for).filter_map(|rule| match &rule.effect {
            Effect::Require(demand) if demand.factors.ssh_key => Some(demand),
            _ => None,
        })
    }

    /// What is wrong with them.
    pub fn judge(&self, now: u64) -> Vec<Diagnosis> {
        let mut found: Vec<_> = self.unread.iter().map(unreadable).collect();
        found.extend(self.trial.iter().map(|(file, trouble)| {
            let cause = format!("{trouble}; every login is denied");
            Diagnosis::new(
                Word::BadPolicy,
                (file, None),
                cause,
                "remove it: then policy.toml counts",
            )
        }));
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
        let (file, mut found) = (document.path.as_path(), Vec::new());
        for (index, rule) in policy.rules.iter().enumerate() {
            let above = policy.rules.iter().take(index);
            let unreached = lint::unreached(file, above, rule).into_iter();
            let groups = missing(rule.groups.as_ref(), &self.no_groups);
            let users = missing(rule.users.as_ref(), &self.no_users);
            let of = |word, finding: Finding| document.at(rule.at, word, finding);
            let touch = lint::touch_unknown(file, policy, rule);
            found.extend(touch.map(|finding| of(Word::TouchUnknown, finding)));
            found.extend(unreached.map(|finding| of(Word::RuleNotReached, finding)));
            found.extend(groups.map(|name| of(Word::NoGroup, lint::no_group(file, rule, name))));
            found.extend(users.map(|name| of(Word::NoUser, lint::no_user(file, rule, name))));
        }
        found
    }
}

fn is_misread(trouble: &Trouble) -> bool {
    matches!(trouble.reason, Reason::BadPolicy | Reason::NewerPolicy)
}

fn missing<'a>(
    names: Option<&'a Vec<String>>,
    absent: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a String> {
    names.into_iter().flatten().filter(|name| absent.contains(*name))
}

fn of_entry(
    document: &Document<Vec<Bypass>>,
    entry: &Bypass,
    now: u64,
) -> impl Iterator<Item = Diagnosis> {
    let (file, at) = (document.path.as_path(), entry.at);
    let expired = lint::expired(file, entry, now).map(|it| document.at(at, Word::Expired, it));
    let forwarded = lint::forwarded(file, entry).map(|it| document.at(at, Word::Loopback, it));
    expired.into_iter().chain(forwarded)
}

fn mistaken(word: Word, file: &Path, mistake: &Mistake) -> Diagnosis {
    let finding = Finding::in_text(file, mistake);
    let cause = format!("{}; every login is denied", finding.cause);
    Diagnosis::of_finding(word, Finding { cause, ..finding })
}

/// A file that may say more.
pub fn unreadable((path, error): &(PathBuf, io::Error)) -> Diagnosis {
    let cause = format!("it cannot be read ({error})");
    Diagnosis::new(Word::Unreadable, (path, None), cause, "make it readable for root")
}
