//! What a policy and a bypass list say that can never count, or that may not be meant so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use mfa_core::policy::{Bypass, Effect, Glob, Network, Policy, Rule, Touch};

use crate::finding::Finding;
use crate::time::day;

/// The rule is never reached: the first of those `before` it that is for everybody whom it is for
/// decides.
pub fn unreached<'r>(
    file: &Path,
    mut before: impl Iterator<Item = &'r Rule>,
    rule: &Rule,
) -> Option<Finding> {
    let first = before.find(|first| covers(first, rule))?;
    let (name, first) = (&rule.name, &first.name);
    Some(Finding::new(
        file,
        format!("the rule {name:?} is never reached: {first:?} above it is for all whom it is for"),
        "put it above that one, or remove it",
    ))
}

/// Whether every login that `rule` is for is one that `first` is for.
fn covers(first: &Rule, rule: &Rule) -> bool {
    fn all<T>(
        first: Option<&Vec<T>>,
        rule: Option<&Vec<T>>,
        holds: impl Fn(&T, &T) -> bool,
    ) -> bool {
        let Some(first) = first else { return true };
        let each = |one: &T| first.iter().any(|other| holds(other, one));
        rule.is_some_and(|rule| rule.iter().all(each))
    }
    let is_any = |glob: &Glob| glob.as_str() == "*";
    all(first.users.as_ref(), rule.users.as_ref(), PartialEq::eq)
        && all(first.groups.as_ref(), rule.groups.as_ref(), PartialEq::eq)
        && all(first.services.as_ref(), rule.services.as_ref(), PartialEq::eq)
        && all(first.hosts.as_ref(), rule.hosts.as_ref(), |wide, one| is_any(wide) || wide == one)
        && all(first.from.as_ref(), rule.from.as_ref(), Network::covers)
}

/// The rule names a group that this machine does not have.
pub fn no_group(file: &Path, rule: &Rule, group: &str) -> Finding {
    let name = &rule.name;
    let cause =
        format!("there is no group {group:?} here: whoever comes to the rule {name:?} is denied");
    Finding::new(file, cause, "make the group, or take it out")
}

/// The rule names a user whom this machine does not have.
pub fn no_user(file: &Path, rule: &Rule, user: &str) -> Finding {
    let cause = format!("there is no user {user:?} here, whom the rule {:?} names", rule.name);
    Finding::new(file, cause, "correct the name, or take it out")
}

/// The rule takes keys that sshd has verified, and nothing says that they were touched.
pub fn touch_unknown(file: &Path, policy: &Policy, rule: &Rule) -> Option<Finding> {
    let Effect::Require(demand) = &rule.effect else { return None };
    let is_unknown =
        demand.factors.ssh_key && demand.touch == Touch::Proven && policy.authorities.is_empty();
    is_unknown.then(|| {
        let name = &rule.name;
        let cause = format!(
            "the rule {name:?} takes ssh-key, but has no touch, and there is no ssh_ca: keys that have \
             to be touched never count"
        );
        let mend = "have sshd demand that keys are touched, and add touch = \"sshd\"";
        Finding::new(file, cause, mend)
    })
}

/// The entry counts for nothing any more at `now`, in seconds since 1970.
pub fn expired(file: &Path, entry: &Bypass, now: u64) -> Option<Finding> {
    let expires = entry.expires.filter(|_| entry.is_expired(now))?;
    let Bypass { id, .. } = entry;
    Some(Finding::new(
        file,
        format!("the entry {id} has counted for nothing since {}", day(expires)),
        format!("run `mfactl bypass remove {id}`"),
    ))
}

/// The entry is for connections that are forwarded as well.
pub fn forwarded(file: &Path, entry: &Bypass) -> Option<Finding> {
    let Bypass { id, network, .. } = entry;
    is_of_this_host(network).then(|| {
        let cause = format!("the entry {id} holds for this host itself: {FORWARDED}");
        Finding::new(file, cause, "take the loopback addresses out of it")
    })
}

/// What comes from a loopback address.
pub const FORWARDED: &str = "what ssh -L or a proxy forwards comes from there, too";

/// Whether a loopback address is in the network, 127.0.0.0/8 (RFC 6890) or ::1.
pub fn is_of_this_host(network: &Network) -> bool {
    let address = network.address();
    let holds = |address: IpAddr| network.contains(address);
    address.is_loopback() || holds(Ipv4Addr::LOCALHOST.into()) || holds(Ipv6Addr::LOCALHOST.into())
}
