//! users.oath, the file of oath-toolkit's pam_oath (liboath's UsersFile): one credential a line.
//!
//! `TYPE USER PIN SECRET [COUNTER [LAST_OTP [LAST_TIME]]]`, separated by blanks. What each field does
//! is what pam_oath 2.6.7 was seen to make of it. A line that it passes over in silence is an error
//! here, unless it begins with `#`: somebody meant something by it.

use std::collections::HashMap;
use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use mfa_core::otp::{Algorithm, Digits, Otp, step};
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

/// How many steps from now on a used code is looked for. pam_oath takes codes as far ahead as its
/// option `window=` says, usually 5 to 50 steps; the file does not say how far.
const AHEAD: u64 = 100;

/// What one line enrols. Its codes are made with HMAC-SHA-1: pam_oath knows nothing else.
#[derive(Debug)]
pub struct Entry {
    /// The line, from 1 on.
    pub line: usize,
    /// Whose it is; pam_oath tells upper case from lower case.
    pub user: String,
    /// The shared secret, from one byte on.
    pub secret: Secret,
    /// How long the codes are that this person enters.
    pub digits: Digits,
    /// What moves a code on, and how far it has.
    pub method: Method,
}

/// What moves a code on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// RFC 4226.
    Hotp {
        /// The next counter expected, at most `i64::MAX`.
        counter: u64,
    },
    /// RFC 6238.
    Totp {
        /// Seconds a code lasts, 30 or 60.
        period: u64,
        /// The highest step whose code must not be good again: now, or one ahead that was accepted.
        step: u64,
    },
}

/// A line that enrols nobody. It quotes nothing, not even the user: where a field is missing, the
/// secret stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The line, from 1 on.
    pub line: usize,
    /// Why.
    pub mistake: Mistake,
}

/// Why a line cannot be carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The first word is no type.
    Type,
    /// Behind the type is no user name, or none in UTF-8.
    User,
    /// PIN or secret is missing.
    TooShort,
    /// A PIN, which a record cannot hold.
    Pin,
    /// The secret is not hexadecimal.
    Secret,
    /// The counter is no number, or 63 bits do not hold it.
    Counter,
    /// The last code is neither 6 to 8 digits nor `-`.
    LastOtp,
    /// The user has the same secret in another line.
    Twice {
        /// That line.
        other: usize,
    },
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => {
                "the first word is no type that pam_oath knows: HOTP, or HOTP/E, HOTP/T30 or \
                 HOTP/T60 with or without /6, /7 or /8; a comment begins with #"
            }
            Self::User => "there is no user name in UTF-8 behind the type",
            Self::TooShort => "the PIN (- for none) or the secret is missing",
            Self::Pin => {
                "it has a PIN, which a record cannot hold; write - in its place and have another \
                 module ask for a password"
            }
            Self::Secret => "the secret is not hexadecimal, with two digits a byte",
            Self::Counter => "the counter is not a number from 0 to 9223372036854775807",
            Self::LastOtp => "the last code is neither 6 to 8 digits nor -",
            Self::Twice { other } => {
                return write!(
                    f,
                    "line {other} has the same user and secret, so codes would be good twice; \
                     remove the one with the lower counter"
                );
            }
        })
    }
}

impl std::error::Error for Mistake {}

/// Reads a whole file at the time `now`, in seconds since 1970: what each line enrols, or why it does
/// not, in the file's order. Blank lines and comments are left out.
///
/// No code that pam_oath has accepted is good by what this returns, and the next one is.
#[must_use]
pub fn read(text: &[u8], now: u64) -> Vec<Result<Entry, Refusal>> {
    let mut lines = Vec::new();
    for (line, text) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let mut fields =
            text.split(|byte| b" \t\r".contains(byte)).filter(|field| !field.is_empty());
        let Some(kind) = fields.next().filter(|kind| !kind.starts_with(b"#")) else { continue };
        let entry = entry(line, kind, fields, now);
        lines.push(entry.map_err(|mistake| Refusal { line, mistake }));
    }
    refuse_twins(&mut lines);
    lines
}

