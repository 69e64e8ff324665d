//! One rule: whom it is for, and what becomes of them.

use super::network::Network;
use super::{Factors, Glob, NoAnswer, Request};

/// A rule of the policy. Conditions that are left out hold for everybody; of those that are there all
/// must hold, each by any one of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What the log calls it.
    pub name: String,
    /// Where it begins in the file, in bytes ([`crate::document::position`]).
    pub at: usize,
    /// Login names.
    pub users: Option<Vec<String>>,
    /// Groups, primary ones too.
    pub groups: Option<Vec<String>>,
    /// PAM services.
    pub services: Option<Vec<String>>,
    /// Names of this machine.
    pub hosts: Option<Vec<Glob>>,
    /// Where a login comes from; one without an address comes from none of them.
    pub from: Option<Vec<Network>>,
    /// What becomes of whoever it is for.
    pub effect: Effect,
    /// It counts; else it lets everybody in, and the log says what it would have done.
    pub enforce: bool,
}

/// What becomes of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// No second factor, for this reason.
    Skip(String),
    /// Not let in, for this reason, which the person is told.
    Deny(String),
    /// A second factor.
    Require(Demand),
}

/// What is asked of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// What will do.
    pub factors: Factors,
    /// What is known of the touch of a key that sshd has verified.
    pub touch: Touch,
    /// For how many seconds a check counts again.
    pub fresh: Option<u64>,
    /// From when on, in seconds since 1970, people have to have enrolled; `None`: from the beginning.
    pub enrolled_by: Option<u64>,
}

/// Why a key that sshd has verified counts as touched. sshd lets users write `no-touch-required` into
/// an `authorized_keys` of their own, and does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Touch {
    /// Only a certificate can prove it, which says so itself.
    #[default]
    Proven,
    /// sshd demands it of everybody: `PubkeyAuthOptions touch-required`, or the files of authorized
    /// keys are root's (sshd_config(5)). The administrator says so, and the doctor looks.
    BySshd,
    /// It does not matter.
    Unverified,
}

impl Touch {
    pub(super) fn of_word(word: &str) -> Option<Self> {
        match word {
            "sshd" => Some(Self::BySshd),
            "unverified" => Some(Self::Unverified),
            _ => None,
        }
    }
}

impl Demand {
    /// What is asked where no rule says otherwise.
    pub const USUAL: Self =
        Self { factors: Factors::USUAL, touch: Touch::Proven, fresh: None, enrolled_by: None };
}

impl Rule {
    /// The first condition that does not hold, by its key; `None` if the rule is for this login.
    ///
    /// `in_group` is asked last, and only if all else holds.
    ///
    /// # Errors
    /// What `in_group` says, and about which group.
    pub fn mismatch(
        &self,
        request: &Request,
        in_group: &mut super::InGroup,
    ) -> Result<Option<&'static str>, NoAnswer> {
        let is_among = |names: &Option<Vec<String>>, name: &str| match names {
            Some(names) => names.iter().any(|one| one == name),
            None => true,
        };
        if !is_among(&self.users, request.user) {
            return Ok(Some("users"));
        }
        if !is_among(&self.services, request.service) {
            return Ok(Some("services"));
        }
        if let Some(hosts) = &self.hosts {
            if !hosts.iter().any(|host| host.matches(request.node)) {
                return Ok(Some("hosts"));
            }
        }
        if let Some(networks) = &self.from {
            let source = request.source;
            if !networks.iter().any(|network| source.is_some_and(|it| network.contains(it))) {
                return Ok(Some("from"));
            }
        }
        let Some(groups) = &self.groups else { return Ok(None) };
        for group in groups {
            let answer = in_group(group);
            if answer.map_err(|reason| NoAnswer { reason, group: group.clone() })? {
                return Ok(None);
            }
        }
        Ok(Some("groups"))
    }
}
