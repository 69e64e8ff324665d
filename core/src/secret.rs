//! The shared secret: bytes that wipe themselves, and base32 as people and old files write it.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// A shared secret. Wiped when dropped and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The raw key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Base32 without padding (RFC 4648 section 6), as files and otpauth URIs carry it.
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// Reads base32 as RFC 4648 section 6 has it, in any case, with its padding or without.
    ///
    /// `None` at any other byte, at bits that fill no byte and are not 0, and when not one byte
    /// comes out.
    #[must_use]
    pub fn from_base32(text: &str) -> Option<Self> {
        let text = Zeroizing::new(text.to_ascii_uppercase());
        let symbols = text.trim_end_matches('=');
        let padding = text.len() - symbols.len();
        if padding >= 8 || (padding > 0 && text.len() % 8 != 0) {
            return None;
        }
        let mut bytes = Zeroizing::new(vec![0; BASE32_NOPAD.decode_len(symbols.len()).ok()?]);
        BASE32_NOPAD.decode_mut(symbols.as_bytes(), &mut bytes).ok()?;
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// Reads what [`Secret::to_base32`] writes, and nothing else.
    #[must_use]
    pub fn from_own_base32(text: &str) -> Option<Self> {
        Self::from_lenient_base32(text.as_bytes()).filter(|secret| *secret.to_base32() == *text)
    }

    /// Reads base32 as google-authenticator does: any case, blanks and hyphens ignored, 0, 1 and 8
    /// taken for O, L and B, bits that fill no byte dropped.
    ///
    /// `None` at any other byte, `=` included, and when not one byte comes out.
    #[must_use]
    pub fn from_lenient_base32(text: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        let (mut buffer, mut bits) = (0_u16, 0);
        for &symbol in text {
            let value = match symbol {
                b' ' | b'\t' | b'\r' | b'\n' | b'-' => continue,
                b'0' => b'O' - b'A',
                b'1' => b'L' - b'A',
                b'8' => b'B' - b'A',
                b'A'..=b'Z' => symbol - b'A',
                b'a'..=b'z' => symbol - b'a',
                b'2'..=b'7' => symbol - b'2' + 26,
                _ => return None,
            };
            buffer = (buffer << 5) | u16::from(value);
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                // The mask makes the value fit: the upper bits are bytes that are out already.
                bytes.push(u8::try_from((buffer >> bits) & 0xff).unwrap_or(0));
            }
        }
        (!bytes.is_empty()).then_some(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Unused scratch codes: eight decimal digits each, the first not 0. Wiped and hidden like a secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ScratchCodes(Zeroizing<Vec<u32>>);

impl ScratchCodes {
    /// No codes, but room for so many: a list that grows leaves copies behind.
    #[must_use]
    pub fn with_capacity(codes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(codes)))
    }

    /// Adds one.
    pub fn push(&mut self, code: u32) {
        self.0.push(code);
    }
}

impl std::ops::Deref for ScratchCodes {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.0
    }
}

impl fmt::Debug for ScratchCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScratchCodes({} of them)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<u8>> {
        Secret::from_lenient_base32(text.as_bytes()).map(|secret| secret.as_bytes().to_vec())
    }

    #[test]
    fn lenient_where_google_authenticator_is() {
        let plain = read("GEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(plain, b"1234567890");
        assert_eq!(read("gezd gnbv-gy3t\tqojq\r").unwrap(), plain);
        assert_eq!(read("0018"), read("OOLB"));
    }

    #[test]
    fn left_over_bits_are_dropped() {
        assert_eq!(read("GE"), Some(b"1".to_vec()));
        assert_eq!(read("GEZ"), Some(b"1".to_vec()));
        assert_eq!(read("GEZDG7"), read("GEZDG"));
    }

    #[test]
    fn refused() {
        for text in ["", "A", " - ", "GEZDGNBV=", "GE!Z", "GE9Z", "GE\u{e9}Z"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn strict_but_for_case_and_padding() {
        let read = |text: &str| Secret::from_base32(text).map(|secret| secret.as_bytes().to_vec());
        // RFC 4648 section 10.
        for (text, bytes) in [
            ("MY======", "f"),
            ("MZXQ====", "fo"),
            ("MZXW6===", "foo"),
            ("MZXW6YQ=", "foob"),
            ("MZXW6YTB", "fooba"),
            ("MZXW6YTBOI======", "foobar"),
        ] {
            let lower = text.to_lowercase();
            for text in [text, text.trim_end_matches('='), &lower] {
                assert_eq!(read(text).unwrap(), bytes.as_bytes(), "{text}");
            }
        }
        for text in [
            "",
            "M",
            "=",
            "========",
            "MZ",
            "MZX",
            "MY=",
            "MY=======",
            "MZXW6YTB========",
            "MY======MY======",
            "MY==MY==",
            "M1",
            "M8",
            "MY MY",
            "MY-MY",
            "MY\n",
            "M\u{e9}",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "Secret(..)");
        let mut codes = ScratchCodes::default();
        codes.push(12_345_678);
        assert_eq!(format!("{codes:?}"), "ScratchCodes(1 of them)");
    }

    proptest::proptest! {
        #[test]
        fn own_base32_is_read_back(bytes in proptest::collection::vec(proptest::num::u8::ANY, 1..80)) {
            let secret = Secret::new(bytes.clone());
            proptest::prop_assert_eq!(read(&secret.to_base32()), Some(bytes));
            proptest::prop_assert_eq!(Secret::from_base32(&secret.to_base32()), Some(secret));
        }
    }
}
