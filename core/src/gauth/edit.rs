//! Changes to text: the new bytes of the file.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::scan::{lone_integer, skip, until};
use super::{LOGIN_KEYS, lines, scratch};
use crate::account::{Change, Progress, REMEMBERED};
use crate::latest::latest;

/// The text after one change.
#[must_use]
pub fn apply(text: &[u8], change: &Change) -> Zeroizing<Vec<u8>> {
    let set = |key: &str, value: &str| lines::set(text, key, value.as_bytes());
    // Such a file has nothing of the kind, and so no such change.
    let unchanged = || Zeroizing::new(text.to_vec());
    match change {
        Change::Attempts(limit) => {
            let mut value = format!("{} {}", limit.attempts, limit.interval);
            for time in &limit.times {
                // Writing to a string cannot fail.
                let _ = write!(value, " {time}");
            }
            set("RATE_LIMIT", &value)
        }
        Change::Credential(_, progress) => match progress {
            Progress::Counter(next) => set("HOTP_COUNTER", &next.to_string()),
            Progress::StepUsed { step, window } => {
                let used = lines::get(text, "DISALLOW_REUSE").unwrap_or_default();
                lines::set(text, "DISALLOW_REUSE", &with_step(used, *step, *window))
            }
            Progress::Skew(steps) => set("TIME_SKEW", &steps.to_string()),
            Progress::Sightings(sightings) => {
                let pairs: Vec<_> =
                    sightings.iter().map(|seen| format!("{}{:+}", seen.step, seen.skew)).collect();
                set("RESETTING_TIME_SKEW", &pairs.join(" "))
            }
            Progress::Ahead(_) => unchanged(),
        },
        Change::ScratchUsed(code) => scratch::remove(text, *code),
        Change::Login { slot, host, at } => match LOGIN_KEYS.get(*slot) {
            Some(key) => set(key, &format!("{host} {at}")),
            None => unchanged(),
        },
        Change::CodeUsed { .. } | Change::KeyUsed(..) | Change::Sources(_) | Change::Told => {
            unchanged()
        }
    }
}

/// The list with `step`, and without those forgotten: the original forgets all that are `window` or
/// more away, we keep the latest of them.
///
/// Blanks stay as they are, but those behind a step that goes; the original leaves the same.
fn with_step(list: &[u8], step: i64, window: i64) -> Vec<u8> {
    let is_near = |used: i64| used.abs_diff(step) < window.unsigned_abs();
    let words = list.split(|byte| BLANKS.contains(byte));
    let steps = || words.clone().filter_map(|word| Some(lone_integer(word)?.0));
    let far = latest(REMEMBERED, steps().filter(|&used| !is_near(used)));
    // Nothing goes but what is earlier than all that stays: in a hole nobody would look for it.
    let kept = steps().filter(|&used| is_near(used)).chain(far.first().copied()).chain([step]);
    let since = kept.min().unwrap_or(step);

    let mut out = Vec::with_capacity(list.len() + 20);
    let mut rest = list;
    loop {
        let word = skip(rest, BLANKS);
        let (blanks, _) = rest.split_at(rest.len() - word.len());
        out.extend_from_slice(blanks);
        if word.is_empty() {
            break;
        }
        let (number, behind) = until(word, BLANKS);
        let used = lone_integer(number).map(|(used, _)| used);
        if used.is_some_and(|used| used >= since) {
            out.extend_from_slice(number);
            rest = behind;
        } else {
            rest = skip(behind, b" \t");
        }
    }
    if !out.is_empty() {
        out.push(b' ');
    }
    out.extend_from_slice(step.to_string().as_bytes());
    out
}

const BLANKS: &[u8] = b" \t\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{RateLimit, Sighting};

    fn after(text: &str, change: &Change) -> String {
        String::from_utf8(apply(text.as_bytes(), change).to_vec()).unwrap()
    }

    fn used(list: &str, step: i64, window: i64) -> String {
        String::from_utf8(with_step(list.as_bytes(), step, window)).unwrap()
    }

    #[test]
    fn the_example_of_the_original() {
        let list = (10_001..=10_007).fold(String::new(), |list, step| used(&list, step, 6));
        assert_eq!(list, "10001 10002 10003 10004 10005 10006 10007", "it forgets the first");
    }

    #[test]
    fn only_the_latest_of_the_far_steps_are_remembered() {
        let steps: Vec<_> = (1..=40).rev().map(|step: i64| (100 * step).to_string()).collect();
        let mut expected = steps[..REMEMBERED].join(" ");
        expected.push_str("  9999");
        assert_eq!(used(&steps.join(" "), 9999, 3), expected);
        let near = (9970..9999).fold(String::new(), |list, step| format!("{list} {step}"));
        assert_eq!(used(&near, 9999, 100), format!("{near} 9999"), "near ones are no concern");
    }

    #[test]
    fn blanks_of_a_used_list_stay_where_the_original_leaves_them() {
        assert_eq!(used("", 9, 3), "9");
        assert_eq!(used("7  8", 9, 3), "7  8 9");
        assert_eq!(used("1  8 ", 9, 3), "1  8  9");
        let forgotten = "100 ".repeat(REMEMBERED);
        assert_eq!(used(&format!("1  8 {forgotten}"), 9, 3), format!("8 {forgotten} 9"));
        assert_eq!(used(&format!("{forgotten}8  1"), 9, 3), format!("{forgotten}8   9"));
    }

    #[test]
    fn one_line_for_each_change() {
        let text = "S\n\" TOTP_AUTH\n11111111\n22222222\n";
        let limit = RateLimit { attempts: 3, interval: 30, times: vec![5, 6] };
        let cases = [
            (
                Change::Attempts(limit),
                "S\n\" RATE_LIMIT 3 30 5 6\n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
            (
                Change::Credential(0, Progress::Counter(7)),
                "S\n\" HOTP_COUNTER 7\n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
            (
                Change::Credential(0, Progress::Skew(-7)),
                "S\n\" TIME_SKEW -7\n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
            (Change::ScratchUsed(11_111_111), "S\n\" TOTP_AUTH\n22222222\n"),
            (
                Change::Credential(
                    0,
                    Progress::Sightings(vec![
                        Sighting { step: 5, skew: 2 },
                        Sighting { step: 6, skew: -2 },
                    ]),
                ),
                "S\n\" RESETTING_TIME_SKEW 5+2 6-2\n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
            (
                Change::Credential(0, Progress::Sightings(vec![])),
                "S\n\" RESETTING_TIME_SKEW \n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
            (
                Change::Login { slot: 3, host: "h".to_owned(), at: 9 },
                "S\n\" LAST3 h 9\n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(after(text, &change), expected, "{change:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_not_meant_stays(
            lines in proptest::collection::vec("(\" [A-F]|[a-z ]{0,3}|[0-9]{8})( [0-9]{1,3})?", 0..12),
            counter in 1_i64..1000,
        ) {
            let text = format!("SECRET\n{}", lines.join("\n"));
            let out = after(&text, &Change::Credential(0, Progress::Counter(counter)));
            let rest: Vec<_> = out.lines().filter(|line| !line.starts_with("\" HOTP_COUNTER")).collect();
            proptest::prop_assert_eq!(rest, text.lines().collect::<Vec<_>>());
            let value = lines::get(out.as_bytes(), "HOTP_COUNTER").unwrap().escape_ascii();
            proptest::prop_assert_eq!(value.to_string(), counter.to_string());
        }
    }
}
