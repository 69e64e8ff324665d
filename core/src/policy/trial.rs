//! A policy on trial: unless somebody confirms it from a new login in time, the one before counts
//! again. Readers see to that by themselves; whatever tidies the files up afterwards may be late.

use std::fs;

use super::{Mistake, POLICY};
use crate::document::{self, Quoted};

/// The name of the file that says what is on trial.
pub const TRIAL: &str = "policy.trial";

/// The name of the policy before, which stays as it is until the next trial.
pub const PREVIOUS: &str = "policy.previous";

/// For how long a policy counts that nobody has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// When it began, in seconds since 1970: a clock that is set back further ends it.
    pub since: u64,
    /// When it ends, in seconds since 1970.
    pub until: u64,
    /// The boot that it began in (`boot_id` in random(4)): it ends with that.
    pub boot: String,
    /// The newest audit session that there was (`/proc/PID/sessionid`); 0 if there was none. Later
    /// logins have larger numbers.
    pub session: u64,
    /// When it began, in clock ticks since the boot, as processes begin (proc_pid_stat(5)).
    pub began: u64,
    /// Whether there was a policy before.
    pub has_previous: bool,
}

impl Trial {
    /// Reads the text that says so.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &[u8]) -> Result<Self, Mistake> {
        document::read(text, |table| {
            table.version()?;
            let (since, until) = (table.natural("since")?, table.natural("until")?);
            let boot = table.text("boot")?;
            let (session, began) = (table.natural("session")?, table.natural("began")?);
            let has_previous = table.flag("has_previous")?;
            Ok(Self {
                since: table.needed("since", since)?,
                until: table.needed("until", until)?,
                boot: table.needed("boot", boot)?.to_owned(),
                session: table.needed("session", session)?,
                began: table.needed("began", began)?,
                has_previous: table.needed("has_previous", has_previous)?,
            })
        })
    }

    /// The same as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { since, until, boot, session, began, has_previous } = self;
        let boot = Quoted(boot);
        format!(
            "# Written by `mfactl policy try`; `mfactl policy confirm` ends it.\n\
             version = 1\nsince = {since}\nuntil = {until}\nboot = {boot}\n\
             session = {session}\nbegan = {began}\nhas_previous = {has_previous}\n"
        )
    }

    /// Whether the policy before counts again at `now`, in seconds since 1970, in this boot. A boot
    /// without a name is none that it began in.
    #[must_use]
    pub fn is_over(&self, now: u64, boot: &str) -> bool {
        boot.is_empty() || self.boot != boot || !(self.since..self.until).contains(&now)
    }

    /// The name of the file that counts then; `None` for no policy at all.
    #[must_use]
    pub fn in_force(&self, now: u64, boot: &str) -> Option<&'static str> {
        match (self.is_over(now, boot), self.has_previous) {
            (false, _) => Some(POLICY),
            (true, true) => Some(PREVIOUS),
            (true, false) => None,
        }
    }
}

/// This boot's name; empty if the kernel does not say.
#[must_use]
pub fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim_end().to_owned()
}
