//! A login from the same host within the grace period needs no further code.

use super::Terms;
use crate::account::{Account, Change, LoginSlot};
use crate::gauth::host_name;

/// Whether the last login from this host still counts at `now`, seconds since 1970.
///
/// A record of the future does not, nor does any without a grace period: both are holes of the
/// original.
#[must_use]
pub fn is_fresh(account: &Account, terms: &Terms, now: u64) -> bool {
    let (Ok(now), Ok(grace)) = (i64::try_from(now), i64::try_from(terms.grace)) else {
        return false;
    };
    account
        .logins
        .iter()
        .flatten()
        .find_map(|slot| match slot {
            LoginSlot::Login { host, at } if Some(host.as_str()) == terms.host => Some(*at),
            _ => None,
        })
        .is_some_and(|at| at <= now && at.saturating_add(grace) > now)
}

/// The record of a login at `now`, if one is kept.
pub(super) fn record(account: &Account, terms: &Terms, now: u64) -> Option<Change> {
    let host = host_name(terms.host.filter(|_| terms.grace > 0)?.as_bytes())?;
    // The same host's record, else a free one, else the oldest.
    let worth = |slot: &LoginSlot| match slot {
        LoginSlot::Login { host: other, .. } if other == host => (0, 0),
        LoginSlot::Empty => (1, 0),
        LoginSlot::Login { at, .. } => (2, *at),
        LoginSlot::Malformed => (3, 0),
    };
    let (slot, _) =
        account.logins.as_ref()?.iter().enumerate().min_by_key(|(_, slot)| worth(slot))?;
    Some(Change::Login { slot, host: host.to_owned(), at: i64::try_from(now).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauth::parse;

    fn terms(grace: u64, host: Option<&str>) -> Terms<'_> {
        Terms { learn_skew: true, advance_hotp: true, grace, host, source: None, limits: None }
    }

    fn fresh(text: &str, grace: u64, host: Option<&str>, now: u64) -> bool {
        is_fresh(&parse(text.as_bytes()), &terms(grace, host), now)
    }

    #[test]
    fn only_the_past_of_the_same_host_within_the_period() {
        let text = "S\n\" LAST3 10.0.0.1 100\n";
        let host = Some("10.0.0.1");
        assert!(fresh(text, 60, host, 100));
        assert!(fresh(text, 60, host, 159));
        assert!(!fresh(text, 60, host, 160), "the end is outside");
        assert!(!fresh(text, 60, host, 99), "a record of the future");
        assert!(!fresh(text, 0, host, 100), "no grace period");
        assert!(!fresh(text, 60, Some("10.0.0.11"), 100));
        assert!(!fresh(text, 60, None, 100));
        assert!(!fresh("S\n\" LAST3 x 9223372036854775807\n", u64::MAX, Some("x"), 100));
    }

    fn slot(text: &str, host: Option<&str>) -> Option<usize> {
        match record(&parse(text.as_bytes()), &terms(60, host), 500) {
            Some(Change::Login { slot, at: 500, .. }) => Some(slot),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_host_then_a_free_slot_then_the_oldest() {
        let some = "S\n\" LAST0 a 5\n\" LAST2 b 3\n\" LAST1 b,x 1\n";
        assert_eq!(slot(some, Some("b")), Some(2));
        assert_eq!(slot(some, Some("c")), Some(3), "a malformed one is left alone");
        let full: Vec<_> = (0..10).map(|n| format!("\" LAST{n} h{n} {}", 50 - n)).collect();
        assert_eq!(slot(&format!("S\n{}", full.join("\n")), Some("new")), Some(9));
        assert_eq!(slot(some, None), None);
        assert_eq!(slot(some, Some("x y\n11111111")), None, "would break the file");
    }
}
