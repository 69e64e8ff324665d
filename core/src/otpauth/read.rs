//! Reading it, from whatever program wrote it.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::{Method, USUAL_PERIOD, Uri};
use crate::otp::{Algorithm, Digits};
use crate::secret::Secret;

/// Why a URI was refused. Holds nothing of it; `Display` is the sentence, without its full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Something else altogether.
    NotOtpauth,
    /// Google Authenticator's export of several accounts.
    Migration,
    /// Neither `totp/` nor `hotp/`.
    Method,
    /// The label's percent-encoding.
    Label,
    /// There is no secret.
    NoSecret,
    /// It is there twice, and which one counts nobody knows.
    Twice(Parameter),
    /// It is not what it should be.
    Malformed(Parameter),
}

/// What the URI has behind its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// The shared secret, in strict base32.
    Secret,
    /// Where the account is.
    Issuer,
    /// The hash.
    Algorithm,
    /// How many digits a code has.
    Digits,
    /// Seconds a time-based code lasts.
    Period,
    /// The counter of the next code.
    Counter,
}

impl Uri {
    /// Reads a URI. Scheme, type, names of parameters, secret and algorithm may be in any case. A
    /// parameter with another name is ignored, as are the period of a counter-based code and the
    /// counter of a time-based one once they are well-formed. `+` and `#` stand for themselves.
    ///
    /// The format wants a counter for every `hotp`; where there is none it is 0, as it is to apps.
    ///
    /// # Errors
    /// The first [`Mistake`].
    pub fn read(text: &str) -> Result<Self, Mistake> {
        if without_prefix(text, "otpauth-migration:").is_some() {
            return Err(Mistake::Migration);
        }
        let rest = without_prefix(text, "otpauth://").ok_or(Mistake::NotOtpauth)?;
        let (kind, rest) = rest.split_once('/').ok_or(Mistake::Method)?;
        let (label, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = Query(query);

        let period = query.value(Parameter::Period, |text| {
            number(text).filter(|period| (1..=86_400).contains(period))
        })?;
        let counter = query.value(Parameter::Counter, number)?;
        let method = if kind.eq_ignore_ascii_case("totp") {
            Method::Totp { period: period.unwrap_or(USUAL_PERIOD) }
        } else if kind.eq_ignore_ascii_case("hotp") {
            Method::Hotp { counter: counter.unwrap_or(0) }
        } else {
            return Err(Mistake::Method);
        };
        let secret = query.value(Parameter::Secret, |text| Secret::from_base32(utf8(text)?))?;
        let issuer = query.value(Parameter::Issuer, |text| Some(text.to_vec()))?;
        let algorithm =
            query.value(Parameter::Algorithm, |text| Algorithm::from_name(utf8(text)?))?;
        let digits = query.value(Parameter::Digits, |text| Digits::new(number(text)?))?;
        Ok(Self {
            secret: secret.ok_or(Mistake::NoSecret)?,
            label: decode(label).ok_or(Mistake::Label)?.to_vec(),
            issuer: issuer.unwrap_or_default(),
            method,
            algorithm: algorithm.unwrap_or_default(),
            digits: digits.unwrap_or_default(),
        })
    }
}

impl Parameter {
    fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Issuer => "issuer",
            Self::Algorithm => "algorithm",
            Self::Digits => "digits",
            Self::Period => "period",
            Self::Counter => "counter",
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Secret => "base32",
            Self::Issuer => "percent-encoded text",
            Self::Algorithm => "SHA1, SHA256 or SHA512",
            Self::Digits => "6 to 8",
            Self::Period => "1 to 86400 seconds",
            Self::Counter => "a number from 0 to 18446744073709551615",
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOtpauth => f.write_str("it does not begin with otpauth://"),
            Self::Migration => f.write_str(
                "it is Google Authenticator's export of several accounts, which no other program \
                 reads; give the otpauth:// URI of each, or enrol anew",
            ),
            Self::Method => f.write_str("neither totp/ nor hotp/ follows otpauth://"),
            Self::Label => f.write_str("the percent-encoding of the label is malformed"),
            Self::NoSecret => f.write_str("it has no secret"),
            Self::Twice(parameter) => write!(f, "{} is there twice", parameter.name()),
            Self::Malformed(parameter) => {
                write!(f, "{} is not {}", parameter.name(), parameter.wanted())
            }
        }
    }
}

impl std::error::Error for Mistake {}

/// What follows the question mark.
struct Query<'a>(&'a str);

impl Query<'_> {
    /// What `read` makes of `parameter`, if it is there.
    fn value<T>(
        &self,
        parameter: Parameter,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let mut values = self.0.split('&').filter_map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            name.eq_ignore_ascii_case(parameter.name()).then_some(value)
        });
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Mistake::Twice(parameter));
        }
        let value = decode(value).and_then(|value| read(&value));
        value.map(Some).ok_or(Mistake::Malformed(parameter))
    }
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Room for all at once: it may be the secret.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut half = || char::from(rest.next()?).to_digit(16);
            u8::try_from(half()? << 4 | half()?).ok()?
        } else {
            byte
        });
    }
    Some(bytes)
}