fn entry<'a>(
    line: usize,
    kind: &[u8],
    mut fields: impl Iterator<Item = &'a [u8]>,
    now: u64,
) -> Result<Entry, Mistake> {
    let (period, digits) = kind_of(kind).ok_or(Mistake::Type)?;
    let user = fields.next().and_then(|user| std::str::from_utf8(user).ok());
    let user = user.ok_or(Mistake::User)?;
    let pin = fields.next().ok_or(Mistake::TooShort)?;
    let secret = fields.next().ok_or(Mistake::TooShort)?;
    // `+` is a password that another module asks for.
    if pin != b"-" && pin != b"+" {
        return Err(Mistake::Pin);
    }
    let secret = hex(secret).ok_or(Mistake::Secret)?;
    let counter = fields.next().unwrap_or(b"0");
    let last = fields.next().filter(|last| last != b"-");
    let last = last.map(last_otp).transpose()?;
    // The last time, local and without a zone, says nothing that is needed.

    // pam_oath takes codes of any length, whatever the type says.
    let digits = last.as_ref().map_or(digits, |(_, digits)| *digits);
    let otp = Otp::new(&secret, Algorithm::Sha1, digits);
    let was_last = |counter: &u64| last.is_some_and(|(code, _)| otp.code(*counter) == code);
    let method = match period {
        None => Method::Hotp { counter: next(number(counter).ok_or(Mistake::Counter)?, was_last)? },
        // The counter of a time-based line means nothing to pam_oath.
        Some(period) => {
            let now = step(now, period);
            let ahead = (now.saturating_add(1)..=now.saturating_add(AHEAD)).rev().find(was_last);
            Method::Totp { period, step: ahead.unwrap_or(now) }
        }
    };
    Ok(Entry { line, user: user.to_owned(), secret, digits, method })
}

/// The period, if there is one, and the length of a code.
fn kind_of(kind: &[u8]) -> Option<(Option<u64>, Digits)> {
    if kind == b"HOTP" {
        return Some((None, Digits::SIX));
    }
    let kind = kind.strip_prefix(b"HOTP/")?;
    let (kind, digits) = match kind {
        [kind @ .., b'/', digit @ b'6'..=b'8'] => (kind, Digits::new(digit - b'0')?),
        kind => (kind, Digits::SIX),
    };
    match kind {
        b"E" => Some((None, digits)),
        b"T30" => Some((Some(30), digits)),
        b"T60" => Some((Some(60), digits)),
        _ => None,
    }
}

fn hex(text: &[u8]) -> Option<Secret> {
    let mut bytes = Zeroizing::new(vec![0; HEXLOWER_PERMISSIVE.decode_len(text.len()).ok()?]);
    HEXLOWER_PERMISSIVE.decode_mut(text, &mut bytes).ok()?;
    Some(Secret::new(std::mem::take(&mut *bytes)))
}

/// The code that was accepted last, and how long it is.
fn last_otp(text: &[u8]) -> Result<(u32, Digits), Mistake> {
    let digits = u8::try_from(text.len()).ok().and_then(Digits::new);
    let code = number(text).and_then(|code| u32::try_from(code).ok());
    code.zip(digits).ok_or(Mistake::LastOtp)
}

/// At most `i64::MAX`, and written in digits alone.
fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|_| text.iter().all(u8::is_ascii_digit));
    digits?.parse().ok().filter(|&number| i64::try_from(number).is_ok())
}

/// pam_oath writes the counter of the code that it accepts, and then refuses that code because it was
/// the last. A file that never saw a login has the counter of the first code.
fn next(counter: u64, was_last: impl Fn(&u64) -> bool) -> Result<u64, Mistake> {
    if !was_last(&counter) {
        return Ok(counter);
    }
    counter.checked_add(1).filter(|&next| i64::try_from(next).is_ok()).ok_or(Mistake::Counter)
}

