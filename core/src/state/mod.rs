//! What of a system record has been used, and when: all that a login writes.
//!
//! It names credentials and sets of codes by id, never by name or place. Everything in it is
//! bounded, and the largest state fits one slot of the state file.

mod text;

use crate::account::{Change, Progress, Sighting, is_marked};
use crate::limit::Sources;
use crate::notice::{Kind, MAX_NOTICES, Notice};
use crate::record::{ById, Codes, Record};

/// What has been used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Seconds since 1970 of the attempts that still count, in order; at most 100. Not those from known
    /// sources.
    pub attempts: Vec<u64>,
    /// Where the user logs in from; nothing as long as no policy limits failures.
    pub sources: Sources,
    /// What the user is to be told, at most four.
    pub notices: Vec<Notice>,
    /// By the credential's id.
    pub credentials: ById<Used>,
    /// By the key's id: how often it had signed when it was last used.
    pub keys: ById<u32>,
    /// By the set's id: which codes have been used, a bit for each.
    pub codes: ById<u32>,
}

/// How far a credential has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Used {
    /// TOTP: the highest step whose code was accepted.
    pub step: Option<i64>,
    /// HOTP: the next counter; `None` if it has to be resynchronised.
    pub counter: Option<i64>,
    /// TOTP: how many steps the person's clock is ahead.
    pub skew: i64,
    /// TOTP: codes of another time, at most three.
    pub sightings: Vec<Sighting>,
    /// HOTP: the counter of a code further ahead, that came last.
    pub ahead: Option<i64>,
}

/// No clock tells more, and TOML has no larger numbers.
const LATEST: u64 = i64::MAX.unsigned_abs();

impl Used {
    /// A time-based credential of which nothing up to `step` is good any more.
    #[must_use]
    pub fn totp(step: i64) -> Self {
        Self { step: Some(step), ..Self::default() }
    }

    /// An event-based credential whose next counter is `counter`; `None` if nobody knows.
    #[must_use]
    pub fn hotp(counter: Option<i64>) -> Self {
        Self { counter, ..Self::default() }
    }
}

impl State {
    /// Makes a change that [`crate::verify::verify`] found due for the account of `record`.
    pub fn apply(&mut self, record: &Record, change: &Change) {
        match change {
            Change::Attempts(limit) => {
                self.attempts = limit.times.iter().map(|&time| time.min(LATEST)).collect();
            }
            Change::Sources(sources) => {
                self.sources.clone_from(sources);
                self.sources.familiar.iter_mut().for_each(|time| *time = LATEST.min(*time));
                let last = &mut self.sources.strangers.last;
                *last = LATEST.min(*last);
            }
            Change::Told => self.notices.clear(),
            Change::Credential(place, progress) => {
                let id = record.credentials.get(*place).map(|credential| credential.id);
                if let Some(used) = id.and_then(|id| self.credentials.get_mut(&id)) {
                    used.advance(progress);
                }
            }
            Change::KeyUsed(place, counter) => {
                let id = record.keys.get(*place).map(|key| key.id);
                if let Some(used) = id.and_then(|id| self.keys.get_mut(&id)) {
                    *used = *counter;
                }
            }
            Change::CodeUsed { set, code } => {
                let id = record.codes.get(*set).map(|codes| codes.id);
                let bit = u32::try_from(*code).ok().and_then(|code| 1_u32.checked_shl(code));
                if let (Some(used), Some(bit)) = (id.and_then(|id| self.codes.get_mut(&id)), bit) {
                    *used |= bit;
                }
            }
            // A system record has neither, and so no such change.
            Change::ScratchUsed(_) | Change::Login { .. } => {}
        }
    }

    /// Takes down that the user is to be told of a change at `now`, in seconds since 1970, at the next
    /// login.
    pub fn notify(&mut self, kind: Kind, now: u64) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(Notice { kind, time: now.min(LATEST) });
    }

    /// How many codes of a set are left; none of one that the state does not know.
    #[must_use]
    pub fn codes_left(&self, codes: &Codes) -> usize {
        let used = self.codes.get(&codes.id).copied().unwrap_or(u32::MAX);
        (0..codes.hashes.len()).filter(|&code| !is_marked(used, code)).count()
    }

    /// Forgets what `record` does not have.
    pub fn retain(&mut self, record: &Record) {
        let ids: Vec<_> = record.ids().collect();
        self.credentials.retain(|id| ids.contains(&id));
        self.keys.retain(|id| ids.contains(&id));
        self.codes.retain(|id| ids.contains(&id));
    }
}

impl Used {
    fn advance(&mut self, progress: &Progress) {
        match progress {
            Progress::Counter(counter) => {
                self.counter = Some(*counter);
                self.ahead = None;
            }
            Progress::Ahead(counter) => self.ahead = Some(*counter),
            Progress::StepUsed { step, .. } => self.step = self.step.max(Some(*step)),
            Progress::Skew(skew) => self.skew = *skew,
            Progress::Sightings(sightings) => self.sightings.clone_from(sightings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Id;

    #[test]
    fn a_step_is_not_taken_back() {
        let mut used = Used::totp(7);
        for (step, highest) in [(6, 7), (8, 8), (7, 8)] {
            used.advance(&Progress::StepUsed { step, window: 3 });
            assert_eq!(used.step, Some(highest));
        }
    }

    #[test]
    fn codes_that_are_left() {
        let codes = Codes {
            id: Id::new([1; 4]),
            kind: crate::account::CodeKind::Recovery,
            salt: crate::codes::Hex::new([0; 16]),
            hashes: vec![crate::codes::Hex::new([0; 32]); 10],
            created: None,
            expires: None,
        };
        for (used, left) in [(0, 10), (0b101, 8), (u32::MAX, 0), (1 << 31, 10)] {
            let state = State { codes: [(codes.id, used)].into(), ..State::default() };
            assert_eq!(state.codes_left(&codes), left, "{used:b}");
        }
        assert_eq!(State::default().codes_left(&codes), 0);
    }

    #[test]
    fn only_the_latest_notices_are_kept() {
        let mut state = State::default();
        for (kind, time) in Kind::ALL.into_iter().zip(1..) {
            state.notify(kind, time);
        }
        let kept: Vec<_> = state.notices.iter().map(|notice| (notice.kind, notice.time)).collect();
        let expected: Vec<_> = Kind::ALL.into_iter().zip(1..).skip(1).collect();
        assert_eq!(kept, expected);
        state.apply(&Record::new("alice", 1000), &Change::Told);
        assert_eq!(state, State::default());
    }
}
