//! What is kept of a code: a salted hash that is slow to make.

use std::fmt;
use std::num::NonZeroU32;

use data_encoding::HEXLOWER;
use ring::pbkdf2;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::Canonical;

/// How many times HMAC-SHA-256 is run for one hash: two to three milliseconds, once for each code that
/// an answer may hold and each set that the person has.
///
/// Whoever has the file needs as many runs for every guess. A code of ours takes 2^59 guesses on
/// average, 2^71 runs: nobody can pay that. A scratch code of eight digits takes 2^25 and 2^38, a minute
/// for a graphics card: its hash keeps it from a glance only, and new codes should take its place.
pub const ITERATIONS: NonZeroU32 = NonZeroU32::new(6_000).expect("not 0");

/// Bytes that a record keeps as lower-case hexadecimal digits. Never shown by `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>([u8; N]);

/// Makes equal codes of two sets have different hashes; random.
pub type Salt = Hex<16>;

/// The hash of a code.
pub type Hash = Hex<32>;

impl<const N: usize> Hex<N> {
    /// Takes the bytes as they are.
    #[must_use]
    pub fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads exactly 2 N digits, a to f in lower case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * N || !text.bytes().all(is_digit) {
            return None;
        }
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hex(..)")
    }
}

/// PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2) and [`ITERATIONS`].
#[must_use]
pub fn hash(code: &Canonical, salt: &Salt) -> Hash {
    derive(ITERATIONS, &salt.0, code.as_bytes())
}

fn derive(iterations: NonZeroU32, salt: &[u8], code: &[u8]) -> Hash {
    let mut hash = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, code, &mut hash);
    Hex(hash)
}

/// Where among `hashes` this one is, the first if it is there twice. Takes the same time wherever.
#[must_use]
pub fn position(hash: &Hash, hashes: &[Hash]) -> Option<usize> {
    let mut found = Choice::from(0);
    let mut position = 0_u64;
    for (at, other) in (0..).zip(hashes) {
        let hit = other.0.ct_eq(&hash.0) & !found;
        position.conditional_assign(&at, hit);
        found |= hit;
    }
    if bool::from(found) { usize::try_from(position).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::canonical;
    use super::*;

    /// RFC 7914 section 11, the first 32 of their 64 bytes: one block, as of ours.
    #[test]
    fn the_primitive() {
        let derive = |code: &[u8], salt: &[u8], iterations| {
            derive(NonZeroU32::new(iterations).unwrap(), salt, code).to_string()
        };
        assert_eq!(
            derive(b"passwd", b"salt", 1),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
        assert_eq!(
            derive(b"Password", b"NaCl", 80_000),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
    }

    /// Files out there hold such hashes. The value is that of Python's `hashlib.pbkdf2_hmac`.
    #[test]
    fn what_is_hashed_stays_the_same() {
        let salt = Salt::from_hex("000102030405060708090a0b0c0d0e0f").unwrap();
        let hash = |text: &[u8]| hash(&canonical(text).unwrap(), &salt).to_string();
        assert_eq!(
            hash(b"K7QF 2M9X HW4D"),
            "eeedc89179be3c19412ee7bfd306c1f25e5a538b2bb70ce7fd1ea09fde7d64b7"
        );
        assert_eq!(
            hash(b"12345678"),
            "a3ce94345f37b2acf8b6ece5f3ba5efa8c461bc584b263e8fce8f220ef3dd1aa"
        );
    }

    #[test]
    fn the_salt_counts() {
        let code = canonical(b"k7qf-2m9x-hw4d").unwrap();
        assert_ne!(hash(&code, &Hex([0; 16])), hash(&code, &Hex([1; 16])));
    }

    #[test]
    fn hex_is_strict() {
        let text = "00ff10a9".repeat(4);
        let salt = Salt::from_hex(&text).unwrap();
        assert_eq!(salt.to_string(), text);
        assert_eq!(format!("{salt:?}"), "Hex(..)");
        let (short, long) = (&text[2..], format!("{text}00"));
        for text in ["", short, &text[1..], &long, &text.replace('f', "F"), &text.replace('f', "g")]
        {
            assert_eq!(Salt::from_hex(text), None, "{text:?}");
        }
        assert_eq!(Hash::from_hex(&text), None, "a salt is no hash");
    }

    #[test]
    fn found_wherever_it_is_and_nowhere_else() {
        let hashes: Vec<_> = (0..32).map(|n| Hex([n; 32])).collect();
        for (at, hash) in hashes.iter().enumerate() {
            assert_eq!(position(hash, &hashes), Some(at));
            assert_eq!(position(hash, &hashes[..at]), None);
        }
        let mut near = [7; 32];
        near[31] ^= 1;
        assert_eq!(position(&Hex(near), &hashes), None, "one bit differs");
        assert_eq!(position(&Hex([1; 32]), &[Hex([0; 32]), Hex([1; 32]), Hex([1; 32])]), Some(1));
        assert_eq!(position(&Hex([1; 32]), &[]), None);
    }
}
