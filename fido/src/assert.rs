//! A message that one of several keys is to sign.

use std::ffi::CStr;

use mfa_core::helper::{Candidate, Failure, Reply};
use mfa_core::key::Message;

use crate::bytes::{text, unwrapped};
use crate::ffi::{Code, Device, Option3, Query};
use crate::job::{Attempt, Obstacle};

/// The candidates of this token: first those whose handle it knows, then those that it may keep itself.
pub fn attempts(device: &Device, candidates: &[Candidate]) -> Result<Vec<Attempt>, Obstacle> {
    let mut known = vec![];
    let mut possible: Vec<&Candidate> = vec![];
    let mut attempts = vec![];
    let mut obstacle = Obstacle::Unknown;
    for (index, candidate) in candidates.iter().enumerate() {
        let attempt = Attempt { candidate: index, pin: candidate.pin, touch: candidate.touch };
        if is_resident(candidate) {
            // Only a touch would tell, or a PIN. Whether it is this token's fault that it cannot is not known.
            let is_new = !possible.iter().any(|other| is_alike(candidate, other));
            if device.is_fido2() && is_new && able(device, candidate).is_ok() {
                possible.push(candidate);
                attempts.push(attempt);
            }
        } else if knows(device, candidate)? {
            match able(device, candidate) {
                Ok(()) => known.push(attempt),
                Err(failure) => obstacle = Obstacle::Lasting(failure),
            }
        }
    }
    known.append(&mut attempts);
    if known.is_empty() { Err(obstacle) } else { Ok(known) }
}

/// Has one of them sign, or one that is alike.
pub fn ask(
    device: &Device,
    message: &Message,
    candidates: &[Candidate],
    index: usize,
    pin: Option<&CStr>,
) -> Result<Reply, Obstacle> {
    let candidate = candidates.get(index).ok_or(Code::INTERNAL)?;
    let mut query = Query::new(&text(&candidate.relying_party)?, message)?;
    if !is_resident(candidate) {
        query.allow(&candidate.handle)?;
    }
    let touch = match (candidate.touch, device.is_fido2()) {
        (true, _) => Option3::True,
        (false, true) => Option3::False,
        // U2F knows nothing else than a touch.
        (false, false) => Option3::Omit,
    };
    // A PIN verifies, too.
    let itself = candidate.verification && !candidate.pin;
    query.demand(touch, if itself { Option3::True } else { Option3::Omit })?;
    device.sign(&mut query, pin)?;
    for (data, signature) in query.answers() {
        let data = unwrapped(&data).ok_or(Code::INTERNAL)?;
        let signer = if is_resident(candidate) {
            candidates.iter().position(|other| {
                is_alike(candidate, other) && other.has_signed(data, &signature, message)
            })
        } else {
            Some(index)
        };
        if let Some(signer) = signer {
            return Ok(Reply::Assertion { candidate: signer, data: data.to_vec(), signature });
        }
    }
    Err(Obstacle::Unknown)
}

/// Its token keeps it.
fn is_resident(candidate: &Candidate) -> bool {
    candidate.handle.is_empty()
}

/// Whether a token that is asked for one of these keys may answer with the other.
fn is_alike(one: &Candidate, other: &Candidate) -> bool {
    let demands = |candidate: &Candidate| (candidate.touch, candidate.verification, candidate.pin);
    is_resident(one)
        && is_resident(other)
        && one.relying_party == other.relying_party
        && demands(one) == demands(other)
}

/// Whether the token knows the handle, which it tells without a touch. It signs nothing that counts.
fn knows(device: &Device, candidate: &Candidate) -> Result<bool, Obstacle> {
    let mut probe = Query::new(&text(&candidate.relying_party)?, &[0; 32])?;
    probe.allow(&candidate.handle)?;
    probe.demand(Option3::False, Option3::Omit)?;
    match device.sign(&mut probe, None) {
        Ok(()) | Err(Code::USER_PRESENCE_REQUIRED) => Ok(true),
        // It tells nobody anything before it knows its user.
        Err(Code::PIN_REQUIRED) => Ok(candidate.pin),
        Err(Code::RX | Code::TX) => Err(Obstacle::Passing),
        Err(_) => Ok(false),
    }
}

/// Whether the token can know its user as the candidate demands.
fn able(device: &Device, candidate: &Candidate) -> Result<(), Failure> {
    if candidate.pin {
        match (device.is_fido2(), device.has_pin()) {
            (true, true) => Ok(()),
            (true, false) => Err(Failure::NoPin),
            (false, _) => Err(Failure::Unsupported),
        }
    } else if candidate.verification && !device.has_verification() {
        Err(Failure::Unsupported)
    } else {
        Ok(())
    }
}
