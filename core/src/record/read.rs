//! Text to record.

use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;
use toml::de::DeValue;

use super::{
    CodeKind, Codes, Credential, Id, Kept, Limit, MAX_CODE_SETS, MAX_CODES, MAX_CREDENTIALS,
    MAX_PERIOD, MAX_SECRET, MIN_SECRET, Method, Mistake, Name, Record,
};
use crate::codes::Hex;
use crate::document::{self, Cause, Table, list, natural, number, text};
use crate::otp::{Algorithm, Digits};
use crate::secret::Secret;

pub(super) fn record(text_of_it: &[u8]) -> Result<Record, Mistake> {
    let record = document::read(text_of_it, |table| {
        table.version()?;
        Ok(Record {
            user: table.required("user", text)?.to_owned(),
            uid: table.required("uid", |value| small(value, 0..=u32::MAX.into()))?,
            rate_limit: table.table("rate_limit", limit)?.unwrap_or_default(),
            credentials: table.tables("credential", credential)?,
            codes: table.tables("codes", codes)?,
        })
    })?;
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

fn limit(table: &mut Table) -> Result<Limit, Mistake> {
    Ok(Limit {
        attempts: table.required("attempts", |value| small(value, 1..=100))?,
        seconds: table.required("seconds", |value| small(value, 1..=3600))?,
    })
}

fn credential(table: &mut Table) -> Result<Credential, Mistake> {
    let id = table.required("id", id)?;
    let name = table.required("name", name)?;
    let is_totp = table.required("type", |value| match text(value)? {
        "totp" => Ok(true),
        "hotp" => Ok(false),
        _ => Err("neither \"totp\" nor \"hotp\"".into()),
    })?;
    let plain = table.optional("secret", secret)?;
    let sealed = table.optional("sealed", |value| text(value).map(str::to_owned))?;
    let algorithm = table.optional("algorithm", algorithm)?.unwrap_or_default();
    let digits = table.optional("digits", digits)?.unwrap_or_default();
    let longest = i64::try_from(MAX_PERIOD).unwrap_or(i64::MAX);
    let period = table.optional("period", |value| small(value, 1..=longest))?;
    let window = table.optional("window", |value| small(value, 1..=100))?.unwrap_or(3);
    let created = table.optional("created", natural)?;
    let secret = match (plain, sealed) {
        (Some(secret), None) => Kept::Plain(secret),
        (None, Some(sealed)) => Kept::Sealed(sealed),
        (None, None) => return Err(table.wrong("the credential has neither secret nor sealed")),
        (Some(_), Some(_)) => return Err(table.wrong("the credential has both secret and sealed")),
    };
    let method = match (is_totp, period) {
        (true, period) => Method::Totp { period: period.unwrap_or(30) },
        (false, None) => Method::Hotp,
        (false, Some(_)) => return Err(table.wrong("the credential has type hotp and a period")),
    };
    Ok(Credential { id, name, method, secret, algorithm, digits, window, created })
}

fn codes(table: &mut Table) -> Result<Codes, Mistake> {
    Ok(Codes {
        id: table.required("id", id)?,
        kind: table.required("kind", |value| match text(value)? {
            "recovery" => Ok(CodeKind::Recovery),
            "bypass" => Ok(CodeKind::Bypass),
            _ => Err("neither \"recovery\" nor \"bypass\"".into()),
        })?,
        salt: table.required("salt", hex)?,
        hashes: table.required("hashes", |value| list(value, hex))?,
        created: table.optional("created", natural)?,
        expires: table.optional("expires", natural)?,
    })
}

fn id(value: &DeValue) -> Result<Id, Cause> {
    text(value)?.parse().map_err(|no_id| format!("{no_id}").into())
}

fn name(value: &DeValue) -> Result<Name, Cause> {
    let wrong = "a name has 1 to 32 printable characters and no blank at its ends";
    Name::new(text(value)?).ok_or(wrong.into())
}

/// Base32 without padding, in capitals (RFC 4648 section 6). What is decoded is wiped with the text
/// of the file, as long as nothing in it is escaped.
fn secret(value: &DeValue) -> Result<Secret, Cause> {
    let bytes = BASE32_NOPAD.decode(text(value)?.as_bytes());
    bytes.map(Secret::new).map_err(|_| "not base32: A-Z and 2-7 without `=`".into())
}

fn algorithm(value: &DeValue) -> Result<Algorithm, Cause> {
    let name = text(value)?;
    let algorithm = Algorithm::from_name(name).filter(|it| it.name() == name);
    algorithm.ok_or("neither \"SHA1\" nor \"SHA256\" nor \"SHA512\"".into())
}

fn digits(value: &DeValue) -> Result<Digits, Cause> {
    Digits::new(small(value, 6..=8)?).ok_or("not 6 to 8".into())
}

fn hex<const N: usize>(value: &DeValue) -> Result<Hex<N>, Cause> {
    let wrong = || format!("not {} digits of 0-9 and a-f", 2 * N).into();
    Hex::from_hex(text(value)?).ok_or_else(wrong)
}

/// A number of the range, which the type must hold.
fn small<T: TryFrom<i64>>(
    value: &DeValue,
    range: std::ops::RangeInclusive<i64>,
) -> Result<T, Cause> {
    T::try_from(number(value, range)?).map_err(|_| "too large".into())
}
