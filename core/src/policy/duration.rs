//! Lengths of time as administrators write them.

/// Reads a whole number and its unit, `30s`, `5m`, `12h` or `30d`, from 1 s to `most` seconds.
pub(super) fn seconds(text: &str, most: u64) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit)?;
    (1..=most).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_units() {
        for (text, expected) in [
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("12h", Some(43_200)),
            ("1d", Some(86_400)),
            ("2d", None),
            ("86401s", None),
            ("0s", None),
            ("", None),
            ("s", None),
            ("5", None),
            ("-5m", None),
            ("+5m", None),
            ("5 m", None),
            ("5M", None),
            ("1h30m", None),
            ("5µ", None),
            ("99999999999999999999d", None),
            ("9999999999999999999d", None),
        ] {
            assert_eq!(seconds(text, 86_400), expected, "{text}");
        }
    }
}
