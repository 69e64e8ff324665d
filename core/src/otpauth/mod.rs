//! The otpauth URI that an app reads from a QR code, and that apps and other programs give out
//! (google-authenticator wiki, "Key Uri Format").

mod read;
mod write;

use crate::otp::{Algorithm, Digits};
use crate::secret::Secret;

pub use read::{Mistake, Parameter};

/// Seconds a time-based code lasts when nothing else is said.
pub const USUAL_PERIOD: u64 = 30;

/// What an app needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// The shared secret.
    pub secret: Secret,
    /// The account's name, in whatever encoding; may be empty. Where the issuer stands before it,
    /// with a colon between, it is part of it.
    pub label: Vec<u8>,
    /// Where the account is; may be empty.
    pub issuer: Vec<u8>,
    /// What moves a code on.
    pub method: Method,
    /// The hash.
    pub algorithm: Algorithm,
    /// How many digits a code has.
    pub digits: Digits,
}

/// What moves a code on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The time (RFC 6238).
    Totp {
        /// Seconds a code lasts, 1 to 86400.
        period: u64,
    },
    /// Each use (RFC 4226).
    Hotp {
        /// The counter of the next code.
        counter: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::num::u8::ANY as BYTE;
    use proptest::prelude::{Just, Strategy, any, prop_oneof};

    fn method() -> impl Strategy<Value = Method> {
        prop_oneof![
            (1_u64..=86_400).prop_map(|period| Method::Totp { period }),
            any::<u64>().prop_map(|counter| Method::Hotp { counter }),
        ]
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(
            secret in vec(BYTE, 1..80),
            label in vec(BYTE, 0..40),
            issuer in vec(BYTE, 0..40),
            method in method(),
            algorithm in prop_oneof![
                Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)
            ],
            digits in 6_u8..=8,
        ) {
            let (secret, digits) = (Secret::new(secret), Digits::new(digits).unwrap());
            let uri = Uri { secret, label, issuer, method, algorithm, digits };
            let text = uri.text();
            proptest::prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            proptest::prop_assert_eq!(Uri::read(&text), Ok(uri));
        }
    }
}
