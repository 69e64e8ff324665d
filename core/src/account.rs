//! What a user has enrolled and what of it has been used, whatever file it came from.
//!
//! A part that cannot be read holds its [`Reason`] and denies only what needs it: a file with a bad
//! window still lets its owner in with a scratch code.

use crate::otp::{Algorithm, Digits};
use crate::reason::Reason;
use crate::secret::{ScratchCodes, Secret};

/// How many used time steps are remembered at least, the latest: clocks jump back, and then their
/// codes would be good again.
pub const REMEMBERED: usize = 32;

/// One user's second factors and their state.
#[derive(Debug, Clone)]
pub struct Account {
    /// The generator of one-time codes.
    pub credential: Credential,
    /// Unused recovery codes.
    pub scratch_codes: ScratchCodes,
    /// How often an answer may be given; `None` means as often as one likes.
    pub rate_limit: Option<Result<RateLimit, Reason>>,
    /// The last login from each of up to ten hosts.
    pub logins: [LoginSlot; 10],
}

/// A secret and how codes are made from it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The shared secret.
    pub secret: Result<Secret, Reason>,
    /// The hash.
    pub algorithm: Result<Algorithm, Reason>,
    /// The length of a code.
    pub digits: Result<Digits, Reason>,
    /// How many codes are good at one moment, 1 to 100.
    pub window: Result<i64, Reason>,
    /// What moves a code on.
    pub method: Method,
}

/// What moves a code on: an event, the time, or nothing.
#[derive(Debug, Clone)]
pub enum Method {
    /// RFC 4226; `counter` is the next one expected, at least 1.
    Hotp {
        /// The next counter.
        counter: i64,
    },
    /// RFC 6238.
    Totp(Totp),
    /// Only scratch codes.
    None,
}

/// The time-based half of a credential and its state. Steps count periods since 1970.
#[derive(Debug, Clone)]
pub struct Totp {
    /// Seconds a code lasts, 1 to 60.
    pub period: Result<u64, Reason>,
    /// How many steps the person's clock is ahead of ours, as learnt.
    pub skew: i64,
    /// Codes of another time that were entered while the skew is being learnt; newest last, at
    /// most three.
    pub sightings: Vec<Sighting>,
    /// Steps whose codes have been used; `None` where codes may be used again.
    pub used: Option<Result<Vec<i64>, Reason>>,
}

/// At our `step` somebody entered the code of step + `skew`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Our time step.
    pub step: i64,
    /// How many steps ahead the code was.
    pub skew: i64,
}

/// At most `attempts` answers within `interval` seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// 1 to 100.
    pub attempts: usize,
    /// Seconds, 1 to 3600.
    pub interval: u64,
    /// Seconds since 1970 of earlier attempts.
    pub times: Vec<u64>,
}

/// One place for the record of a host's last login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSlot {
    /// Free.
    Empty,
    /// Holds something else; left alone as long as there is another slot.
    Malformed,
    /// The last login from `host`.
    Login {
        /// `PAM_RHOST` of that login.
        host: String,
        /// Seconds since 1970.
        at: i64,
    },
}

/// One thing that a verdict costs; applied in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The attempts that still count.
    Attempts(RateLimit),
    /// The next HOTP counter.
    Counter(i64),
    /// The code of `step` has been used. Of the used steps that are `window` or more away all but
    /// the latest [`REMEMBERED`] are forgotten, if all that is remembered is later.
    StepUsed {
        /// The time step.
        step: i64,
        /// How many codes are good at one moment.
        window: i64,
    },
    /// This scratch code has been used.
    ScratchUsed(u32),
    /// The person's clock is this many steps ahead.
    Skew(i64),
    /// What has been sighted of a clock that differs; empty once that is settled.
    Sightings(Vec<Sighting>),
    /// A login to remember, in one of the ten slots.
    Login {
        /// 0 to 9.
        slot: usize,
        /// `PAM_RHOST`.
        host: String,
        /// Seconds since 1970.
        at: i64,
    },
}
