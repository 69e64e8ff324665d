//! The dialogue of one login: who, which account, what to ask, what the answer was worth.

mod account;
mod attempt;
mod auth;
mod enrol;
mod facts;
mod fresh;
mod key;
mod limit;
mod recheck;
mod session;
mod skip;
mod token;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use mfa_core::account::Account;
use mfa_core::audit::{Decision, Skip, Value};
use mfa_core::policy::{Demand, Files, Keep};
use mfa_core::reason::Reason;
use mfa_core::store::{Opened, Store, Trouble};
use mfa_core::verify::{Answer, Denied, Reply, Terms, Verdict, admits, is_fresh, verify};

use crate::Paths;
use crate::args::{Args, Enroll, FirstPass};
use crate::pam::{CannotAsk, Host, Level, Token};
use crate::person::{Person, Unusable};
use crate::ruling::{Effect, Ruling};
use attempt::{Evidence, Judge};
use facts::Facts;
use fresh::Freshness;
use key::{Keys, Tried};
use skip::has_time;

pub(crate) use account::account;
pub(crate) use auth::authenticate;
pub(crate) use session::open_session;

/// A part of a login, which the host calls for by itself (pam(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Who is it?
    Auth,
    /// May they come in now?
    Account,
    /// May this session begin?
    Session,
}

/// What a phase comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Let in.
    Accepted,
    /// In auth: not enrolled, and `nullok` is on the line; or skipped, and `skip=ignore` is. In account
    /// and session: nothing to say.
    Ignored,
    /// Not let in.
    Denied,
}

/// Runs a hook; a panic in it denies, is logged, and goes no further.
pub(crate) fn guarded<H: Host>(host: &mut H, hook: impl FnOnce(&mut H) -> Outcome) -> Outcome {
    // The default hook would print on the host's stderr.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let outcome = catch_unwind(AssertUnwindSafe(|| hook(host)));
    outcome.unwrap_or_else(|_| {
        host.log(Level::Error, &format!("denied reason={}", Reason::Internal.code()));
        Outcome::Denied
    })
}

/// Reads the files in /etc/pam_mfa; `None` where they cannot be used and the line says that everybody
/// is asked then. Else the login is denied.
fn files(
    host: &impl Host,
    args: &Args,
    facts: &Facts,
    paths: Paths,
) -> Result<Option<Files>, Outcome> {
    match Files::read(paths.etc, paths.owner, host.now()) {
        Ok(files) => Ok(Some(files)),
        Err(Trouble { reason, detail, .. }) if args.require_on_policy_error => {
            facts.log(host, Level::Warning, Decision::Warned { reason, detail: &detail });
            Ok(None)
        }
        Err(Trouble { reason, detail, .. }) => Err(facts.refuse(host, reason, &detail, false)),
    }
}

/// What the files say to this login; or it is denied, since nobody can tell.
fn rule(
    host: &impl Host,
    facts: &mut Facts,
    person: &Person,
    files: Option<Files>,
) -> Result<Ruling, Outcome> {
    let Some(files) = files else { return Ok(Ruling::usual()) };
    let node = host.node();
    let user = person.entry.as_ref().ok();
    match Ruling::find(files, &facts.request(&node), user, host.now()) {
        Ok(ruling) => {
            facts.rule.clone_from(&ruling.rule);
            Ok(ruling)
        }
        Err(Trouble { reason, detail, .. }) => Err(facts.refuse(host, reason, &detail, false)),
    }
}

struct Login<'a> {
    args: &'a Args,
    facts: &'a Facts,
    person: &'a Person,
    ruling: &'a Ruling,
    paths: Paths<'a>,
}

