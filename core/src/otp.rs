//! One-time codes: a counter or the time becomes a short number (RFC 4226, RFC 6238).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::secret::Secret;

/// The hash under the HMAC (RFC 6238 section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// HMAC-SHA-1, what every authenticator app knows.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name as otpauth URIs and state files spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Reads [`Algorithm::name`], in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// How many decimal digits a code has: 6, 7 or 8 (RFC 4226 section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits(u8);

impl Default for Digits {
    fn default() -> Self {
        Self::SIX
    }
}

impl Digits {
    /// What nearly every authenticator app shows.
    pub const SIX: Self = Self(6);

    /// `None` outside 6 to 8.
    #[must_use]
    pub fn new(digits: u8) -> Option<Self> {
        (6..=8).contains(&digits).then_some(Self(digits))
    }

    /// The number of digits.
    #[must_use]
    pub fn count(self) -> usize {
        usize::from(self.0)
    }

    fn modulus(self) -> u32 {
        10_u32.pow(u32::from(self.0))
    }
}

/// A generator of codes for one secret; keyed once, so that a search over many counters is cheap.
pub struct Otp {
    key: Key,
    digits: Digits,
}

/// A keyed HMAC (RFC 2104).
enum Key {
    Sha1(Hmac<Sha1>),
    Sha2(ring::hmac::Key),
}

impl Otp {
    /// A generator for `secret`, which may have any length (RFC 2104 hashes long ones).
    #[must_use]
    pub fn new(secret: &Secret, algorithm: Algorithm, digits: Digits) -> Self {
        let key = secret.as_bytes();
        let key = match algorithm {
            Algorithm::Sha1 => Key::Sha1(sha1_key(key)),
            Algorithm::Sha256 => Key::Sha2(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key)),
            Algorithm::Sha512 => Key::Sha2(ring::hmac::Key::new(ring::hmac::HMAC_SHA512, key)),
        };
        Self { key, digits }
    }

    /// How many digits its codes have.
    #[must_use]
    pub fn digits(&self) -> Digits {
        self.digits
    }

    /// The code for `counter` (RFC 4226 section 5.3): below 10 to the power of the digits.
    ///
    /// For a time-based code the counter is the [`step`].
    #[must_use]
    pub fn code(&self, counter: u64) -> u32 {
        let counter = counter.to_be_bytes();
        let bits = match &self.key {
            Key::Sha1(key) => truncated(&key.clone().chain_update(counter).finalize().into_bytes()),
            Key::Sha2(key) => truncated(ring::hmac::sign(key, &counter).as_ref()),
        };
        bits % self.digits.modulus()
    }

    /// [`Otp::code`] as people read it, with its leading zeros.
    #[must_use]
    pub fn text(&self, counter: u64) -> String {
        format!("{:0width$}", self.code(counter), width = self.digits.count())
    }
}

#[expect(clippy::expect_used, reason = "cannot fail, and a panic would deny")]
fn sha1_key(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")
}

/// The 31 bits of a tag that begin where its last half byte says.
fn truncated(tag: &[u8]) -> u32 {
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let word = tag.get(offset..).and_then(|rest| rest.first_chunk::<4>());
    // The offset is at most 15 and a tag has at least 20 bytes: the word is always there.
    u32::from_be_bytes(word.copied().unwrap_or_default()) & 0x7fff_ffff
}

/// The time step of RFC 6238 section 4.2: whole periods since 1970 at `now`, both in seconds.
///
/// A period of 0 counts as 1.
#[must_use]
pub fn step(now: u64, period: u64) -> u64 {
    now / period.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";

    fn otp(length: usize, algorithm: Algorithm, digits: u8) -> Otp {
        Otp::new(&Secret::new(SEED[..length].to_vec()), algorithm, Digits::new(digits).unwrap())
    }

    #[test]
    fn rfc_4226_appendix_d() {
        let hotp = otp(20, Algorithm::Sha1, 6);
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, code) in (0..).zip(expected) {
            assert_eq!(hotp.text(counter), code, "counter {counter}");
        }
    }

    #[test]
    fn rfc_6238_appendix_b() {
        let rows = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (now, sha1, sha256, sha512) in rows {
            let step = step(now, 30);
            assert_eq!(otp(20, Algorithm::Sha1, 8).text(step), sha1);
            assert_eq!(otp(32, Algorithm::Sha256, 8).text(step), sha256);
            assert_eq!(otp(64, Algorithm::Sha512, 8).text(step), sha512);
        }
    }

    #[test]
    fn only_six_to_eight_digits() {
        for digits in 0..=u8::MAX {
            assert_eq!(Digits::new(digits).is_some(), (6..=8).contains(&digits));
        }
    }

    #[test]
    fn algorithm_names_are_read_back() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::from_name(&algorithm.name().to_lowercase()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_name("MD5"), None);
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_totp_rs(
            secret in proptest::collection::vec(proptest::num::u8::ANY, 16..100),
            now in 0_u64..1 << 40,
            period in 1_u64..300,
            digits in 6_u8..=8,
            which in 0_usize..3,
        ) {
            let (ours, theirs) = [
                (Algorithm::Sha1, totp_rs::Algorithm::SHA1),
                (Algorithm::Sha256, totp_rs::Algorithm::SHA256),
                (Algorithm::Sha512, totp_rs::Algorithm::SHA512),
            ][which];
            let oracle =
                totp_rs::TOTP::new(theirs, usize::from(digits), 1, period, secret.clone()).unwrap();
            let otp = Otp::new(&Secret::new(secret), ours, Digits::new(digits).unwrap());
            proptest::prop_assert_eq!(otp.text(step(now, period)), oracle.generate(now));
        }
    }
}