/// Two lines with one secret have a state each, and so would two credentials: what one has used is
/// good for the other.
fn refuse_twins(lines: &mut [Result<Entry, Refusal>]) {
    let mut alike: HashMap<_, Vec<usize>> = HashMap::new();
    for entry in lines.iter().flatten() {
        alike.entry((&entry.user, entry.secret.as_bytes())).or_default().push(entry.line);
    }
    let mut twins = HashMap::new();
    for numbers in alike.into_values() {
        let others = numbers.iter().skip(1).chain(&numbers).copied();
        twins.extend(numbers.iter().copied().zip(others).filter(|(line, other)| line != other));
    }
    for line in lines {
        let refusal = line.as_ref().ok().and_then(|entry| {
            let mistake = Mistake::Twice { other: *twins.get(&entry.line)? };
            Some(Refusal { line: entry.line, mistake })
        });
        if let Some(refusal) = refusal {
            *line = Err(refusal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const SECRET: &str = "3132333435363738393031323334353637383930";

    fn one(line: &str) -> Result<Entry, Mistake> {
        let mut lines = read(line.as_bytes(), NOW);
        assert_eq!(lines.len(), 1, "{line}");
        lines.remove(0).map_err(|refusal| refusal.mistake)
    }

    fn method(line: &str) -> Result<Method, Mistake> {
        one(line).map(|entry| entry.method)
    }

    /// The code of a counter or step, so long.
    fn code(counter: u64, digits: u8) -> String {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        Otp::new(&secret, Algorithm::Sha1, Digits::new(digits).unwrap()).text(counter)
    }

    #[test]
    fn what_a_line_enrols() {
        let entry = one(&format!("  HOTP\t alice   -\t{SECRET}  \r\n")).unwrap();
        assert_eq!((entry.line, entry.user.as_str(), entry.digits.count()), (1, "alice", 6));
        assert_eq!(entry.secret.as_bytes(), b"12345678901234567890");
        assert_eq!(entry.method, Method::Hotp { counter: 0 });
        assert_eq!(one("HOTP a + aBcD").unwrap().secret.as_bytes(), [0xab, 0xcd]);
    }

    #[test]
    fn types() {
        let now = |period| Some((Some(period), NOW / period));
        for (kind, digits, time) in [
            ("HOTP", 6, None),
            ("HOTP/E", 6, None),
            ("HOTP/E/6", 6, None),
            ("HOTP/E/7", 7, None),
            ("HOTP/E/8", 8, None),
            ("HOTP/T30", 6, now(30)),
            ("HOTP/T30/7", 7, now(30)),
            ("HOTP/T60", 6, now(60)),
            ("HOTP/T60/8", 8, now(60)),
        ] {
            let entry = one(&format!("{kind} alice - {SECRET}")).unwrap();
            assert_eq!(entry.digits.count(), digits, "{kind}");
            let read = match entry.method {
                Method::Hotp { .. } => None,
                Method::Totp { period, step } => Some((Some(period), step)),
            };
            assert_eq!(read, time, "{kind}");
        }
        for kind in [
            "hotp",
            "TOTP",
            "HOTP/",
            "HOTP/6",
            "HOTP/E/",
            "HOTP/E/06",
            "HOTP/E/9",
            "HOTP/T",
            "HOTP/T45",
            "HOTP/T/6",
            "HOTP/T300",
            "HOTP/T30x",
            "HOTP/T30/",
            "XHOTP",
        ] {
            assert_eq!(method(&format!("{kind} alice - {SECRET}")), Err(Mistake::Type), "{kind}");
        }
    }

    #[test]
    fn the_code_that_was_accepted_last_is_not_good_again() {
        let line = |rest: &str| method(&format!("HOTP alice - {SECRET} {rest}"));
        let counter = |counter| Ok(Method::Hotp { counter });
        assert_eq!(line("5"), counter(5));
        assert_eq!(line("5 -"), counter(5));
        assert_eq!(line(&format!("5 {} 2026-11-22T06:31:15L", code(5, 6))), counter(6));
        // Nobody has used 5 here: pam_oath would still accept it.
        assert_eq!(line(&format!("5 {}", code(4, 6))), counter(5));
        // A device with eight digits, whatever the type says.
        assert_eq!(line(&format!("5 {}", code(5, 8))), counter(6));
    }

    #[test]
    fn digits_are_what_was_entered_last() {
        let entry = one(&format!("HOTP/E/6 alice - {SECRET} 5 {}", code(5, 8))).unwrap();
        assert_eq!(entry.digits.count(), 8);
    }

    #[test]
    fn a_code_ahead_of_now_is_not_good_again() {
        let step_after = |last: String| {
            method(&format!("HOTP/T30 alice - {SECRET} 1 {last} 2026-11-22T06:31:15L"))
        };
        let now = NOW / 30;
        for (used, step) in [(now - 7, now), (now, now), (now + 3, now + 3), (now + 100, now + 100)]
        {
            assert_eq!(step_after(code(used, 6)), Ok(Method::Totp { period: 30, step }), "{used}");
        }
    }

    #[test]
    fn the_counter_of_a_time_based_line_does_not_matter() {
        let step = NOW / 30;
        for counter in ["0", "1000", "-1", "x"] {
            let line = format!("HOTP/T30 alice - {SECRET} {counter}");
            assert_eq!(method(&line), Ok(Method::Totp { period: 30, step }), "{counter}");
        }
    }

    #[test]
    fn mistakes() {
        for (line, mistake) in [
            ("HOTP", Mistake::User),
            ("HOTP alice", Mistake::TooShort),
            ("HOTP alice -", Mistake::TooShort),
            ("HOTP alice 00", Mistake::TooShort),
            ("HOTP alice 1234 00", Mistake::Pin),
            ("HOTP alice - abc", Mistake::Secret),
            ("HOTP alice - 0x00", Mistake::Secret),
            ("HOTP alice - ab:cd", Mistake::Secret),
            ("HOTP alice - 00 5x", Mistake::Counter),
            ("HOTP alice - 00 -1", Mistake::Counter),
            ("HOTP alice - 00 +1", Mistake::Counter),
            ("HOTP alice - 00 -0", Mistake::Counter),
            ("HOTP alice - 00 9223372036854775808", Mistake::Counter),
            ("HOTP alice - 00 0 12345", Mistake::LastOtp),
            ("HOTP alice - 00 0 123456789", Mistake::LastOtp),
            ("HOTP alice - 00 0 +12345", Mistake::LastOtp),
        ] {
            assert_eq!(method(line), Err(mistake), "{line}");
        }
        let end =
            format!("HOTP alice - {SECRET} {} {}", i64::MAX, code(i64::MAX.unsigned_abs(), 6));
        assert_eq!(method(&end), Err(Mistake::Counter), "there is no next one");
        let no_text = read(b"HOTP al\xffce - 00", NOW).remove(0).unwrap_err();
        assert_eq!(no_text.mistake, Mistake::User);
    }

    #[test]
    fn lines_are_numbered_and_comments_left_out() {
        let text = "# HOTP alice - 00\n\n \t\n#HOTP alice - 00\nHOTP alice - 00\nhello world\nHOTP bob - 00";
        let lines: Vec<_> = read(text.as_bytes(), NOW)
            .into_iter()
            .map(|line| line.map(|entry| (entry.line, entry.user)))
            .collect();
        let expected = [
            Ok((5, "alice".to_owned())),
            Err(Refusal { line: 6, mistake: Mistake::Type }),
            Ok((7, "bob".to_owned())),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn several_devices_but_no_secret_twice() {
        let text = "HOTP alice - 00\nHOTP/T30 alice - 11\nHOTP alice - 00 7\nHOTP bob - 11\nHOTP alice - 00";
        let mistakes: Vec<_> = read(text.as_bytes(), NOW)
            .into_iter()
            .map(|line| line.err().map(|refusal| refusal.mistake))
            .collect();
        let twice = |other| Some(Mistake::Twice { other });
        assert_eq!(mistakes, [twice(3), None, twice(5), None, twice(1)]);
    }

    #[test]
    fn nothing_shows_the_secret() {
        let text = "HOTP alice - 6162636465\nHOTP alice 6162636465 -\n6162636465 a b c\n\
                    HOTP 6162636465\nalice 6162636465 0\nHOTP 6162636465 0 123456 x";
        for line in read(text.as_bytes(), NOW) {
            let shown = match line {
                Ok(entry) => format!("{entry:?}"),
                Err(refusal) => format!("{refusal:?} {}", refusal.mistake),
            };
            assert!(!shown.contains("61626"), "{shown}");
        }
    }
}
