//! What is wrong with the text of a policy and of a bypass list, and what may not be meant.

use std::path::Path;

use mfa_core::policy::{Bypass, Glob, Network, Policy, Rule, bypass};
use nix::errno::Errno;
use nix::unistd::Group;

use super::Report;
use crate::finding::Finding;
use crate::time::date;

impl Report {
    /// Looks at a policy. That this machine lacks one of its groups is a mistake where it is installed;
    /// else it may be for another.
    pub(super) fn policy(&mut self, file: &Path, text: &[u8], is_installed: bool) {
        let policy = match Policy::read(text) {
            Err(mistake) => return self.mistakes.push(Finding::in_text(file, &mistake)),
            Ok(policy) => policy,
        };
        let text = String::from_utf8_lossy(text);
        self.rules = Some(policy.rules.len());
        for (nth, rule) in policy.rules.iter().enumerate() {
            let place = |finding: Finding| finding.at(&text, rule.at);
            let before = policy.rules.iter().take(nth);
            self.warnings.extend(unreached(file, before, rule).map(place));
            let absent = groups(file, rule).into_iter().map(place);
            if is_installed { &mut self.mistakes } else { &mut self.warnings }.extend(absent);
        }
    }

    /// Looks at a bypass list, at `now` in seconds since 1970.
    pub(super) fn bypass(&mut self, file: &Path, text: &[u8], now: u64) {
        let entries = match bypass::read(text) {
            Err(mistake) => return self.mistakes.push(Finding::in_text(file, &mistake)),
            Ok(entries) => entries,
        };
        let text = String::from_utf8_lossy(text);
        self.bypasses = Some(entries.len());
        let over = entries.iter().filter(|entry| entry.is_expired(now));
        self.warnings.extend(over.map(|entry| expired(file, entry).at(&text, entry.at)));
    }
}

fn expired(file: &Path, Bypass { id, expires, .. }: &Bypass) -> Finding {
    let day = date(expires.unwrap_or_default());
    let mend = format!("run `mfactl bypass remove {id}`");
    Finding::new(file, format!("the entry {id} has counted for nothing since {day}"), mend)
}

/// The first rule before this one that is for everybody whom it is for.
fn unreached<'r>(
    file: &Path,
    mut before: impl Iterator<Item = &'r Rule>,
    rule: &Rule,
) -> Option<Finding> {
    let first = before.find(|first| covers(first, rule))?;
    let (name, first) = (&rule.name, &first.name);
    Some(Finding::new(
        file,
        format!("the rule {name:?} is never reached: {first:?} above it is for all whom it is for"),
        "put it higher, or remove it",
    ))
}

fn covers(first: &Rule, second: &Rule) -> bool {
    let hosts = |rule: &Rule| -> Option<Vec<String>> {
        let globs = rule.hosts.as_ref()?.iter().map(Glob::as_str);
        Some(globs.map(str::to_owned).collect())
    };
    let within =
        |network: &Network, networks: &[Network]| networks.iter().any(|wide| wide.covers(network));
    let from = match (&first.from, &second.from) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|network| within(network, wide)),
    };
    from && holds(first.users.as_deref(), second.users.as_deref())
        && holds(first.groups.as_deref(), second.groups.as_deref())
        && holds(first.services.as_deref(), second.services.as_deref())
        && holds(hosts(first).as_deref(), hosts(second).as_deref())
}

/// Whether one condition holds wherever another does.
fn holds(wide: Option<&[String]>, narrow: Option<&[String]>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|word| wide.contains(word)),
    }
}

/// The groups that this machine does not have.
fn groups(file: &Path, rule: &Rule) -> Vec<Finding> {
    let absent = |group: &&String| {
        matches!(Group::from_name(group), Ok(None) | Err(Errno::ENOENT | Errno::ESRCH))
    };
    let found = rule.groups.iter().flatten().filter(absent).map(|group| {
        let name = &rule.name;
        let cause = format!(
            "there is no group {group:?} here: whoever comes to the rule {name:?} is denied"
        );
        Finding::new(file, cause, "make the group, or take it out")
    });
    found.collect()
}
