//! What the targets share.

/// Whether a CR stands without the LF of its line. Such a CR ends lines for options only, as in the
/// original: a rewrite may then tear the secret apart, or make a scratch code of what was none.
#[must_use]
pub fn has_lone_cr(text: &[u8]) -> bool {
    let next = text.iter().skip(1).chain([&0]);
    text.iter().zip(next).any(|(byte, next)| *byte == b'\r' && !b"\r\n".contains(next))
}
