//! What root keeps of a person: a system record and its state.

use std::path::Path;

use mfa_core::account::{self, Counter, Port};
use mfa_core::codes::{Hex, canonical, hash};
use mfa_core::otp::{Algorithm, Digits};
use mfa_core::record::{CodeKind, Codes, Credential, Id, Kept, Key, Limit, Method, Name, Record};
use mfa_core::secret;
use mfa_core::ssh::SkKey;
use mfa_core::state::{State, Used};
use mfa_core::store::{Base, Lost, SystemRecord};
use nix::unistd::Uid;

use crate::User;

/// Where the module looks for system records.
pub const RECORDS: &str = "/var/lib/pam_mfa";

/// As many answers as a record can allow: what a test does at once is not to be limited.
const HARDLY_LIMITED: Limit = Limit { attempts: 100, seconds: 1 };

/// What a person is enrolled with, until it is saved as a system record.
pub struct Enrolment {
    system: SystemRecord,
    record: Record,
    state: State,
}

impl User {
    /// The system record of this person, there or not.
    pub fn system(&self) -> SystemRecord {
        let base = Base::new(Path::new(RECORDS), Path::new("/run/pam_mfa"));
        SystemRecord::new(base, &self.name, Uid::from_raw(self.id)).expect("a plain name")
    }

    /// Begins to enrol with nothing, and with hardly a limit.
    pub fn enrolment(&self) -> Enrolment {
        let record = Record { rate_limit: HARDLY_LIMITED, ..Record::new(&self.name, self.id) };
        Enrolment { system: self.system(), record, state: State::default() }
    }

    /// What of the system record has been used.
    #[track_caller]
    pub fn used(&self) -> State {
        self.system().read().unwrap_or_else(|trouble| panic!("{trouble}")).1
    }

    /// The next counter of the credential of this name, if it is known.
    #[track_caller]
    pub fn counter(&self, name: &str) -> Option<i64> {
        let (record, state) = self.system().read().unwrap_or_else(|trouble| panic!("{trouble}"));
        let credential = record.credential(name).expect("enrolled");
        state.credentials.get(&credential.id)?.counter
    }
}

impl Enrolment {
    /// Codes by time from this base32 secret, none of them used.
    #[must_use]
    pub fn totp(self, name: &str, secret: &str) -> Self {
        self.with(name, secret, Method::Totp { period: 30 }, Used::totp(0))
    }

    /// Codes by counter, the next one that of 1.
    #[must_use]
    pub fn hotp(self, name: &str, secret: &str) -> Self {
        self.with(name, secret, Method::Hotp, Used::hotp(Some(1)))
    }

    /// So many codes of the last credential are good at one moment.
    #[must_use]
    pub fn window(mut self, window: u8) -> Self {
        self.record.credentials.last_mut().expect("one at least").window = window;
        self
    }

    /// These recovery codes.
    #[must_use]
    pub fn recovery_codes(mut self, codes: &[String]) -> Self {
        let salt = Hex::new([7; 16]);
        let one = |code: &String| hash(&canonical(code.as_bytes()).expect("a code"), &salt);
        let hashes = codes.iter().map(one).collect();
        let (id, kind) = (self.next_id(), CodeKind::Recovery);
        self.record.codes.push(Codes { id, kind, salt, hashes, created: None, expires: None });
        self.state.codes.insert(id, 0);
        self
    }

    /// This security key, which has not been used.
    #[must_use]
    pub fn key(mut self, name: &str, key: &account::Key) -> Self {
        let id = self.next_id();
        self.record.keys.push(Key {
            id,
            name: Name::new(name).expect("a short name"),
            port: key.port.clone(),
            public: key.public.clone(),
            application: key.application.clone(),
            touch: key.touch,
            verification: key.verification,
            counts: true,
            created: None,
        });
        self.state.keys.insert(id, 0);
        self
    }

    /// The key of this line of a `.pub` file. Its counter is not compared: that of OpenSSH's test provider
    /// stands still.
    #[must_use]
    pub fn ssh_key(self, name: &str, line: &str) -> Self {
        let SkKey { public, application } = SkKey::of_line(line).expect("an sk key");
        let (touch, verification, counter) = (true, false, Counter::Unchecked);
        let port = Port::Ssh;
        let key =
            account::Key { name: None, port, public, application, touch, verification, counter };
        self.key(name, &key).but(|key| key.counts = false)
    }

    /// The last key with other demands.
    #[must_use]
    pub fn but(mut self, change: impl FnOnce(&mut Key)) -> Self {
        change(self.record.keys.last_mut().expect("one at least"));
        self
    }

    /// No more answers than this in this many seconds.
    #[must_use]
    pub fn limit(mut self, attempts: u8, seconds: u16) -> Self {
        self.record.rate_limit = Limit { attempts, seconds };
        self
    }

    /// Makes it the person's record, in the place of any other.
    #[track_caller]
    pub fn save(&self) {
        let Self { system, record, state } = self;
        Base::new(Path::new(RECORDS), Path::new("/run")).create().expect("our own /var/lib");
        let saved =
            system.edit(Lost::Renew).and_then(|mut edit| edit.save(record.clone(), state.clone()));
        saved.unwrap_or_else(|trouble| panic!("{trouble}"));
    }

    fn with(mut self, name: &str, secret: &str, method: Method, used: Used) -> Self {
        let id = self.next_id();
        let secret = secret::Secret::from_base32(secret).expect("base32");
        self.record.credentials.push(Credential {
            id,
            name: Name::new(name).expect("a short name"),
            method,
            secret: Kept::Plain(secret),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            window: 3,
            created: None,
        });
        self.state.credentials.insert(id, used);
        self
    }

    fn next_id(&self) -> Id {
        let count = self.record.ids().count();
        Id::new([0, 0, 0, u8::try_from(count).expect("a handful")])
    }
}
