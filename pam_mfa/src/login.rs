//! The dialogue of one login: who, which account, what to ask, what the answer was worth.

use std::ffi::CStr;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

use mfa_core::account::Account;
use mfa_core::audit::{Decision, Event, Subject, Value};
use mfa_core::reason::Reason;
use mfa_core::source;
use mfa_core::store::{GauthFile, Opened, Store, Trouble};
use mfa_core::verify::{
    Accepted, Answer, Denied, Input, Reply, Terms, Verdict, admits, is_fresh, verify,
};

use nix::errno::Errno;

use crate::args::{Args, FirstPass};
use crate::pam::{CannotAsk, Host, Item, Level, Token};
use crate::person::{Person, Unusable};

/// What a login comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Let in.
    Accepted,
    /// Not enrolled, and `nullok` is on the line.
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
pub(crate) fn authenticate(host: &mut impl Host, args: &[&CStr], run_dir: &Path) -> Outcome {
    let typed = host.user();
    let args = match Args::parse(args) {
        Ok(args) => args,
        Err((reason, option)) => {
            let facts = Facts::gather(host, typed.unwrap_or_default());
            return facts.deny(host, Denied::finally(reason), &option, false);
        }
    };
    let person = Person::find(typed, &args, run_dir);
    let facts = Facts::gather(host, person.name);
    let login = Login { args: &args, facts: &facts };
    if args.debug {
        login.describe(host, &person.file);
    }
    match person.file {
        Ok(file) => match file.open() {
            Opened::Enrolled(account) => login.enrolled(host, &file, &account),
            Opened::NotEnrolled(trouble) if args.nullok => {
                let Trouble { reason, detail, .. } = &trouble;
                facts.log(host, Level::Info, Decision::Ignored { reason: *reason, detail });
                Outcome::Ignored
            }
            // A process that may not act for others does not ask for them either.
            Opened::Broken(trouble) if trouble.reason == Reason::NoRights => {
                facts.deny(host, Denied::finally(trouble.reason), &trouble.detail, false)
            }
            Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => {
                login.dialogue(host, Judge::Nothing(&trouble))
            }
        },
        Err(Unusable { trouble, ask: true }) => login.dialogue(host, Judge::Nothing(&trouble)),
        Err(Unusable { trouble, ask: false }) => {
            facts.deny(host, Denied::finally(trouble.reason), &trouble.detail, false)
        }
    }
}

/// What the log says of every decision about one login.
struct Facts {
    user: String,
    host: Option<String>,
    source: Option<IpAddr>,
    tty: Option<String>,
    invoker: Option<String>,
}

impl Facts {
    fn gather(host: &impl Host, user: String) -> Self {
        let remote = host.item(Item::RemoteHost).filter(|name| !name.is_empty());
        // Where sshd looks names up, the address is still in its own variable.
        let source = remote.as_deref().and_then(|remote| {
            source::address(remote)
                .or_else(|| source::of_ssh_connection(&host.variable(c"SSH_CONNECTION")?))
        });
        Self {
            user,
            source,
            host: remote,
            tty: host.item(Item::Tty),
            invoker: host.item(Item::RemoteUser),
        }
    }

    fn log(&self, host: &impl Host, level: Level, decision: Decision) {
        let subject = Subject {
            user: &self.user,
            source: self.source,
            host: self.host.as_deref().filter(|name| source::address(name).is_none()),
            tty: self.tty.as_deref(),
            invoker: self.invoker.as_deref(),
        };
        host.log(level, &Event { subject, decision }.to_string());
    }

    fn deny(&self, host: &impl Host, denied: Denied, detail: &str, asked: bool) -> Outcome {
        self.log(host, Level::Error, Decision::Denied { denied, detail, asked });
        Outcome::Denied
    }
}

