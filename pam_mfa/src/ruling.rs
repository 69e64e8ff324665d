//! What the files in /etc/pam_mfa say to one login.

use mfa_core::policy::{self, Demand, Files, Keep, Limits, NoAnswer, Policy, Request, Requirement};
use mfa_core::ssh::Authority;
use mfa_core::store::Trouble;
use nix::unistd::User;

/// What becomes of a login, and by which rule.
pub(crate) struct Ruling {
    /// What becomes of it; if the rule is a dry run, what would.
    pub(crate) effect: Effect,
    /// The name of the rule that decided.
    pub(crate) rule: Option<String>,
    /// The rule is a dry run.
    pub(crate) is_dry_run: bool,
    /// What else the policy says; `None` where there is none.
    pub(crate) settings: Option<Settings>,
}

/// What the policy says to every login.
#[derive(Default)]
pub(crate) struct Settings {
    /// Whose records count, where the line does not say.
    pub(crate) store: Option<Keep>,
    /// The services that only people at this machine can reach.
    pub(crate) local: Vec<String>,
    /// Whose certificates count.
    pub(crate) authorities: Vec<Authority>,
    /// What becomes of failures.
    pub(crate) limits: Limits,
}

/// What becomes of a login.
pub(crate) enum Effect {
    /// A rule skips the second factor, for this reason.
    Skip(String),
    /// An entry of the bypass list does.
    Bypass {
        /// Which.
        id: String,
        /// Why it is there.
        why: String,
    },
    /// Not let in, for this reason.
    Deny(String),
    /// A second factor.
    Require(Demand),
}

impl Ruling {
    /// What holds where the files cannot be used, but the line says that people are asked then.
    pub(crate) fn usual() -> Self {
        Self {
            effect: Effect::Require(Demand::USUAL),
            rule: None,
            is_dry_run: false,
            settings: Some(Settings::default()),
        }
    }

    /// Decides by the files at `now`, in seconds since 1970; `user` is `None` for somebody whom the user
    /// database does not know.
    ///
    /// # Errors
    /// Somebody's groups are not known.
    pub(crate) fn find(
        Files { policy, bypasses }: Files,
        request: &Request,
        user: Option<&User>,
        now: u64,
    ) -> Result<Self, Trouble> {
        let rules = policy.as_ref().map_or(&[][..], |policy| &policy.rules);
        let mut in_group = |group: &str| policy::is_in(group, request.user, user);
        let decided = policy::decide(rules, &bypasses, request, &mut in_group, now)
            .map_err(|NoAnswer { reason, group }| Trouble::new(reason, format!("group {group}")))?;
        Ok(Self {
            effect: match decided.requirement {
                Requirement::Skip(why) => Effect::Skip(why.to_owned()),
                Requirement::Bypass(bypass) => {
                    Effect::Bypass { id: bypass.id.clone(), why: bypass.reason.clone() }
                }
                Requirement::Deny(why) => Effect::Deny(why.to_owned()),
                Requirement::Require(demand) => Effect::Require(demand),
            },
            rule: decided.rule.map(|rule| rule.name.clone()),
            is_dry_run: decided.is_dry_run(),
            settings: policy.map(|Policy { store, local, authorities, limits, .. }| Settings {
                store,
                local,
                authorities,
                limits,
            }),
        })
    }
}
