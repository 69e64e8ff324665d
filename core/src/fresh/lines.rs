//! The text of a user's file: a line for each check, the newest first.
//!
//! `TIME FACTOR PLACE CHECKSUM`, the checksum of all that the check counts for. Whoever asks writes the
//! line again and compares: what was damaged, or made for anything else, is no such line.

use super::Scope;
use crate::digest::digest;
use crate::verify::Factor;

/// The first line, with the version.
const HEADER: &str = "pam_mfa-fresh 1\n";

/// The most checks of one user that are remembered.
pub(super) const MOST: usize = 16;

/// A code that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Of which kind.
    pub factor: Factor,
    /// When, in seconds since 1970.
    pub at: u64,
}

/// The lines of `text`; none if it is of another version, or none of ours.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix(HEADER));
    text.unwrap_or_default().lines().take(MOST)
}

/// The latest check that counts for `scope`, among those that `counts`.
pub(super) fn find(text: &[u8], scope: &Scope, counts: &dyn Fn(Check) -> bool) -> Option<Check> {
    let is_one = |(line, check): &(&str, Check)| counts(*check) && scope.line(*check) == *line;
    lines(text).filter_map(|line| Some((line, read(line)?))).find(is_one).map(|(_, check)| check)
}

/// The text with one more check. An older one of the same kind and scope goes, as do those of a time to
/// come and the oldest of too many.
pub(super) fn add(text: &[u8], scope: &Scope, new: Check) -> String {
    let line = scope.line(new);
    let goes_on = |line: &&str| {
        read(line).is_some_and(|old| {
            let is_same = old.factor == new.factor && scope.line(old) == **line;
            old.at <= new.at && !is_same
        })
    };
    let old = lines(text).filter(goes_on).take(MOST - 1);
    whole(std::iter::once(line.as_str()).chain(old))
}

/// The text without the checks of a place.
pub(super) fn without(text: &[u8], place: &str) -> String {
    whole(lines(text).filter(|line| line.split(' ').nth(2) != Some(place)))
}

fn whole<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = HEADER.to_owned();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn read(line: &str) -> Option<Check> {
    let mut words = line.split(' ');
    let at = words.next()?.parse().ok()?;
    Some(Check { at, factor: Factor::from_name(words.next()?)? })
}

impl Scope<'_> {
    fn line(&self, check: Check) -> String {
        let (factor, place) = (check.factor.name(), self.place.as_str());
        let checksum = digest(&[
            HEADER.as_bytes(),
            self.user.as_bytes(),
            self.service.as_bytes(),
            place.as_bytes(),
            self.enrolment.as_bytes(),
            factor.as_bytes(),
            &check.at.to_be_bytes(),
        ]);
        format!("{} {factor} {place} {checksum}", check.at)
    }
}
