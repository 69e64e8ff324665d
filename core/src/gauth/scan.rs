//! Reading bytes the way C's library does, since old files were read so: `strspn`, `strtol`.

/// What `strtol` passes over before a number.
pub(super) const WHITE: &[u8] = b" \t\n\x0b\x0c\r";

/// `text` without the leading bytes that are in `set`.
pub(super) fn skip<'a>(text: &'a [u8], set: &[u8]) -> &'a [u8] {
    let start = text.iter().position(|byte| !set.contains(byte)).unwrap_or(text.len());
    text.split_at(start).1
}

/// `text` up to the first byte that is in `set`, and from it on.
pub(super) fn until<'a>(text: &'a [u8], set: &[u8]) -> (&'a [u8], &'a [u8]) {
    text.split_at(text.iter().position(|byte| set.contains(byte)).unwrap_or(text.len()))
}

/// A decimal integer after optional white space and a sign, and what follows it.
///
/// `None` without a digit. A number outside of `i64` is its nearest end.
pub(super) fn integer(text: &[u8]) -> Option<(i64, &[u8])> {
    let start = skip(text, WHITE);
    let unsigned = start.strip_prefix(b"+").or_else(|| start.strip_prefix(b"-")).unwrap_or(start);
    let rest = skip(unsigned, b"0123456789");
    if rest.len() == unsigned.len() {
        return None;
    }
    let (number, _) = start.split_at(start.len() - rest.len());
    let text = std::str::from_utf8(number).ok()?;
    let end = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some((text.parse().unwrap_or(end), rest))
}

/// An integer that a blank or the end of the text follows.
pub(super) fn lone_integer(text: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = integer(text)?;
    matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(integer(b" \t+12x"), Some((12, &b"x"[..])));
        assert_eq!(integer(b"-7"), Some((-7, &b""[..])));
        assert_eq!(integer(b"99999999999999999999 "), Some((i64::MAX, &b" "[..])));
        assert_eq!(integer(b"-99999999999999999999"), Some((i64::MIN, &b""[..])));
        for text in [&b""[..], b"-", b"+-1", b"x1"] {
            assert_eq!(integer(text), None, "{}", text.escape_ascii());
        }
        assert_eq!(lone_integer(b"3 x"), Some((3, &b" x"[..])));
        assert_eq!(lone_integer(b"3x"), None);
    }
}
