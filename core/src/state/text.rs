//! The body of a slot: TOML 1.0, with as few bytes as it takes.

use std::fmt::Write;

use super::{State, Used};
use crate::account::Sighting;
use crate::document::{self, Mistake, Table};
use crate::limit::{Counter, Known, MAX_KNOWN, SourceKey, Sources};
use crate::notice::{Kind, MAX_NOTICES, Notice};
use crate::record::Id;

/// The most attempts that a record's rate limit lets count at once.
const MAX_TIMES: usize = 100;

impl State {
    /// Reads the body of a slot.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, Mistake> {
        document::read(body, |table| {
            Ok(Self {
                attempts: times(table, "attempts")?,
                sources: Sources {
                    known: known(table)?,
                    familiar: times(table, "familiar")?,
                    strangers: strangers(table)?,
                },
                notices: notices(table)?,
                credentials: table.named_tables("credential", credential)?.into_iter().collect(),
                keys: table.named_tables("key", key)?.into_iter().collect(),
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
        let Sources { known, familiar, strangers } = &self.sources;
        write_times(f, "attempts", &self.attempts)?;
        write_times(f, "familiar", familiar)?;
        let known = known.iter().map(|known| (known.source.number(), number(known.day)));
        write_pairs(f, "known", &mut known.into_iter())?;
        if *strangers != Counter::default() {
            writeln!(f, "strangers=[{},{}]", strangers.failures, strangers.last)?;
        }
        let notices = self.notices.iter().map(|notice| (notice.kind as i64, number(notice.time)));
        write_pairs(f, "notices", &mut notices.into_iter())?;
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
            let seen = used.sightings.iter().map(|seen| (seen.step, seen.skew));
            write_pairs(f, "seen", &mut seen.into_iter())?;
        }
        for (id, counter) in &self.keys {
            writeln!(f, "[key.{id}]\ncounter={counter}")?;
        }
        for (id, used) in &self.codes {
            writeln!(f, "[codes.{id}]\nused={used}")?;
        }
        Ok(())
    }
}

/// The first as it is, the others by how much later they are.
fn write_times(f: &mut String, key: &str, times: &[u64]) -> std::fmt::Result {
    let Some(&first) = times.first() else { return Ok(()) };
    write!(f, "{key}=[{first}")?;
    for time in times.iter().skip(1) {
        write!(f, ",{}", time.saturating_sub(first))?;
    }
    f.write_str("]\n")
}

fn times(table: &mut Table, key: &'static str) -> Result<Vec<u64>, Mistake> {
    let mut times: Vec<u64> = Vec::new();
    let numbers = table.numbers(key)?;
    for time in few(table, numbers, MAX_TIMES)? {
        let first = times.first().copied().unwrap_or(0);
        times.push(natural(table, time)?.saturating_add(first));
    }
    Ok(times)
}

fn write_pairs(
    f: &mut String,
    key: &str,
    pairs: &mut dyn Iterator<Item = (i64, i64)>,
) -> std::fmt::Result {
    let Some((one, other)) = pairs.next() else { return Ok(()) };
    write!(f, "{key}=[[{one},{other}]")?;
    for (one, other) in pairs {
        write!(f, ",[{one},{other}]")?;
    }
    f.write_str("]\n")
}

fn number(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn known(table: &mut Table) -> Result<Vec<Known>, Mistake> {
    let mut known = Vec::new();
    let pairs = table.pairs("known")?;
    for (source, day) in few(table, pairs, MAX_KNOWN)? {
        known.push(Known { source: SourceKey::from_number(source), day: natural(table, day)? });
    }
    Ok(known)
}

fn strangers(table: &mut Table) -> Result<Counter, Mistake> {
    let numbers = table.numbers("strangers")?;
    let (failures, last) = match *numbers.as_slice() {
        [] => return Ok(Counter::default()),
        [failures, last] => (u32::try_from(failures).ok(), natural(table, last)?),
        _ => (None, 0),
    };
    Ok(Counter { failures: table.valid("strangers", failures, "not a number and a time")?, last })
}

fn notices(table: &mut Table) -> Result<Vec<Notice>, Mistake> {
    let mut notices = Vec::new();
    let pairs = table.pairs("notices")?;
    for (kind, time) in few(table, pairs, MAX_NOTICES)? {
        let kind = table.valid("notices", Kind::from_number(kind), "of an unknown kind")?;
        notices.push(Notice { kind, time: natural(table, time)? });
    }
    Ok(notices)
}

/// A list that is no longer than a login would make it: the largest state must fit a slot.
fn few<T>(table: &Table, list: Vec<T>, most: usize) -> Result<Vec<T>, Mistake> {
    if list.len() > most { Err(table.wrong("a list that is too long")) } else { Ok(list) }
}

fn natural(table: &Table, number: i64) -> Result<u64, Mistake> {
    u64::try_from(number).map_err(|_| table.wrong("a time before 1970"))
}

fn key(id: &str, table: &mut Table) -> Result<(Id, u32), Mistake> {
    Ok((known_by(id, table)?, word(table, "counter")?))
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
    Ok((known_by(id, table)?, word(table, "used")?))
}

/// A number of 32 bits.
fn word(table: &mut Table, key: &'static str) -> Result<u32, Mistake> {
    let number = table.number(key, 0..=u32::MAX.into())?;
    table.needed(key, number.and_then(|number| u32::try_from(number).ok()))
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
        let key = State { keys: [(id(0), u32::MAX)].into(), ..State::default() };
        let totp = State { credentials: [(id(0), used.clone())].into(), ..State::default() };
        // Of credentials and keys together there are at most 16.
        assert!(key.to_text().len() < totp.to_text().len());
        assert!(
            State { credentials: [(id(0), hotp)].into(), ..State::default() }.to_text().len()
                < totp.to_text().len()
        );
        let times: Vec<_> = (0..100).map(|n| 999_999_999_999 + 36 * n).collect();
        let known = |number| Known { source: SourceKey::from_number(number), day: 11_574_074 };
        State {
            attempts: times.clone(),
            sources: Sources {
                known: (0..16).map(|n| known(i64::MIN + n)).collect(),
                familiar: times,
                strangers: Counter { failures: u32::MAX, last: 999_999_999_999 },
            },
            notices: vec![Notice { kind: Kind::Enrolled, time: 999_999_999_999 }; MAX_NOTICES],
            credentials: (0..16).map(|n| (id(u32::MAX - n), used.clone())).collect(),
            keys: [].into(),
            codes: (0..8).map(|n| (id(n), u32::MAX)).collect(),
        }
    }

    #[test]
    fn it_is_read_back() {
        let keys = [(Id::new([7; 4]), 0), (Id::new([8; 4]), u32::MAX)].into();
        let keys = State { keys, ..State::default() };
        for state in [State::default(), keys, largest()] {
            assert_eq!(State::read(state.to_text().as_bytes()), Ok(state));
        }
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
            "familiar=[-1]",
            "known=[1]",
            "known=[[1,-1]]",
            "strangers=[1]",
            "strangers=[-1,1]",
            "strangers=[1,-1]",
            "notices=[[0,1]]",
            "notices=[[6,1]]",
            "notices=[[1,-1]]",
            "[credential.x]",
            "[credential.00000000]\nx=1",
            "[credential.00000000]\nseen=[[1]]",
            "[key.00000000]",
            "[key.00000000]\ncounter=-1",
            "[key.00000000]\ncounter=4294967296",
            "[codes.00000000]",
            "[codes.00000000]\nused=-1",
            "[codes.00000000]\nused=4294967296",
        ] {
            assert!(State::read(body.as_bytes()).is_err(), "{body}");
        }
        for (key, item, most) in [
            ("attempts", "7,", 100),
            ("familiar", "7,", 100),
            ("known", "[1,1],", 16),
            ("notices", "[1,1],", 4),
        ] {
            let read = |count| State::read(format!("{key}=[{}]", item.repeat(count)).as_bytes());
            assert!(read(most).is_ok() && read(most + 1).is_err(), "{key}");
        }
    }
}
