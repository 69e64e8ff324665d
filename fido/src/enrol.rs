//! A key that a token is to make.

use std::ffi::CStr;

use mfa_core::helper::{Algorithm, Failure, Made, Reply, Subject};
use mfa_core::key::{Message, Public};

use crate::bytes::text;
use crate::ffi::{Code, Device, Fresh, Option3};
use crate::job::{Attempt, Obstacle};

/// What to ask of this token. One that has a PIN wants it for each key that it makes.
pub fn attempt(device: &Device, subject: &Subject) -> Result<Attempt, Obstacle> {
    let beyond_u2f = subject.resident
        || subject.pin
        || subject.verification
        || subject.algorithm != Algorithm::Es256;
    let itself = subject.verification && !subject.pin;
    if beyond_u2f && !device.is_fido2() || itself && !device.has_verification() {
        return Err(Obstacle::Lasting(Failure::Unsupported));
    }
    if subject.pin && !device.has_pin() {
        return Err(Obstacle::Lasting(Failure::NoPin));
    }
    Ok(Attempt { candidate: 0, pin: device.has_pin() && !itself, touch: true })
}

/// Has it made. The token states that it has the key; whether that is signed is looked at here.
pub fn ask(
    device: &Device,
    message: &Message,
    subject: &Subject,
    pin: Option<&CStr>,
) -> Result<Reply, Obstacle> {
    let algorithm = match subject.algorithm {
        Algorithm::Es256 => -7,
        Algorithm::Eddsa => -8,
    };
    let mut fresh = Fresh::new(&text(&subject.relying_party)?, message, algorithm)?;
    fresh.user(&subject.user_id, &text(&subject.user)?)?;
    let yes = |demanded| if demanded { Option3::True } else { Option3::Omit };
    fresh.demand(yes(subject.resident), yes(subject.verification && pin.is_none()))?;
    for handle in &subject.exclude {
        fresh.exclude(handle)?;
    }
    device.make(&mut fresh, pin)?;
    fresh.verify()?;
    let public = match subject.algorithm {
        Algorithm::Es256 => Public::es256(&fresh.public()),
        Algorithm::Eddsa => Public::eddsa(&fresh.public()),
    };
    Ok(Reply::Made(Made {
        handle: fresh.handle(),
        public: public.ok_or(Code::INTERNAL)?,
        flags: fresh.flags(),
        counter: fresh.counter(),
    }))
}
