//! Text to record.

use std::borrow::Cow;
use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use super::{
    CodeKind, Codes, Credential, Id, Kept, Limit, MAX_CODE_SETS, MAX_CODES, MAX_CREDENTIALS,
    MAX_PERIOD, MAX_SECRET, MIN_SECRET, Method, Mistake, Name, Record,
};
use crate::codes::{Hash, Hex, Salt};
use crate::document;
use crate::otp::{Algorithm, Digits};
use crate::secret::Secret;

pub(super) fn record(text: &[u8]) -> Result<Record, Mistake> {
    let raw: RawRecord = document::versioned(text)?;
    let credentials =
        raw.credential.into_iter().map(RawCredential::finish).collect::<Result<_, _>>()?;
    let record = Record {
        user: raw.user,
        uid: raw.uid,
        rate_limit: raw.rate_limit.map_or_else(Limit::default, |limit| limit.0),
        credentials,
        codes: raw.codes.into_iter().map(RawCodes::finish).collect(),
    };
    check(&record)?;
    Ok(record)
}

/// What no line alone can show.
pub(super) fn check(record: &Record) -> Result<(), Mistake> {
    let wrong = |cause: String| Err(Mistake::new(cause));
    if record.credentials.is_empty() {
        return wrong("no [[credential]]".to_owned());
    }
    if record.credentials.len() > MAX_CREDENTIALS {
        return wrong(format!("more than {MAX_CREDENTIALS} credentials"));
    }
    if record.codes.len() > MAX_CODE_SETS {
        return wrong(format!("more than {MAX_CODE_SETS} sets of codes"));
    }
    let mut ids = BTreeSet::new();
    if let Some(id) = record.ids().find(|&id| !ids.insert(id)) {
        return wrong(format!("two parts have the id {id}"));
    }
    let mut names = BTreeSet::new();
    let mut all = record.credentials.iter();
    if let Some(credential) = all.find(|credential| !names.insert(&credential.name)) {
        return wrong(format!("two credentials have the name {:?}", credential.name.as_str()));
    }
    for credential in &record.credentials {
        let name = credential.name.as_str();
        if let Kept::Plain(secret) = &credential.secret {
            let length = secret.as_bytes().len();
            if !(MIN_SECRET..=MAX_SECRET).contains(&length) {
                return wrong(format!(
                    "the secret of {name:?} has {length} bytes; it must have {MIN_SECRET} to \
                     {MAX_SECRET}"
                ));
            }
        }
    }
    for codes in &record.codes {
        if !(1..=MAX_CODES).contains(&codes.hashes.len()) {
            return wrong(format!("the codes {} are not 1 to {MAX_CODES}", codes.id));
        }
        if codes.expires.is_some() != (codes.kind == CodeKind::Bypass) {
            return wrong(format!("the codes {}: bypass codes and only they expire", codes.id));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {
    user: String,
    uid: u32,
    rate_limit: Option<RawLimit>,
    #[serde(default)]
    credential: Vec<RawCredential>,
    #[serde(default)]
    codes: Vec<RawCodes>,
}

#[derive(Deserialize)]
#[serde(try_from = "LimitFields")]
struct RawLimit(Limit);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitFields {
    attempts: u8,
    seconds: u16,
}

impl TryFrom<LimitFields> for RawLimit {
    type Error = &'static str;

    fn try_from(fields: LimitFields) -> Result<Self, Self::Error> {
        let LimitFields { attempts, seconds } = fields;
        if (1..=100).contains(&attempts) && (1..=3600).contains(&seconds) {
            return Ok(Self(Limit { attempts, seconds }));
        }
        Err("rate_limit is not 1 to 100 attempts in 1 to 3600 seconds")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCredential {
    id: Id,
    name: Name,
    #[serde(rename = "type")]
    kind: RawMethod,
    secret: Option<Base32>,
    sealed: Option<String>,
    #[serde(default)]
    algorithm: RawAlgorithm,
    #[serde(default)]
    digits: RawDigits,
    period: Option<Number<1, MAX_PERIOD>>,
    window: Option<Number<1, 100>>,
    created: Option<u64>,
}

impl RawCredential {
    fn finish(self) -> Result<Credential, Mistake> {
        let wrong =
            |cause| Err(Mistake::new(format!("the credential {:?} {cause}", self.name.as_str())));
        let secret = match (self.secret, self.sealed) {
            (Some(Base32(secret)), None) => Kept::Plain(secret),
            (None, Some(sealed)) => Kept::Sealed(sealed),
            (None, None) => return wrong("has no secret"),
            (Some(_), Some(_)) => return wrong("has a secret and a sealed one"),
        };
        let method = match (self.kind, self.period) {
            (RawMethod::Totp, period) => Method::Totp { period: period.map_or(30, |it| it.0) },
            (RawMethod::Hotp, None) => Method::Hotp,
            (RawMethod::Hotp, Some(_)) => return wrong("is of type hotp and has a period"),
        };
        let window = self.window.map_or(3, |it| it.0);
        Ok(Credential {
            id: self.id,
            name: self.name,
            method,
            secret,
            algorithm: self.algorithm.0,
            digits: self.digits.0,
            window: u8::try_from(window).unwrap_or(u8::MAX),
            created: self.created,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawMethod {
    Totp,
    Hotp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCodes {
    id: Id,
    kind: RawKind,
    #[serde(deserialize_with = "hex")]
    salt: Salt,
    #[serde(deserialize_with = "hashes")]
    hashes: Vec<Hash>,
    created: Option<u64>,
    expires: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    Recovery,
    Bypass,
}

impl RawCodes {
    fn finish(self) -> Codes {
        Codes {
            id: self.id,
            kind: match self.kind {
                RawKind::Recovery => CodeKind::Recovery,
                RawKind::Bypass => CodeKind::Bypass,
            },
            salt: self.salt,
            hashes: self.hashes,
            created: self.created,
            expires: self.expires,
        }
    }
}

fn hex<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Hex<N>, D::Error> {
    let wrong = || de::Error::custom(format!("expected {} digits of 0-9 and a-f", 2 * N));
    Hex::from_hex(&text(deserializer)?).ok_or_else(wrong)
}

fn hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(deserialize_with = "hex")] Hash);

    Ok(Vec::deserialize(deserializer)?.into_iter().map(|One(hash)| hash).collect())
}

/// A whole number from `MIN` to `MAX`.
struct Number<const MIN: u64, const MAX: u64>(u64);

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        let fits = (MIN..=MAX).contains(&number);
        fits.then_some(Self(number))
            .ok_or_else(|| de::Error::custom(format!("expected a number from {MIN} to {MAX}")))
    }
}

/// Base32 without padding, in capitals (RFC 4648 section 6).
struct Base32(Secret);

impl<'de> Deserialize<'de> for Base32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // No copy is left of what is wiped with the file's text, as long as nothing is escaped.
        let text = Zeroizing::new(text(deserializer)?.into_owned());
        let bytes = BASE32_NOPAD.decode(text.as_bytes());
        bytes
            .map(|bytes| Self(Secret::new(bytes)))
            .map_err(|_| de::Error::custom("the secret is not base32: A-Z and 2-7 without `=`"))
    }
}

#[derive(Default)]
struct RawAlgorithm(Algorithm);

impl<'de> Deserialize<'de> for RawAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = text(deserializer)?;
        let algorithm = Algorithm::from_name(&name).filter(|it| it.name() == name);
        algorithm.map(Self).ok_or_else(|| de::Error::custom("expected SHA1, SHA256 or SHA512"))
    }
}

#[derive(Default)]
struct RawDigits(Digits);

impl<'de> Deserialize<'de> for RawDigits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = Digits::new(u8::deserialize(deserializer)?);
        digits.map(Self).ok_or_else(|| de::Error::custom("expected 6, 7 or 8"))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = "a name has 1 to 32 printable characters and no blank at its ends";
        Name::new(&text(deserializer)?).ok_or_else(|| de::Error::custom(wrong))
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    struct Text;

    impl<'de> de::Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("a text in quotation marks")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }

        fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text))
        }
    }

    deserializer.deserialize_str(Text)
}