impl Login<'_> {
    fn terms(&self) -> Terms<'_> {
        let settings = self.ruling.settings.as_ref();
        Terms {
            learn_skew: self.args.learn_skew,
            advance_hotp: self.args.advance_hotp,
            // The policy has a word of its own for it.
            grace: if settings.is_some() { 0 } else { self.args.grace },
            host: self.facts.host.as_deref(),
            source: settings.map(|_| self.source()),
            limits: settings.map(|settings| settings.limits.pauses()),
        }
    }

    /// What the policy makes of it.
    fn decide(&self, host: &mut impl Host, phase: Phase) -> Outcome {
        match &self.ruling.effect {
            _ if self.ruling.is_dry_run => self.rehearse(host, phase),
            Effect::Skip(why) => self.skip(host, phase, Decision::Skipped(Skip::Rule(why))),
            Effect::Bypass { id, why } => {
                self.skip(host, phase, Decision::Skipped(Skip::Bypass { id, why }))
            }
            Effect::Deny(why) => {
                words::requires(host, why);
                self.facts.refuse(host, Reason::PolicyDenies, why, false)
            }
            Effect::Require(demand) => self.require(host, phase, *demand),
        }
    }

    /// Asks for a second factor.
    fn require(&self, host: &mut impl Host, phase: Phase, demand: Demand) -> Outcome {
        let is_policy = self.ruling.settings.is_some();
        if is_policy && self.args.nullok {
            let decision = Decision::Warned { reason: Reason::NullokIgnored, detail: "" };
            self.facts.log(host, Level::Warning, decision);
        }
        if let Err(denied) = self.look(host) {
            words::explain(host, denied);
            return self.facts.deny(host, denied, "", false);
        }
        if self.by_certificate(host) {
            return Outcome::Accepted;
        }
        // What is enrolled here makes codes by time.
        let enrols = phase == Phase::Auth
            && self.args.enroll != Enroll::Never
            && self.keep() != Keep::Home
            && demand.factors.otp;
        let store = match self.account(host) {
            Ok(store) => store,
            Err(Unusable { trouble, ask: true }) => return self.pretend(host, &trouble),
            Err(Unusable { trouble, ask: false }) => return self.deny(host, &trouble),
        };
        match store.open() {
            Opened::Enrolled(mut account) => {
                let fresh = self.freshness(host, &account);
                demand.factors.restrict(&mut account);
                if demand.factors.are_among(&account) {
                    return self.enrolled(host, &*store, account, fresh.as_ref());
                }
                let detail = format!("{}: it takes {}", store.shown(), demand.factors);
                self.pretend(host, &Trouble::new(Reason::NoFactor, detail))
            }
            Opened::NotEnrolled(trouble) if has_time(&demand, &trouble, host.now()) => {
                self.remind(host, phase, demand.enrolled_by.unwrap_or_default())
            }
            // A home that is not there today may hold a file tomorrow.
            Opened::NotEnrolled(Trouble { reason: Reason::NoFile | Reason::Reset, .. })
                if enrols =>
            {
                self.enrol(host, store)
            }
            Opened::NotEnrolled(trouble)
                if self.args.nullok
                    && !is_policy
                    && self.args.enroll == Enroll::Never
                    && trouble.reason != Reason::Reset =>
            {
                let Trouble { reason, detail, .. } = &trouble;
                self.facts.log(host, Level::Info, Decision::Ignored { reason: *reason, detail });
                Outcome::Ignored
            }
            // A process that may not act for others does not ask for them either.
            Opened::Broken(trouble) if trouble.reason == Reason::NoRights => {
                self.deny(host, &trouble)
            }
            Opened::NotEnrolled(trouble) => {
                let outcome = self.pretend(host, &trouble);
                if demand.enrolled_by.is_some() {
                    words::requires(host, "enrol with mfa-enroll, or ask the administrator");
                }
                outcome
            }
            Opened::Broken(trouble) => self.pretend(host, &trouble),
        }
    }

    /// Whose record of the person counts: the line says, or else the policy.
    fn keep(&self) -> Keep {
        let by_policy = self.ruling.settings.as_ref().and_then(|settings| settings.store);
        self.args.store.or(by_policy).unwrap_or(Keep::Auto)
    }

    fn account(&self, host: &impl Host) -> Result<Box<dyn Store>, Unusable> {
        self.person.account(self.args, self.keep(), self.paths, host.now())
    }

    /// Denies without a question.
    fn deny(&self, host: &impl Host, trouble: &Trouble) -> Outcome {
        self.facts.refuse(host, trouble.reason, &trouble.detail, false)
    }

    fn enrolled(
        &self,
        host: &mut impl Host,
        store: &dyn Store,
        mut account: Box<Account>,
        fresh: Option<&Freshness>,
    ) -> Outcome {
        let judge = Judge::Account { store, fresh };
        if admits(&account, &self.terms(), host.now()).is_err() {
            // Nobody is asked, but the attempt counts.
            let answer = Answer { first_pass: None, reply: Reply::NotAsked, combined: false };
            if let Err(denied) = self.attempt(host, judge, Evidence::Answer(&answer)) {
                words::explain(host, denied);
            }
            return Outcome::Denied;
        }
        if is_fresh(&account, &self.terms(), host.now()) {
            return self.within_grace(host);
        }
        if let Some(outcome) = fresh.and_then(|fresh| self.if_fresh(host, fresh)) {
            return outcome;
        }
        if self.by_sshd(host, judge, &account) {
            return Outcome::Accepted;
        }
        let first_pass = self.first_pass(host);
        let asks = self.must_ask(host, &account, first_pass.as_ref());
        let keys = Keys::of(&mut account);
        // No secret stays in memory while a person types.
        drop(account);
        if asks {
            match self.by_key(host, judge, &keys) {
                Tried::Accepted => return Outcome::Accepted,
                Tried::Denied => return Outcome::Denied,
                // From afar nobody learns who has nothing but keys.
                Tried::Not(Some(trouble))
                    if !keys.has_codes && key::are_out_of_reach(trouble.reason) =>
                {
                    return self.pretend(host, &trouble);
                }
                Tried::Not(Some(trouble)) if !keys.has_codes => return self.deny(host, &trouble),
                Tried::Not(_) => {}
            }
        }
        self.dialogue(host, judge, first_pass, asks)
    }

    /// Asks whoever cannot succeed as everybody else is asked, and denies for `trouble`.
    fn pretend(&self, host: &mut impl Host, trouble: &Trouble) -> Outcome {
        let first_pass = self.first_pass(host);
        let asks = self.args.first_pass != FirstPass::Only;
        self.dialogue(host, Judge::Nothing(trouble), first_pass, asks)
    }

    /// Asks and judges until an answer is right or no more are due.
    fn dialogue(
        &self,
        host: &mut impl Host,
        judge: Judge,
        mut first_pass: Option<Token>,
        mut asks: bool,
    ) -> Outcome {
        let mut before: Option<Token> = None;
        for left in (0..self.args.retry).rev() {
            let reply = asks.then(|| self.ask(host));
            let typed = reply.as_ref().and_then(|reply| reply.as_ref().ok());
            // Some clients give one password to every question.
            if before.is_some() && before.as_ref() == typed {
                break;
            }
            let answer = Answer {
                first_pass: first_pass.as_ref().map(|token| token.as_slice()),
                reply: match &reply {
                    None => Reply::NotAsked,
                    Some(Err(reason)) => Reply::Missing(*reason),
                    Some(Ok(text)) => Reply::Given(text),
                },
                combined: self.args.forward_pass,
            };
            let evidence = Evidence::Answer(&answer);
            let Err(denied) = self.attempt(host, judge, evidence) else { return Outcome::Accepted };
            let again = left > 0
                && self.args.first_pass != FirstPass::Only
                && !matches!(reply, Some(Err(_)))
                && self.may_answer_again(host, judge);
            if !words::explain(host, denied) && again {
                host.tell("That is not the right code");
            }
            if !again {
                break;
            }
            before = reply.and_then(Result::ok);
            first_pass = None;
            asks = true;
        }
        Outcome::Denied
    }

    fn first_pass(&self, host: &impl Host) -> Option<Token> {
        match self.args.first_pass {
            FirstPass::Ignore => None,
            FirstPass::Try | FirstPass::Only => host.first_pass(),
        }
    }

    /// Whether the person has to be asked, or the earlier password already decides.
    fn must_ask(&self, host: &impl Host, account: &Account, first_pass: Option<&Token>) -> bool {
        match (self.args.first_pass, first_pass) {
            (FirstPass::Only, _) => false,
            (FirstPass::Ignore, _) | (FirstPass::Try, None) => true,
            (FirstPass::Try, Some(token)) => {
                let answer =
                    Answer { first_pass: Some(token), reply: Reply::NotAsked, combined: false };
                let (verdict, _) = verify(account, &answer, &self.terms(), host.now());
                matches!(verdict, Verdict::Denied(Denied { is_final: false, .. }))
            }
        }
    }

    fn ask(&self, host: &mut impl Host) -> Result<Token, Reason> {
        let prompt = match &self.args.prompt {
            Some(prompt) => prompt,
            None if self.args.forward_pass => "Password & verification code: ",
            None => "Verification code: ",
        };
        // The original asks once more where no answer comes back at all.
        put(host, prompt, self.args.echo).or_else(|_| put(host, prompt, self.args.echo))
    }

    /// The last login still counts. What would have been forwarded with a code is still asked for.
    fn within_grace(&self, host: &mut impl Host) -> Outcome {
        if let Err(reason) = self.forward_password(host) {
            return self.facts.refuse(host, reason, "", true);
        }
        self.facts.log(host, Level::Info, Decision::Grace);
        Outcome::Accepted
    }

    fn describe(&self, host: &impl Host) {
        let file = match self.account(host) {
            Ok(store) => store.shown(),
            Err(Unusable { trouble, .. }) => trouble.to_string(),
        };
        let Facts { user, service, .. } = self.facts;
        let [user, service, file] = [user, service, &file].map(|text| Value(text));
        host.log(Level::Info, &format!("debug user={user} service={service} file={file}"));
    }
}

fn put(host: &mut impl Host, prompt: &str, echo: bool) -> Result<Token, Reason> {
    host.ask(prompt, echo).map_err(|CannotAsk| Reason::ConversationFailed)?.ok_or(Reason::NoAnswer)
}

#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod policy_laws;
#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;
