//! A code against the next counters (RFC 4226 section 7.2).

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::{Check, Denied, Factor};
use crate::account::Change;
use crate::otp::Otp;
use crate::reason::Reason;

pub(super) fn check(
    otp: &Otp,
    window: Result<i64, Reason>,
    counter: i64,
    code: u32,
    changes: &mut Vec<Change>,
) -> Check {
    let window = match window {
        Ok(window) => window,
        Err(reason) => return Check::Deny(Denied::finally(reason)),
    };
    // A counter that cannot move on would leave its code good.
    let room = i64::MAX - counter;
    if let Some(ahead) = first_match(otp, code, counter, 0..window.min(room)) {
        changes.push(Change::Counter(counter + ahead + 1));
        return Check::Match { factor: Factor::Hotp, drift: ahead, reusable: false };
    }
    // The log should tell a code that was good once from one that never was.
    let used = first_match(otp, code, counter, -window.min(counter)..0).is_some();
    Check::Miss(if used { Reason::Reused } else { Reason::WrongCode })
}

/// The first offset from `start` whose code is `code`. Takes the same time wherever it is found.
pub(super) fn first_match(
    otp: &Otp,
    code: u32,
    start: i64,
    offsets: impl Iterator<Item = i64>,
) -> Option<i64> {
    let mut found = subtle::Choice::from(0);
    let mut first = 0_i64;
    for offset in offsets {
        let counter = start.wrapping_add(offset).to_be_bytes();
        let hit = otp.code(u64::from_be_bytes(counter)).ct_eq(&code) & !found;
        first.conditional_assign(&offset, hit);
        found |= hit;
    }
    bool::from(found).then_some(first)
}
