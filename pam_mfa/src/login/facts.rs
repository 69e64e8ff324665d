//! What the log says of every decision about one login.

use std::net::IpAddr;

use mfa_core::audit::{Decision, Event, Subject};
use mfa_core::source;
use mfa_core::verify::Denied;

use super::Outcome;
use crate::pam::{Host, Item, Level};

/// Facts, gathered once.
pub(super) struct Facts {
    pub(super) user: String,
    pub(super) host: Option<String>,
    source: Option<IpAddr>,
    tty: Option<String>,
    invoker: Option<String>,
}

impl Facts {
    pub(super) fn gather(host: &impl Host, user: String) -> Self {
        let remote = host.item(Item::RemoteHost).filter(|name| !name.is_empty());
        // Where sshd looks names up, the address is still in its own variable.
        let source = remote.as_deref().and_then(|remote| {
            source::address(remote)
                .or_else(|| source::of_ssh_connection(&host.variable(c"SSH_CONNECTION")?))
        });
        Self {
            user,
            source,
            host: remote,
            tty: host.item(Item::Tty),
            invoker: host.item(Item::RemoteUser),
        }
    }

    pub(super) fn log(&self, host: &impl Host, level: Level, decision: Decision) {
        let subject = Subject {
            user: &self.user,
            source: self.source,
            host: self.host.as_deref().filter(|name| source::address(name).is_none()),
            tty: self.tty.as_deref(),
            invoker: self.invoker.as_deref(),
        };
        host.log(level, &Event { subject, decision }.to_string());
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
