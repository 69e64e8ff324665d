//! A code against the next counters (RFC 4226 section 7.2), and against those far ahead (7.4).

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::{Check, Denied, Factor};
use crate::account::{Hotp, Others, Progress};
use crate::otp::Otp;
use crate::reason::Reason;

/// How far behind the window a code is looked for, in counts: a token in a pocket may be pressed
/// often.
const REACH: i64 = 1_000;
/// The same, from 0 on, where the counter is not known.
const WHOLE_REACH: i64 = 10_000;

/// Whether `code` is one of the next `window` ones.
pub(super) fn current(
    otp: &Otp,
    window: Result<i64, Reason>,
    hotp: &Hotp,
    code: u32,
    changes: &mut Vec<Progress>,
) -> Check {
    let window = match window {
        Ok(window) => window,
        Err(reason) => return Check::Deny(Denied::finally(reason)),
    };
    let Some(counter) = hotp.counter else { return Check::Miss(Reason::WrongCode) };
    // A counter that cannot move on would leave its code good.
    let room = i64::MAX - counter;
    if let Some(ahead) = first_match(otp, code, counter, 0..window.min(room)) {
        changes.push(Progress::Counter(counter + ahead + 1));
        return Check::Match { factor: Factor::Hotp, drift: ahead, reusable: false };
    }
    // The log should tell a code that was good once from one that never was.
    let used = first_match(otp, code, counter, -window.min(counter)..0).is_some();
    Check::Miss(if used { Reason::Reused } else { Reason::WrongCode })
}

/// Whether `code` is further ahead, and follows one that was.
pub(super) fn elsewhere(
    otp: &Otp,
    window: Result<i64, Reason>,
    hotp: &Hotp,
    code: u32,
    changes: &mut Vec<Progress>,
) -> Check {
    let (Others::Resynchronise(before), Ok(window)) = (&hotp.others, window) else {
        return Check::Miss(Reason::WrongCode);
    };
    let first = hotp.counter.map_or(0, |counter| counter.saturating_add(window));
    let reach = if hotp.counter.is_some() { REACH } else { WHOLE_REACH };
    let reach = reach.min(i64::MAX - first);
    // The one that is waited for, even if an earlier one should happen to look the same.
    let awaited = before.and_then(|before| before.checked_add(1)).filter(|&next| next >= first);
    if let Some(next) = awaited.filter(|&next| next < i64::MAX) {
        if first_match(otp, code, next, 0..1).is_some() {
            changes.push(Progress::Counter(next + 1));
            let drift = next - hotp.counter.unwrap_or(next);
            return Check::Match { factor: Factor::Hotp, drift, reusable: false };
        }
    }
    match first_match(otp, code, first, 0..reach) {
        Some(ahead) => {
            changes.push(Progress::Ahead(first + ahead));
            Check::Deny(Denied::finally(Reason::FurtherAhead))
        }
        None => Check::Miss(Reason::WrongCode),
    }
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
