//! Dates of TOML documents in seconds.

use std::fmt;

use toml_datetime::{Date, Datetime, Offset, Time};

/// Seconds since 1970 of a date at 00:00 UTC, or of a date and time with its offset (RFC 3339); `None`
/// for what lies before 1970, or names no moment.
pub(crate) fn seconds(moment: &Datetime) -> Option<u64> {
    let date = moment.date?;
    let seconds = match (moment.time, moment.offset) {
        (None, None) => 0,
        (Some(Time { hour, minute, second, .. }), Some(offset)) => {
            let ahead = match offset {
                Offset::Z => 0,
                Offset::Custom { minutes } => i64::from(minutes),
            };
            (i64::from(hour) * 60 + i64::from(minute) - ahead) * 60 + i64::from(second.unwrap_or(0))
        }
        _ => return None,
    };
    u64::try_from(days(date) * 86_400 + seconds).ok()
}

/// Days since 1970-01-01 in the Gregorian calendar: years are counted from March, so that the leap
/// day is the last of its year.
fn days(Date { year, month, day }: Date) -> i64 {
    let [year, month, day] = [i64::from(year), i64::from(month), i64::from(day)];
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between March 1 of year 0 and 1970.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The day of a moment, in seconds since 1970, in UTC: `2027-01-15`.
#[derive(Debug, Clone, Copy)]
pub struct Day(pub u64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the years that TOML can name.
        let day = i64::try_from(self.0 / 86_400).unwrap_or(i64::MAX).min(2_932_896);
        // No year has fewer days, so it is this one or a later one.
        let first = u16::try_from(1970 + day / 366).unwrap_or(9999);
        let begun = |year: &u16| days(Date { year: *year, month: 1, day: 1 }) <= day;
        let year = (first..=9999).take_while(begun).last().unwrap_or(first);
        let month = (1..=12).rev().find(|&month| days(Date { year, month, day: 1 }) <= day);
        let month = month.unwrap_or(1);
        let day = day - days(Date { year, month, day: 1 }) + 1;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        seconds(&text.parse().unwrap())
    }

    #[test]
    fn moments() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(951_782_400)),
            ("2023-11-14T22:13:20Z", Some(1_700_000_000)),
            ("2023-11-15T00:13:20+02:00", Some(1_700_000_000)),
            ("2027-01-15", Some(1_799_971_200)),
            ("2100-03-01", Some(4_107_542_400)),
            ("9999-12-31", Some(253_402_214_400)),
            ("1969-12-31", None),
            ("2027-01-15T08:00:00", None),
            ("08:00:00", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn every_day_is_one_more() {
        let mut expected = 0;
        for year in 1970..2110_u16 {
            let leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (month, length) in
                (1..).zip([31, 28 + u8::from(leaps), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
            {
                for day in 1..=length {
                    assert_eq!(days(Date { year, month, day }), expected, "{year}-{month}-{day}");
                    let shown = Day(expected.unsigned_abs() * 86_400 + 86_399).to_string();
                    assert_eq!(shown, format!("{year:04}-{month:02}-{day:02}"));
                    expected += 1;
                }
            }
        }
    }
}
