//! A key or a certificate that sshd has verified.
//!
//! Its kind proves nothing: users write `authorized_keys`, and there is software that plays a security
//! key. It counts if that very key is enrolled, or an authority of the policy has certified it.

use mfa_core::account::Account;
use mfa_core::audit::Decision;
use mfa_core::policy::{Demand, Touch};
use mfa_core::reason::Reason;
use mfa_core::ssh::auth_info::{self, Verified};
use mfa_core::ssh::{Certificate, SkKey};
use mfa_core::store::{Decide, Opened, Outcome, Store, Trouble};
use mfa_core::verify::{Held, Proof, Verdict, verify_key};
use mfa_core::wire::Malformed;

use super::super::Login;
use super::super::attempt::{Evidence, Judge};
use super::super::session::SERVICE;
use crate::pam::{Host, Level};
use crate::ruling::Effect;

impl Login<'_> {
    /// Whether a key that sshd has verified lets the person in.
    pub(in super::super) fn by_sshd(
        &self,
        host: &mut impl Host,
        judge: Judge,
        account: &Account,
    ) -> bool {
        let Some(demand) = self.takes_ssh_keys() else { return false };
        for verified in self.verified(host) {
            let Verified::Key(SkKey { public, application }) = &verified else { continue };
            let held = Held { by_ssh: true, public, application };
            let was_touched = demand.touch != Touch::Proven;
            let proof = Proof::BySshd { held, was_touched };
            // One that does not count is no attempt: there are others, and codes.
            match verify_key(account, &proof, &self.terms(), host.now()).0 {
                Verdict::Accepted(_) => {
                    return self.attempt(host, judge, Evidence::Key(&proof)).is_ok();
                }
                Verdict::Denied(denied) => self.note(host, denied.reason, "SSH_AUTH_INFO_0"),
            }
        }
        false
    }

    /// Whether a certificate does, for which nothing need be enrolled.
    pub(in super::super) fn by_certificate(&self, host: &mut impl Host) -> bool {
        let Some(demand) = self.takes_ssh_keys() else { return false };
        for verified in self.verified(host) {
            let Verified::Certificate(certificate) = &verified else { continue };
            let name = &certificate.key_id;
            match self.is_certified(certificate, demand, host.now()) {
                Ok(()) => {
                    let judge = Judge::Account { store: &Nobody, fresh: None };
                    return self
                        .attempt(host, judge, Evidence::Key(&Proof::Certified(name)))
                        .is_ok();
                }
                Err(reason) => self.note(host, reason, name),
            }
        }
        false
    }

    fn takes_ssh_keys(&self) -> Option<&Demand> {
        match &self.ruling.effect {
            Effect::Require(demand) if demand.factors.ssh_key => {
                let is_somebody = self.person.is_somebody(self.args).is_ok();
                (is_somebody && self.facts.service == SERVICE).then_some(demand)
            }
            _ => None,
        }
    }

    fn verified(&self, host: &impl Host) -> Vec<Verified> {
        let Some(text) = host.variable(c"SSH_AUTH_INFO_0") else { return Vec::new() };
        auth_info::read(&text).unwrap_or_else(|Malformed| {
            self.note(host, Reason::KeyMalformed, "SSH_AUTH_INFO_0");
            Vec::new()
        })
    }

    fn is_certified(&self, it: &Certificate, demand: &Demand, now: u64) -> Result<(), Reason> {
        let settings = self.ruling.settings.as_ref();
        let authorities = settings.map(|settings| &*settings.authorities).unwrap_or_default();
        it.counts_for(&self.facts.user, now, authorities)?;
        if it.demands_touch() || demand.touch == Touch::Unverified {
            return Ok(());
        }
        // What is certified is no security key, or need not be touched.
        Err(Reason::TouchUnverified)
    }

    fn note(&self, host: &impl Host, reason: Reason, detail: &str) {
        self.facts.log(host, Level::Info, Decision::Warned { reason, detail });
    }
}

/// Who need not have enrolled anything.
struct Nobody;

impl Store for Nobody {
    fn open(&self) -> Opened {
        Opened::Enrolled(Box::default())
    }

    fn transact(&self, decide: &mut Decide) -> Result<Outcome, Trouble> {
        let (verdict, _) = decide(&Account::default());
        Ok(Outcome { verdict, written: Ok(()), warning: None })
    }

    fn shown(&self) -> String {
        "a certificate".to_owned()
    }
}
