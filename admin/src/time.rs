//! Points in time as people read them, and lengths of time as they write them.

use std::time::{Duration, SystemTime};

use humantime::{format_rfc3339_seconds, parse_duration};

/// The last second that has a date of four digits for the year (RFC 3339).
const LAST: u64 = 253_402_300_799;

/// The date in UTC, `2023-11-14`, of `seconds` since 1970.
#[must_use]
pub fn date(seconds: u64) -> String {
    moment(seconds).chars().take(10).collect()
}

/// Date and time in UTC, `2023-11-14T22:13:20Z`, of `seconds` since 1970.
#[must_use]
pub fn moment(seconds: u64) -> String {
    let since = Duration::from_secs(seconds.min(LAST));
    format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string()
}

/// Reads a length of time, `90s`, `1h 30m` or `7d`, in whole seconds from `min` to `max`.
pub fn length(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let seconds = parse_duration(text).ok().map(|length| length.as_secs());
        seconds.filter(|seconds| (min..=max).contains(seconds)).ok_or_else(|| {
            let [min, max] =
                [min, max].map(|it| humantime::format_duration(Duration::from_secs(it)));
            format!("a time such as 90s, 30m, 1h or 2d, from {min} to {max}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(1_700_000_000), "2023-11-14");
        assert_eq!(moment(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn lengths() {
        let read = length(60, 604_800);
        for (text, seconds) in
            [("1h", 3600), ("90s", 90), ("1h 30m", 5400), ("7d", 604_800), ("60s", 60)]
        {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
        for text in ["", "1", "59s", "7d 1s", "-1h", "1x", "h", "99999999999999999999h"] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.ends_with("from 1m to 7days"), "{text}: {wrong}");
        }
    }
}
