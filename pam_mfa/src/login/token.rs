//! What auth leaves for the session phase of sshd: that it has let somebody in.

use std::ffi::CStr;

use mfa_core::audit::Decision;
use mfa_core::random;
use mfa_core::store::Trouble;
use mfa_core::token::{self, Bearer};

use super::Login;
use super::facts::Facts;
use super::session::SERVICE;
use crate::Paths;
use crate::pam::{Host, Level};

/// The variable that carries the token's name. A user can set it to anything; there is no token by
/// another name.
const VARIABLE: &CStr = c"PAM_MFA_CHECK";

impl Login<'_> {
    /// Leaves a token, where a session phase may ask for it. Without one that turns the login away,
    /// and the log says why there is none.
    pub(super) fn leave_token(&self, host: &mut impl Host) {
        if self.facts.service != SERVICE || self.ruling.settings.is_none() {
            return;
        }
        let left = token::leave(self.paths.run, &bearer(self.facts), host.now(), &random::system);
        match left {
            Ok(name) => {
                // Without room for it there is none.
                host.put_variable(VARIABLE, &name);
            }
            Err(Trouble { reason, detail, .. }) => {
                let decision = Decision::Warned { reason, detail: &detail };
                self.facts.log(host, Level::Warning, decision);
            }
        }
    }
}

/// Whether auth has let this login in: its token is good once.
pub(super) fn consume(host: &mut impl Host, facts: &Facts, paths: Paths) -> bool {
    let Some(name) = host.variable(VARIABLE) else { return false };
    host.remove_variable(VARIABLE);
    token::consume(paths.run, &name, &bearer(facts), host.now())
}

fn bearer(facts: &Facts) -> Bearer<'_> {
    Bearer {
        user: &facts.user,
        service: &facts.service,
        remote: facts.host.as_deref().unwrap_or_default(),
    }
}
