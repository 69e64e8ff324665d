//! Changes to text: the new bytes of the file.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::scan::{lone_integer, skip, until};
use super::{lines, login_key, scratch};
use crate::account::Change;

/// The text after one change.
#[must_use]
pub fn apply(text: &[u8], change: &Change) -> Zeroizing<Vec<u8>> {
    let set = |key: &str, value: &str| lines::set(text, key, value.as_bytes());
    match change {
        Change::Attempts(limit) => {
            let mut value = format!("{} {}", limit.attempts, limit.interval);
            for time in &limit.times {
                // Writing to a string cannot fail.
                let _ = write!(value, " {time}");
            }
            set("RATE_LIMIT", &value)
        }
        Change::Counter(next) => set("HOTP_COUNTER", &next.to_string()),
        Change::StepUsed { step, window } => {
            let used = lines::get(text, "DISALLOW_REUSE").unwrap_or_default();
            lines::set(text, "DISALLOW_REUSE", &with_step(used, *step, *window))
        }
        Change::ScratchUsed(code) => scratch::remove(text, *code),
        Change::Skew(steps) => set("TIME_SKEW", &steps.to_string()),
        Change::Sightings(sightings) => {
            let pairs: Vec<_> =
                sightings.iter().map(|seen| format!("{}{:+}", seen.step, seen.skew)).collect();
            set("RESETTING_TIME_SKEW", &pairs.join(" "))
        }
        Change::Login { slot, host, at } => set(&login_key(*slot), &format!("{host} {at}")),
    }
}

/// The list without the steps that are `window` or more away from `step`, and with `step`.
///
/// Blanks stay as they are, but those behind a step that goes; the original leaves the same.
fn with_step(list: &[u8], step: i64, window: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(list.len() + 20);
    let mut rest = list;
    loop {
        let word = skip(rest, b" \t\r\n");
        let (blanks, _) = rest.split_at(rest.len() - word.len());
        out.extend_from_slice(blanks);
        if word.is_empty() {
            break;
        }
        let (number, behind) = until(word, b" \t\r\n");
        let near = lone_integer(number)
            .is_some_and(|(used, _)| used.abs_diff(step) < window.unsigned_abs());
        if near {
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
        assert_eq!(list, "10002 10003 10004 10005 10006 10007");
    }

    #[test]
    fn blanks_of_a_used_list_stay_where_the_original_leaves_them() {
        assert_eq!(used("", 9, 3), "9");
        assert_eq!(used("7  8", 9, 3), "7  8 9");
        assert_eq!(used("1  8 ", 9, 3), "8  9");
        assert_eq!(used("8  1", 9, 3), "8   9");
        assert_eq!(used("12 6", 9, 3), "9", "the future counts as far away, too");
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
            (Change::Counter(7), "S\n\" HOTP_COUNTER 7\n\" TOTP_AUTH\n11111111\n22222222\n"),
            (Change::Skew(-7), "S\n\" TIME_SKEW -7\n\" TOTP_AUTH\n11111111\n22222222\n"),
            (Change::ScratchUsed(11_111_111), "S\n\" TOTP_AUTH\n22222222\n"),
            (
                Change::Sightings(vec![
                    Sighting { step: 5, skew: 2 },
                    Sighting { step: 6, skew: -2 },
                ]),
                "S\n\" RESETTING_TIME_SKEW 5+2 6-2\n\" TOTP_AUTH\n11111111\n22222222\n",
            ),
            (
                Change::Sightings(vec![]),
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
            let out = after(&text, &Change::Counter(counter));
            let rest: Vec<_> = out.lines().filter(|line| !line.starts_with("\" HOTP_COUNTER")).collect();
            proptest::prop_assert_eq!(rest, text.lines().collect::<Vec<_>>());
            let value = lines::get(out.as_bytes(), "HOTP_COUNTER").unwrap().escape_ascii();
            proptest::prop_assert_eq!(value.to_string(), counter.to_string());
        }
    }
}
