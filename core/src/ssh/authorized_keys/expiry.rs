//! When a line is good no more.

use toml_datetime::Datetime;

use crate::document::date;

/// How far local time is ahead of UTC at most, s: on the Line Islands.
const FURTHEST: u64 = 14 * 3600;

/// Seconds since 1970 of `YYYYMMDD[HHMM[SS]]` with `Z` or `UTC` behind it. Without them sshd goes by the
/// machine's time zone, which is not looked up here: then it is the first moment at which any place on
/// earth has that time. `None` if there is no such date.
pub(super) fn read(text: &str) -> Option<u64> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.strip_suffix("UTC").or(upper.strip_suffix('Z'));
    let ahead = if digits.is_some() { 0 } else { FURTHEST };
    let digits = digits.unwrap_or(&upper);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (date, time) = digits.split_at_checked(8)?;
    let seconds = match time.len() {
        0 => "000000",
        4 => "00",
        6 => "",
        _ => return None,
    };
    let (year, date) = date.split_at(4);
    let (month, day) = date.split_at(2);
    let time = format!("{time}{seconds}");
    let (hour, time) = time.split_at(2);
    let (minute, second) = time.split_at(2);
    let moment: Datetime =
        format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()?;
    date::seconds(&moment).map(|seconds| seconds.saturating_sub(ahead))
}

#[cfg(test)]
mod tests {
    use super::read;

    /// The values are those of date(1).
    #[test]
    fn dates_and_times() {
        for (text, seconds) in [
            ("20300101Z", 1_893_456_000),
            ("20300101z", 1_893_456_000),
            ("20300101utc", 1_893_456_000),
            ("203001011234Z", 1_893_501_240),
            ("20300101123456Z", 1_893_501_296),
            ("20240229Z", 1_709_164_800),
            ("20300101", 1_893_456_000 - 50_400),
            ("203001011234", 1_893_501_240 - 50_400),
            ("19700101", 0),
        ] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn no_dates() {
        for text in [
            "",
            "Z",
            "UTC",
            "2030",
            "2030010",
            "203001011",
            "2030010112345",
            "203001011234567",
            "20301301Z",
            "20300230Z",
            "20300101T2400",
            "2030010125",
            "203001012460",
            "2030-1-1",
            "2030010१",
            "-20300101",
            "20300101ZZ",
            "19691231Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
