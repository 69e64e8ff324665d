//! A few counters that share a place in the file, and what they decide. Pure.

use super::Counted;
use super::counter::{Counter, Pauses, age};
use super::table::BLOCK;
use crate::latest::latest;
use crate::reason::Reason;
use crate::verify::Denied;

/// The size of a counter in the file: four numbers of 64 bits, the lowest byte first.
const ENTRY: usize = 32;

/// So many users may fail at one source within [`SPRAY`].
const USERS: usize = 10;

/// How long a failure counts for its source, s: an hour.
const SPRAY: u64 = 3600;

/// User and source as the file knows them: keyed hashes, so that nobody can choose whose counters
/// share a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tags {
    pub(super) source: u64,
    pub(super) user: u64,
}

/// The failures of one user from one source; none at all in a free entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub(super) tags: Tags,
    pub(super) counter: Counter,
}

impl Entry {
    fn read(bytes: &[u8]) -> Self {
        let mut words =
            bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes));
        let mut next = || words.next().unwrap_or(0);
        let tags = Tags { source: next(), user: next() };
        let last = next();
        let failures = u32::try_from(next()).unwrap_or(u32::MAX);
        Self { tags, counter: Counter { failures, last } }
    }

    fn words(&self) -> [u64; 4] {
        let Self { tags: Tags { source, user }, counter: Counter { failures, last } } = *self;
        [source, user, last, failures.into()]
    }

    pub(super) fn is_free(&self) -> bool {
        self.counter.failures == 0
    }
}

/// The counters of one source, and of others by chance.
pub(super) struct Bucket(pub(super) Vec<Entry>);

impl Bucket {
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(bytes.chunks_exact(ENTRY).map(Entry::read).collect())
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BLOCK);
        for word in self.0.iter().flat_map(Entry::words) {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Whether an attempt may be made at `now`; at a source that is `exempt` any number of users may
    /// fail.
    pub(super) fn admits(
        &self,
        tags: Tags,
        pauses: Pauses,
        exempt: bool,
        now: u64,
    ) -> Result<(), Denied> {
        let own = self.0.iter().find(|entry| entry.tags == tags);
        let refused = match own.and_then(|entry| entry.counter.wait(pauses, now)) {
            Some(wait) => Some((Reason::TooManyFailures, wait)),
            None if exempt => None,
            None => self.spray(tags.source, pauses, now).map(|wait| (Reason::SourceLimited, wait)),
        };
        refused.map_or(Ok(()), |(reason, wait)| {
            Err(Denied { wait: Some(wait), ..Denied::finally(reason) })
        })
    }

    /// How long a source has to wait at which many users have failed, s.
    pub(super) fn spray(&self, source: u64, pauses: Pauses, now: u64) -> Option<u64> {
        let failed = self.0.iter().filter(|entry| entry.tags.source == source && !entry.is_free());
        let times = failed.map(|entry| entry.counter.last).filter(|&time| age(time, now) < SPRAY);
        let times = latest(USERS, times);
        let (first, last) = (times.first()?, times.get(USERS - 1)?);
        let end = first.saturating_add(SPRAY).min(last.saturating_add(pauses.max));
        end.checked_sub(now).filter(|&wait| wait > 0)
    }

    /// Counts a failure at `now`. Where there is no room the oldest counter goes.
    pub(super) fn count(&mut self, tags: Tags, now: u64) -> Counted {
        let worth = |entry: &Entry| match entry {
            entry if entry.tags == tags => (2, 0),
            entry if entry.is_free() => (1, 0),
            entry => (0, age(entry.counter.last, now)),
        };
        let Some(entry) = self.0.iter_mut().max_by_key(|entry| worth(entry)) else {
            return Counted::default();
        };
        if entry.tags != tags {
            *entry = Entry { tags, ..Entry::default() };
        }
        let before = entry.counter;
        entry.counter = before.count(now);
        Counted { before, after: entry.counter }
    }

    /// Forgets all failures of the user at the source.
    pub(super) fn clear(&mut self, tags: Tags) {
        self.0
            .iter_mut()
            .filter(|entry| entry.tags == tags)
            .for_each(|entry| *entry = Entry::default());
    }

    /// Takes a failure back. If others were counted since, the time of the last one is theirs: it must not
    /// go with this one, or guesses beside it would be forgotten.
    pub(super) fn take_back(&mut self, tags: Tags, Counted { before, after }: Counted) {
        let Some(entry) = self.0.iter_mut().find(|entry| entry.tags == tags) else { return };
        let Counter { failures, last } = entry.counter;
        entry.counter = if entry.counter == after {
            before
        } else {
            Counter { failures: failures.saturating_sub(1), last }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses { failures: 5, max: 900 };
    const NOW: u64 = 1_700_000_000;

    fn bucket(entries: usize) -> Bucket {
        Bucket(vec![Entry::default(); entries])
    }

    fn tags(user: u64) -> Tags {
        Tags { source: 7, user }
    }

    #[test]
    fn the_oldest_goes_where_there_is_no_room() {
        let mut bucket = bucket(3);
        for (user, at) in [(1, 20), (2, 10), (3, 30), (4, 40)] {
            bucket.count(tags(user), NOW + at);
        }
        let mut users: Vec<_> = bucket.0.iter().map(|entry| entry.tags.user).collect();
        users.sort_unstable();
        assert_eq!(users, [1, 3, 4]);
        // One that a wrong clock has put into the future goes before all.
        bucket.count(tags(5), NOW + 90_000);
        bucket.count(tags(6), NOW + 50);
        assert!(bucket.0.iter().all(|entry| entry.tags.user != 5));
    }

    #[test]
    fn many_users_may_fail_at_a_source_that_is_exempt() {
        let mut bucket = bucket(32);
        for user in 0..10 {
            bucket.count(tags(user), NOW);
        }
        let admits = |exempt| bucket.admits(tags(99), PAUSES, exempt, NOW).map_err(|it| it.reason);
        assert_eq!((admits(false), admits(true)), (Err(Reason::SourceLimited), Ok(())));
    }
}
