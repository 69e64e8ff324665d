//! Who must, who need not, and who may not: policy.toml and bypass.toml.
//!
//! Pure but for [`files`]: what the user database and the clock say are arguments.

pub mod bypass;
mod decide;
mod duration;
mod factors;
pub mod files;
mod glob;
mod group;
pub mod keys;
mod network;
mod read;
mod rule;
pub mod trial;
mod turn;

use std::net::IpAddr;

use crate::document::Table;
use crate::limit::Pauses;
use crate::reason::Reason;
use crate::ssh::Authority;

pub use crate::document::{Mistake, position};
pub use bypass::Bypass;
pub use decide::{Decided, Request, Requirement, decide};
pub use factors::Factors;
pub use files::{BYPASS, Files, MAX_SIZE, POLICY};
pub use glob::Glob;
pub use group::is_in;
pub use network::{Network, NoNetwork};
pub use rule::{Demand, Effect, Rule, Touch};
pub use trial::Trial;
pub use turn::Turn;

/// The longest that a check may count, s: thirty days.
pub const MAX_FRESH: u64 = 30 * 86_400;

/// The longest that `pause_max` may be, s: a day.
pub const MAX_PAUSE: u64 = 86_400;

/// The settings and rules of policy.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whose records count, where the PAM line does not say.
    pub store: Option<Keep>,
    /// The services whose account phase asks again.
    pub recheck: Vec<String>,
    /// The services that only people at this machine can reach, whose keys may be plugged into it.
    pub local: Vec<String>,
    /// Whose certificates count as a second factor.
    pub authorities: Vec<Authority>,
    /// What becomes of failures.
    pub limits: Limits,
    /// The first that matches decides.
    pub rules: Vec<Rule>,
}

/// Whose record of a user counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The system's, if there is one, else the one in the home.
    Auto,
    /// The system's alone.
    System,
    /// The one in the home alone.
    Home,
}

impl Keep {
    /// What a word in a policy or on a PAM line means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "system" => Some(Self::System),
            "home" => Some(Self::Home),
            _ => None,
        }
    }
}

/// What becomes of failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many failures there may be before a pause, 1 to 100.
    pub failures: u32,
    /// The longest pause, s, 1 to [`MAX_PAUSE`].
    pub pause_max: u64,
    /// Sources that many people share: any number of them may fail there.
    pub source_exempt: Vec<Network>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failures: 5, pause_max: 900, source_exempt: Vec::new() }
    }
}

impl Limits {
    /// What failures bring.
    #[must_use]
    pub fn pauses(&self) -> Pauses {
        Pauses { failures: self.failures, max: self.pause_max }
    }

    /// Whether many people share the source of this address; a login without one has its own.
    #[must_use]
    pub fn exempts(&self, source: Option<IpAddr>) -> bool {
        source.is_some_and(|source| self.source_exempt.iter().any(|one| one.contains(source)))
    }
}

/// Tells whether the person is in the group of this name.
pub type InGroup<'a> = dyn FnMut(&str) -> Result<bool, Reason> + 'a;

/// It cannot be told whether somebody is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// Why.
    pub reason: Reason,
    /// Which group.
    pub group: String,
}

impl Policy {
    /// Reads the text of a policy.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &[u8]) -> Result<Self, Mistake> {
        read::policy(text)
    }
}

/// A text that people read: 1 to 200 printable characters.
fn reason(table: &mut Table, key: &'static str) -> Result<Option<String>, Mistake> {
    let Some(text) = table.text(key)? else { return Ok(None) };
    let fits = (1..=200).contains(&text.len()) && !text.contains(char::is_control);
    let text = Some(text).filter(|_| fits).map(str::to_owned);
    table.valid(key, text, "not 1 to 200 printable characters").map(Some)
}

/// Names of users, groups or services.
fn words(table: &mut Table, key: &'static str) -> Result<Option<Vec<String>>, Mistake> {
    let Some(texts) = table.some_texts(key)? else { return Ok(None) };
    let fits = |text: &str| !text.is_empty() && !text.contains(|it: char| it.is_control());
    let texts = texts.iter().all(|text| fits(text)).then_some(texts);
    let texts = table.valid(key, texts, "an empty name")?;
    Ok(Some(texts.into_iter().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests;
