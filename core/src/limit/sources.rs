//! What a system record's state knows of where its user logs in from.
//!
//! A source that the user has succeeded from has a rate limit that strangers do not use up, and is
//! not held up by what strangers fail at. So nobody can lock a user out of the usual places.

use super::counter::{Counter, Pauses};
use super::source::SourceKey;

/// The most sources that are known of one user.
pub const MAX_KNOWN: usize = 16;

/// How long a source is known after the last success, in days.
const DAYS: u64 = 30;

/// So many times as many failures as one source may have, all strangers of a user may have together.
const STRANGERS: u32 = 10;

/// The sources of one user's logins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// Where the user has succeeded from, at most [`MAX_KNOWN`].
    pub known: Vec<Known>,
    /// Seconds since 1970 of the attempts from there that still count, in order; at most 100.
    pub familiar: Vec<u64>,
    /// Failures from everywhere else since the user's last success.
    pub strangers: Counter,
}

/// A source that the user has succeeded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub source: SourceKey,
    /// When it was last, in days since 1970.
    pub day: u64,
}

impl Known {
    /// A day that a wrong clock has put into the future was never; midnight may lie between two clocks.
    fn age(self, today: u64) -> u64 {
        if self.day > today + 1 { u64::MAX } else { today.saturating_sub(self.day) }
    }
}

impl Sources {
    /// Whether the user has succeeded from `source` in the 30 days before `now`, seconds since 1970.
    #[must_use]
    pub fn knows(&self, source: SourceKey, now: u64) -> bool {
        self.known.iter().any(|known| known.source == source && known.age(day(now)) <= DAYS)
    }

    /// How long strangers have to wait at `now`, in seconds from 1 on; `None` if they need not.
    #[must_use]
    pub fn strangers_wait(&self, pauses: Pauses, now: u64) -> Option<u64> {
        let failures = pauses.failures.saturating_mul(STRANGERS);
        self.strangers.wait(Pauses { failures, ..pauses }, now)
    }

    /// The user has succeeded from `source` at `now`, seconds since 1970. Where there is no room the source goes that was
    /// not used for the longest time.
    pub fn learn(&mut self, source: SourceKey, now: u64) {
        let today = day(now);
        let new = Known { source, day: today };
        if let Some(known) = self.known.iter_mut().find(|known| known.source == source) {
            *known = new;
        } else if self.known.len() < MAX_KNOWN {
            self.known.push(new);
        } else if let Some(oldest) = self.known.iter_mut().max_by_key(|known| known.age(today)) {
            *oldest = new;
        }
        self.strangers = Counter::default();
    }
}

fn day(now: u64) -> u64 {
    now / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn source(number: i64) -> SourceKey {
        SourceKey::from_number(number)
    }

    #[test]
    fn known_for_thirty_days() {
        let mut sources = Sources::default();
        assert!(!sources.knows(source(1), 40 * DAY));
        sources.learn(source(1), 40 * DAY);
        for (day, known) in [(38, false), (39, true), (40, true), (70, true), (71, false)] {
            assert_eq!(sources.knows(source(1), day * DAY), known, "{day}");
        }
        sources.learn(source(1), 45 * DAY + 7);
        assert_eq!(sources.known, [Known { source: source(1), day: 45 }]);
        assert!(!sources.knows(source(2), 45 * DAY));
    }

    #[test]
    fn the_longest_unused_goes_and_before_it_what_a_wrong_clock_has_learnt() {
        let mut sources = Sources::default();
        sources.learn(source(99), 10_000 * DAY);
        for day in 1..=15 {
            sources.learn(source(day), day.unsigned_abs() * DAY);
        }
        assert_eq!(sources.known.len(), MAX_KNOWN);
        sources.learn(source(16), 16 * DAY);
        assert!(!sources.knows(source(99), 10_000 * DAY) && sources.knows(source(1), 16 * DAY));
        sources.learn(source(17), 17 * DAY);
        assert!(!sources.knows(source(1), 17 * DAY) && sources.knows(source(2), 17 * DAY));
        assert_eq!(sources.known.len(), MAX_KNOWN);
    }
}
