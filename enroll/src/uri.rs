//! The otpauth URI that an app reads from the QR code (google-authenticator wiki, "Key Uri
//! Format").

use std::fmt::Write;

use mfa_core::otp::{Algorithm, Digits};
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::plan::{Method, USUAL_PERIOD};

/// What an app needs to know.
pub struct Uri<'a> {
    /// The shared secret.
    pub secret: &'a Secret,
    /// The account's name.
    pub label: &'a [u8],
    /// Where the account is; may be empty.
    pub issuer: &'a [u8],
    /// What moves a code on.
    pub method: Method,
    /// The hash.
    pub algorithm: Algorithm,
    /// How many digits a code has.
    pub digits: Digits,
    /// Seconds a time-based code lasts.
    pub period: u8,
}

impl Uri<'_> {
    /// The URI. Everything but RFC 3986's unreserved characters is percent-encoded; in the label
    /// `@` and `:` stay, as in the format's own examples: apps split it at them.
    pub fn text(&self) -> Zeroizing<String> {
        // Room for all at once, so that no shorter copy of the secret is left behind.
        let room =
            128 + 3 * (self.label.len() + self.issuer.len()) + self.secret.as_bytes().len() * 2;
        let mut uri = Zeroizing::new(String::with_capacity(room));
        uri.push_str(match self.method {
            Method::Totp => "otpauth://totp/",
            Method::Hotp => "otpauth://hotp/",
        });
        encode(&mut uri, self.label, b"@:");
        uri.push_str("?secret=");
        uri.push_str(&self.secret.to_base32());
        if !self.issuer.is_empty() {
            uri.push_str("&issuer=");
            encode(&mut uri, self.issuer, b"");
        }
        if self.algorithm != Algorithm::default() {
            uri.push_str("&algorithm=");
            uri.push_str(self.algorithm.name());
        }
        // Writing to a string cannot fail.
        if self.digits != Digits::default() {
            let _ = write!(uri, "&digits={}", self.digits.count());
        }
        match self.method {
            // The format wants it for every such URI; the file begins with it as well.
            Method::Hotp => uri.push_str("&counter=1"),
            Method::Totp if self.period == USUAL_PERIOD => {}
            Method::Totp => {
                let _ = write!(uri, "&period={}", self.period);
            }
        }
        uri
    }
}

fn encode(uri: &mut String, bytes: &[u8], also: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(label: &str, issuer: &str, method: Method, period: u8) -> String {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        let (label, issuer) = (label.as_bytes(), issuer.as_bytes());
        let (algorithm, digits) = (Algorithm::default(), Digits::default());
        Uri { secret: &secret, label, issuer, method, algorithm, digits, period }.text().to_string()
    }

    #[test]
    fn what_is_usual_is_left_out() {
        assert_eq!(
            uri("alice@host.example", "host.example", Method::Totp, 30),
            "otpauth://totp/alice@host.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=host.example"
        );
        assert_eq!(
            uri("a", "", Method::Totp, 60),
            "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=60"
        );
    }

    #[test]
    fn hotp_always_has_its_counter_and_never_a_period() {
        assert_eq!(
            uri("a", "b", Method::Hotp, 60),
            "otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=b&counter=1"
        );
    }

    #[test]
    fn all_that_is_unusual() {
        let uri = Uri {
            secret: &Secret::new(b"12345678901234567890".to_vec()),
            label: b"a",
            issuer: b"b",
            method: Method::Totp,
            algorithm: Algorithm::Sha512,
            digits: Digits::new(8).unwrap(),
            period: 60,
        };
        assert_eq!(
            *uri.text(),
            "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=b&algorithm=SHA512&digits=8&period=60"
        );
    }

    #[test]
    fn nothing_in_a_name_can_end_it() {
        let uri = uri("A & B/c?d=e#f:g@h%i+j\u{e9}\n", "x@y:z/\"", Method::Totp, 30);
        assert_eq!(
            uri,
            "otpauth://totp/A%20%26%20B%2Fc%3Fd%3De%23f:g@h%25i%2Bj%C3%A9%0A\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=x%40y%3Az%2F%22"
        );
    }

    proptest::proptest! {
        #[test]
        fn names_are_read_back(label in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let mut text = String::new();
            encode(&mut text, &label, b"@:");
            proptest::prop_assert!(text.is_ascii() && !text.contains(['?', '&', '#', '/', ' ']));
            let mut bytes = text.bytes();
            let mut back = vec![];
            while let Some(byte) = bytes.next() {
                back.push(if byte == b'%' {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                } else {
                    byte
                });
            }
            proptest::prop_assert_eq!(back, label);
        }
    }
}
