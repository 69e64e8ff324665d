//! Checks that still count, where the rule says so.

use mfa_core::account::Account;
use mfa_core::audit::Decision;
use mfa_core::fresh::{self, Check, Enrolment, Place, Scope};
use mfa_core::policy::Demand;
use mfa_core::verify::Accepted;

use super::{Login, Outcome};
use crate::pam::{Host, Level};
use crate::ruling::Effect;

/// For what a check of this login would count.
pub(super) struct Freshness {
    place: Place,
    enrolment: Enrolment,
    demand: Demand,
    /// For how many seconds.
    seconds: u64,
}

impl Login<'_> {
    /// `None` where no check counts but the one that is made: no rule says so, nobody knows where the
    /// login comes from. `account` is the whole of it.
    pub(super) fn freshness(&self, host: &impl Host, account: &Account) -> Option<Freshness> {
        let Effect::Require(demand) = self.ruling.effect else { return None };
        let seconds = demand.fresh?;
        let place = self.place(host)?;
        Some(Freshness { place, enrolment: Enrolment::of(account), demand, seconds })
    }

    /// Lets somebody in whose last check still counts.
    pub(super) fn if_fresh(&self, host: &mut impl Host, of: &Freshness) -> Option<Outcome> {
        let takes = |factor| of.demand.factors.hold(factor);
        fresh::look(self.paths.run, &self.scope(of), &takes, of.seconds, host.now())?;
        if let Err(reason) = self.forward_password(host) {
            return Some(self.facts.refuse(host, reason, "", true));
        }
        self.facts.log(host, Level::Info, Decision::Fresh);
        Some(Outcome::Accepted)
    }

    /// Remembers the check that was made; without it the next login is asked again.
    pub(super) fn keep_fresh(&self, host: &impl Host, of: &Freshness, accepted: &Accepted) {
        let check = Check { factor: accepted.factor, at: host.now() };
        self.warn_if(host, Some(fresh::keep(self.paths.run, &self.scope(of), check)));
    }

    fn scope<'a>(&'a self, of: &'a Freshness) -> Scope<'a> {
        let (user, service) = (&self.facts.user, &self.facts.service);
        Scope { user, service, place: &of.place, enrolment: of.enrolment }
    }
}
