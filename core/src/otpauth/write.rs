//! Writing it.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::{Method, USUAL_PERIOD, Uri};
use crate::otp::{Algorithm, Digits};

impl Uri {
    /// The URI. Everything but RFC 3986's unreserved characters is percent-encoded; in the label
    /// `@` and `:` stay, as in the format's own examples: apps split it at them.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        // Room for all at once, so that no shorter copy of the secret is left behind.
        let room =
            128 + 3 * (self.label.len() + self.issuer.len()) + self.secret.as_bytes().len() * 2;
        let mut uri = Zeroizing::new(String::with_capacity(room));
        uri.push_str(match self.method {
            Method::Totp { .. } => "otpauth://totp/",
            Method::Hotp { .. } => "otpauth://hotp/",
        });
        encode(&mut uri, &self.label, b"@:");
        uri.push_str("?secret=");
        uri.push_str(&self.secret.to_base32());
        if !self.issuer.is_empty() {
            uri.push_str("&issuer=");
            encode(&mut uri, &self.issuer, b"");
        }
        if self.algorithm != Algorithm::default() {
            uri.push_str("&algorithm=");
            uri.push_str(self.algorithm.name());
        }
        // Writing to a string cannot fail.
        if self.digits != Digits::default() {
            let _ = write!(uri, "&digits={}", self.digits.count());
        }
        let _ = match self.method {
            // The format wants it for every such URI.
            Method::Hotp { counter } => write!(uri, "&counter={counter}"),
            Method::Totp { period: USUAL_PERIOD } => Ok(()),
            Method::Totp { period } => write!(uri, "&period={period}"),
        };
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
    use crate::secret::Secret;

    fn uri(label: &str, issuer: &str, method: Method) -> String {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        let (label, issuer) = (label.into(), issuer.into());
        let (algorithm, digits) = (Algorithm::default(), Digits::default());
        Uri { secret, label, issuer, method, algorithm, digits }.text().to_string()
    }

    #[test]
    fn what_is_usual_is_left_out() {
        assert_eq!(
            uri("alice@host.example", "host.example", Method::Totp { period: 30 }),
            "otpauth://totp/alice@host.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=host.example"
        );
        assert_eq!(
            uri("a", "", Method::Totp { period: 60 }),
            "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=60"
        );
    }

    #[test]
    fn hotp_always_has_its_counter() {
        for (counter, end) in [(0, "0"), (1, "1"), (u64::MAX, "18446744073709551615")] {
            assert_eq!(
                uri("a", "b", Method::Hotp { counter }),
                format!(
                    "otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=b&counter={end}"
                )
            );
        }
    }

    #[test]
    fn all_that_is_unusual() {
        let uri = Uri {
            secret: Secret::new(b"12345678901234567890".to_vec()),
            label: b"a".to_vec(),
            issuer: b"b".to_vec(),
            method: Method::Totp { period: 60 },
            algorithm: Algorithm::Sha512,
            digits: Digits::new(8).unwrap(),
        };
        assert_eq!(
            *uri.text(),
            "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=b&algorithm=SHA512&digits=8&period=60"
        );
    }

    #[test]
    fn nothing_in_a_name_can_end_it() {
        let label = "A & B/c?d=e#f:g@h%i+j\u{e9}\n";
        assert_eq!(
            uri(label, "x@y:z/\"", Method::Totp { period: 30 }),
            "otpauth://totp/A%20%26%20B%2Fc%3Fd%3De%23f:g@h%25i%2Bj%C3%A9%0A\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=x%40y%3Az%2F%22"
        );
    }
}
