//! Text to record.

use super::{
    CodeKind, Codes, Credential, Id, Kept, Key, Limit, MAX_CODE_SETS, MAX_CODES, MAX_CREDENTIALS,
    MAX_PERIOD, MAX_SECRET, MIN_SECRET, Method, Mistake, Name, Record,
};
use crate::codes::Hex;
use crate::document::{self, Table};
use crate::otp::{Algorithm, Digits};
use crate::secret::Secret;

pub(super) fn record(text: &[u8]) -> Result<Record, Mistake> {
    let record = document::read(text, |table| {
        table.version()?;
        let user = table.text("user")?;
        let uid = table.number("uid", 0..=u32::MAX.into())?;
        Ok(Record {
            user: table.needed("user", user)?.to_owned(),
            uid: table.valid("uid", small(uid), "")?,
            rate_limit: table.table("rate_limit", limit)?.unwrap_or_default(),
            credentials: table.tables("credential", credential)?,
            keys: table.tables("key", super::key::read)?,
            codes: table.tables("codes", codes)?,
        })
    })?;
    check(&record)?;
    Ok(record)
}

/// What no line alone can show.
pub(super) fn check(record: &Record) -> Result<(), Mistake> {
    let wrong = |cause: String| Err(Mistake::new(cause));
    match record.credentials.len() + record.keys.len() {
        0 => return wrong("neither a [[credential]] nor a [[key]]".to_owned()),
        1..=MAX_CREDENTIALS => {}
        _ => return wrong(format!("more than {MAX_CREDENTIALS} credentials and keys")),
    }
    if record.codes.len() > MAX_CODE_SETS {
        return wrong(format!("more than {MAX_CODE_SETS} sets of codes"));
    }
    for id in record.ids() {
        if record.ids().filter(|other| *other == id).count() > 1 {
            return wrong(format!("two parts have the id {id}"));
        }
    }
    for name in record.names() {
        if record.names().filter(|other| *other == name).count() > 1 {
            return wrong(format!("two credentials or keys have the name {:?}", name.as_str()));
        }
    }
    for key in &record.keys {
        // One of them could do without what the other demands.
        let is_same = |other: &&Key| other.public == key.public && other.is_ssh() == key.is_ssh();
        if record.keys.iter().filter(is_same).count() > 1 {
            return wrong(format!("another key is the same as {:?}", key.name.as_str()));
        }
    }
    for credential in &record.credentials {
        let name = credential.name.as_str();
        // Each would take the same code once.
        let of_that_secret = |other: &&Credential| other.secret == credential.secret;
        if record.credentials.iter().filter(of_that_secret).count() > 1 {
            return wrong(format!("another credential has the secret of {name:?}"));
        }
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
    let attempts = table.number("attempts", 1..=100)?;
    let seconds = table.number("seconds", 1..=3600)?;
    Ok(Limit {
        attempts: table.valid("attempts", small(attempts), "")?,
        seconds: table.valid("seconds", small(seconds), "")?,
    })
}

#[inline(never)]
fn credential(table: &mut Table) -> Result<Credential, Mistake> {
    let (id, name) = (id(table)?, name(table)?);
    let is_totp = match table.text("type")? {
        Some("totp") => Some(true),
        Some("hotp") => Some(false),
        _ => None,
    };
    let is_totp = table.valid("type", is_totp, "neither \"totp\" nor \"hotp\"")?;
    let plain = match table.text("secret")? {
        // The text is wiped with that of the file, as long as nothing in it is escaped.
        Some(text) => Some(table.valid("secret", Secret::from_own_base32(text), BASE32)?),
        None => None,
    };
    let sealed = table.text("sealed")?.map(str::to_owned);
    let algorithm = match table.text("algorithm")? {
        Some(text) => table.valid("algorithm", algorithm(text), ALGORITHMS)?,
        None => Algorithm::default(),
    };
    let digits = table.number("digits", 6..=8)?;
    let longest = i64::try_from(MAX_PERIOD).unwrap_or(i64::MAX);
    let period = table.number("period", 1..=longest)?.map(i64::unsigned_abs);
    let window = table.number("window", 1..=100)?;
    let created = table.natural("created")?;
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
    Ok(Credential {
        id,
        name,
        method,
        secret,
        algorithm,
        digits: small(digits).and_then(Digits::new).unwrap_or_default(),
        window: small(window).unwrap_or(3),
        created,
    })
}

#[inline(never)]
fn codes(table: &mut Table) -> Result<Codes, Mistake> {
    let id = id(table)?;
    let kind = match table.text("kind")? {
        Some("recovery") => Some(CodeKind::Recovery),
        Some("bypass") => Some(CodeKind::Bypass),
        _ => None,
    };
    let kind = table.valid("kind", kind, "neither \"recovery\" nor \"bypass\"")?;
    let salt = table.text("salt")?.and_then(Hex::from_hex);
    let salt = table.valid("salt", salt, "not 32 digits of 0-9 and a-f")?;
    let mut hashes = Vec::new();
    for text in table.texts("hashes")? {
        hashes.push(table.valid("hashes", Hex::from_hex(text), "not 64 digits of 0-9 and a-f")?);
    }
    let (created, expires) = (table.natural("created")?, table.natural("expires")?);
    Ok(Codes { id, kind, salt, hashes, created, expires })
}

pub(super) fn name(table: &mut Table) -> Result<Name, Mistake> {
    let name = table.text("name")?.and_then(Name::new);
    table.valid("name", name, "a name has 1 to 32 printable characters and no blank at its ends")
}

pub(super) fn id(table: &mut Table) -> Result<Id, Mistake> {
    let id = table.text("id")?.and_then(|text| text.parse().ok());
    table.valid("id", id, "not eight digits of 0-9 and a-f")
}

const BASE32: &str = "not base32: A-Z and 2-7 without `=`";
const ALGORITHMS: &str = "neither \"SHA1\" nor \"SHA256\" nor \"SHA512\"";

fn algorithm(name: &str) -> Option<Algorithm> {
    Algorithm::from_name(name).filter(|algorithm| algorithm.name() == name)
}

/// A number that was checked to fit.
fn small<T: TryFrom<i64>>(number: Option<i64>) -> Option<T> {
    number.and_then(|number| T::try_from(number).ok())
}