fn utf8(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

/// Reads decimal digits, and no sign.
fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    let text = utf8(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ";

    fn read(text: &str) -> Uri {
        Uri::read(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
    }

    fn with(more: &str) -> Result<Uri, Mistake> {
        Uri::read(&format!("{PLAIN}{more}"))
    }

    #[test]
    fn what_is_left_out_is_as_usual() {
        let uri = read(PLAIN);
        assert_eq!(uri.secret.as_bytes(), b"1234567890");
        assert_eq!((&uri.label[..], &uri.issuer[..]), (&b"a"[..], &b""[..]));
        assert_eq!(uri.method, Method::Totp { period: 30 });
        assert_eq!((uri.algorithm, uri.digits), (Algorithm::Sha1, Digits::SIX));
        let counted = read("otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQ");
        assert_eq!(counted.method, Method::Hotp { counter: 0 });
    }

    #[test]
    fn all_that_can_be_there() {
        let uri = read(
            "OTPAUTH://ToTp/Big%20Corp:alice@host?issuer=Big%20Corp&Secret=gezdgnbvGY3TQOJQ\
             &algorithm=sha256&digits=8&period=60&image=http%3A//host/x.png&&lock",
        );
        assert_eq!(uri.secret.as_bytes(), b"1234567890");
        assert_eq!(
            (&uri.label[..], &uri.issuer[..]),
            (&b"Big Corp:alice@host"[..], &b"Big Corp"[..])
        );
        assert_eq!(uri.method, Method::Totp { period: 60 });
        assert_eq!((uri.algorithm, uri.digits), (Algorithm::Sha256, Digits::new(8).unwrap()));
    }

    #[test]
    fn padded_secrets() {
        for secret in ["GE======", "ge%3d%3D%3D%3D%3D%3D", "GE", "MFRGG===", "MFRGGZDF"] {
            read(&format!("otpauth://totp/a?secret={secret}"));
        }
    }

    #[test]
    fn what_the_other_method_has_is_ignored_but_not_if_malformed() {
        assert_eq!(with("&counter=7").unwrap().method, Method::Totp { period: 30 });
        assert_eq!(with("&counter=x"), Err(Mistake::Malformed(Parameter::Counter)));
        let counted = |more| Uri::read(&format!("{PLAIN}{more}").replace("totp", "hotp"));
        assert_eq!(counted("&counter=7&period=60").unwrap().method, Method::Hotp { counter: 7 });
        assert_eq!(counted("&period=0"), Err(Mistake::Malformed(Parameter::Period)));
    }

    #[test]
    fn names_as_google_authenticator_writes_them() {
        let uri = read("otpauth://totp/a/b:c+d#e?secret=GE&issuer=x/y:z+#");
        assert_eq!((&uri.label[..], &uri.issuer[..]), (&b"a/b:c+d#e"[..], &b"x/y:z+#"[..]));
    }

    #[test]
    fn no_otpauth_uri() {
        for (text, mistake) in [
            ("", Mistake::NotOtpauth),
            ("GEZDGNBVGY3TQOJQ", Mistake::NotOtpauth),
            ("https://totp/a?secret=GE", Mistake::NotOtpauth),
            ("otpauth:/totp/a?secret=GE", Mistake::NotOtpauth),
            (" otpauth://totp/a?secret=GE", Mistake::NotOtpauth),
            ("otpauth\u{fc}//totp/a?secret=GE", Mistake::NotOtpauth),
            ("otpauth-migration://offline?data=GE", Mistake::Migration),
            ("OTPAUTH-MIGRATION://offline", Mistake::Migration),
            ("otpauth://totp", Mistake::Method),
            ("otpauth://totp?secret=GE", Mistake::Method),
            ("otpauth://motp/a?secret=GE", Mistake::Method),
            ("otpauth:///a?secret=GE", Mistake::Method),
            ("otpauth://totp/a", Mistake::NoSecret),
            ("otpauth://totp/a?issuer=b", Mistake::NoSecret),
            ("otpauth://totp/%?secret=GE", Mistake::Label),
            ("otpauth://totp/%4?secret=GE", Mistake::Label),
            ("otpauth://totp/%4g?secret=GE", Mistake::Label),
            ("otpauth://totp/%+4?secret=GE", Mistake::Label),
        ] {
            assert_eq!(Uri::read(text), Err(mistake), "{text}");
        }
    }

    #[test]
    fn a_known_parameter_twice_or_malformed() {
        for parameter in [
            Parameter::Secret,
            Parameter::Issuer,
            Parameter::Algorithm,
            Parameter::Digits,
            Parameter::Period,
            Parameter::Counter,
        ] {
            let name = parameter.name();
            let twice = format!("otpauth://totp/a?{name}=x&image=&{}=x", name.to_uppercase());
            assert_eq!(Uri::read(&twice), Err(Mistake::Twice(parameter)));
            let broken = format!("otpauth://totp/a?{name}=%zz");
            assert_eq!(Uri::read(&broken), Err(Mistake::Malformed(parameter)));
        }
        for (parameter, values) in [
            (Parameter::Algorithm, &["", "MD5", "SHA-1", "SHA1%00", "%ff"][..]),
            (Parameter::Digits, &["", "5", "9", "262", "+6", "6.0", "%ff", "\u{666}"]),
            (Parameter::Period, &["", "0", "86401", "-30", "+30", "30s", "18446744073709551646"]),
            (Parameter::Counter, &["", "-1", "+1", "1e3", "18446744073709551616"]),
        ] {
            for value in values {
                let more = format!("&{}={value}", parameter.name());
                assert_eq!(with(&more), Err(Mistake::Malformed(parameter)), "{more}");
            }
        }
        for secret in ["", "G", "GF", "GE0", "GE GE", "GE=", "GE==GE==", "GE%3D", "%ff"] {
            let uri = format!("otpauth://totp/a?secret={secret}");
            assert_eq!(Uri::read(&uri), Err(Mistake::Malformed(Parameter::Secret)), "{uri}");
        }
        for more in ["&period=1", "&period=86400", "&counter=18446744073709551615", "&digits=07"] {
            assert!(with(more).is_ok(), "{more}");
        }
    }
}
