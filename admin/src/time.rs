//! Points in time as people read and write them, and lengths of time. All dates are in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, SpanRound, Timestamp, Unit};

/// The date, `2023-11-14`, of `seconds` since 1970.
#[must_use]
pub fn date(seconds: u64) -> String {
    moment(seconds).chars().take(10).collect()
}

/// Date and time, `2023-11-14T22:13:20Z`, of `seconds` since 1970; what is later than can be written
/// so (RFC 3339) is the last moment that can.
#[must_use]
pub fn moment(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|it| Timestamp::from_second(it).ok());
    moment.unwrap_or(LAST).to_string()
}

/// The date, `2023-11-14`, of `seconds` since 1970, and the time unless that is 00:00.
#[must_use]
pub fn day(seconds: u64) -> String {
    if seconds % 86_400 == 0 { date(seconds) } else { moment(seconds) }
}

/// Where in every time zone the year still has four digits.
const LAST: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// Reads a date, `2023-11-14`; the seconds from 1970 to its 00:00.
#[must_use]
pub fn midnight(text: &str) -> Option<u64> {
    let midnight = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    // The parser takes more than a date, and passes over what comes after it.
    let seconds = midnight.timestamp().as_second().try_into().ok()?;
    (date(seconds) == text).then_some(seconds)
}

/// Reads a length of time, `90s`, `1h 30m` or `7d`, in whole seconds from `min` to `max`.
pub fn length(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| {
        seconds(text).filter(|seconds| (min..=max).contains(seconds)).ok_or_else(|| {
            let [min, max] = [min, max].map(shown);
            format!("a time such as 90s, 30m, 1h or 2d, from {min} to {max}")
        })
    }
}

fn seconds(text: &str) -> Option<u64> {
    let length = text.parse::<Span>().ok()?.to_duration(DAYS).ok()?;
    u64::try_from(length.as_secs()).ok()
}

/// A length of time as it is read, `7d`, of `seconds`.
fn shown(seconds: u64) -> String {
    let length = SignedDuration::from_secs(seconds.try_into().unwrap_or(i64::MAX));
    let largest = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    let span = Span::try_from(length).and_then(|span| span.round(largest));
    span.map_or_else(|_| format!("{seconds}s"), |span| format!("{span:#}"))
}

/// There is no other kind of day where seconds are counted.
const DAYS: SpanRelativeTo<'static> = SpanRelativeTo::days_are_24_hours();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(1_700_000_000), "2023-11-14");
        assert_eq!(moment(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(day(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(day(1_699_920_000), "2023-11-14");
        for beyond in [253_402_207_201, u64::MAX] {
            assert_eq!(moment(beyond), "9999-12-30T22:00:00Z");
        }
    }

    #[test]
    fn midnights() {
        assert_eq!(midnight("2023-11-14"), Some(1_700_000_000 / 86_400 * 86_400));
        assert_eq!(midnight("1970-01-01"), Some(0));
        assert_eq!(midnight("2024-02-29").map(date).as_deref(), Some("2024-02-29"));
        for text in [
            "",
            "2023",
            "2023-02-29",
            "2023-11-14T22:13",
            "2023-11-14 ",
            "1969-12-31",
            "20231114",
            "2023-W01-1",
            "2023-1-1",
            "today",
        ] {
            assert_eq!(midnight(text), None, "{text}");
        }
    }

    #[test]
    fn lengths() {
        let read = length(60, 604_800);
        for (text, seconds) in [
            ("1h", 3600),
            ("90s", 90),
            ("1h 30m", 5400),
            ("7d", 604_800),
            ("60s", 60),
            ("1w", 604_800),
        ] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
        for text in
            ["", "1", "59s", "7d 1s", "-1h", "1x", "h", "99999999999999999999h", "1mo", "1h ago"]
        {
            let wrong = read(text).unwrap_err();
            assert!(wrong.ends_with("from 1m to 7d"), "{text}: {wrong}");
        }
        assert_eq!(shown(90_061), "1d 1h 1m 1s");
    }
}
