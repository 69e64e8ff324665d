//! One hash of several things.

use ring::digest::{Context, SHA256};

use crate::codes::Hex;

/// SHA-256 (FIPS 180-4).
pub(crate) type Digest = Hex<32>;

/// Of all parts in their order, each behind its length: no two lists of parts read alike.
pub(crate) fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    for (byte, of) in bytes.iter_mut().zip(context.finish().as_ref()) {
        *byte = *of;
    }
    Hex::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is that of sha256sum(1).
    #[test]
    fn lengths_and_order_count() {
        let of = |parts: &[&[u8]]| digest(parts).to_string();
        assert_eq!(
            of(&[b"abc", b""]),
            "f5a934b5ab96157b46905e4dec48ff8175fe8926c36ec293b98c8fbd0886171b"
        );
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"abc"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"c", b"ab"]));
        assert_ne!(of(&[]), of(&[b""]));
    }
}
