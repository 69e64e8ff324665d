//! Failures, and the pauses that they bring.

/// How long a failure is remembered, s: a day.
const REMEMBERED: u64 = 86_400;

/// The first pause, s.
const FIRST_PAUSE: u64 = 30;

/// How far apart two clocks may be, s: each login reads its own before it waits for the other. What
/// is further ahead was counted while the clock was wrong.
const APART: u64 = 60;

/// How many failures bring which pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// The first failure that brings one, at least 1.
    pub failures: u32,
    /// The longest one, s. Each failure doubles them up to it, from 30 s on.
    pub max: u64,
}

impl Pauses {
    fn after(self, failures: u32) -> u64 {
        let doubled = |more| FIRST_PAUSE.saturating_mul(2_u64.saturating_pow(more)).min(self.max);
        failures.checked_sub(self.failures).map_or(0, doubled)
    }
}

/// Failures, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// How many there were.
    pub failures: u32,
    /// When the last one was, in seconds since 1970.
    pub last: u64,
}

impl Counter {
    /// How long the next attempt has to wait at `now`, in seconds from 1 on; `None` if it need not.
    #[must_use]
    pub fn wait(self, pauses: Pauses, now: u64) -> Option<u64> {
        let counter = self.remembered(now);
        let left = pauses.after(counter.failures).saturating_sub(age(counter.last, now));
        (left > 0).then_some(left)
    }

    /// One more failure, at `now`.
    #[must_use]
    pub fn count(self, now: u64) -> Self {
        Self { failures: self.remembered(now).failures.saturating_add(1), last: now }
    }

    fn remembered(self, now: u64) -> Self {
        if age(self.last, now) < REMEMBERED { self } else { Self::default() }
    }
}

/// How long ago `time` was, s. What a wrong clock has put into the future was never: it must not
/// lock anybody out until then.
pub(super) fn age(time: u64, now: u64) -> u64 {
    match time.checked_sub(now) {
        Some(ahead) if ahead > APART => u64::MAX,
        _ => now.saturating_sub(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses { failures: 5, max: 900 };
    const NOW: u64 = 1_700_000_000;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let mut counter = Counter::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            counter = counter.count(NOW);
            waits.push(counter.wait(PAUSES, NOW).unwrap_or(0));
        }
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        let one = Counter { failures: u32::MAX, last: NOW };
        assert_eq!(one.count(NOW).wait(PAUSES, NOW), Some(900));
    }

    #[test]
    fn a_pause_ends_and_a_day_without_failures_forgets() {
        let five = Counter { failures: 5, last: NOW };
        assert_eq!(five.wait(PAUSES, NOW + 29), Some(1));
        assert_eq!(five.wait(PAUSES, NOW + 30), None);
        assert_eq!(five.count(NOW + 86_399).failures, 6);
        assert_eq!(five.count(NOW + 86_400), Counter { failures: 1, last: NOW + 86_400 });
    }

    proptest::proptest! {
        #[test]
        fn nobody_waits_for_a_clock_that_was_wrong(
            steps in proptest::collection::vec((0_u64..4 * NOW, proptest::bool::ANY), 1..60),
        ) {
            let mut counter = Counter::default();
            for (jump, to) in steps {
                let now = if to { jump } else { counter.last.saturating_add(jump % 2000) };
                let wait = counter.wait(PAUSES, now).unwrap_or(0);
                proptest::prop_assert!(wait <= 900);
                proptest::prop_assert_eq!(counter.wait(PAUSES, now + wait), None);
                counter = counter.count(now + wait);
            }
        }

        #[test]
        fn guesses_are_few_however_often_they_are_tried(gap in 1_u64..2000) {
            let (mut counter, mut guesses) = (Counter::default(), 0);
            for now in (NOW..NOW + 86_400).step_by(usize::try_from(gap).unwrap()) {
                if counter.wait(PAUSES, now).is_none() {
                    counter = counter.count(now);
                    guesses += 1;
                }
            }
            proptest::prop_assert!(guesses <= 5 + 5 + 86_400 / 900, "{}", guesses);
        }
    }
}
