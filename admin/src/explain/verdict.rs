//! What the module makes of a login, in words.

use mfa_core::audit::Value;
use mfa_core::document::Day;
use mfa_core::policy::{Decided, Demand, NoAnswer, Requirement};
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use serde::Serialize;

use crate::enrolment::{Enrolment, Stored};

/// What becomes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Let in without a second factor.
    Skip,
    /// Asked for one.
    Require,
    /// Not let in.
    Deny,
}

impl Outcome {
    /// Behind `would=` in the log.
    fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Require => "require",
            Self::Deny => "deny",
        }
    }
}

/// What becomes of somebody, and why.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub outcome: Outcome,
    /// The rule that decided; `null` if none matched.
    pub rule: Option<String>,
    /// What a rule that is a dry run would have done.
    pub would: Option<Outcome>,
    /// Sentences without their full stops.
    pub says: Vec<String>,
}

const ENROL: &str = "enrol with mfa-enroll, or ask the administrator";

impl Verdict {
    /// Of a decision at `now`, in seconds since 1970.
    pub fn of(
        decided: Result<Decided, NoAnswer>,
        is_policy: bool,
        enrolment: &Enrolment,
        now: u64,
    ) -> Self {
        let decided = match decided {
            Ok(decided) => decided,
            Err(NoAnswer { reason, group }) => {
                let says = vec![denied(reason, &format!("group {group}"))];
                return Self { outcome: Outcome::Deny, rule: None, would: None, says };
            }
        };
        let rule = decided.rule.map(|rule| rule.name.clone());
        let (outcome, says) = match decided.requirement {
            Requirement::Skip(why) => (Outcome::Skip, vec![format!("Not asked: {why}")]),
            Requirement::Bypass(bypass) => {
                let why = format!("Not asked: bypass {}, {}", bypass.id, bypass.reason);
                (Outcome::Skip, vec![why])
            }
            Requirement::Deny(why) => {
                let reads = format!("The person reads: access requires MFA: {why}");
                (Outcome::Deny, vec![denied(Reason::PolicyDenies, why), reads])
            }
            Requirement::Require(demand) => require(&demand, is_policy, enrolment, now),
        };
        if !decided.is_dry_run() {
            return Self { outcome, rule, would: None, says };
        }
        let name = Value(rule.as_deref().unwrap_or_default());
        let mut rehearsed = vec![format!(
            "Let in: the rule is a dry run, and the log says would={} rule={name}",
            outcome.word()
        )];
        rehearsed.extend(says.into_iter().map(|says| format!("Without enforce = false: {says}")));
        let says = rehearsed;
        Self { outcome: Outcome::Skip, rule, would: Some(outcome), says }
    }
}

fn denied(reason: Reason, detail: &str) -> String {
    format!("Denied: {reason} ({detail}); the log says reason={}", reason.code())
}

fn require(
    demand: &Demand,
    is_policy: bool,
    enrolment: &Enrolment,
    now: u64,
) -> (Outcome, Vec<String>) {
    match &enrolment.account {
        Err(trouble) => {
            let says = format!("Asked as everybody is, and {}", lower(&denied_by(trouble)));
            (Outcome::Deny, vec![says])
        }
        Ok(Some(account)) if demand.factors.are_among(account) => {
            let mut says = vec![format!("Asked for a second factor: {}", demand.factors)];
            says.extend(freshness(demand));
            (Outcome::Require, says)
        }
        Ok(Some(_)) => {
            let why = denied(Reason::NoFactor, &format!("it takes {}", demand.factors));
            (Outcome::Deny, vec![format!("Asked as everybody is, and {}", lower(&why))])
        }
        Ok(None) => not_enrolled(demand, is_policy, enrolment.stored, now),
    }
}

fn denied_by(trouble: &Trouble) -> String {
    denied(trouble.reason, &trouble.detail)
}

fn not_enrolled(
    demand: &Demand,
    is_policy: bool,
    stored: Stored,
    now: u64,
) -> (Outcome, Vec<String>) {
    let (reason, detail) = match stored {
        Stored::Reset => (Reason::Reset, "a tombstone"),
        _ => (Reason::NoFile, "not enrolled"),
    };
    let without = if is_policy || stored == Stored::Reset {
        "A PAM line with enroll has them enrol while logging in"
    } else {
        "A PAM line with nullok does not ask them, one with enroll has them enrol"
    };
    match demand.enrolled_by {
        Some(moment) if now < moment => {
            let day = Day(moment);
            let told = format!("The person reads: From {day} on access requires MFA: {ENROL}");
            (Outcome::Skip, vec![format!("Not asked: not enrolled, and has until {day}"), told])
        }
        by => {
            let why = denied(reason, detail);
            let mut says = vec![format!("Asked as everybody is, and {}", lower(&why))];
            says.extend(by.map(|_| format!("The person reads: access requires MFA: {ENROL}")));
            says.push(without.to_owned());
            (Outcome::Deny, says)
        }
    }
}

/// Whether an earlier check counts.
fn freshness(demand: &Demand) -> Option<String> {
    let seconds = demand.fresh?;
    Some(format!("A check counts again for {seconds} s, for the same service and place"))
}

/// In the middle of a sentence.
fn lower(sentence: &str) -> String {
    sentence.replacen("Denied", "denied", 1)
}
