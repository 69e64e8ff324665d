//! A one-time ticket, without which nobody enrols at login where the PAM line says `enroll=ticket`: so
//! a stolen password alone does not do.
//!
//! It looks like a recovery code, and only its hash is kept, in `users/NAME.ticket`. Whoever has no
//! record has no rate limit either: 60 random bits have to be enough, and are. At a thousand guesses
//! a second, each of which costs the host the milliseconds of [`codes::hash`], it takes millions of
//! years.

use crate::codes::{self, Canonical, Hash, Hex, Salt, canonical, position};
use crate::document::{self, Mistake};
use crate::random::{NoRandomness, Random};
use crate::reason::Reason;

/// What is kept of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Mixed into the hash.
    salt: Salt,
    /// Of what is typed.
    hash: Hash,
    /// When it was made, in seconds since 1970.
    created: u64,
    /// From when on it is good no more, in seconds since 1970.
    expires: u64,
}

impl Ticket {
    /// Draws one that is good for `ttl` seconds from `now` on, in seconds since 1970; with it comes
    /// what the person types, to be shown once.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn draw(random: &Random, now: u64, ttl: u64) -> Result<(Canonical, Self), NoRandomness> {
        let drawn = codes::draw(random, 1)?;
        let (code, hash) = drawn.codes.into_iter().zip(drawn.hashes).next().ok_or(NoRandomness)?;
        let ticket =
            Self { salt: drawn.salt, hash, created: now, expires: now.saturating_add(ttl) };
        Ok((code, ticket))
    }

    /// Whether this is what was typed, and still good at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`Reason::BadTicket`], or [`Reason::Expired`] for the right one.
    pub fn judge(&self, typed: &[u8], now: u64) -> Result<(), Reason> {
        let typed = canonical(typed).ok_or(Reason::BadTicket)?;
        position(&codes::hash(&typed, &self.salt), &[self.hash]).ok_or(Reason::BadTicket)?;
        if now < self.expires { Ok(()) } else { Err(Reason::Expired) }
    }

    /// Reads the text of a ticket.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &[u8]) -> Result<Self, Mistake> {
        document::read(text, |table| {
            table.version()?;
            let salt = table.text("salt")?.and_then(Hex::from_hex);
            let hash = table.text("hash")?.and_then(Hex::from_hex);
            let (created, expires) = (table.natural("created")?, table.natural("expires")?);
            Ok(Self {
                salt: table.valid("salt", salt, "not 32 digits of 0-9 and a-f")?,
                hash: table.valid("hash", hash, "not 64 digits of 0-9 and a-f")?,
                created: table.needed("created", created)?,
                expires: table.needed("expires", expires)?,
            })
        })
    }

    /// The text of the ticket.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { salt, hash, created, expires } = self;
        format!(
            "version = 1\nsalt = \"{salt}\"\nhash = \"{hash}\"\ncreated = {created}\nexpires = {expires}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::system;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn good_for_a_while() {
        let (code, ticket) = Ticket::draw(&system, NOW, 60).unwrap();
        let typed = code.grouped().to_uppercase().replace('-', " ");
        assert_eq!(ticket.judge(typed.as_bytes(), NOW), Ok(()));
        assert_eq!(ticket.judge(code.as_bytes(), NOW + 59), Ok(()));
        assert_eq!(ticket.judge(code.as_bytes(), NOW + 60), Err(Reason::Expired));
        let (other, _) = Ticket::draw(&system, NOW, 60).unwrap();
        for wrong in [other.as_bytes(), b"", b"12345678", b"k7qf-2m9x"] {
            assert_eq!(ticket.judge(wrong, NOW), Err(Reason::BadTicket));
            assert_eq!(ticket.judge(wrong, NOW + 60), Err(Reason::BadTicket), "nothing is told");
        }
        let (code, ticket) = Ticket::draw(&system, NOW, u64::MAX).unwrap();
        assert_eq!(ticket.judge(code.as_bytes(), u64::MAX - 1), Ok(()));
        assert!(Ticket::draw(&|_| Err(NoRandomness), NOW, 60).is_err());
    }

    #[test]
    fn only_the_hash_is_kept() {
        let (code, ticket) = Ticket::draw(&system, NOW, 86_400).unwrap();
        let text = ticket.to_text();
        assert_eq!(Ticket::read(text.as_bytes()), Ok(ticket));
        let code = code.grouped();
        assert!(code.split('-').all(|group| !text.contains(&format!("\"{group}"))), "{text}");
        assert!(!text.contains(code.as_str()) && !text.contains(&code.replace('-', "")));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let (_, ticket) = Ticket::draw(&system, NOW, 86_400).unwrap();
        let text = ticket.to_text();
        for (from, to, cause) in [
            ("version = 1", "version = 2", "newer version"),
            ("version = 1\n", "", "version: not 1"),
            ("salt = \"", "salt = \"0", "not 32 digits of 0-9 and a-f"),
            ("hash = \"", "hash = \"0", "not 64 digits of 0-9 and a-f"),
            ("created = ", "created = -", "created: not a whole number"),
            ("expires", "expired", "expires is missing"),
        ] {
            let mistake = Ticket::read(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(mistake.to_string().contains(cause), "{mistake}");
        }
    }
}
