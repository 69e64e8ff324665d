//! Text to account.

use super::lines::Options;
use super::scan::{integer, lone_integer, skip, until};
use super::{LOGIN_KEYS, scratch};
use crate::account::{
    Account, Credential, Hotp, LoginSlot, Method, Others, RateLimit, Sighting, Totp, UsedSteps,
};
use crate::otp::{Algorithm, Digits};
use crate::reason::Reason;
use crate::secret::{ScratchCodes, Secret};

/// Reads a state file. Never fails as a whole: what is malformed denies when it is needed.
#[must_use]
pub fn parse(text: &[u8]) -> Account {
    let options = Options::of(text);
    Account {
        credentials: vec![credential(text, &options)],
        scratch_codes: scratch_codes(text),
        rate_limit: options
            .get("RATE_LIMIT")
            .map(|value| rate_limit(value).ok_or(Reason::BadRateLimit)),
        logins: Some(LOGIN_KEYS.map(|key| options.get(key).map_or(LoginSlot::Empty, login))),
        ..Account::default()
    }
}

fn scratch_codes(text: &[u8]) -> ScratchCodes {
    let mut codes = ScratchCodes::with_capacity(text.len() / 9 + 1);
    scratch::codes(text).for_each(|found| codes.push(found.code));
    codes
}

fn credential(text: &[u8], options: &Options) -> Credential {
    let (secret, _) = until(text, b"\n");
    Credential {
        name: None,
        secret: Secret::from_lenient_base32(secret).ok_or(Reason::BadSecret),
        algorithm: options.get("ALGORITHM").map_or(Ok(Algorithm::default()), |value| {
            std::str::from_utf8(value)
                .ok()
                .and_then(|name| Algorithm::from_name(name.trim_end()))
                .ok_or(Reason::BadAlgorithm)
        }),
        digits: number(options, "DIGITS", 6, 6..=8, Reason::BadDigits).and_then(|digits| {
            u8::try_from(digits).ok().and_then(Digits::new).ok_or(Reason::BadDigits)
        }),
        window: number(options, "WINDOW_SIZE", 3, 1..=100, Reason::BadWindow),
        method: method(text, options),
    }
}

fn number(
    options: &Options,
    key: &str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
    reason: Reason,
) -> Result<i64, Reason> {
    options.get(key).map_or(Ok(default), |value| {
        let (number, _) = lone_integer(value).ok_or(reason)?;
        range.contains(&number).then_some(number).ok_or(reason)
    })
}

fn method(text: &[u8], options: &Options) -> Method {
    let counter = options.get("HOTP_COUNTER").and_then(integer).map_or(0, |(n, _)| n);
    if counter >= 1 {
        return Method::Hotp(Hotp { counter: Some(counter), others: Others::Advance });
    }
    // Looser than other keys, as in the original: anywhere in the file, whatever follows.
    if !text.windows(11).any(|window| window == b"\" TOTP_AUTH") {
        return Method::None;
    }
    Method::Totp(Totp {
        period: number(options, "STEP_SIZE", 30, 1..=60, Reason::BadStep)
            .and_then(|seconds| u64::try_from(seconds).map_err(|_| Reason::BadStep)),
        skew: options.get("TIME_SKEW").and_then(integer).map_or(0, |(skew, _)| skew),
        sightings: options.get("RESETTING_TIME_SKEW").map(sightings).unwrap_or_default(),
        used: options
            .get("DISALLOW_REUSE")
            .map(|value| used_steps(value).map(UsedSteps::List).ok_or(Reason::BadReuseList)),
    })
}

/// `3 30 1700000000 ...`; white space at the end is malformed, as in the original.
fn rate_limit(value: &[u8]) -> Option<RateLimit> {
    let blank = |text: &[u8]| matches!(text.first(), Some(b' ' | b'\t'));
    let (attempts, rest) = integer(value).filter(|(_, rest)| blank(rest))?;
    let (interval, mut rest) = integer(rest)?;
    if !(1..=100).contains(&attempts) || !(1..=3600).contains(&interval) {
        return None;
    }
    let mut times = Vec::new();
    while !rest.is_empty() {
        let (time, behind) = integer(rest).filter(|_| blank(rest))?;
        // A negative time lies before every interval.
        times.push(u64::try_from(time).unwrap_or(0));
        rest = behind;
    }
    Some(RateLimit {
        attempts: usize::try_from(attempts).ok()?,
        interval: u64::try_from(interval).ok()?,
        times,
    })
}

