//! Record and state together: the account that answers are verified against.

use super::{Credential, Kept, Key, Method, Record};
use crate::account::{self, Account, CodeSet, Counter, Hotp, Others, RateLimit, Totp, UsedSteps};
use crate::reason::Reason;
use crate::secret::{ScratchCodes, Secret};
use crate::state::State;

/// Opens a sealed secret: the text of the seal, and what it is bound to.
pub type Unsealer<'a> = dyn Fn(&str, &str) -> Result<Secret, Reason> + 'a;

/// The account of `record`, of which `state` has been used.
///
/// What the state does not know is not good: it may have been used before the state was lost.
#[must_use]
pub fn account(record: &Record, state: &State, unseal: &Unsealer) -> Account {
    let credentials =
        record.credentials.iter().map(|credential| one(record, credential, state, unseal));
    let code_sets = record.codes.iter().map(|codes| CodeSet {
        kind: codes.kind,
        salt: codes.salt,
        hashes: codes.hashes.clone(),
        used: state.codes.get(&codes.id).copied().ok_or(Reason::NoState),
        expires: codes.expires,
    });
    Account {
        credentials: credentials.collect(),
        scratch_codes: ScratchCodes::default(),
        code_sets: code_sets.collect(),
        keys: record.keys.iter().map(|key| security_key(key, state)).collect(),
        unread_keys: None,
        rate_limit: Some(Ok(RateLimit {
            attempts: record.rate_limit.attempts.into(),
            interval: record.rate_limit.seconds.into(),
            times: state.attempts.clone(),
        })),
        logins: None,
        sources: Some(state.sources.clone()),
        notices: state.notices.clone(),
    }
}

impl Record {
    /// What the sealed secret of `credential` is bound to, so that it opens nowhere else.
    #[must_use]
    pub fn seal_context(&self, credential: &Credential) -> String {
        format!("user {} credential {}", self.user, credential.id)
    }
}

fn security_key(key: &Key, state: &State) -> account::Key {
    let last = state.keys.get(&key.id).copied().ok_or(Reason::NoState);
    account::Key {
        name: Some(key.name.as_str().to_owned()),
        port: key.port.clone(),
        public: key.public.clone(),
        application: key.application.clone(),
        touch: key.touch,
        verification: key.verification,
        counter: if key.counts { Counter::Last(last) } else { Counter::Unchecked },
    }
}

fn one(
    record: &Record,
    credential: &Credential,
    state: &State,
    unseal: &Unsealer,
) -> account::Credential {
    let used = state.credentials.get(&credential.id);
    let secret = match &credential.secret {
        Kept::Plain(secret) => Ok(secret.clone()),
        Kept::Sealed(sealed) => unseal(sealed, &record.seal_context(credential)),
    };
    let method = match credential.method {
        Method::Totp { period } => account::Method::Totp(Totp {
            period: Ok(period),
            skew: used.map_or(0, |used| used.skew),
            sightings: used.map(|used| used.sightings.clone()).unwrap_or_default(),
            used: Some(used.and_then(|used| used.step).map(UsedSteps::UpTo).ok_or(Reason::NoState)),
        }),
        Method::Hotp => account::Method::Hotp(Hotp {
            counter: used.and_then(|used| used.counter),
            others: Others::Resynchronise(used.and_then(|used| used.ahead)),
        }),
    };
    account::Credential {
        name: Some(credential.name.as_str().to_owned()),
        // Not known to the state at all: also an HOTP counter could not be taken note of.
        secret: if used.is_some() { secret } else { Err(Reason::NoState) },
        algorithm: Ok(credential.algorithm),
        digits: Ok(credential.digits),
        window: Ok(credential.window.into()),
        method,
    }
}
