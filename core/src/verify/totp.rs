//! A code against the time, and learning how far a person's clock is off (RFC 6238 section 6).

use super::hotp::first_match;
use super::{Check, Denied, Factor};
use crate::account::{Progress, REMEMBERED, Sighting, Totp, UsedSteps};
use crate::otp::{Otp, step};
use crate::reason::Reason;

/// How far a person's clock may be off and still be learnt, in steps: half a day of 30 s.
const REACH: i64 = 25 * 60;

/// Whether `code` is one of those that are good at `now`.
pub(super) fn current(
    otp: &Otp,
    window: Result<i64, Reason>,
    totp: &Totp,
    code: u32,
    now: u64,
    changes: &mut Vec<Progress>,
) -> Check {
    let (window, period, base) = match terms_of_time(window, totp, now) {
        Ok(terms) => terms,
        Err(reason) => return Check::Deny(Denied::finally(reason)),
    };
    let expected = base.wrapping_add(totp.skew);
    let offsets = -((window - 1) / 2)..=window / 2;
    let Some(offset) = first_match(otp, code, expected, offsets) else {
        return Check::Miss(Reason::WrongCode);
    };
    let hit = expected.wrapping_add(offset);
    match use_up(totp, hit, window, |used| is_used(used, hit)) {
        Ok(change) => {
            changes.extend(change);
            matched(totp, hit.wrapping_sub(base))
        }
        Err(Reason::Reused) => {
            let wait = wait(totp, hit, period, now);
            Check::Deny(Denied { wait, ..Denied::finally(Reason::Reused) })
        }
        Err(reason) => Check::Deny(Denied::finally(reason)),
    }
}

/// Whether `code` is one of another time, and what that teaches.
pub(super) fn elsewhere(
    otp: &Otp,
    window: Result<i64, Reason>,
    totp: &Totp,
    code: u32,
    now: u64,
    changes: &mut Vec<Progress>,
) -> Check {
    let (window, _, base) = match terms_of_time(window, totp, now) {
        Ok(terms) => terms,
        Err(reason) => return Check::Deny(Denied::finally(reason)),
    };
    let Some(skew) = search(otp, code, base) else {
        return Check::Miss(Reason::WrongCode);
    };
    let deny = |reason| Check::Deny(Denied::finally(reason));
    match learn(&totp.sightings, Sighting { step: base, skew }) {
        Lesson::Nothing => deny(Reason::OtherTime),
        Lesson::NotYet(sightings) => {
            changes.push(Progress::Sightings(sightings));
            deny(Reason::OtherTime)
        }
        Lesson::Learnt { skew: learnt, sightings } => {
            let hit = base.wrapping_add(skew);
            // Old codes in their old order would pass for a clock that is behind: whatever comes
            // before a used code is used up with it.
            // The skew is rounded, so the window may reach one step further back than this code's.
            let window = window.max(2);
            match use_up(totp, hit, window, |used| latest(used).is_some_and(|used| used >= hit)) {
                Ok(change) => {
                    changes.push(Progress::Skew(learnt));
                    changes.push(Progress::Sightings(Vec::new()));
                    changes.extend(change);
                    matched(totp, skew)
                }
                Err(reason) => {
                    changes.push(Progress::Sightings(sightings));
                    deny(reason)
                }
            }
        }
    }
}

/// Window, period and the current step.
fn terms_of_time(
    window: Result<i64, Reason>,
    totp: &Totp,
    now: u64,
) -> Result<(i64, u64, i64), Reason> {
    let (period, window) = (totp.period?, window?);
    let base = i64::try_from(step(now, period)).map_err(|_| Reason::Internal)?;
    // A clock that was never set.
    if base == 0 {
        return Err(Reason::OtherTime);
    }
    Ok((window, period, base))
}

/// How many steps from `base` the code is, the nearest first.
pub(super) fn search(otp: &Otp, code: u32, base: i64) -> Option<i64> {
    first_match(otp, code, base, (0..REACH).flat_map(|distance| [-distance, distance]))
}

