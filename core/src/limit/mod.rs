//! Failures, counted for each user and each source: who guesses has to wait, and nobody else.
//!
//! An attempt is counted as a failure before it is judged, and taken back after it, so that many at
//! once are no more guesses than one after the other. What a user's known sources are spared is in
//! [`Sources`].

mod bucket;
mod clear;
mod counter;
mod source;
mod sources;
mod table;

use std::path::Path;

use crate::reason::Reason;
use crate::store::Trouble;
use crate::verify::Denied;
use bucket::{Bucket, Tags};
use table::Table;

pub use clear::{Cleared, Failures, Whose, clear};
pub use counter::{Counter, Pauses};
pub use source::SourceKey;
pub use sources::{Known, MAX_KNOWN, Sources};

/// One user's attempts from one source.
#[derive(Debug, Clone, Copy)]
pub struct Attempts<'a> {
    /// The directory that the counters are in, `/run/pam_mfa`.
    pub run_dir: &'a Path,
    /// The name that the user database has; the typed one if it has none.
    pub user: &'a str,
    /// Where they come from.
    pub source: SourceKey,
    /// Many people share the source: any number of them may fail there.
    pub is_exempt: bool,
    /// What failures bring.
    pub pauses: Pauses,
}

/// An attempt that was counted as a failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// The failures before it.
    before: Counter,
    /// The failures with it.
    after: Counter,
}

impl Attempts<'_> {
    /// Whether an attempt may be made at `now`, in seconds since 1970, so that nobody is asked in
    /// vain. Counts nothing.
    ///
    /// # Errors
    /// Nobody can tell: this process is not root, or `/run` cannot be written. Inside, why not:
    /// [`Reason::TooManyFailures`] of this user from this source, or [`Reason::SourceLimited`], with the
    /// time to wait.
    pub fn look(&self, now: u64) -> Result<Result<(), Denied>, Trouble> {
        Ok(self.open()?.admits(self, now))
    }

    /// The same, and counts the attempt as a failure.
    ///
    /// # Errors
    /// As [`Attempts::look`]. What is refused is not counted.
    pub fn admit(&self, now: u64) -> Result<Result<Counted, Denied>, Trouble> {
        let mut opened = self.open()?;
        if let Err(denied) = opened.admits(self, now) {
            return Ok(Err(denied));
        }
        let counted = opened.bucket.count(opened.tags, now);
        opened.put()?;
        Ok(Ok(counted))
    }

    /// The attempt was right: all failures of the user from this source are forgotten.
    ///
    /// # Errors
    /// They could not be.
    pub fn succeeded(&self) -> Result<(), Trouble> {
        let mut opened = self.open()?;
        opened.bucket.clear(opened.tags);
        opened.put()
    }

    /// The attempt was no guess, as [`is_guess`] tells: it does not count.
    ///
    /// # Errors
    /// It still counts.
    pub fn not_an_attempt(&self, counted: Counted) -> Result<(), Trouble> {
        let mut opened = self.open()?;
        opened.bucket.take_back(opened.tags, counted);
        opened.put()
    }

    fn open(&self) -> Result<Opened<'_>, Trouble> {
        let table = Table::open(self.run_dir)?;
        let Table { hasher, .. } = &table;
        let tags = Tags { source: hasher.source(self.source), user: hasher.user(self.user) };
        let place = Table::place(tags, self.is_exempt);
        let bucket = table.bucket(place)?;
        Ok(Opened { table, tags, place, bucket })
    }
}

/// A bucket, and the lock on the file that it is from.
struct Opened<'a> {
    table: Table<'a>,
    tags: Tags,
    place: u64,
    bucket: Bucket,
}

impl Opened<'_> {
    fn admits(&self, of: &Attempts, now: u64) -> Result<(), Denied> {
        self.bucket.admits(self.tags, of.pauses, of.is_exempt, now)
    }

    fn put(&self) -> Result<(), Trouble> {
        self.table.put(self.place, &self.bucket)
    }
}

/// Whether a denial for `reason` tells whoever tried something about a code: what was not looked at, or
/// could not be right, is no guess. Neither is a key that is not there, not touched in time, or not
/// enrolled.
#[must_use]
pub fn is_guess(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::EmptyAnswer
            | Reason::NoAnswer
            | Reason::ConversationFailed
            | Reason::RateLimited
            | Reason::BadRateLimit
            | Reason::TooManyFailures
            | Reason::SourceLimited
            | Reason::Locked
            | Reason::CannotLock
            | Reason::Changed
            | Reason::NotDurable
            | Reason::CannotWrite
            | Reason::CannotForward
            | Reason::KeyUnknown
            | Reason::KeyAbsent
            | Reason::KeyTimeout
            | Reason::TouchUnverified
            | Reason::BadMapping
            | Reason::NotLocal
            | Reason::NoHelper
            | Reason::HelperFailed
            | Reason::NoAgent
            | Reason::AgentFailed
            | Reason::AgentRefused
    )
}

#[cfg(test)]
mod tests;
