//! The auth stack: who gets in by it, who does not, and who should.

use super::{EITHER, Service, at, calls_us};
use crate::doctor::diagnosis::{Diagnosis, Word};
use crate::doctor::line::{GOOGLE, enrols, has, is_ours, value};
use crate::doctor::module::{self, Person};
use crate::pam_d::{Answer, Line, Phase, dispatch, why_without_root};

impl Service<'_> {
    /// What is wrong with the stack.
    pub(super) fn auth(&self) -> Vec<Diagnosis> {
        let lines = self.stack.of(Phase::Auth);
        let ours = self.ours(Phase::Auth);
        let Some(&line) = ours.first() else { return Vec::new() };
        let mut found = Vec::new();
        found.extend(ours.iter().skip(1).map(|again| {
            let cause = "the module is asked twice in one login, and a code counts once";
            at(again, Word::Twice, cause, "take one of the lines away")
        }));
        found.extend(lines.iter().find(|line| line.name() == GOOGLE).map(|google| {
            let cause = format!("{GOOGLE} and pam_mfa.so both ask, and a code counts once");
            at(google, Word::BesideGoogle, cause, format!("take the line of {GOOGLE} away"))
        }));
        let has_policy = self.laws.policy_file().is_some();
        found.extend(ours.iter().filter(|line| has(line, "nullok")).map(|line| {
            let cause = if has_policy {
                "nullok has no effect, since there is a policy: it decides about those who have \
                 not enrolled"
            } else {
                "nullok: who has not enrolled is not asked for a code"
            };
            at(line, Word::Nullok, cause, "take it out once all have enrolled")
        }));
        let by_file =
            value(line, "secret").is_some() || value(line, "store").is_some_and(|it| it == "home");
        let barred = why_without_root(self.name).filter(|_| self.keeps_records && !by_file);
        found.extend(barred.map(|why| {
            let cause = format!("{why}, and only root reads system records: who has one is denied");
            at(line, Word::NeedsRoot, cause, "add store=home or secret= to the line")
        }));
        found.extend(self.course(&lines, line));
        found
    }

    /// Whether PAM's auth alone lets somebody in, as far as is known.
    fn is_alone(&self) -> bool {
        self.sshd.is_none_or(|sshd| sshd.ways().pam_alone)
    }

    /// What the lines come to.
    fn course(&self, lines: &[&Line], line: &Line) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        let run = |knows, fits, code| {
            let person = Person { knows, fits };
            dispatch(lines, |line| if is_ours(line) { code } else { module::auth(line, person) })
        };
        let wrong = EITHER.map(|fits| run(true, fits, Answer::Failure));
        if !EITHER.into_iter().any(|fits| calls_us(&run(true, fits, Answer::Success))) {
            let cause = "the line is never reached: an earlier one has ended the stack, and nobody \
                         is asked for a code";
            let mend = "put it above the lines that end the stack, or make those requisite";
            found.push(at(line, Word::NotReached, cause, mend));
        } else if wrong.iter().any(|wrong| calls_us(wrong) && wrong.passes) {
            let cause = format!("{} lets a wrong code in as well", line.control.text);
            found.push(at(line, Word::NotBinding, cause, "make it required"));
        }
        if !self.is_alone() {
            return found;
        }
        let opens = |skip| {
            let passes = |fits, code| run(false, fits, code).passes;
            EITHER.into_iter().any(|fits| passes(fits, skip) && !passes(fits, Answer::Failure))
        };
        found.extend(self.skips(line).find(|(skip, _)| opens(*skip)).map(|(_, why)| {
            let cause = format!(
                "whoever {why} lets off the code gets in with nothing: no other line has to succeed"
            );
            let mend = "make the line required, below one that asks for the password";
            at(line, Word::LetsIn, cause, mend)
        }));
        let strangers = EITHER.map(|fits| run(false, fits, Answer::Failure));
        if enrols(line) && strangers.iter().any(calls_us) {
            let cause = "who has no password comes as far as to enrol, and is told who has not";
            let mend = "put auth requisite pam_unix.so above it";
            found.push(at(line, Word::EnrolsStrangers, cause, mend));
        }
        found
    }

    /// What the line says to those who need no code, and why they need none.
    fn skips(&self, line: &Line) -> impl Iterator<Item = (Answer, String)> {
        let is_ignored = value(line, "skip").is_some_and(|skip| skip == "ignore");
        let skip = if is_ignored { Answer::Ignore } else { Answer::Success };
        let by_law = self.laws.skips(self.name, self.now).map(|why| (skip, why));
        let is_drop_in = self.laws.policy_file().is_none() && has(line, "nullok");
        let by_line = is_drop_in.then(|| (Answer::Ignore, "nullok".to_owned()));
        by_law.into_iter().chain(by_line)
    }
}
