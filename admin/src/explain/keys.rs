//! Where somebody who is asked may show a security key, in words.

use mfa_core::account::{Account, Port};
use mfa_core::policy::{Demand, Policy, Request, Touch};

/// The service whose keys sshd has verified.
const SSHD: &str = "sshd";

/// Sentences without their full stops, about keys that the rule takes and that there are. `account` is
/// there if somebody is asked.
pub(super) fn says(
    demand: &Demand,
    policy: Option<&Policy>,
    request: &Request,
    account: Option<&Account>,
) -> Vec<String> {
    let keys = account.map_or(&[][..], |account| &account.keys);
    let (by_ssh, plugged): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.port == Port::Ssh);
    let takes = demand.factors;
    let has_authority = policy.is_some_and(|policy| !policy.authorities.is_empty());
    let is_sshd = takes.ssh_key && request.service == SSHD;
    let sentences = [
        (takes.key && !plugged.is_empty()).then(|| port(policy, request)),
        (takes.key && !by_ssh.is_empty()).then_some(AGENT),
        (is_sshd && !by_ssh.is_empty()).then(|| verified(demand.touch)),
        (is_sshd && has_authority).then(|| certified(demand.touch)),
    ];
    sentences.into_iter().flatten().map(str::to_owned).collect()
}

const AGENT: &str = "A key in an agent is asked for where the PAM line says ssh_agent";

/// Of a key in a port of this machine.
fn port(policy: Option<&Policy>, request: &Request) -> &'static str {
    let is_local = policy.is_some_and(|it| it.local.iter().any(|one| one == request.service));
    match (request.source, is_local) {
        (Some(_), _) => {
            "No key in this machine's port is asked for: the login comes from an address"
        }
        (None, true) => "A key in this machine's port is asked for where the PAM line says u2f",
        (None, false) => {
            "A key in this machine's port is asked for where the PAM line says u2f and local: the \
             policy's local does not have the service"
        }
    }
}

/// Of an enrolled key that sshd has verified.
fn verified(touch: Touch) -> &'static str {
    match touch {
        Touch::BySshd => {
            "An enrolled key that sshd has verified counts without a question: sshd sees to its touch"
        }
        Touch::Unverified => {
            "An enrolled key that sshd has verified counts without a question, touched or not"
        }
        Touch::Proven => {
            "An enrolled key that sshd has verified counts only if it need not be touched: the rule has \
             no touch"
        }
    }
}

/// Of a certificate that sshd has verified, whoever has enrolled what.
fn certified(touch: Touch) -> &'static str {
    match touch {
        Touch::Unverified => {
            "A certificate of ssh_ca that sshd has verified counts without a question"
        }
        Touch::BySshd | Touch::Proven => {
            "A certificate of ssh_ca that sshd has verified counts without a question, if it is one of a \
             key that has to be touched"
        }
    }
}
