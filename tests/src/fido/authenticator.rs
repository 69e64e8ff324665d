//! What U2F and CTAP2 have in common: keys, a counter, and what is signed.

use super::credential::{Algorithm, Credential, Party, sha256};
use super::fault::Faults;
use super::pin::Pin;
use super::{Fault, Model};

/// Flags of authenticator data (CTAP 2.1 by way of WebAuthn level 2, section 6.1).
pub(super) mod flag {
    pub const UP: u8 = 0x01;
    pub const UV: u8 = 0x04;
    pub const ATTESTED: u8 = 0x40;
    pub const EXTENSIONS: u8 = 0x80;
}

/// How often a token was asked for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// A program took up with it: CTAPHID_INIT.
    pub inits: u32,
    /// It asked for a touch.
    pub waits: u32,
    /// A CANCEL ended such a wait.
    pub cancels: u32,
    /// It gave up such a wait, or it was pulled out then.
    pub untouched: u32,
    /// Credentials that it made.
    pub registrations: u32,
    /// Assertions with a touch that it signed.
    pub assertions: u32,
    /// Those without; also U2F's question whether it knows a handle.
    pub probes: u32,
    /// PINs that it was given and were wrong.
    pub wrong_pins: u32,
    /// WINKs.
    pub winks: u32,
}

/// Whoever `handle` is for, kept by the token itself.
pub(super) struct Resident {
    pub(super) party: Party,
    pub(super) user: Vec<u8>,
    pub(super) handle: Vec<u8>,
}

/// A token without its bus.
pub(super) struct Authenticator {
    pub(super) model: Model,
    pub(super) faults: Faults,
    pub(super) seen: Seen,
    pub(super) pin: Pin,
    pub(super) residents: Vec<Resident>,
    /// Further answers to the last CTAP2 assertion.
    pub(super) more: Vec<Vec<u8>>,
    counter: u32,
}

impl Authenticator {
    pub(super) fn new(model: Model) -> Self {
        Self {
            pin: Pin::new(model.pin.as_deref()),
            model,
            faults: Faults::default(),
            seen: Seen::default(),
            residents: vec![],
            more: vec![],
            counter: 0,
        }
    }

    /// These faults and no others from here on.
    pub(super) fn set_faults(&mut self, faults: &[Fault]) {
        self.faults = Faults(faults.to_vec());
        for &fault in faults {
            match fault {
                Fault::CountFrom(start) => self.counter = start,
                Fault::PinRetries(left) => self.pin.retries = left,
                _ => {}
            }
        }
    }

    /// The key of `handle`, if it is this token's.
    pub(super) fn credential(&self, handle: &[u8], party: &Party) -> Option<Credential> {
        Credential::of_handle(handle, self.model.seed, party)
    }

    /// A fresh key and its handle.
    pub(super) fn make(&mut self, algorithm: Algorithm, party: &Party) -> (Credential, Vec<u8>) {
        self.seen.registrations += 1;
        let credential = Credential::make(algorithm);
        let handle = credential.handle(self.model.seed, party);
        (credential, handle)
    }

    /// Authenticator data, with all its faults, and the signature over it and `message`.
    pub(super) fn assert(
        &mut self,
        credential: &Credential,
        party: &Party,
        flags: u8,
        message: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        let touched = flags & flag::UP != 0;
        *(if touched { &mut self.seen.assertions } else { &mut self.seen.probes }) += 1;
        self.counter = self.counter.wrapping_add(1);
        let (mut party, mut flags, mut counter) = (*party, flags, self.counter);
        let (mut rest, mut other_key, mut flipped) = (vec![], None, 0);
        for &fault in &self.faults.0 {
            match fault {
                Fault::WithoutUp => flags &= !flag::UP,
                Fault::WithoutUv => flags &= !flag::UV,
                Fault::AttestedFlag => flags |= flag::ATTESTED,
                Fault::ExtensionFlag => flags |= flag::EXTENSIONS,
                Fault::OtherParty => party = sha256(&party),
                Fault::Counter(is) => counter = is,
                Fault::TrailingByte => rest = vec![0],
                Fault::OtherKey => other_key = Some(Credential::make(credential.algorithm)),
                Fault::BadSignature => flipped = 1,
                _ => {}
            }
        }
        let data = [&party[..], &[flags], &counter.to_be_bytes(), &rest].concat();
        let message = [&data, message].concat();
        let mut signature = other_key.as_ref().unwrap_or(credential).sign(&message);
        *signature.last_mut().expect("never empty") ^= flipped;
        (data, signature)
    }
}
