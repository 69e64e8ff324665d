//! A google-authenticator file as the draft of a system record.

use mfa_core::account::{Account, Method, RateLimit, Totp, UsedSteps};
use mfa_core::otp::step;
use mfa_core::reason::Reason;
use mfa_core::record::{self, Limit, Name};
use mfa_core::state::Used;

use super::draft::{Draft, Found};
use crate::failure::Failure;
use crate::world::World;

/// How many steps ahead of now a code may have been used: half the widest window would do.
const AHEAD: i64 = 100;

/// What the file enrols the user of this name and id with, as far as it has come.
///
/// # Errors
/// What in the file a login would stumble over, or a record cannot hold.
pub fn draft(
    account: &Account,
    (name, id): (&str, u32),
    called: Option<&Name>,
    world: &World,
) -> Result<Draft, Failure> {
    let now = (world.clock)();
    let [credential] = account.credentials.as_slice() else {
        return Err(refused(Reason::BadSecret));
    };
    let (method, used) = match &credential.method {
        Method::Hotp(hotp) => (record::Method::Hotp, Used::hotp(hotp.counter)),
        Method::Totp(totp) => {
            let period = totp.period.map_err(refused)?;
            let used = Used {
                skew: totp.skew,
                sightings: totp.sightings.clone(),
                ..Used::totp(watermark(totp, period, now)?)
            };
            (record::Method::Totp { period }, used)
        }
        Method::None => return Err(refused(Reason::NoMethod)),
    };
    let window = credential.window.map_err(refused)?;
    let mut draft = Draft::new(name, id);
    draft.add(
        Found {
            name: called.cloned(),
            method,
            secret: credential.secret.clone().map_err(refused)?,
            algorithm: credential.algorithm.map_err(refused)?,
            digits: credential.digits.map_err(refused)?,
            window: u8::try_from(window).map_err(|_| refused(Reason::BadWindow))?,
            used,
        },
        world,
    )?;
    draft.add_codes(&account.scratch_codes, world)?;
    if let Some(limit) = &account.rate_limit {
        let limit = limit.as_ref().map_err(|&reason| refused(reason))?;
        draft.record.rate_limit = limit_of(limit)?;
        draft.state.attempts = recent(limit, now);
    }
    Ok(draft)
}

/// The highest step whose code is not good any more after an import at `now`: the current one, since
/// what the file does not list may have been used all the same; or a later one that it lists. Codes
/// further ahead in the window that it does not list stay good.
///
/// # Errors
/// The file's list is malformed, or is of a clock that was far ahead: codes would not be good for as
/// long.
pub fn watermark(totp: &Totp, period: u64, now: u64) -> Result<i64, Failure> {
    let current = i64::try_from(step(now, period)).unwrap_or(i64::MAX).saturating_add(totp.skew);
    let latest = match &totp.used {
        None => None,
        Some(Err(reason)) => return Err(refused(*reason)),
        Some(Ok(UsedSteps::UpTo(step))) => Some(*step),
        Some(Ok(UsedSteps::List(steps))) => steps.iter().copied().max(),
    };
    match latest {
        Some(latest) if latest.saturating_sub(current) > AHEAD => Err(Failure::Refused(format!(
            "codes that are due only in {} s have been used, so a clock was wrong; set the clock, or \
             enrol anew",
            latest.saturating_sub(current).saturating_mul(i64::try_from(period).unwrap_or(1))
        ))),
        latest => Ok(current.max(latest.unwrap_or(i64::MIN))),
    }
}

fn limit_of(limit: &RateLimit) -> Result<Limit, Failure> {
    let attempts = u8::try_from(limit.attempts).ok();
    let limit = attempts.zip(u16::try_from(limit.interval).ok());
    let (attempts, seconds) = limit.ok_or_else(|| refused(Reason::BadRateLimit))?;
    Ok(Limit { attempts, seconds })
}

/// The attempts that still count.
fn recent(limit: &RateLimit, now: u64) -> Vec<u64> {
    let since = now.saturating_sub(limit.interval);
    let mut times: Vec<_> =
        limit.times.iter().copied().filter(|time| (since..=now).contains(time)).collect();
    times.sort_unstable();
    let surplus = times.len().saturating_sub(limit.attempts);
    times.split_off(surplus)
}

fn refused(reason: Reason) -> Failure {
    Failure::Refused(reason.to_string())
}
