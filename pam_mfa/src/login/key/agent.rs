//! A key in an agent that was forwarded: on a far host, the token is with the person.
//!
//! What is signed names this host, the user and the service, and is new each time. Only keys that root
//! has enrolled are asked for, and what was enrolled says whether they must be touched.

use std::path::Path;

use mfa_core::account::{Key, Port};
use mfa_core::key::{Assertion, Message};
use mfa_core::random::{self, NoRandomness};
use mfa_core::reason::Reason;
use mfa_core::ssh::SkKey;
use mfa_core::ssh::sshsig::Challenge;
use mfa_core::store::Rights;
use mfa_core::store::Trouble;
use mfa_core::verify::{Held, Proof};
use nix::unistd::{getgid, getuid};

use super::super::Login;
use super::super::attempt::{Evidence, Judge};
use super::wait::Wait;
use super::{Keys, Tried};
use crate::agent::{Agent, Unanswered};
use crate::pam::Host;

/// What an agent's key has signed.
struct Signed {
    key: SkKey,
    assertion: Assertion,
    message: Message,
}

impl Login<'_> {
    /// Asks the forwarded agent, if the line says so.
    pub(super) fn by_agent(&self, host: &mut impl Host, judge: Judge, keys: &Keys) -> Tried {
        let enrolled: Vec<&Key> = keys.all.iter().filter(|key| key.port == Port::Ssh).collect();
        if !self.args.keys.ssh_agent || enrolled.is_empty() {
            return Tried::Not(None);
        }
        let Some(path) = host.agent() else {
            return Tried::not(Reason::NoAgent, "SSH_AUTH_SOCK is not set");
        };
        let wait = Wait::new(host, self.args.keys.patience(), keys.has_codes);
        match self.ask_agent(host, &path, &enrolled, &wait) {
            Ok(Signed { key, assertion, message }) => {
                let held =
                    Held { by_ssh: true, public: &key.public, application: &key.application };
                let proof = Proof::Signed { held, assertion: &assertion, message: &message };
                self.settle(host, judge, Evidence::Key(&proof))
            }
            Err(Unanswered::Interrupted) => {
                wait.interrupted();
                Tried::not(Reason::NoAnswer, "the agent")
            }
            Err(Unanswered::Failed(trouble)) => self.unanswered(host, trouble),
        }
    }

    /// Has one of the enrolled keys sign that the agent has; the first that will.
    fn ask_agent(
        &self,
        host: &mut impl Host,
        path: &Path,
        enrolled: &[&Key],
        wait: &Wait,
    ) -> Result<Signed, Unanswered> {
        let rights = Rights { uid: getuid(), gid: getgid() };
        let mut agent =
            Agent::connect(path, rights, wait.patience()).map_err(Unanswered::Failed)?;
        let mut listed = agent.keys()?;
        let is = |key: &SkKey, other: &&&Key| {
            key.public == other.public && key.application == other.application
        };
        listed.retain(|key| enrolled.iter().any(|other| is(key, &other)));
        let mut last = Trouble::new(Reason::KeyAbsent, "the agent has none of the user's keys");
        for key in listed {
            let challenge = self.challenge(host).map_err(Unanswered::Failed)?;
            if enrolled.iter().any(|other| is(&key, &other) && other.touch) {
                wait.say(host, self.cue());
            }
            match agent.sign(&key, challenge.data()) {
                Ok(assertion) => {
                    return Ok(Signed { key, assertion, message: challenge.message() });
                }
                // Its owner may have plugged in another.
                Err(Unanswered::Failed(trouble)) if trouble.reason == Reason::AgentRefused => {
                    last = trouble;
                }
                Err(why) => return Err(why),
            }
        }
        Err(Unanswered::Failed(last))
    }

    fn challenge(&self, host: &impl Host) -> Result<Challenge, Trouble> {
        let challenge =
            Challenge::new(&host.node(), &self.facts.user, &self.facts.service, &random::system);
        challenge.map_err(|NoRandomness| Trouble::new(Reason::Internal, "no randomness"))
    }
}
