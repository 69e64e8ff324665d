//! What earlier logins leave of a demand: a pause, or a check that still counts.

use std::net::IpAddr;

use mfa_core::fresh::{self, Enrolment, Place, Scope};
use mfa_core::limit::{Attempts, SourceKey};
use mfa_core::policy::{Demand, Limits, Request};

use super::verdict::{Outcome, Verdict};
use crate::enrolment;
use crate::world::World;

/// Goes on with a verdict that asks somebody. Without an address nobody can tell from here which
/// terminal and session are meant.
pub(super) fn add(
    verdict: &mut Verdict,
    (demand, limits): (&Demand, &Limits),
    request: &Request,
    enrolment: &enrolment::Enrolment,
    world: &World,
) {
    let Some(source) = request.source else { return };
    let now = (world.clock)();
    let attempts = Attempts {
        run_dir: world.run,
        user: request.user,
        source: SourceKey::new(Some(source), None),
        is_exempt: limits.exempts(Some(source)),
        pauses: limits.pauses(),
    };
    if let Ok(Err(denied)) = attempts.look(now) {
        let wait = denied.wait.unwrap_or(0);
        verdict.outcome = Outcome::Deny;
        verdict.says.push(format!(
            "But not now: {}, for another {wait} s; the log says reason={}",
            denied.reason,
            denied.reason.code()
        ));
    } else if let Some(at) = check(demand, request, source, enrolment, world) {
        let ago = now.saturating_sub(at);
        verdict.outcome = Outcome::Skip;
        verdict.says.push(format!("But not asked now: a check of {ago} s ago still counts"));
    }
}

/// When the check was that still counts.
fn check(
    demand: &Demand,
    request: &Request,
    source: IpAddr,
    enrolment: &enrolment::Enrolment,
    world: &World,
) -> Option<u64> {
    let account = enrolment.account.as_ref().ok()?.as_ref()?;
    let place = Place::of(Some(source), None, None, None)?;
    let enrolment = Enrolment::of(account);
    let scope = Scope { user: request.user, service: request.service, place: &place, enrolment };
    let takes = |factor| demand.factors.hold(factor);
    Some(fresh::look(world.run, &scope, &takes, demand.fresh?, (world.clock)())?.at)
}
