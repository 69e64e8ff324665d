//! The stack of a service that loads us: what it comes to for those who have everything, nothing, or
//! all but the code.

mod auth;
mod keys;
mod ours;

use std::path::PathBuf;

use super::diagnosis::{Diagnosis, Word};
use super::keys::Keys;
use super::laws::Laws;
use super::line::{enrols, has, is_ours, value};
use super::module;
use super::module_file::Modules;
use super::sshd::Sshd;
use super::sudoers::Sudoers;
use crate::pam_d::{Answer, Line, Outcome, Phase, Stack, dispatch};

/// A service, and what its logins depend on besides.
pub struct Service<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its file.
    pub file: PathBuf,
    /// Its lines.
    pub stack: &'a Stack,
    /// What is laid down.
    pub laws: &'a Laws,
    /// sshd, if this is its service.
    pub sshd: Option<&'a Sshd>,
    /// There is an sshd, whoever asks.
    pub has_sshd: bool,
    /// What sudo does, if this is a service of sudo's.
    pub sudoers: Option<&'a Sudoers>,
    /// What there is for security keys.
    pub keys: &'a Keys,
    /// The module's files.
    pub modules: &'a Modules<'a>,
    /// This host keeps system records.
    pub keeps_records: bool,
    /// Seconds since 1970.
    pub now: u64,
}

impl Service<'_> {
    /// What is wrong with it.
    pub fn judge(&self) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        found.extend(self.stack.dangling.iter().map(|dangling| {
            let cause =
                format!("there is no {:?} to include, so every login fails", dangling.target);
            let place = (dangling.file.as_path(), Some(dangling.number));
            Diagnosis::new(Word::NoInclude, place, cause, "correct the name")
        }));
        found.extend(
            self.stack.lines.iter().filter(|line| is_ours(line)).flat_map(|line| self.line(line)),
        );
        found.extend(self.auth());
        found.extend(self.account());
        found.extend(self.session());
        found.extend(self.keys());
        if let Some(sshd) = self.sshd {
            let takes_password = self.ours(Phase::Auth).iter().any(|line| {
                ["forward_pass", "use_first_pass", "try_first_pass"]
                    .iter()
                    .any(|option| has(line, option))
            });
            found.extend(sshd.judge(takes_password, self.laws.policy_file().is_some()));
        }
        found.into_iter().map(|found| found.of(self.name)).collect()
    }

    fn ours(&self, phase: Phase) -> Vec<&Line> {
        self.stack.of(phase).into_iter().filter(|line| is_ours(line)).collect()
    }

    fn recheck(&self) -> bool {
        self.laws.policy().is_some_and(|policy| policy.recheck.iter().any(|name| name == self.name))
    }

    fn account(&self) -> Vec<Diagnosis> {
        let ours = self.ours(Phase::Account);
        let enrolling = self.ours(Phase::Auth).into_iter().find(|line| enrols(line));
        let Some(&line) = ours.first() else {
            let mend = "add account required pam_mfa.so, above every sufficient line";
            let word = Word::NoAccountLine;
            let place = (self.file.as_path(), None);
            let enroll = enrolling.map(|line| {
                at(line, word, "enroll has no account line, so nothing is ever written", mend)
            });
            let cause = "recheck names the service, but no account line of ours asks again";
            let recheck = self.recheck().then(|| Diagnosis::new(word, place, cause, mend));
            return enroll.into_iter().chain(recheck).collect();
        };
        if enrolling.is_none() && !self.recheck() {
            return Vec::new();
        }
        self.later(Phase::Account, line).into_iter().collect()
    }

    fn session(&self) -> Vec<Diagnosis> {
        let Some(sshd) = self.sshd.filter(|_| self.laws.policy_file().is_some()) else {
            return Vec::new();
        };
        let lines = self.stack.of(Phase::Session);
        let Some(place) = lines.iter().position(|line| is_ours(line)) else {
            let cause =
                "a key alone gets in without auth, and no session line of ours turns anybody away";
            let mend = "add session required pam_mfa.so, or set AuthenticationMethods \
                        publickey,keyboard-interactive";
            let missing = || Diagnosis::new(Word::NoSessionLine, (&self.file, None), cause, mend);
            return sshd.ways().past_pam.then(missing).into_iter().collect();
        };
        let (mut before, line) = (lines.iter().take(place), lines.get(place));
        let env = before.rfind(|line| reads_user_environment(line));
        let late = env.zip(line).map(|(env, line)| {
            let cause = format!(
                "pam_env.so on line {} lets people set what is told to our line",
                env.number
            );
            at(line, Word::AfterUserEnvironment, cause, "put it above that line")
        });
        late.into_iter().chain(line.and_then(|line| self.later(Phase::Session, line))).collect()
    }

    /// Whether a line of account or session can say no.
    fn later(&self, phase: Phase, line: &Line) -> Option<Diagnosis> {
        let lines = self.stack.of(phase);
        let runs = |ours| {
            EITHER.map(|fits| {
                let answer = |line: &Line| {
                    if is_ours(line) { ours } else { module::later(line, fits) }
                };
                dispatch(&lines, answer)
            })
        };
        let name = phase.name();
        if !runs(Answer::Success).iter().any(calls_us) {
            let cause =
                format!("the {name} line is never reached: an earlier one has ended the stack");
            return Some(at(line, Word::NotReached, cause, "put it above every sufficient line"));
        }
        let is_passed = runs(Answer::Failure).iter().any(|run| calls_us(run) && run.passes);
        is_passed.then(|| {
            let cause =
                format!("the {name} line says no, and {} lets in all the same", line.control.text);
            at(line, Word::NotBinding, cause, "make it required")
        })
    }
}

/// Whether what people write into `~/.pam_environment` comes into the environment (pam_env(8)).
fn reads_user_environment(line: &Line) -> bool {
    line.name() == "pam_env.so"
        && (has(line, "user_readenv") || value(line, "user_readenv").is_some_and(|it| it != "0"))
}

/// Conditions of other lines may hold or not.
const EITHER: [bool; 2] = [false, true];

fn calls_us(outcome: &Outcome) -> bool {
    outcome.called.iter().any(|line| is_ours(line))
}

fn at(line: &Line, word: Word, cause: impl Into<String>, mend: impl Into<String>) -> Diagnosis {
    Diagnosis::new(word, (&line.file, Some(line.number)), cause, mend)
}
