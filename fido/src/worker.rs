//! The thread of one token.

use std::ffi::{CStr, CString};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mfa_core::helper::{Failure, Pin, Reply};
use zeroize::Zeroizing;

use crate::ffi::{Code, Device, prepare};
use crate::job::{Attempt, Job, Obstacle};

/// How often a PIN may be wrong.
const TRIES: usize = 3;

/// How much longer than anybody waits libfido2 does: when it gives up, it tells the token nothing.
const GRACE: Duration = Duration::from_secs(2);

/// What a token's thread tells.
pub enum News {
    /// The token wants its PIN. It is not held open meanwhile: others may need it, and people type slowly.
    NeedPin { left: Option<u8>, wrong: bool, place: Sender<Pin> },
    /// The token was asked, and can be cancelled as long as it is held open.
    Asked { device: Weak<Device>, touch: bool, pin: bool },
    /// It is over.
    End(Result<Reply, Obstacle>),
}

/// A token, and whom to tell.
pub struct Worker<F> {
    pub path: CString,
    pub job: Arc<Job>,
    pub deadline: Instant,
    pub tell: F,
}

impl<F: Fn(News)> Worker<F> {
    /// Asks the token for all that it may be able to do, until it has done it.
    pub fn run(&self) {
        prepare();
        (self.tell)(News::End(self.work()));
    }

    fn work(&self) -> Result<Reply, Obstacle> {
        let attempts = self.job.attempts(&self.open()?)?;
        for attempt in attempts {
            let outcome =
                if attempt.pin { self.ask_with_pin(&attempt) } else { self.ask(&attempt, None) };
            if outcome != Err(Obstacle::Unknown) {
                return outcome;
            }
        }
        Err(Obstacle::Unknown)
    }

    /// A token that cannot be opened is another process's, or gone.
    fn open(&self) -> Result<Device, Obstacle> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        Device::open(&self.path, left + GRACE).map_err(|_| Obstacle::Passing)
    }

    fn ask(&self, attempt: &Attempt, pin: Option<&CStr>) -> Result<Reply, Obstacle> {
        let device = Arc::new(self.open()?);
        let (touch, has_pin) = (attempt.touch, pin.is_some());
        (self.tell)(News::Asked { device: Arc::downgrade(&device), touch, pin: has_pin });
        self.job.ask(&device, attempt, pin)
    }

    fn ask_with_pin(&self, attempt: &Attempt) -> Result<Reply, Obstacle> {
        for tried in 0..TRIES {
            let left = match self.open()?.pins_left() {
                Ok(0) => return Err(Obstacle::Lasting(Failure::PinBlocked)),
                // The last one should not be spent on a typing mistake here.
                Ok(1) => return Err(Obstacle::Lasting(Failure::LastPin)),
                Ok(left) => u8::try_from(left).ok(),
                Err(Code::RX | Code::TX) => return Err(Obstacle::Passing),
                Err(_) => None,
            };
            let (place, answer) = channel();
            (self.tell)(News::NeedPin { left, wrong: tried > 0, place });
            // Nobody answers once the token is gone.
            let pin = answer.recv().map_err(|_| Obstacle::Passing)?;
            let pin = Zeroizing::new([pin.as_bytes(), b"\0"].concat());
            let pin = CStr::from_bytes_with_nul(&pin).map_err(|_| Obstacle::WrongPin)?;
            let outcome = self.ask(attempt, Some(pin));
            if outcome != Err(Obstacle::WrongPin) {
                return outcome;
            }
        }
        Err(Obstacle::Lasting(Failure::WrongPin))
    }
}
