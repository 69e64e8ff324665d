//! When an entry ends, as people say it.

use crate::failure::Failure;
use crate::time::{date, length, midnight};

/// As it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// At 00:00 UTC of a day, in seconds since 1970.
    On(u64),
    /// So many seconds from now.
    In(u64),
}

const MINUTE: u64 = 60;
const TEN_YEARS: u64 = 3650 * 24 * 60 * MINUTE;

impl Expiry {
    /// Reads `never`, a date, or a length of time from a minute to ten years.
    ///
    /// # Errors
    /// What it should be.
    pub fn read(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        if let Some(midnight) = midnight(text) {
            return Ok(Self::On(midnight));
        }
        let length = length(MINUTE, TEN_YEARS)(text);
        length
            .map(Self::In)
            .map_err(|other| format!("never, a date such as 2027-01-15, or {other}"))
    }

    /// In seconds since 1970.
    ///
    /// # Errors
    /// It would have ended by `now`.
    pub fn at(self, now: u64) -> Result<Option<u64>, Failure> {
        match self {
            Self::Never => Ok(None),
            Self::On(midnight) if midnight <= now => Err(Failure::Refused(format!(
                "{0} has begun (00:00 UTC), so the entry would count for nothing; name a later day",
                date(midnight)
            ))),
            Self::On(midnight) => Ok(Some(midnight)),
            Self::In(seconds) => Ok(Some(now.saturating_add(seconds))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_say_it() {
        assert_eq!(Expiry::read("never"), Ok(Expiry::Never));
        assert_eq!(Expiry::read("30d"), Ok(Expiry::In(30 * 86_400)));
        assert_eq!(Expiry::read("1h 30m"), Ok(Expiry::In(5400)));
        assert_eq!(Expiry::read("2023-11-15"), Ok(Expiry::On(1_700_006_400)));
        for text in ["", "Never", "30", "2023-02-29", "15.11.2023", "-30d", "30s", "3651d"] {
            let wrong = Expiry::read(text).unwrap_err();
            assert!(wrong.starts_with("never, a date such as 2027-01-15, or a time"), "{wrong}");
        }
    }

    #[test]
    fn never_in_the_past() {
        let day = Expiry::On(1_700_006_400);
        assert_eq!(day.at(1_700_006_399).unwrap(), Some(1_700_006_400));
        let past = day.at(1_700_006_400).unwrap_err().to_string();
        assert!(past.starts_with("2023-11-15 has begun"), "{past}");
        assert_eq!(Expiry::In(60).at(7).unwrap(), Some(67));
        assert_eq!(Expiry::Never.at(7).unwrap(), None);
    }
}
