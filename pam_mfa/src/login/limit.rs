//! Failures, which are counted under a policy.
//!
//! Who cannot count, since it is not root, leaves that out and says so: the limit of the record, or of
//! the file, holds all the same.

use mfa_core::audit::Decision;
use mfa_core::fresh::{self, Place};
use mfa_core::limit::{Attempts, Counted, SourceKey};
use mfa_core::store::Trouble;
use mfa_core::verify::Denied;
use nix::errno::Errno;

use super::Login;
use crate::pam::{Host, Level};

impl Login<'_> {
    /// Where the login comes from, as failures are counted.
    pub(super) fn source(&self) -> SourceKey {
        let invoker = self.facts.invoker.as_deref();
        match (self.facts.source, &self.facts.host) {
            (None, Some(_)) => SourceKey::of_name(invoker),
            (address, _) => SourceKey::new(address, invoker),
        }
    }

    fn attempts(&self) -> Option<Attempts<'_>> {
        let limits = &self.ruling.settings.as_ref()?.limits;
        Some(Attempts {
            run_dir: self.paths.run,
            user: &self.facts.user,
            source: self.source(),
            is_exempt: limits.exempts(self.facts.source),
            pauses: limits.pauses(),
        })
    }

    /// Whether anybody need be asked now.
    pub(super) fn look(&self, host: &impl Host) -> Result<(), Denied> {
        let looked = self.attempts().map(|attempts| attempts.look(host.now()));
        match looked {
            Some(Ok(Err(denied))) => Err(self.forget(host, denied)),
            Some(Err(trouble)) => {
                self.warn(host, &trouble);
                Ok(())
            }
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    /// Counts an answer as a failure, until it is known what it is.
    pub(super) fn count(&self, host: &impl Host) -> Result<Option<Counted>, Denied> {
        // What cannot be counted has been told by the look.
        match self.attempts().map(|attempts| attempts.admit(host.now())) {
            Some(Ok(Err(denied))) => Err(self.forget(host, denied)),
            Some(Ok(Ok(counted))) => Ok(Some(counted)),
            // A limit that whoever started the host has set (setrlimit(2)): nobody may choose not to
            // be counted.
            Some(Err(trouble)) if trouble.errno == Some(Errno::EFBIG) => {
                self.warn(host, &trouble);
                Err(Denied::finally(trouble.reason))
            }
            Some(Err(_)) | None => Ok(None),
        }
    }

    /// It was right.
    pub(super) fn succeeded(&self, host: &impl Host, counted: Option<Counted>) {
        let done = counted.and_then(|_| self.attempts()).map(|attempts| attempts.succeeded());
        self.warn_if(host, done);
    }

    /// It was not; what is no guess does not count.
    pub(super) fn failed(&self, host: &impl Host, counted: Option<Counted>, is_guess: bool) {
        let vain = counted.filter(|_| !is_guess).zip(self.attempts());
        self.warn_if(host, vain.map(|(counted, attempts)| attempts.not_an_attempt(counted)));
        // Nobody need meet the pause: what counted before ends as it begins.
        let attempts = counted.and_then(|_| self.attempts());
        if let Some(Ok(Err(paused))) = attempts.map(|attempts| attempts.look(host.now())) {
            self.forget(host, paused);
        }
    }

    /// Who has to wait is asked again afterwards, whatever counted before. Of whom nobody knows there is
    /// nothing to forget, and no end of names.
    fn forget(&self, host: &impl Host, denied: Denied) -> Denied {
        let place = if self.person.entry.is_ok() { self.place(host) } else { None };
        if let Some(place) = place {
            let forgotten = fresh::forget(self.paths.run, &self.facts.user, Some(&place));
            self.warn_if(host, Some(forgotten.map(drop)));
        }
        denied
    }

    /// Where the login comes from, as checks stay fresh.
    pub(super) fn place(&self, host: &impl Host) -> Option<Place> {
        let (tty, invoker) = (self.facts.tty.as_deref(), self.facts.invoker.as_deref());
        let leader = if self.facts.source.is_none() { host.session_leader() } else { None };
        Place::of(self.facts.source, tty, invoker, leader)
    }

    pub(super) fn warn_if(&self, host: &impl Host, done: Option<Result<(), Trouble>>) {
        if let Some(Err(trouble)) = done {
            self.warn(host, &trouble);
        }
    }

    fn warn(&self, host: &impl Host, Trouble { reason, detail, .. }: &Trouble) {
        let decision = Decision::Warned { reason: *reason, detail };
        self.facts.log(host, Level::Warning, decision);
    }
}
