//! A key in a port of this machine, by way of mfa-fido.

use std::time::{Duration, Instant};

use mfa_core::account::{Key, Port};
use mfa_core::helper::{Candidate, Failure, MAX_KEYS, Pin, Reply, Request, Task};
use mfa_core::key::{self, Assertion, Message};
use mfa_core::random::{self, NoRandomness};
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use mfa_core::verify::{Held, Proof};

use super::super::Login;
use super::super::attempt::{Evidence, Judge};
use super::wait::Wait;
use super::{Keys, Tried};
use crate::pam::{Heard, Host};

/// The most time that somebody takes to type PINs: mfa-fido does not give up meanwhile. What ends it is that
/// nobody listens any more.
const TYPING: Duration = Duration::from_secs(300);

/// More than mfa-fido has to say of one login: nobody is to be flooded with it.
const MOST: usize = 64;

impl Login<'_> {
    /// Asks the keys in this machine's ports, if the line says so and the person sits here.
    pub(super) fn by_port(&self, host: &mut impl Host, judge: Judge, keys: &Keys) -> Tried {
        if !self.args.keys.u2f {
            return Tried::Not(None);
        }
        let keys_here: Vec<&Key> = keys.all.iter().filter(|key| key.port != Port::Ssh).collect();
        if keys_here.is_empty() {
            return Tried::Not(None);
        }
        if !self.is_local() {
            return Tried::not(Reason::NotLocal, "u2f");
        }
        let message = match self.message(host) {
            Ok(message) => message,
            Err(NoRandomness) => return Tried::not(Reason::Internal, "no randomness"),
        };
        self.insert_first(host);
        match self.ask_port(host, &keys_here, message, keys.has_codes) {
            Ok(Signed { key, assertion }) => {
                let (public, application) = (&key.public, &*key.application);
                let held = Held { by_ssh: false, public, application };
                let proof = Proof::Signed { held, assertion: &assertion, message: &message };
                self.settle(host, judge, Evidence::Key(&proof))
            }
            Err(trouble) => self.unanswered(host, trouble),
        }
    }

    /// What pam_u2f asks first where its `interactive` is on the line. Who cannot be asked goes on.
    fn insert_first(&self, host: &mut impl Host) {
        let theirs = &self.args.keys.pam_u2f;
        let words = theirs.prompt.as_deref();
        if theirs.interactive {
            let _ = host.ask(words.unwrap_or("Insert your security key, then press Enter."), true);
        }
    }

    /// Whether the person sits at this machine: no remote host, and a service that only those can reach.
    fn is_local(&self) -> bool {
        let by_policy = self
            .ruling
            .settings
            .as_ref()
            .is_some_and(|settings| settings.local.contains(&self.facts.service));
        self.facts.host.is_none() && (self.args.keys.local || by_policy)
    }

    /// What a key is to sign: good for this login alone.
    fn message(&self, host: &impl Host) -> Result<Message, NoRandomness> {
        let node = host.node();
        let login = [&self.facts.service, &self.facts.user, &node].map(String::as_bytes);
        key::message(login, &random::system)
    }

    fn ask_port<'k>(
        &self,
        host: &mut impl Host,
        keys: &[&'k Key],
        message: Message,
        has_codes: bool,
    ) -> Result<Signed<'k>, Trouble> {
        let helper = host.tokens(self.paths.helper, self.paths.owner)?;
        let patience = self.args.keys.patience();
        let candidates: Vec<_> =
            keys.iter().filter_map(|key| Candidate::of(key)).take(MAX_KEYS).collect();
        let request =
            Request { patience: patience + TYPING, message, task: Task::Assert(candidates) };
        helper.send(&request.encode())?;
        let end = Instant::now() + patience + TYPING;
        let mut wait = Wait::new(host, patience, has_codes);
        let mut late = Reason::KeyTimeout;
        for _ in 0..MOST {
            let reply = match helper.receive(wait.patience())? {
                Heard::Reply(reply) => reply,
                Heard::TimedOut => return Err(trouble(late)),
                Heard::Interrupted => {
                    wait.interrupted();
                    return Err(trouble(Reason::NoAnswer));
                }
            };
            match reply {
                Reply::Insert => {
                    late = Reason::KeyAbsent;
                    wait.say(host, "Insert your security key");
                }
                Reply::Touch => {
                    late = Reason::KeyTimeout;
                    wait.say(host, self.cue());
                }
                // Nobody is to learn a PIN that no key was to be asked with.
                Reply::NeedPin { .. } if !keys.iter().any(|key| has_pin(key)) => break,
                Reply::NeedPin { left, wrong } => {
                    let pin = ask_pin(host, left, wrong)?;
                    helper.send(pin.encode())?;
                    let left = end.saturating_duration_since(Instant::now());
                    wait = Wait::new(host, patience.min(left), has_codes);
                }
                Reply::Assertion { candidate, data, signature } => {
                    let key = keys.get(candidate).ok_or_else(|| trouble(Reason::HelperFailed))?;
                    let assertion = Assertion::of_token(&data, &signature, &key.public);
                    return Ok(Signed { key, assertion: assertion.map_err(trouble)? });
                }
                Reply::Failed(failure) => return Err(of_failure(failure)),
                Reply::Made(_) => break,
            }
        }
        Err(trouble(Reason::HelperFailed))
    }
}

/// What a key has signed.
struct Signed<'k> {
    key: &'k Key,
    assertion: Assertion,
}

fn has_pin(key: &Key) -> bool {
    matches!(key.port, Port::Usb { pin: true, .. })
}

fn ask_pin(host: &mut impl Host, left: Option<u8>, wrong: bool) -> Result<Pin, Trouble> {
    if wrong {
        host.tell(&match left {
            Some(left) => format!("That PIN is wrong; the key takes {left} more"),
            None => "That PIN is wrong".to_owned(),
        });
    }
    let typed = host.ask("PIN of your security key: ", false).ok().flatten();
    typed.and_then(|typed| Pin::new(&typed)).ok_or_else(|| trouble(Reason::KeyPin))
}

fn of_failure(failure: Failure) -> Trouble {
    let reason = match failure {
        Failure::Absent | Failure::Unknown => Reason::KeyAbsent,
        Failure::Late => Reason::KeyTimeout,
        Failure::WrongPin | Failure::NoPin => Reason::KeyPin,
        Failure::LastPin | Failure::PinBlocked => Reason::KeyPinBlocked,
        Failure::Unsupported => Reason::KeyUnverified,
        Failure::Enrolled | Failure::Other(_) => Reason::HelperFailed,
    };
    Trouble::new(reason, format!("mfa-fido: {failure:?}"))
}

fn trouble(reason: Reason) -> Trouble {
    Trouble::new(reason, "mfa-fido")
}
