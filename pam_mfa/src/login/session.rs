//! The session phase: who got in by a bare key although the policy demands a second factor is turned
//! away.
//!
//! sshd runs no auth phase for a public key alone. What auth has let in carries a token that only
//! root could have left; nothing else of what the PAM environment says is believed, since a user can
//! set all of it before this phase (pam_env(8), `user_readenv`).

use std::ffi::CStr;

use mfa_core::policy::Demand;
use mfa_core::reason::Reason;
use mfa_core::store::Opened;

use super::attempt::Judge;
use super::facts::Facts;
use super::{Login, Outcome, Phase, files, has_time, rule, token, words};
use crate::Paths;
use crate::args::Args;
use crate::pam::Host;
use crate::person::Person;
use crate::ruling::Effect;

/// The one service this phase acts for: others run it without auth for good reasons (cron, su by
/// root, systemd --user).
pub(super) const SERVICE: &str = "sshd";

/// Why somebody is turned away, and who can change that.
const KEY_ALONE: &str = "this login was by a key alone; ask the administrator for \
                         `AuthenticationMethods publickey,keyboard-interactive`";

/// May this session begin?
pub(crate) fn open_session(host: &mut impl Host, args: &[&CStr], paths: Paths) -> Outcome {
    let typed = host.user();
    let mut facts = Facts::of_session(host, typed.clone().unwrap_or_default());
    if facts.service != SERVICE {
        return Outcome::Ignored;
    }
    let args = match Args::read(args, paths.owner) {
        Ok(args) => args,
        Err((reason, option)) => return facts.refuse(host, reason, &option, false),
    };
    let person = Person::find(typed);
    facts.user.clone_from(&person.name);
    let was_let_in = token::consume(host, &facts, paths);
    let files = match files(host, &args, &facts, paths) {
        Ok(files) => files,
        Err(denied) => return denied,
    };
    if was_let_in || files.as_ref().is_some_and(|files| files.policy.is_none()) {
        return Outcome::Ignored;
    }
    let ruling = match rule(host, &mut facts, &person, files) {
        Ok(ruling) => ruling,
        Err(denied) => return denied,
    };
    let login = Login { args: &args, facts: &facts, person: &person, ruling: &ruling, paths };
    match &ruling.effect {
        Effect::Require(_) if !ruling.is_dry_run && login.is_vouched_for(host) => Outcome::Accepted,
        Effect::Require(demand) if !ruling.is_dry_run => login.turn_away(host, demand),
        _ => login.decide(host, Phase::Session),
    }
}

impl Login<'_> {
    /// Whether sshd has verified a key that counts by itself. What says so is a PAM variable: the
    /// administrator promises by `trust_auth_info` that no user can set those before.
    fn is_vouched_for(&self, host: &mut impl Host) -> bool {
        if !self.args.keys.trust_auth_info {
            return false;
        }
        if self.by_certificate(host) {
            return true;
        }
        let Ok(store) = self.account(host) else { return false };
        let Opened::Enrolled(account) = store.open() else { return false };
        let judge = Judge::Account { store: &*store, fresh: None };
        self.by_sshd(host, judge, &self.restricted(&account))
    }

    /// A second factor is due, and nobody is asked for one here.
    fn turn_away(&self, host: &mut impl Host, demand: &Demand) -> Outcome {
        if let Some(enrolled_by) = demand.enrolled_by {
            let opened = self.account(host).map(|store| store.open());
            if let Ok(Opened::NotEnrolled(trouble)) = opened {
                if has_time(demand, &trouble, host.now()) {
                    return self.remind(host, Phase::Session, enrolled_by);
                }
            }
        }
        words::requires(host, KEY_ALONE);
        self.facts.refuse(host, Reason::NoCheck, KEY_ALONE, false)
    }
}
