//! Security keys: one that sshd has verified, one in a forwarded agent, one in a port of this machine.
//!
//! Whoever has both a key and codes is asked for the key first, and may press Enter, or wait, to type a
//! code instead. No lock is held, and no secret is in memory, while a key is waited for.

mod agent;
mod by_sshd;
mod port;
mod wait;

use std::mem;

use mfa_core::account::{Account, Key};
use mfa_core::audit::Decision;
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;

use super::Login;
use super::attempt::{Evidence, Judge};
use crate::pam::{Host, Level};
use crate::ruling::Effect;

/// What an account has of keys.
pub(super) struct Keys {
    all: Vec<Key>,
    /// Why there may be more, and more about it.
    unread: Option<(Reason, String)>,
    /// The person may type a code instead.
    pub(super) has_codes: bool,
}

impl Keys {
    /// Takes them out of the account.
    pub(super) fn of(account: &mut Account) -> Self {
        Self {
            all: mem::take(&mut account.keys),
            unread: account.unread_keys.take(),
            has_codes: !(account.credentials.is_empty()
                && account.scratch_codes.is_empty()
                && account.code_sets.is_empty()),
        }
    }

    /// Why none could be asked, if there may be any.
    fn unreachable(&self) -> Option<Trouble> {
        let are_some = !self.all.is_empty() || self.unread.is_some();
        are_some.then(|| Trouble::new(Reason::NoFactor, "no key can be asked here"))
    }
}

/// Whether no key could be asked from where the person is, and nobody was told of one.
pub(super) fn are_out_of_reach(reason: Reason) -> bool {
    matches!(reason, Reason::NoAgent | Reason::NotLocal | Reason::NoFactor)
}

/// What came of it.
pub(super) enum Tried {
    /// Let in.
    Accepted,
    /// Not let in: a key gave what no key should.
    Denied,
    /// No key answered, and why; `None` if none could be asked at all.
    Not(Option<Trouble>),
}

impl Tried {
    /// Why no key answered.
    fn not(reason: Reason, detail: &str) -> Self {
        Self::Not(Some(Trouble::new(reason, detail)))
    }
}

impl Login<'_> {
    /// Asks keys that can be reached from here, if the rule takes them.
    pub(super) fn by_key(&self, host: &mut impl Host, judge: Judge, keys: &Keys) -> Tried {
        if !matches!(&self.ruling.effect, Effect::Require(demand) if demand.factors.key) {
            return Tried::Not(None);
        }
        if let Some((reason, detail)) = &keys.unread {
            self.facts.log(host, Level::Warning, Decision::Warned { reason: *reason, detail });
        }
        let mut last = None;
        for ask in [Self::by_agent, Self::by_port] {
            match ask(self, host, judge, keys) {
                Tried::Not(why) => last = why.or(last),
                tried => return tried,
            }
        }
        Tried::Not(last.or_else(|| keys.unreachable()))
    }

    /// No key has answered.
    fn unanswered(&self, host: &impl Host, trouble: Trouble) -> Tried {
        let Trouble { reason, detail, .. } = &trouble;
        let level = match reason {
            // A code was to be typed instead.
            Reason::NoAnswer => return Tried::Not(Some(trouble)),
            Reason::KeyAbsent | Reason::KeyTimeout | Reason::AgentRefused => Level::Info,
            _ => Level::Warning,
        };
        self.facts.log(host, level, Decision::Warned { reason: *reason, detail });
        Tried::Not(Some(trouble))
    }

    /// What somebody is told who has to touch a key.
    fn cue(&self) -> &str {
        self.args.keys.pam_u2f.cue_prompt.as_deref().unwrap_or("Touch your security key")
    }

    /// A key has answered.
    fn settle(&self, host: &mut impl Host, judge: Judge, evidence: Evidence) -> Tried {
        match self.attempt(host, judge, evidence) {
            Ok(()) => Tried::Accepted,
            Err(_) => Tried::Denied,
        }
    }
}
