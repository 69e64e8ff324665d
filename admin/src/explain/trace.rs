//! What each rule and each entry of the bypass list says to a login.

use std::path::{Path, PathBuf};

use mfa_core::document::position;
use mfa_core::policy::{Bypass, InGroup, NoAnswer, Request, Rule};
use serde::Serialize;

use crate::time::date;

/// A rule of the policy, or an entry of the list, and what it says.
#[derive(Serialize)]
pub struct Entry {
    /// Where it is written.
    file: PathBuf,
    /// From 1 on.
    line: usize,
    /// The rule's name, or the entry's id.
    name: String,
    /// In a few words.
    says: String,
}

impl Entry {
    fn new((file, text): (&Path, &str), at: usize, name: &str, says: String) -> Self {
        let (line, _) = position(text, at);
        Self { file: file.to_owned(), line, name: name.to_owned(), says }
    }

    /// As a row of a table.
    pub fn row(&self) -> [String; 3] {
        let place = format!("{}:{}", self.file.display(), self.line);
        [place, self.name.clone(), self.says.clone()]
    }
}

/// Every rule, in order; those behind the first that decides are not looked at.
pub fn rules(
    (file, text): (Option<&Path>, &str),
    rules: &[Rule],
    request: &Request,
    in_group: &mut InGroup,
) -> Vec<Entry> {
    let mut is_decided = false;
    let mut says = |rule: &Rule| {
        if is_decided {
            return "not reached".to_owned();
        }
        match rule.mismatch(request, in_group) {
            Ok(Some(key)) => format!("does not match: {key}"),
            Ok(None) => {
                is_decided = true;
                "matches".to_owned()
            }
            Err(NoAnswer { reason, group }) => {
                is_decided = true;
                format!("cannot be told: {reason} ({group})")
            }
        }
    };
    let file = file.unwrap_or(Path::new(""));
    rules.iter().map(|rule| Entry::new((file, text), rule.at, &rule.name, says(rule))).collect()
}

/// The entries whose network the login comes from, at `now` in seconds since 1970.
pub fn bypasses(
    text: (&Path, &str),
    entries: &[Bypass],
    request: &Request,
    now: u64,
) -> Vec<Entry> {
    let here = entries
        .iter()
        .filter(|entry| request.source.is_some_and(|source| entry.network.contains(source)));
    let says = |entry: &Bypass| match entry.expires {
        Some(expires) if entry.is_expired(now) => format!("would match, expired {}", date(expires)),
        _ if entry.holds(request, now) => "matches".to_owned(),
        _ => "does not match: services".to_owned(),
    };
    here.map(|entry| Entry::new(text, entry.at, &entry.id, says(entry))).collect()
}
