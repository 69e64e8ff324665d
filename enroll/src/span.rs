//! Lengths of time in words.

/// A time as people say it, roughly.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=90 => (seconds, "second"),
        91..=5_400 => ((seconds + 30) / 60, "minute"),
        _ => (seconds.saturating_add(1_800) / 3_600, "hour"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, text) in [
            (1, "1 second"),
            (30, "30 seconds"),
            (120, "2 minutes"),
            (240, "4 minutes"),
            (3_600, "60 minutes"),
            (7_230, "2 hours"),
            (45_000, "13 hours"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
