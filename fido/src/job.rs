//! What each token is asked, whichever of the two tasks it is.

use std::ffi::CStr;

use mfa_core::helper::{Failure, Reply, Task};
use mfa_core::key::Message;

use crate::ffi::{Code, Device};
use crate::{assert, enrol};

/// The task, and what is to be signed.
pub struct Job {
    message: Message,
    task: Task,
}

/// One way to get it done by a certain token.
pub struct Attempt {
    /// The candidate, of an assertion.
    pub candidate: usize,
    /// The token wants its PIN.
    pub pin: bool,
    /// The token waits for a touch.
    pub touch: bool,
}

/// Why a token has not done it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It was unplugged, or nobody touched it in its own time: try again.
    Passing,
    /// It knows none of the keys.
    Unknown,
    /// The PIN was wrong.
    WrongPin,
    /// It cannot.
    Lasting(Failure),
}

impl Job {
    pub fn new(message: Message, task: Task) -> Self {
        Self { message, task }
    }

    /// What to ask of a token, the best first; at least one.
    pub fn attempts(&self, device: &Device) -> Result<Vec<Attempt>, Obstacle> {
        match &self.task {
            Task::Assert(candidates) => assert::attempts(device, candidates),
            Task::Enrol(subject) => Ok(vec![enrol::attempt(device, subject)?]),
        }
    }

    /// Asks it, and waits.
    pub fn ask(
        &self,
        device: &Device,
        attempt: &Attempt,
        pin: Option<&CStr>,
    ) -> Result<Reply, Obstacle> {
        match &self.task {
            Task::Assert(candidates) => {
                assert::ask(device, &self.message, candidates, attempt.candidate, pin)
            }
            Task::Enrol(subject) => enrol::ask(device, &self.message, subject, pin),
        }
    }
}

impl From<Code> for Obstacle {
    fn from(code: Code) -> Self {
        match code {
            Code::RX
            | Code::TX
            | Code::KEEPALIVE_CANCEL
            | Code::USER_ACTION_TIMEOUT
            | Code::ACTION_TIMEOUT
            | Code::UV_INVALID => Self::Passing,
            Code::NO_CREDENTIALS | Code::INVALID_CREDENTIAL => Self::Unknown,
            // What is no PIN at all for this token is a wrong one, too.
            Code::PIN_INVALID | Code::PIN_AUTH_INVALID | Code::PIN_POLICY_VIOLATION => {
                Self::WrongPin
            }
            Code::PIN_BLOCKED | Code::PIN_AUTH_BLOCKED | Code::UV_BLOCKED => {
                Self::Lasting(Failure::PinBlocked)
            }
            Code::PIN_NOT_SET => Self::Lasting(Failure::NoPin),
            Code::UNSUPPORTED_ALGORITHM | Code::UNSUPPORTED_OPTION | Code::INVALID_OPTION => {
                Self::Lasting(Failure::Unsupported)
            }
            Code::CREDENTIAL_EXCLUDED => Self::Lasting(Failure::Enrolled),
            Code(code) => Self::Lasting(Failure::Other(code)),
        }
    }
}
