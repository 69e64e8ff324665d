//! Whether the app has the secret and the time right: what the code that was typed says.

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use crate::otp::{Otp, step};

/// How far a code is looked for, in steps to either side.
const FAR: i64 = 1_500;

/// What was typed at the question for the app's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// No confirmation is wanted.
    Skip,
    /// Nothing that looks like a code.
    NoCode,
    /// The code of this step or counter, which a login now would accept.
    Right(u64),
    /// A code of the right secret, this many seconds late (negative) or early.
    OtherTime(i64),
    /// A code of another secret.
    Wrong,
}

/// Judges what was typed at `now`, in seconds since 1970. A code lasts `period` seconds, 1 to 86400;
/// `window` of them are good at one moment, 1 to 100.
#[must_use]
pub fn judge(typed: &str, otp: &Otp, now: u64, period: u64, window: u8) -> Answer {
    let code = match code(typed, otp) {
        Ok(code) => code,
        Err(answer) => return answer,
    };
    let current = step(now, period);
    let good = offsets(window);
    for distance in 0..=FAR {
        for offset in [-distance, distance] {
            let Some(counter) = current.checked_add_signed(offset) else { continue };
            if otp.code(counter) == code {
                return if good.contains(&offset) {
                    Answer::Right(counter)
                } else {
                    Answer::OtherTime(offset.saturating_mul(period.try_into().unwrap_or(i64::MAX)))
                };
            }
        }
    }
    Answer::Wrong
}

/// Judges what was typed, where codes move on with each use: the one of counter `first` is the next,
/// and `window` of them are good, 1 to 100.
#[must_use]
pub fn judge_counter(typed: &str, otp: &Otp, first: u64, window: u8) -> Answer {
    let code = match code(typed, otp) {
        Ok(code) => code,
        Err(answer) => return answer,
    };
    let mut good = (0..window.into()).filter_map(|ahead| first.checked_add(ahead));
    good.find(|&counter| otp.code(counter) == code).map_or(Answer::Wrong, Answer::Right)
}

/// The code that was typed, or what was typed instead.
fn code(typed: &str, otp: &Otp) -> Result<u32, Answer> {
    // Apps show "123 456", and people type it so.
    let typed: Zeroizing<String> =
        Zeroizing::new(typed.chars().filter(|symbol| !symbol.is_whitespace()).collect());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match typed.strip_prefix('-') {
        Some(rest) if is_number(rest) => Err(Answer::Skip),
        None if is_number(&typed) && typed.len() == otp.digits().count() => {
            typed.parse().map_err(|_| Answer::NoCode)
        }
        _ => Err(Answer::NoCode),
    }
}

/// The steps around the current one that a login accepts, no more than one to either side: whoever
/// is further off should hear of it now.
fn offsets(window: u8) -> RangeInclusive<i64> {
    let window = i64::from(window);
    let (before, after) = ((window - 1) / 2, window / 2);
    -before.min(1)..=after.min(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::{Algorithm, Digits};
    use crate::secret::Secret;

    const NOW: u64 = 1_700_000_000;
    const STEP: u64 = NOW / 30;

    fn otp() -> Otp {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        Otp::new(&secret, Algorithm::Sha1, Digits::SIX)
    }

    fn answer(typed: &str, window: u8) -> Answer {
        judge(typed, &otp(), NOW, 30, window)
    }

    fn at(offset: i64, window: u8) -> Answer {
        answer(&otp().text(STEP.checked_add_signed(offset).unwrap()), window)
    }

    #[test]
    fn the_window_of_the_file_but_at_most_one_to_either_side() {
        for (window, good) in
            [(1, 0..=0), (2, 0..=1), (3, -1..=1), (4, -1..=1), (17, -1..=1), (21, -1..=1)]
        {
            for offset in -3..=3 {
                let step = STEP.checked_add_signed(offset).unwrap();
                let expected = if good.contains(&offset) {
                    Answer::Right(step)
                } else {
                    Answer::OtherTime(offset * 30)
                };
                assert_eq!(at(offset, window), expected, "{offset} in {window}");
            }
        }
    }

    #[test]
    fn far_off_but_not_endlessly() {
        assert_eq!(at(-1_500, 3), Answer::OtherTime(-45_000));
        assert_eq!(at(1_500, 3), Answer::OtherTime(45_000));
        assert_eq!(at(1_501, 3), Answer::Wrong);
        assert_eq!(at(-1_501, 3), Answer::Wrong);
    }

    #[test]
    fn blanks_do_not_matter() {
        let code = otp().text(STEP);
        let (left, right) = code.split_at(3);
        for typed in [format!("{left} {right}\n"), format!(" {code}\r\n"), format!("{code}\t")] {
            assert_eq!(answer(&typed, 1), Answer::Right(STEP), "{typed:?}");
        }
    }

    #[test]
    fn a_negative_number_skips() {
        for typed in ["-1\n", " -1", "- 1", "-123456", "-99999999999999999999"] {
            assert_eq!(answer(typed, 3), Answer::Skip, "{typed:?}");
        }
        for typed in ["", "\n", "-", "-x", "--1", "12345", "1234567", "12345a", "+12345", "１２"]
        {
            assert_eq!(answer(typed, 3), Answer::NoCode, "{typed:?}");
        }
    }

    #[test]
    fn as_many_digits_as_the_app_shows() {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        for digits in 6..=8 {
            let otp = Otp::new(&secret, Algorithm::Sha512, Digits::new(digits).unwrap());
            let code = otp.text(STEP);
            assert_eq!(judge(&code, &otp, NOW, 30, 1), Answer::Right(STEP), "{digits}");
            for other in [&code[1..], &format!("0{code}")] {
                assert_eq!(judge(other, &otp, NOW, 30, 1), Answer::NoCode, "{digits}");
            }
        }
    }

    #[test]
    fn the_next_codes_of_a_counter() {
        let typed = |counter| otp().text(counter);
        for (counter, window, answer) in [
            (0, 3, Answer::Wrong),
            (1, 1, Answer::Right(1)),
            (2, 1, Answer::Wrong),
            (3, 3, Answer::Right(3)),
            (4, 3, Answer::Wrong),
            (100, 100, Answer::Right(100)),
        ] {
            assert_eq!(judge_counter(&typed(counter), &otp(), 1, window), answer, "{counter}");
        }
        assert_eq!(judge_counter("-1", &otp(), 1, 3), Answer::Skip);
        assert_eq!(judge_counter("12345", &otp(), 1, 3), Answer::NoCode);
        let last = u64::MAX;
        assert_eq!(judge_counter(&typed(last), &otp(), last, 100), Answer::Right(last));
    }

    #[test]
    fn near_the_beginning_of_time() {
        assert_eq!(judge(&otp().text(0), &otp(), 5, 60, 3), Answer::Right(0));
    }
}
