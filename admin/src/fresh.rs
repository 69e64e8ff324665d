//! State for what has none.

use mfa_core::otp::step;
use mfa_core::record::{Credential, Id, Method, Record};
use mfa_core::state::{State, Used};

/// What shall count as used of something whose past nobody knows.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// Seconds since 1970. No time-based code up to now is good, nor those that the window already
    /// takes: one of them may have been accepted just before.
    pub now: u64,
    /// The next counter of event-based credentials; `None` if two consecutive codes have to tell.
    pub counter: Option<i64>,
    /// Whether no recovery or bypass code has been used; otherwise none is good.
    pub codes_unused: bool,
}

impl Fresh {
    /// Adds to `state` what it lacks of `record`, as far as `is_due` says so; how many parts that were.
    pub fn fill(self, state: &mut State, record: &Record, is_due: impl Fn(Id) -> bool) -> usize {
        let before = state.credentials.len() + state.codes.len();
        for credential in record.credentials.iter().filter(|credential| is_due(credential.id)) {
            state.credentials.or_insert_with(credential.id, || self.used(credential));
        }
        for codes in record.codes.iter().filter(|codes| self.codes_unused && is_due(codes.id)) {
            state.codes.or_insert_with(codes.id, || 0);
        }
        state.credentials.len() + state.codes.len() - before
    }

    fn used(self, credential: &Credential) -> Used {
        match credential.method {
            Method::Totp { period } => {
                let ahead = u64::from(credential.window / 2);
                let last = step(self.now, period).saturating_add(ahead);
                Used::totp(last.try_into().unwrap_or(i64::MAX))
            }
            Method::Hotp => Used::hotp(self.counter),
        }
    }
}