fn used_steps(mut value: &[u8]) -> Option<Vec<i64>> {
    let mut steps = Vec::new();
    loop {
        value = skip(value, b" \t\r\n");
        if value.is_empty() {
            return Some(steps);
        }
        let (step, rest) = lone_integer(value)?;
        steps.push(step);
        value = rest;
    }
}

/// Pairs `step+skew` or `step-skew` up to the first that is none; the last three.
fn sightings(mut value: &[u8]) -> Vec<Sighting> {
    let mut pairs = Vec::new();
    while let Some((pair, rest)) = sighting(value) {
        pairs.push(pair);
        value = rest;
    }
    pairs.split_off(pairs.len().saturating_sub(3))
}

fn sighting(value: &[u8]) -> Option<(Sighting, &[u8])> {
    let (step, rest) = integer(value)?;
    let (&sign, rest) = rest.split_first()?;
    let (skew, rest) = lone_integer(rest)?;
    let skew = match sign {
        b'+' => skew,
        b'-' => skew.checked_neg()?,
        _ => return None,
    };
    Some((Sighting { step, skew }, rest))
}

/// `HOST TIME`; other text is kept but means nothing.
fn login(value: &[u8]) -> LoginSlot {
    let (host, rest) = until(value, b" \t");
    match (host_name(host), integer(rest)) {
        (Some(host), Some((at, _))) => LoginSlot::Login { host: host.to_owned(), at },
        _ => LoginSlot::Malformed,
    }
}

