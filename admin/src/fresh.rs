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
        let parts = |state: &State| state.credentials.len() + state.keys.len() + state.codes.len();
        let before = parts(state);
        for credential in record.credentials.iter().filter(|credential| is_due(credential.id)) {
            state.credentials.or_insert_with(credential.id, || self.used(credential));
        }
        // Any counter is higher: what is signed is new each time, and only a copy could go unnoticed.
        for key in record.keys.iter().filter(|key| is_due(key.id)) {
            state.keys.or_insert_with(key.id, || 0);
        }
        for codes in record.codes.iter().filter(|codes| self.codes_unused && is_due(codes.id)) {
            state.codes.or_insert_with(codes.id, || 0);
        }
        parts(state) - before
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

#[cfg(test)]
mod tests {
    use mfa_core::account::Port;
    use mfa_core::key::Public;
    use mfa_core::record::{Key, Name};

    use super::*;
    use crate::lab::{NOW, totp};

    #[test]
    fn what_is_lacking_and_due_is_added() {
        let key = |n| Key {
            id: Id::new([n; 4]),
            name: Name::new("blue").unwrap(),
            port: Port::Ssh,
            public: Public::eddsa(&[n; 32]).unwrap(),
            application: "ssh:".to_owned(),
            touch: true,
            verification: false,
            counts: true,
            created: None,
        };
        let mut record = Record::new("alice", 1000);
        record.credentials = vec![totp(1, "phone")];
        record.keys = vec![key(7), key(8), key(9)];
        let mut state = State { keys: [(Id::new([7; 4]), 41)].into(), ..State::default() };
        let fresh = Fresh { now: NOW, counter: None, codes_unused: false };
        assert_eq!(fresh.fill(&mut state, &record, |id| id != Id::new([9; 4])), 2);
        assert_eq!(state.keys, [(Id::new([7; 4]), 41), (Id::new([8; 4]), 0)].into());
        assert_eq!(fresh.fill(&mut state, &record, |_| true), 1);
        assert_eq!(fresh.fill(&mut state, &record, |_| true), 0);
    }
}
