//! One answer: judged, its costs made durable, and logged.

use std::borrow::Cow;

use mfa_core::account::Account;
use mfa_core::audit::Decision;
use mfa_core::limit::is_guess;
use mfa_core::policy::Demand;
use mfa_core::reason::Reason;
use mfa_core::store::{Opened, Store, Trouble};
use mfa_core::verify::{
    Accepted, Answer, Denied, Input, Proof, Reply, Verdict, admits, verify, verify_key,
    work_in_vain,
};

use super::fresh::Freshness;
use super::{Login, words};
use crate::pam::{Host, Level};
use crate::ruling::Effect;

/// What answers are judged by.
#[derive(Clone, Copy)]
pub(super) enum Judge<'a> {
    /// The person's account.
    Account {
        /// Where it is.
        store: &'a dyn Store,
        /// For what the check will count again.
        fresh: Option<&'a Freshness>,
    },
    /// Nothing: whatever is answered is denied for this, but the person is asked like any other.
    Nothing(&'a Trouble),
}

/// What is to let somebody in.
#[derive(Clone, Copy)]
pub(super) enum Evidence<'a> {
    /// What was typed.
    Answer(&'a Answer<'a>),
    /// A security key.
    Key(&'a Proof<'a>),
}

impl Login<'_> {
    /// One answer: judged, its costs made durable, and logged.
    pub(super) fn attempt(
        &self,
        host: &mut impl Host,
        judge: Judge,
        evidence: Evidence,
    ) -> Result<(), Denied> {
        let counted = self.count(host).inspect_err(|&denied| {
            self.facts.deny(host, denied, "", false);
        })?;
        let (denied, detail) = match self.judge(host, judge, evidence) {
            Ok((accepted, unwritten)) => {
                self.succeeded(host, counted);
                let unwritten = unwritten.as_ref().map(|trouble| trouble.detail.as_str());
                let decision = Decision::Accepted { accepted: &accepted, unwritten };
                self.facts.log(host, Level::Info, decision);
                host.mark_checked(&self.facts.user);
                if let Judge::Account { fresh: Some(fresh), .. } = judge {
                    self.keep_fresh(host, fresh, &accepted);
                }
                words::few_codes(host, accepted.codes_left);
                words::notices(host, &accepted.notices);
                return Ok(());
            }
            Err(denial) => denial,
        };
        let is_guess = match (judge, evidence) {
            // Else it would tell who is enrolled.
            (_, Evidence::Answer(answer)) if answer.is_empty() => false,
            // Likewise, whatever it is denied for.
            (Judge::Nothing(_), _) => true,
            (Judge::Account { .. }, _) => is_guess(denied.reason),
        };
        self.failed(host, counted, is_guess);
        let is_limited = matches!(
            denied.reason,
            Reason::RateLimited
                | Reason::BadRateLimit
                | Reason::TooManyFailures
                | Reason::SourceLimited
        );
        let answer = match evidence {
            Evidence::Answer(answer) if !is_limited => Some(answer),
            Evidence::Answer(_) | Evidence::Key(_) => None,
        };
        if let Some(answer) = answer {
            work_in_vain(answer, denied, &self.terms(), host.now());
        }
        self.facts.deny(host, denied, &detail, answer.is_some());
        Err(denied)
    }

    /// Accepted, and what could not be written if that does not matter; or denied, and more about
    /// why.
    fn judge(
        &self,
        host: &mut impl Host,
        judge: Judge,
        evidence: Evidence,
    ) -> Result<(Accepted, Option<Trouble>), (Denied, String)> {
        let store = match judge {
            Judge::Account { store, .. } => store,
            Judge::Nothing(trouble) => {
                return Err((Denied::finally(trouble.reason), trouble.detail.clone()));
            }
        };
        let terms = self.terms();
        let outcome = store
            .transact(&mut |account| {
                let account = self.restricted(account);
                match evidence {
                    Evidence::Answer(answer) => verify(&account, answer, &terms, host.now()),
                    Evidence::Key(proof) => verify_key(&account, proof, &terms, host.now()),
                }
            })
            .map_err(|trouble| (Denied::finally(trouble.reason), trouble.detail))?;
        if let Some(trouble) = &outcome.warning {
            let Trouble { reason, detail, .. } = trouble;
            self.facts.log(host, Level::Warning, Decision::Warned { reason: *reason, detail });
        }
        let unwritten = outcome.written.err();
        if let Some(trouble) = &unwritten {
            words::unwritten(host, trouble);
        }
        match (outcome.verdict, unwritten) {
            (Verdict::Denied(denied), None) => Err((denied, store.shown())),
            (Verdict::Accepted(_), Some(trouble)) if !self.args.allow_readonly => {
                Err((Denied::finally(trouble.reason), trouble.detail))
            }
            // Like a right code: nothing may tell them apart where no attempt is counted.
            (Verdict::Denied(denied), Some(trouble))
                if !self.args.allow_readonly && is_guess(denied.reason) =>
            {
                Err((Denied { reason: trouble.reason, wait: None, ..denied }, trouble.detail))
            }
            (Verdict::Denied(denied), Some(trouble)) => Err((denied, trouble.to_string())),
            (Verdict::Accepted(accepted), unwritten) => {
                self.forward(host, &accepted, evidence)?;
                Ok((accepted, unwritten))
            }
        }
    }

    /// What of an account the rule takes.
    pub(super) fn restricted<'a>(&self, account: &'a Account) -> Cow<'a, Account> {
        match self.ruling.effect {
            Effect::Require(Demand { factors, .. }) => factors.restricted(account),
            _ => Cow::Borrowed(account),
        }
    }

    /// Hands the password before the code to the modules that come after this one.
    fn forward(
        &self,
        host: &mut impl Host,
        accepted: &Accepted,
        evidence: Evidence,
    ) -> Result<(), (Denied, String)> {
        if !self.args.forward_pass {
            return Ok(());
        }
        let answer = match evidence {
            Evidence::Answer(answer) => answer,
            // It was not typed with a password before it.
            Evidence::Key(_) => {
                return self
                    .forward_password(host)
                    .map_err(|reason| (Denied::finally(reason), String::new()));
            }
        };
        let text = match (accepted.input, answer.reply) {
            (Input::FirstPass, _) => answer.first_pass,
            (Input::Reply, Reply::Given(text)) => Some(text),
            (Input::Reply, Reply::NotAsked | Reply::Missing(_)) => None,
        };
        match text.and_then(|text| text.get(..accepted.prefix)) {
            Some(password) if host.set_first_pass(password) => Ok(()),
            _ => Err((Denied::finally(Reason::CannotForward), String::new())),
        }
    }

    /// Whether another answer would be looked at, now that one more attempt is on record.
    pub(super) fn may_answer_again(&self, host: &impl Host, judge: Judge) -> bool {
        match judge {
            Judge::Nothing(_) => true,
            Judge::Account { store, .. } => match store.open() {
                Opened::Enrolled(account) => admits(&account, &self.terms(), host.now()).is_ok(),
                Opened::NotEnrolled(_) | Opened::Broken(_) => false,
            },
        }
    }
}