/// A host as a login record may hold it: 1 to 255 of `0-9 a-z A-Z : % . - _`.
pub(crate) fn host_name(host: &[u8]) -> Option<&str> {
    let fits = |&byte: &u8| byte.is_ascii_alphanumeric() || b":%.-_".contains(&byte);
    ((1..=255).contains(&host.len()) && host.iter().all(fits))
        .then(|| std::str::from_utf8(host).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::{apply, lines};
    use super::*;
    use crate::account::{Change, Progress};

    fn only(mut account: Account) -> Credential {
        assert_eq!(account.credentials.len(), 1);
        account.credentials.remove(0)
    }

    fn totp(options: &str) -> Totp {
        match only(parse(format!("S\n{options}\n").as_bytes())).method {
            Method::Totp(totp) => totp,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_file_does_not_say_is_the_default() {
        let account = parse(b"GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n12345678\n");
        let credential = only(account.clone());
        assert_eq!(credential.secret.unwrap().as_bytes(), b"1234567890");
        assert_eq!(credential.digits, Ok(Digits::SIX));
        assert_eq!(credential.algorithm, Ok(Algorithm::Sha1));
        assert_eq!(credential.window, Ok(3));
        assert!(account.rate_limit.is_none());
        assert_eq!(*account.scratch_codes, [12_345_678]);
        assert!(account.logins.unwrap().iter().all(|slot| *slot == LoginSlot::Empty));
        let totp = totp("\" TOTP_AUTH");
        assert_eq!((totp.period, totp.skew), (Ok(30), 0));
        assert!(totp.used.is_none() && totp.sightings.is_empty());
    }

    #[test]
    fn the_method() {
        let method = |options: &str| only(parse(format!("S\n{options}").as_bytes())).method;
        assert!(matches!(method("\" TOTP_AUTH"), Method::Totp(_)));
        assert!(matches!(method("x\" TOTP_AUTHfoo"), Method::Totp(_)), "looser than other keys");
        assert!(matches!(method("\" HOTP_COUNTER 5"), Method::Hotp(Hotp { counter: Some(5), .. })));
        assert!(matches!(
            method("\" TOTP_AUTH\n\" HOTP_COUNTER 5x"),
            Method::Hotp(Hotp { counter: Some(5), .. })
        ));
        assert!(matches!(method("\" TOTP_AUTH\n\" HOTP_COUNTER 0"), Method::Totp(_)));
        assert!(matches!(method("\" HOTP_COUNTER x"), Method::None));
        assert!(matches!(method("\" totp_auth"), Method::None));
    }

    #[test]
    fn numbers_in_their_range_or_a_reason() {
        let read = |options: &str| only(parse(format!("S\n\" TOTP_AUTH\n{options}").as_bytes()));
        for (line, window) in [
            ("\" WINDOW_SIZE 1", Ok(1)),
            ("\" WINDOW_SIZE 100 x", Ok(100)),
            ("\" WINDOW_SIZE 101", Err(Reason::BadWindow)),
            ("\" WINDOW_SIZE 0", Err(Reason::BadWindow)),
            ("\" WINDOW_SIZE", Err(Reason::BadWindow)),
            ("\" WINDOW_SIZE 3x", Err(Reason::BadWindow)),
            ("\" WINDOW_SIZE 3\n\" WINDOW_SIZE 17", Ok(3)),
        ] {
            assert_eq!(read(line).window, window, "{line}");
        }
        assert_eq!(totp("\" TOTP_AUTH\n\" STEP_SIZE 60").period, Ok(60));
        assert_eq!(totp("\" TOTP_AUTH\n\" STEP_SIZE 61").period, Err(Reason::BadStep));
        assert_eq!(read("\" DIGITS 8").digits, Ok(Digits::new(8).unwrap()));
        assert_eq!(read("\" DIGITS 9").digits, Err(Reason::BadDigits));
        assert_eq!(read("\" ALGORITHM SHA256").algorithm, Ok(Algorithm::Sha256));
        assert_eq!(read("\" ALGORITHM MD5").algorithm, Err(Reason::BadAlgorithm));
    }

    #[test]
    fn rate_limits() {
        let read = |value: &str| rate_limit(value.as_bytes()).map(|limit| limit.times);
        assert_eq!(read("3 30"), Some(vec![]));
        assert_eq!(read("3 \t30\t7  8"), Some(vec![7, 8]));
        for value in [
            "", "3", "3 ", "3x 30", "0 30", "101 30", "3 0", "3 3601", "3 30 ", "3 30 x", "3 30 7x",
        ] {
            assert_eq!(read(value), None, "{value:?}");
        }
    }

    #[test]
    fn used_steps_and_sightings() {
        assert_eq!(used_steps(b"  7 8\t9 "), Some(vec![7, 8, 9]));
        assert_eq!(used_steps(b""), Some(vec![]));
        assert_eq!(used_steps(b"7,8"), None);
        let seen = |value: &str| {
            sightings(value.as_bytes())
                .iter()
                .map(|seen| (seen.step, seen.skew))
                .collect::<Vec<_>>()
        };
        assert_eq!(seen("5+2 6-3"), [(5, 2), (6, -3)]);
        assert_eq!(seen("1+1 2+1 3+1 4+1"), [(2, 1), (3, 1), (4, 1)]);
        assert_eq!(seen("5+2 junk 6+2"), [(5, 2)]);
    }

    #[test]
    fn login_records() {
        let slot = |value: &str| login(value.as_bytes());
        let at = |host: &str, at| LoginSlot::Login { host: host.to_owned(), at };
        assert_eq!(slot("fe80::1%eth0 5"), at("fe80::1%eth0", 5));
        assert_eq!(slot("h 5 x"), at("h", 5));
        for value in ["", "h", "h x", "h,x 5", " 5"] {
            assert_eq!(slot(value), LoginSlot::Malformed, "{value:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_and_rewritten(
            text in proptest::collection::vec(1_u8.., 1..300),
            code in 10_000_000_u32..100_000_000,
        ) {
            let mut text = text;
            text.extend_from_slice(format!("\n{code}\n").as_bytes());
            let before = parse(&text).scratch_codes;
            proptest::prop_assert!(before.contains(&code));
            let used = parse(&apply(&text, &Change::ScratchUsed(code))).scratch_codes;
            proptest::prop_assert_eq!(used.len(), before.len() - 1);
            let counted = apply(&text, &Change::Credential(0, Progress::Counter(7)));
            proptest::prop_assert_eq!(lines::get(&counted, "HOTP_COUNTER"), Some(&b"7"[..]));
        }
    }
}
