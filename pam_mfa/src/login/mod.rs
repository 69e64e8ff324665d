//! The dialogue of one login: who, which account, what to ask, what the answer was worth.

mod account;
mod attempt;
mod enrol;
mod facts;
mod words;

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use mfa_core::account::Account;
use mfa_core::audit::{Decision, Value};
use mfa_core::reason::Reason;
use mfa_core::store::{Opened, Store, Trouble};
use mfa_core::verify::{Answer, Denied, Reply, Terms, Verdict, admits, is_fresh, verify};

use crate::Paths;
use crate::args::{Args, Enroll, FirstPass};
use crate::pam::{CannotAsk, Host, Item, Level, Token};
use crate::person::{Person, Unusable};
use attempt::{Judge, may_answer_again};
use facts::Facts;

pub(crate) use account::account;

/// A part of a login, which the host calls for by itself (pam(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Who is it?
    Auth,
    /// May they come in now?
    Account,
}

/// What a phase comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Let in.
    Accepted,
    /// In auth: not enrolled, and `nullok` is on the line. In account: nothing to say.
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

/// The auth phase.
pub(crate) fn authenticate(host: &mut impl Host, args: &[&CStr], paths: Paths) -> Outcome {
    let typed = host.user();
    let args = match Args::parse(args) {
        Ok(args) => args,
        Err((reason, option)) => {
            let facts = Facts::gather(host, typed.unwrap_or_default());
            return facts.deny(host, Denied::finally(reason), &option, false);
        }
    };
    if args.enroll != Enroll::Never {
        // What an earlier attempt of this login confirmed was not let in.
        drop(host.kept());
    }
    let person = Person::find(typed, &args, paths);
    let facts = Facts::gather(host, person.name);
    let login = Login { args: &args, facts: &facts };
    if args.debug {
        login.describe(host, &person.account);
    }
    match person.account {
        Ok(store) => match store.open() {
            Opened::Enrolled(account) => login.enrolled(host, &*store, account),
            // A home that is not there today may hold a file tomorrow.
            Opened::NotEnrolled(Trouble { reason: Reason::NoFile | Reason::Reset, .. })
                if args.enroll != Enroll::Never =>
            {
                login.enrol(host, store, paths)
            }
            Opened::NotEnrolled(trouble)
                if args.nullok
                    && args.enroll == Enroll::Never
                    && trouble.reason != Reason::Reset =>
            {
                let Trouble { reason, detail, .. } = &trouble;
                facts.log(host, Level::Info, Decision::Ignored { reason: *reason, detail });
                Outcome::Ignored
            }
            // A process that may not act for others does not ask for them either.
            Opened::Broken(trouble) if trouble.reason == Reason::NoRights => {
                facts.deny(host, Denied::finally(trouble.reason), &trouble.detail, false)
            }
            Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => login.pretend(host, &trouble),
        },
        Err(Unusable { trouble, ask: true }) => login.pretend(host, &trouble),
        Err(Unusable { trouble, ask: false }) => {
            facts.deny(host, Denied::finally(trouble.reason), &trouble.detail, false)
        }
    }
}

struct Login<'a> {
    args: &'a Args,
    facts: &'a Facts,
}

impl Login<'_> {
    fn terms(&self) -> Terms<'_> {
        Terms {
            learn_skew: self.args.learn_skew,
            advance_hotp: self.args.advance_hotp,
            grace: self.args.grace,
            host: self.facts.host.as_deref(),
        }
    }

    fn enrolled(&self, host: &mut impl Host, store: &dyn Store, account: Box<Account>) -> Outcome {
        let judge = Judge::Account(store);
        if admits(&account, host.now()).is_err() {
            // Nobody is asked, but the attempt counts.
            let answer = Answer { first_pass: None, reply: Reply::NotAsked, combined: false };
            if let Err(denied) = self.attempt(host, judge, &answer) {
                words::explain(host, denied);
            }
            return Outcome::Denied;
        }
        if is_fresh(&account, &self.terms(), host.now()) {
            return self.within_grace(host);
        }
        let first_pass = self.first_pass(host);
        let asks = self.must_ask(host, &account, first_pass.as_ref());
        // No secret stays in memory while a person types.
        drop(account);
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
            let Err(denied) = self.attempt(host, judge, &answer) else { return Outcome::Accepted };
            let again = left > 0
                && self.args.first_pass != FirstPass::Only
                && !matches!(reply, Some(Err(_)))
                && may_answer_again(host, judge);
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
        let asks = self.args.first_pass != FirstPass::Only && self.first_pass(host).is_none();
        if self.args.forward_pass && asks {
            let forwarded = put(host, "Password: ", false).and_then(|password| {
                host.set_first_pass(&password).then_some(()).ok_or(Reason::CannotForward)
            });
            if let Err(reason) = forwarded {
                return self.facts.deny(host, Denied::finally(reason), "", true);
            }
        }
        self.facts.log(host, Level::Info, Decision::Grace);
        Outcome::Accepted
    }

    fn describe(&self, host: &impl Host, account: &Result<Box<dyn Store>, Unusable>) {
        let service = host.item(Item::Service).unwrap_or_default();
        let file = match account {
            Ok(store) => store.shown(),
            Err(Unusable { trouble, .. }) => trouble.to_string(),
        };
        let [user, service, file] = [&self.facts.user, &service, &file].map(|text| Value(text));
        host.log(Level::Info, &format!("debug user={user} service={service} file={file}"));
    }
}

fn put(host: &mut impl Host, prompt: &str, echo: bool) -> Result<Token, Reason> {
    host.ask(prompt, echo).map_err(|CannotAsk| Reason::ConversationFailed)?.ok_or(Reason::NoAnswer)
}

#[cfg(test)]
mod tests;
