//! What administrators see of the failures, and undo. All of the file is read, which takes about a
//! millisecond.

use std::path::Path;

use super::bucket::{Bucket, Entry};
use super::counter::Pauses;
use super::source::SourceKey;
use super::table::{Hasher, Table};
use crate::store::Trouble;

/// Whose failures are meant.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// A user's, wherever they came from.
    User(&'a str),
    /// A source's, whoever it tried to be.
    Source(SourceKey),
}

/// What was cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// So many pairs of user and source had failures.
    pub counters: usize,
    /// When the last of their pauses would have ended, in seconds since 1970, if there was one.
    pub until: Option<u64>,
}

/// Forgets all failures of a user or a source.
///
/// # Errors
/// What the system says; some of them may be forgotten then.
pub fn clear(run_dir: &Path, whose: Whose, pauses: Pauses, now: u64) -> Result<Cleared, Trouble> {
    let table = Table::open(run_dir)?;
    let tag = Tag::new(&table.hasher, whose);
    let mut cleared = Cleared::default();
    for found in table.buckets() {
        let (place, mut bucket) = found?;
        cleared.until = cleared.until.max(tag.until(&bucket, pauses, now));
        let theirs = bucket.0.iter_mut().filter(|entry| tag.is_of(entry));
        let count = theirs.map(|entry| *entry = Entry::default()).count();
        if count > 0 {
            table.put(place, &bucket)?;
        }
        cleared.counters += count;
    }
    Ok(cleared)
}

/// All failures, as they were when they were read. No login waits for whoever looks at them.
pub struct Failures {
    hasher: Hasher,
    /// Those in which there are some.
    buckets: Vec<Bucket>,
}

impl Failures {
    /// Reads them all.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(run_dir: &Path) -> Result<Self, Trouble> {
        let table = Table::open(run_dir)?;
        let mut buckets = Vec::new();
        for found in table.buckets() {
            let (_, bucket) = found?;
            buckets.extend(Some(bucket).filter(|bucket| !bucket.0.iter().all(Entry::is_free)));
        }
        Ok(Self { hasher: table.hasher, buckets })
    }

    /// When the last pause of a user or a source ends, in seconds since 1970; `None` if there is none
    /// at `now`.
    #[must_use]
    pub fn until(&self, whose: Whose, pauses: Pauses, now: u64) -> Option<u64> {
        let tag = Tag::new(&self.hasher, whose);
        self.buckets.iter().filter_map(|bucket| tag.until(bucket, pauses, now)).max()
    }
}

/// [`Whose`], as the file knows it.
#[derive(Clone, Copy)]
enum Tag {
    User(u64),
    Source(u64),
}

impl Tag {
    fn new(hasher: &Hasher, whose: Whose) -> Self {
        match whose {
            Whose::User(user) => Self::User(hasher.user(user)),
            Whose::Source(source) => Self::Source(hasher.source(source)),
        }
    }

    fn is_of(self, entry: &Entry) -> bool {
        let is_theirs = match self {
            Self::User(user) => entry.tags.user == user,
            Self::Source(source) => entry.tags.source == source,
        };
        is_theirs && !entry.is_free()
    }

    fn until(self, bucket: &Bucket, pauses: Pauses, now: u64) -> Option<u64> {
        let spray = match self {
            Self::User(_) => None,
            Self::Source(source) => bucket.spray(source, pauses, now),
        };
        let theirs = bucket.0.iter().filter(|entry| self.is_of(entry));
        let waits = theirs.filter_map(|entry| entry.counter.wait(pauses, now));
        waits.chain(spray).max().map(|wait| now.saturating_add(wait))
    }
}
