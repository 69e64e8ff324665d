//! The account phase of services that ask again: sudo runs no auth phase while its own timestamp holds,
//! but this one always.

use mfa_core::policy::Policy;

use super::facts::Facts;
use super::{Login, Outcome, Phase, files, rule};
use crate::Paths;
use crate::args::Args;
use crate::pam::Host;
use crate::person::Person;

/// Asks for a second factor where the policy says that this service asks again, unless a check still
/// counts. Everybody else is left alone: cron and the like have nobody to ask, and a rule is not even
/// looked at for them.
pub(super) fn recheck(host: &mut impl Host, args: &Args, paths: Paths) -> Outcome {
    let person = Person::find(host.user());
    let mut facts = Facts::gather(host, person.name.clone());
    let files = match files(host, args, &facts, paths) {
        Ok(files) => files,
        Err(denied) => return denied,
    };
    let policy = files.as_ref().and_then(|files| files.policy.as_ref());
    let rechecks = |Policy { recheck, .. }: &Policy| recheck.contains(&facts.service);
    if !policy.is_some_and(rechecks)
        || host.is_checked(&person.name)
        || is_root_already(&person, &facts)
    {
        return Outcome::Ignored;
    }
    let ruling = match rule(host, &mut facts, &person, files) {
        Ok(ruling) => ruling,
        Err(denied) => return denied,
    };
    Login { args, facts: &facts, person: &person, ruling: &ruling, paths }
        .decide(host, Phase::Account)
}

/// Whether root calls as root, as scripts do at night: there is nothing to win by it.
fn is_root_already(person: &Person, facts: &Facts) -> bool {
    let is_root = person.entry.as_ref().is_ok_and(|user| user.uid.is_root());
    is_root && facts.source.is_none() && facts.invoker.as_ref() == Some(&person.name)
}
