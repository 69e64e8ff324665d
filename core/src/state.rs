//! What of a system record has been used, and when: all that a login writes.
//!
//! It names credentials and sets of codes by id, never by name or place. Everything in it is
//! bounded, and the largest state fits one slot of the state file.

use std::fmt::Write;

use crate::account::{Change, Progress, Sighting, is_marked};
use crate::document::{self, Mistake, Table};
use crate::record::{ById, Codes, Id, Record};

/// What has been used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Seconds since 1970 of the attempts that still count, in order; at most 100.
    pub attempts: Vec<u64>,
    /// By the credential's id.
    pub credentials: ById<Used>,
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
    /// Reads the body of a slot.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, Mistake> {
        document::read(body, |table| {
            let mut attempts: Vec<u64> = Vec::new();
            for time in table.numbers("attempts")? {
                let first = attempts.first().copied().unwrap_or(0);
                let time =
                    u64::try_from(time).map_err(|_| table.wrong("an attempt before 1970"))?;
                attempts.push(time.saturating_add(first));
            }
            Ok(Self {
                attempts,
                credentials: table.named_tables("credential", credential)?.into_iter().collect(),
                codes: table.named_tables("codes", codes)?.into_iter().collect(),
            })
        })
    }

    /// The body of a slot.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, f: &mut String) -> std::fmt::Result {
        if let Some(&first) = self.attempts.first() {
            write!(f, "attempts=[{first}")?;
            for time in self.attempts.iter().skip(1) {
                write!(f, ",{}", time.saturating_sub(first))?;
            }
            f.push_str("]\n");
        }
        for (id, used) in &self.credentials {
            writeln!(f, "[credential.{id}]")?;
            for (key, value) in
                [("step", used.step), ("counter", used.counter), ("ahead", used.ahead)]
            {
                value.map_or(Ok(()), |value| writeln!(f, "{key}={value}"))?;
            }
            if used.skew != 0 {
                writeln!(f, "skew={}", used.skew)?;
            }
            if !used.sightings.is_empty() {
                f.push_str("seen=[");
                for (place, Sighting { step, skew }) in used.sightings.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma}[{step},{skew}]")?;
                }
                f.push_str("]\n");
            }
        }
        for (id, used) in &self.codes {
            writeln!(f, "[codes.{id}]\nused={used}")?;
        }
        Ok(())
    }

    /// Makes a change that [`crate::verify::verify`] found due for the account of `record`.
    pub fn apply(&mut self, record: &Record, change: &Change) {
        match change {
            Change::Attempts(limit) => {
                // No clock tells more, and TOML has no larger numbers.
                let latest = i64::MAX.unsigned_abs();
                self.attempts = limit.times.iter().map(|&time| time.min(latest)).collect();
            }
            Change::Credential(place, progress) => {
                let id = record.credentials.get(*place).map(|credential| credential.id);
                if let Some(used) = id.and_then(|id| self.credentials.get_mut(&id)) {
                    used.advance(progress);
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

#[inline(never)]
fn credential(id: &str, table: &mut Table) -> Result<(Id, Used), Mistake> {
    let any = || i64::MIN..=i64::MAX;
    let seen = table.pairs("seen")?;
    let used = Used {
        step: table.number("step", any())?,
        counter: table.number("counter", 0..=i64::MAX)?,
        skew: table.number("skew", any())?.unwrap_or(0),
        sightings: seen.into_iter().map(|(step, skew)| Sighting { step, skew }).collect(),
        ahead: table.number("ahead", 0..=i64::MAX)?,
    };
    Ok((known_by(id, table)?, used))
}

fn codes(id: &str, table: &mut Table) -> Result<(Id, u32), Mistake> {
    let used = table.number("used", 0..=u32::MAX.into())?;
    let used = used.and_then(|used| u32::try_from(used).ok());
    Ok((known_by(id, table)?, table.needed("used", used)?))
}

fn known_by(id: &str, table: &Table) -> Result<Id, Mistake> {
    id.parse().map_err(|no_id| table.wrong(format!("{no_id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest() -> State {
        let id = |n: u32| Id::new(n.to_be_bytes());
        // The largest that a clock can give, with a period of a second, in some 30,000 years.
        let step = 999_999_999_999;
        let used = Used {
            step: Some(step),
            skew: -1_499,
            sightings: vec![Sighting { step, skew: -1_499 }; 3],
            ..Used::default()
        };
        let hotp = Used { counter: Some(i64::MAX), ahead: Some(i64::MAX), ..Used::default() };
        assert!(
            State { credentials: [(id(0), hotp)].into(), ..State::default() }.to_text().len()
                < State { credentials: [(id(0), used.clone())].into(), ..State::default() }
                    .to_text()
                    .len()
        );
        State {
            attempts: (0..100).map(|n| 999_999_999_999 + 36 * n).collect(),
            credentials: (0..16).map(|n| (id(u32::MAX - n), used.clone())).collect(),
            codes: (0..8).map(|n| (id(n), u32::MAX)).collect(),
        }
    }

    #[test]
    fn it_is_read_back() {
        for state in [State::default(), largest()] {
            assert_eq!(State::read(state.to_text().as_bytes()), Ok(state));
        }
    }

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
    fn the_largest_fits_a_slot() {
        let size = largest().to_text().len();
        assert!(size <= crate::store::slots::MAX_BODY, "{size}");
    }

    #[test]
    fn what_is_unknown_or_malformed_is_refused() {
        for body in [
            "colour=1",
            "attempts=[-1]",
            "[credential.x]",
            "[credential.00000000]\nx=1",
            "[credential.00000000]\nseen=[[1]]",
            "[codes.00000000]",
            "[codes.00000000]\nused=-1",
            "[codes.00000000]\nused=4294967296",
        ] {
            assert!(State::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