fn matched(totp: &Totp, drift: i64) -> Check {
    Check::Match { factor: Factor::Totp, drift, reusable: totp.used.is_none() }
}

/// What it costs to accept the code of step `hit`, unless `is_used` finds it among the used ones.
fn use_up(
    totp: &Totp,
    hit: i64,
    window: i64,
    is_used: impl Fn(&UsedSteps) -> bool,
) -> Result<Option<Progress>, Reason> {
    match &totp.used {
        None => Ok(None),
        Some(Err(reason)) => Err(*reason),
        Some(Ok(used)) if is_used(used) => Err(Reason::Reused),
        Some(Ok(_)) => Ok(Some(Progress::StepUsed { step: hit, window })),
    }
}

/// Whether the code of `step` has been used, or may have been.
fn is_used(used: &UsedSteps, step: i64) -> bool {
    listed(used).contains(&step) || step < known_since(used)
}

/// The first step of which it is known whether its code has been used: earlier ones may be
/// forgotten.
fn known_since(used: &UsedSteps) -> i64 {
    match used {
        UsedSteps::UpTo(step) => step.saturating_add(1),
        UsedSteps::List(steps) if steps.len() < REMEMBERED => i64::MIN,
        UsedSteps::List(steps) => steps.iter().copied().min().unwrap_or(i64::MIN),
    }
}

fn listed(used: &UsedSteps) -> &[i64] {
    match used {
        UsedSteps::List(steps) => steps,
        UsedSteps::UpTo(step) => std::slice::from_ref(step),
    }
}

fn latest(used: &UsedSteps) -> Option<i64> {
    listed(used).iter().copied().max()
}

/// Seconds until the person's clock shows a code that comes after this one and is not used.
fn wait(totp: &Totp, hit: i64, period: u64, now: u64) -> Option<u64> {
    let used = totp.used.as_ref()?.as_ref().ok()?;
    let later = hit.checked_add(1)?.max(known_since(used));
    let used = listed(used);
    // So many steps cannot all be used.
    let mut is_used = vec![false; used.len() + 1];
    for step in used {
        let after = step.checked_sub(later).and_then(|after| usize::try_from(after).ok());
        if let Some(is_used) = after.and_then(|after| is_used.get_mut(after)) {
            *is_used = true;
        }
    }
    let free = is_used.iter().position(|is_used| !is_used)?;
    let next = later.checked_add(i64::try_from(free).ok()?)?;
    let shown = u64::try_from(next.checked_sub(totp.skew)?).ok()?.checked_mul(period)?;
    Some(shown.saturating_sub(now))
}

/// What a code of another time teaches.
enum Lesson {
    /// It is the one before again.
    Nothing,
    /// What has been sighted by now.
    NotYet(Vec<Sighting>),
    /// Three in a row from a clock that is `skew` steps ahead.
    Learnt { skew: i64, sightings: Vec<Sighting> },
}

fn learn(earlier: &[Sighting], seen: Sighting) -> Lesson {
    let code = |sighting: &Sighting| sighting.step.wrapping_add(sighting.skew);
    if earlier.last().map(code) == Some(code(&seen)) {
        return Lesson::Nothing;
    }
    let surplus = (earlier.len() + 1).saturating_sub(3);
    let sightings: Vec<_> = earlier.iter().copied().skip(surplus).chain([seen]).collect();
    match sightings.as_slice() {
        &[first, second, third]
            if follows(first, second, third) && follows(second, third, third) =>
        {
            let sum = first.skew.saturating_add(second.skew).saturating_add(third.skew);
            Lesson::Learnt { skew: sum / 3, sightings }
        }
        _ => Lesson::NotYet(sightings),
    }
}

/// `next` came one or two steps after `earlier`, which was as far off as `newest`.
fn follows(earlier: Sighting, next: Sighting, newest: Sighting) -> bool {
    (1..=2).contains(&next.step.saturating_sub(earlier.step))
        && earlier.skew.abs_diff(newest.skew) <= 1
}
