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
