//! At most so many attempts in so many seconds; a denied one counts as well.

use super::Denied;
use crate::account::RateLimit;
use crate::latest::latest;
use crate::reason::Reason;

/// Counts an attempt at `now` beside those of these `times`: the new list, and whether the attempt may
/// go on.
pub(super) fn attempt(
    limit: &RateLimit,
    times: &[u64],
    now: u64,
) -> (Vec<u64>, Result<(), Denied>) {
    let since = now.saturating_sub(limit.interval);
    let counted = || times.iter().copied().filter(|time| (since..=now).contains(time)).chain([now]);
    let times = latest(limit.attempts, counted());
    let surplus = counted().count() - times.len();
    let verdict = if surplus == 0 {
        Ok(())
    } else {
        // The oldest one left must be out of the interval, whose both ends count.
        let free = times.first().map(|oldest| oldest.saturating_add(limit.interval + 1));
        let wait = free.map(|free| free.saturating_sub(now));
        Err(Denied { wait, ..Denied::finally(Reason::RateLimited) })
    };
    (times, verdict)
}

/// When an attempt may go on again if none is made meanwhile, in seconds since 1970; `None` if one may
/// at `now`.
pub(super) fn free_at(limit: &RateLimit, times: &[u64], now: u64) -> Option<u64> {
    let since = now.saturating_sub(limit.interval);
    let mut counted: Vec<_> =
        times.iter().copied().filter(|time| (since..=now).contains(time)).collect();
    counted.sort_unstable();
    let first = counted.len().checked_sub(limit.attempts)?;
    // Both ends of the interval count.
    Some(counted.get(first)?.saturating_add(limit.interval + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[u64], now: u64) -> (Vec<u64>, Option<u64>) {
        let limit = RateLimit { attempts: 3, interval: 30, times: vec![] };
        let (times, verdict) = attempt(&limit, times, now);
        (times, verdict.err().map(|denied| denied.wait.unwrap()))
    }

    #[test]
    fn both_ends_of_the_interval_count() {
        assert_eq!(after(&[70, 80], 100), (vec![70, 80, 100], None));
        assert_eq!(after(&[69, 70, 80], 100), (vec![70, 80, 100], None));
        assert_eq!(after(&[70, 71, 80], 100), (vec![71, 80, 100], Some(2)));
    }

    #[test]
    fn a_denied_attempt_counts_and_the_future_does_not() {
        assert_eq!(after(&[100, 100, 100], 100), (vec![100, 100, 100], Some(31)));
        assert_eq!(after(&[90, 500, 80], 100), (vec![80, 90, 100], None));
        assert_eq!(after(&[], 5), (vec![5], None));
    }
}
