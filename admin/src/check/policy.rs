//! What is wrong with the text of a policy and of a bypass list, and what may not be meant.

use std::path::Path;

use mfa_core::policy::{Policy, Rule, bypass};
use nix::errno::Errno;
use nix::unistd::Group;

use super::Report;
use crate::finding::Finding;
use crate::lint;

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
            self.warnings.extend(lint::unreached(file, before, rule).map(place));
            self.warnings.extend(lint::touch_unknown(file, &policy, rule).map(place));
            let absent = absent(rule).map(|group| place(lint::no_group(file, rule, group)));
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
        for entry in &entries {
            let doubts = [lint::expired(file, entry, now), lint::forwarded(file, entry)];
            self.warnings.extend(doubts.into_iter().flatten().map(|it| it.at(&text, entry.at)));
        }
    }
}

/// The groups that this machine does not have.
fn absent(rule: &Rule) -> impl Iterator<Item = &String> {
    rule.groups.iter().flatten().filter(|group| {
        matches!(Group::from_name(group), Ok(None) | Err(Errno::ENOENT | Errno::ESRCH))
    })
}