/// What answers are judged by.
#[derive(Clone, Copy)]
enum Judge<'a> {
    /// The person's account.
    Account(&'a GauthFile, &'a Account),
    /// Nothing: whatever is answered is denied for this, but the person is asked like any other.
    Nothing(&'a Trouble),
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

    fn enrolled(&self, host: &mut impl Host, file: &GauthFile, account: &Account) -> Outcome {
        let judge = Judge::Account(file, account);
        if admits(account, host.now()).is_err() {
            // Nobody is asked, but the attempt counts.
            let answer = Answer { first_pass: None, reply: Reply::NotAsked, combined: false };
            return self.attempt(host, judge, &answer).map_or_else(
                |denied| {
                    explain(host, denied);
                    Outcome::Denied
                },
                |()| Outcome::Denied,
            );
        }
        if is_fresh(account, &self.terms(), host.now()) {
            return self.within_grace(host);
        }
        self.dialogue(host, judge)
    }

    /// Asks and judges until an answer is right or no more are due.
    fn dialogue(&self, host: &mut impl Host, judge: Judge) -> Outcome {
        let mut first_pass = self.first_pass(host);
        let mut asks = self.must_ask(host, judge, first_pass.as_ref());
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
            if !explain(host, denied) && again {
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
    fn must_ask(&self, host: &impl Host, judge: Judge, first_pass: Option<&Token>) -> bool {
        match (self.args.first_pass, judge, first_pass) {
            (FirstPass::Only, ..) => false,
            (FirstPass::Try, Judge::Account(_, account), Some(token)) => {
                let answer =
                    Answer { first_pass: Some(token), reply: Reply::NotAsked, combined: false };
                let (verdict, _) = verify(account, &answer, &self.terms(), host.now());
                matches!(verdict, Verdict::Denied(Denied { is_final: false, .. }))
            }
            _ => true,
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
        if self.args.forward_pass && self.first_pass(host).is_none() {
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

    /// One answer: judged, its costs made durable, and logged.
    fn attempt(&self, host: &mut impl Host, judge: Judge, answer: &Answer) -> Result<(), Denied> {
        let (denied, detail) = match self.judge(host, judge, answer) {
            Ok((accepted, unwritten)) => {
                let unwritten = unwritten.as_ref().map(|trouble| trouble.detail.as_str());
                let decision = Decision::Accepted { accepted: &accepted, unwritten };
                self.facts.log(host, Level::Info, decision);
                return Ok(());
            }
            Err(denial) => denial,
        };
        let asked = denied.reason != Reason::RateLimited && denied.reason != Reason::BadRateLimit;
        self.facts.deny(host, denied, &detail, asked);
        Err(denied)
    }

    /// Accepted, and what could not be written if that does not matter; or denied, and more about
    /// why.
    fn judge(
        &self,
        host: &mut impl Host,
        judge: Judge,
        answer: &Answer,
    ) -> Result<(Accepted, Option<Trouble>), (Denied, String)> {
        let file = match judge {
            Judge::Account(file, _) => file,
            Judge::Nothing(trouble) => {
                return Err((Denied::finally(trouble.reason), trouble.detail.clone()));
            }
        };
        let terms = self.terms();
        let outcome = file
            .transact(&mut |account| verify(account, answer, &terms, host.now()))
            .map_err(|trouble| (Denied::finally(trouble.reason), trouble.detail))?;
        if let Some(trouble) = &outcome.warning {
            let Trouble { reason, detail, .. } = trouble;
            self.facts.log(host, Level::Warning, Decision::Warned { reason: *reason, detail });
        }
        let unwritten = outcome.written.err();
        if let Some(trouble) = &unwritten {
            tell_unwritten(host, trouble);
        }
        match (outcome.verdict, unwritten) {
            (Verdict::Denied(denied), None) => Err((denied, file.path.display().to_string())),
            (Verdict::Denied(denied), Some(trouble)) => Err((denied, trouble.to_string())),
            (Verdict::Accepted(_), Some(trouble)) if !self.args.allow_readonly => {
                Err((Denied::finally(trouble.reason), trouble.detail))
            }
            (Verdict::Accepted(accepted), unwritten) => {
                self.forward(host, &accepted, answer)?;
                Ok((accepted, unwritten))
            }
        }
    }

    /// Hands the password before the code to the modules that come after this one.
    fn forward(
        &self,
        host: &mut impl Host,
        accepted: &Accepted,
        answer: &Answer,
    ) -> Result<(), (Denied, String)> {
        if !self.args.forward_pass {
            return Ok(());
        }
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

    fn describe(&self, host: &impl Host, file: &Result<GauthFile, Unusable>) {
        let service = host.item(Item::Service).unwrap_or_default();
        let file = match file {
            Ok(file) => file.path.display().to_string(),
            Err(Unusable { trouble, .. }) => trouble.to_string(),
        };
        let [user, service, file] = [&self.facts.user, &service, &file].map(|text| Value(text));
        host.log(Level::Info, &format!("debug user={user} service={service} file={file}"));
    }
}

fn put(host: &mut impl Host, prompt: &str, echo: bool) -> Result<Token, Reason> {
    host.ask(prompt, echo).map_err(|CannotAsk| Reason::ConversationFailed)?.ok_or(Reason::NoAnswer)
}

/// Whether another answer would be looked at, now that one more attempt is on record.
fn may_answer_again(host: &impl Host, judge: Judge) -> bool {
    match judge {
        Judge::Nothing(_) => true,
        Judge::Account(file, _) => match file.open() {
            Opened::Enrolled(account) => admits(&account, host.now()).is_ok(),
            Opened::NotEnrolled(_) | Opened::Broken(_) => false,
        },
    }
}

/// Tells the person what waiting can mend; `false` if there is nothing of the kind.
///
/// Nothing is said of a code that belongs to another time: who guesses would learn a code that
/// will be good.
fn explain(host: &mut impl Host, denied: Denied) -> bool {
    let text = match (denied.reason, denied.wait) {
        (Reason::Reused, Some(0)) => "That code has been used; enter the one shown now".to_owned(),
        (Reason::Reused, Some(wait)) => {
            format!("That code has been used; the next one comes in {wait} s")
        }
        (Reason::Reused, None) => "That code has been used; get a new one".to_owned(),
        (Reason::RateLimited, Some(wait)) => format!("Too many attempts; try again in {wait} s"),
        _ => return false,
    };
    host.tell(&text);
    true
}

/// Tells the person of trouble that the administrator has to mend.
fn tell_unwritten(host: &mut impl Host, trouble: &Trouble) {
    if let Some(
        errno @ (Errno::EPERM | Errno::ENOSPC | Errno::EROFS | Errno::EIO | Errno::EDQUOT),
    ) = trouble.errno
    {
        host.tell(&format!("Error \"{}\" while writing config", errno.desc()));
    }
}

#[cfg(test)]
mod tests;
