//! What the log says of every decision about one login.

use std::net::IpAddr;

use mfa_core::audit::{Decision, Event, Subject};
use mfa_core::policy::Request;
use mfa_core::reason::Reason;
use mfa_core::source;
use mfa_core::verify::Denied;

use super::Outcome;
use crate::pam::{Host, Item, Level};

/// Facts, gathered once.
pub(super) struct Facts {
    pub(super) user: String,
    pub(super) service: String,
    pub(super) host: Option<String>,
    pub(super) source: Option<IpAddr>,
    pub(super) tty: Option<String>,
    pub(super) invoker: Option<String>,
    /// The rule of the policy that decided, once one has.
    pub(super) rule: Option<String>,
}

impl Facts {
    pub(super) fn gather(host: &impl Host, user: String) -> Self {
        // Where sshd looks names up, the address is still in its own variable.
        let sshd_says = host.variable(c"SSH_CONNECTION");
        Self::with(host, user, sshd_says.and_then(|text| source::of_ssh_connection(&text)))
    }

    /// The same in the session phase, in which users may have set any variable (pam_env(8)).
    pub(super) fn of_session(host: &impl Host, user: String) -> Self {
        Self::with(host, user, None)
    }

    fn with(host: &impl Host, user: String, otherwise: Option<IpAddr>) -> Self {
        let remote = host.item(Item::RemoteHost).filter(|name| !name.is_empty());
        let address = |remote: &str| source::address(remote).or(otherwise);
        Self {
            user,
            service: host.item(Item::Service).unwrap_or_default(),
            source: remote.as_deref().and_then(address),
            host: remote,
            tty: host.item(Item::Tty),
            invoker: host.item(Item::RemoteUser),
            rule: None,
        }
    }

    /// What the policy is asked about it, on the machine of this name.
    pub(super) fn request<'a>(&'a self, node: &'a str) -> Request<'a> {
        Request { user: &self.user, service: &self.service, source: self.source, node }
    }

    pub(super) fn log(&self, host: &impl Host, level: Level, decision: Decision) {
        let subject = Subject {
            user: &self.user,
            source: self.source,
            host: self.host.as_deref().filter(|name| source::address(name).is_none()),
            tty: self.tty.as_deref(),
            invoker: self.invoker.as_deref(),
            rule: self.rule.as_deref(),
        };
        host.log(level, &Event { subject, decision }.to_string());
    }

    /// Denies for good.
    pub(super) fn refuse(
        &self,
        host: &impl Host,
        reason: Reason,
        detail: &str,
        asked: bool,
    ) -> Outcome {
        self.deny(host, Denied::finally(reason), detail, asked)
    }

    pub(super) fn deny(
        &self,
        host: &impl Host,
        denied: Denied,
        detail: &str,
        asked: bool,
    ) -> Outcome {
        self.log(host, Level::Error, Decision::Denied { denied, detail, asked });
        Outcome::Denied
    }
}
