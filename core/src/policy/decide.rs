//! The policy's answer to one login.

use std::net::IpAddr;

use super::Bypass;
use super::rule::{Demand, Effect, Rule};
use super::{InGroup, NoAnswer};

/// Who wants in, by what and from where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The name that the user database has.
    pub user: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// The numeric address, if there is one ([`crate::source::address`]).
    pub source: Option<IpAddr>,
    /// This machine's name (uname(2)).
    pub node: &'a str,
}

/// What becomes of a login, and by which rule.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'p> {
    /// What becomes of it. If the rule is a dry run it only would.
    pub requirement: Requirement<'p>,
    /// The rule that decided; `None` if none matched.
    pub rule: Option<&'p Rule>,
}

/// What becomes of a login.
#[derive(Debug, Clone, Copy)]
pub enum Requirement<'p> {
    /// A rule skips the second factor, for this reason.
    Skip(&'p str),
    /// An entry of the bypass list does.
    Bypass(&'p Bypass),
    /// Not let in, for this reason.
    Deny(&'p str),
    /// A second factor.
    Require(Demand),
}

impl Decided<'_> {
    /// The rule that decided is a dry run: everybody is let in. What a bypass list says counts.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.rule.is_some_and(|rule| !rule.enforce)
            && !matches!(self.requirement, Requirement::Bypass(_))
    }
}

/// Decides at `now`, in seconds since 1970: the first rule that matches, or else that a code is
/// required. An entry of the bypass list stands for the second factor alone: it does not help
/// whom a rule denies.
///
/// # Errors
/// It could not be told whether somebody is in a group.
pub fn decide<'p>(
    rules: &'p [Rule],
    bypasses: &'p [Bypass],
    request: &Request,
    in_group: &mut InGroup,
    now: u64,
) -> Result<Decided<'p>, NoAnswer> {
    let mut rule = None;
    for candidate in rules {
        if candidate.mismatch(request, in_group)?.is_none() {
            rule = Some(candidate);
            break;
        }
    }
    let demand = match rule.map(|rule| &rule.effect) {
        Some(Effect::Skip(why)) => {
            return Ok(Decided { requirement: Requirement::Skip(why), rule });
        }
        Some(Effect::Deny(why)) => {
            return Ok(Decided { requirement: Requirement::Deny(why), rule });
        }
        Some(Effect::Require(demand)) => *demand,
        None => Demand::USUAL,
    };
    let bypass = bypasses.iter().find(|bypass| bypass.holds(request, now));
    let requirement = bypass.map_or(Requirement::Require(demand), Requirement::Bypass);
    Ok(Decided { requirement, rule })
}
