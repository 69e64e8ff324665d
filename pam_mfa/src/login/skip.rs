//! Logins that are not asked for a second factor.

use mfa_core::audit::{Decision, Skip, Would};
use mfa_core::policy::Demand;
use mfa_core::reason::Reason;
use mfa_core::store::{Opened, Trouble};

use super::{Login, Outcome, Phase, put, words};
use crate::args::{Enroll, FirstPass};
use crate::pam::{Host, Level};
use crate::ruling::Effect;

impl Login<'_> {
    /// Lets somebody by, for this reason.
    pub(super) fn skip(&self, host: &mut impl Host, phase: Phase, why: Decision) -> Outcome {
        if phase == Phase::Auth {
            if let Err(reason) = self.forward_password(host) {
                return self.facts.refuse(host, reason, "", true);
            }
        }
        // Whom nobody knows nobody has exempted, whatever is said of everybody.
        if let Err((reason, detail)) = self.person.is_somebody(self.args) {
            return self.facts.refuse(host, *reason, detail, false);
        }
        self.facts.log(host, Level::Info, why);
        match phase {
            Phase::Auth if !self.args.skip_is_ignored => Outcome::Accepted,
            Phase::Auth | Phase::Account | Phase::Session => Outcome::Ignored,
        }
    }

    /// Lets somebody by who has time to enrol, and says until when, in seconds since 1970.
    pub(super) fn remind(&self, host: &mut impl Host, phase: Phase, enrolled_by: u64) -> Outcome {
        words::enrol_by(host, enrolled_by);
        self.skip(host, phase, Decision::Skipped(Skip::NotEnrolledYet))
    }

    /// Lets everybody by, and logs what the rule would have done.
    pub(super) fn rehearse(&self, host: &mut impl Host, phase: Phase) -> Outcome {
        let would = match &self.ruling.effect {
            Effect::Skip(_) | Effect::Bypass { .. } => Would::Skip,
            Effect::Deny(_) => Would::Deny,
            Effect::Require(demand) => self.would(host, demand),
        };
        self.skip(host, phase, Decision::WouldHave(would))
    }

    fn would(&self, host: &impl Host, demand: &Demand) -> Would {
        let Ok(store) = self.account(host) else { return Would::Deny };
        match store.open() {
            Opened::Enrolled(account) if demand.factors.are_among(&account) => Would::Require,
            Opened::NotEnrolled(trouble) if has_time(demand, &trouble, host.now()) => Would::Skip,
            Opened::NotEnrolled(_) if self.args.enroll != Enroll::Never => Would::Require,
            Opened::Enrolled(_) | Opened::NotEnrolled(_) | Opened::Broken(_) => Would::Deny,
        }
    }

    /// Asks for the password that would have been forwarded with a code.
    pub(super) fn forward_password(&self, host: &mut impl Host) -> Result<(), Reason> {
        let asks = self.args.first_pass != FirstPass::Only && self.first_pass(host).is_none();
        if !(self.args.forward_pass && asks) {
            return Ok(());
        }
        let password = put(host, "Password: ", false)?;
        host.set_first_pass(&password).then_some(()).ok_or(Reason::CannotForward)
    }
}

/// Whether who has not enrolled need not yet. A home that is not there today may hold a file
/// tomorrow.
pub(super) fn has_time(demand: &Demand, trouble: &Trouble, now: u64) -> bool {
    matches!(trouble.reason, Reason::NoFile | Reason::Reset)
        && demand.enrolled_by.is_some_and(|enrolled_by| now < enrolled_by)
}
