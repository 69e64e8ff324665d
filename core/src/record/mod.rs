//! The system record: what one user has enrolled, as root keeps it in `users/NAME.toml`.
//!
//! It changes at enrolment only; what has been used is in the [state](crate::state).

mod account;
mod by_id;
mod id;
mod key;
mod read;
mod write;

use crate::codes::{Hash, Salt};
use crate::otp::{Algorithm, Digits};
use crate::random::{NoRandomness, Random};
use crate::secret::Secret;

pub use crate::account::CodeKind;
pub use crate::document::Mistake;
pub use account::{Unsealer, account};
pub use by_id::ById;
pub use id::{Id, NoId};
pub use key::{Key, MAX_KEY_TEXT};

/// The most credentials and keys of one user.
pub const MAX_CREDENTIALS: usize = 16;
/// The most sets of recovery and bypass codes of one user.
pub const MAX_CODE_SETS: usize = 8;
/// The most codes in one set.
pub const MAX_CODES: usize = 32;
/// The smallest secret, in bytes: what google-authenticator made for years.
pub const MIN_SECRET: usize = 10;
/// The largest secret, in bytes: more is hashed first (RFC 2104).
pub const MAX_SECRET: usize = 128;
/// The longest a time-based code may last, in seconds.
pub const MAX_PERIOD: u64 = 86_400;

/// What one user has enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The name that the user database has.
    pub user: String,
    /// The user id that the record was made for: a name may come back as somebody else's.
    pub uid: u32,
    /// How often an answer may be given.
    pub rate_limit: Limit,
    /// With the keys at least one, at most [`MAX_CREDENTIALS`].
    pub credentials: Vec<Credential>,
    /// Security keys.
    pub keys: Vec<Key>,
    /// At most [`MAX_CODE_SETS`].
    pub codes: Vec<Codes>,
}

/// At most `attempts` answers in `seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// 1 to 100.
    pub attempts: u8,
    /// 1 to 3600.
    pub seconds: u16,
}

impl Default for Limit {
    /// google-authenticator's suggestion.
    fn default() -> Self {
        Self { attempts: 3, seconds: 30 }
    }
}

/// A secret, how codes are made from it, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What the state knows it by.
    pub id: Id,
    /// What people call it.
    pub name: Name,
    /// What moves a code on.
    pub method: Method,
    /// The shared secret.
    pub secret: Kept,
    /// The hash.
    pub algorithm: Algorithm,
    /// The length of a code.
    pub digits: Digits,
    /// How many codes are good at one moment, 1 to 100.
    pub window: u8,
    /// When it was enrolled, in seconds since 1970, if that is known.
    pub created: Option<u64>,
}

/// What moves a code on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// RFC 6238.
    Totp {
        /// Seconds a code lasts, 1 to [`MAX_PERIOD`].
        period: u64,
    },
    /// RFC 4226.
    Hotp,
}

/// A shared secret at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// As it is.
    Plain(Secret),
    /// Encrypted with the host's key.
    Sealed(String),
}

/// Codes on paper, or one of the help desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// What the state knows them by.
    pub id: Id,
    /// What they are for.
    pub kind: CodeKind,
    /// Mixed into each hash.
    pub salt: Salt,
    /// One for each code, 1 to [`MAX_CODES`].
    pub hashes: Vec<Hash>,
    /// When they were made, in seconds since 1970, if that is known.
    pub created: Option<u64>,
    /// From when on they are good no more, in seconds since 1970; only bypass codes.
    pub expires: Option<u64>,
}

/// The name of a credential or a key: 1 to 32 printable characters, no blank at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// `None` if it cannot be one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        // What turns the direction of text could make one name look like another.
        let turns = |symbol| matches!(symbol, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let fits = |symbol: char| {
            symbol == ' ' || !(symbol.is_control() || symbol.is_whitespace() || turns(symbol))
        };
        let is_one = (1..=32).contains(&text.chars().count())
            && text.trim() == text
            && text.chars().all(fits);
        is_one.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Record {
    /// One that nothing has been enrolled in yet, and that cannot be saved so.
    #[must_use]
    pub fn new(user: &str, uid: u32) -> Self {
        Self {
            user: user.to_owned(),
            uid,
            rate_limit: Limit::default(),
            credentials: Vec::new(),
            keys: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// A new id, which no part of the record has.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new_id(&self, random: &Random) -> Result<Id, NoRandomness> {
        loop {
            let mut bytes = [0; 4];
            random(&mut bytes)?;
            let id = Id::new(bytes);
            if self.ids().all(|other| other != id) {
                return Ok(id);
            }
        }
    }

    /// Reads the text of a record.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &[u8]) -> Result<Self, Mistake> {
        read::record(text)
    }

    /// What is wrong with it as a whole, whoever made it.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), Mistake> {
        read::check(self)
    }

    /// The credential of this name.
    #[must_use]
    pub fn credential(&self, name: &str) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.name.as_str() == name)
    }

    /// The key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name.as_str() == name)
    }

    /// All names that something in it has, once each.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let credentials = self.credentials.iter().map(|credential| &credential.name);
        credentials.chain(self.keys.iter().map(|key| &key.name))
    }

    /// All ids that the state may know.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        let credentials = self.credentials.iter().map(|credential| credential.id);
        let keys = self.keys.iter().map(|key| key.id);
        credentials.chain(keys).chain(self.codes.iter().map(|codes| codes.id))
    }
}

#[cfg(test)]
mod tests;
