//! A machine for tests: records in a directory of their own, which need not be root's, and the users
//! that every system has.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use clap::Parser;
use mfa_core::account::Port;
use mfa_core::helper::{self, Pin, Reply, Request, Task};
use mfa_core::key::{Public, hash};
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::record::{Credential, Id, Kept, Key, Method, Name, Record};
use mfa_core::secret::Secret;
use mfa_core::state::{State, Used};
use mfa_core::store::{Base, Lost, SystemRecord};
use mfa_enroll::log::Invoker;
use mfa_enroll::token::Conversation;
use nix::unistd::{Uid, User};
use ring::signature::{Ed25519KeyPair, KeyPair};
use tempfile::TempDir;

use crate::cli::Cli;
use crate::command;
use crate::failure::Failure;
use crate::policy::Login;
use crate::world::World;

pub const NOW: u64 = 1_700_000_010;

pub struct Lab {
    pub dir: TempDir,
    pub log: RefCell<Vec<String>>,
    /// What [`Lab::run`] wrote last, also if it failed.
    pub said: RefCell<String>,
    /// What journalctl says; `None` if there is no journal.
    pub journal: RefCell<Option<String>>,
    /// Whether somebody sits at a terminal.
    pub has_terminal: Cell<bool>,
    /// Where commands are run from; from no login unless a test says so.
    pub login: Cell<Login>,
    /// Who runs commands.
    pub uid: Cell<u32>,
    /// The key that is plugged in, by its number, and how often it has signed.
    pub token: Cell<Option<(u8, u32)>>,
    random: Cell<u64>,
}

impl Lab {
    pub fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            log: RefCell::default(),
            said: RefCell::default(),
            journal: RefCell::default(),
            has_terminal: Cell::default(),
            login: Cell::default(),
            uid: Cell::new(0),
            token: Cell::default(),
            random: Cell::new(7),
        }
    }

    pub fn base(&self) -> Base {
        Base::new(&self.dir.path().join("lib"), &self.run_dir())
    }

    pub fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Enrols a user of this system, with nothing used.
    pub fn enrol(&self, user: &str, credentials: Vec<Credential>) -> SystemRecord {
        self.enrol_uid(user, uid_of(user), credentials)
    }

    pub fn enrol_uid(&self, user: &str, uid: u32, credentials: Vec<Credential>) -> SystemRecord {
        enrol_in(self.base(), user, uid, credentials)
    }

    /// Adds keys to a user's record, none of which has been used.
    pub fn add_keys(&self, user: &str, keys: Vec<Key>) {
        let store = SystemRecord::new(self.base(), user, Uid::from_raw(uid_of(user))).unwrap();
        let (mut record, mut state) = store.read().unwrap();
        for key in &keys {
            state.keys.insert(key.id, 0);
        }
        record.keys.extend(keys);
        store.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    }

    /// Runs a command line, words separated by blanks, and gives what was said.
    pub fn run(&self, line: &str, input: &str) -> Result<String, Failure> {
        self.run_at(NOW, line, input)
    }

    pub fn run_at(&self, now: u64, line: &str, input: &str) -> Result<String, Failure> {
        let words = std::iter::once("mfactl").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        let [etc, run] = ["etc", "run"].map(|name| self.dir.path().join(name));
        let world = World {
            base: self.base(),
            pam_d: self.dir.path().join("pam.d"),
            os_release: self.dir.path().join("os-release"),
            etc: &etc,
            run: &run,
            host: "host".into(),
            invoker: Invoker { uid: self.uid.get(), login_uid: Some(1000), sudo_user: None },
            login: &|| self.login.get(),
            clock: &|| now,
            random: &|bytes| {
                bytes.fill_with(|| self.byte());
                Ok(())
            },
            keys: &|request| Ok(Box::new(Session(self.replies(request)))),
            log: &|line| self.log.borrow_mut().push(line.to_owned()),
            journal: &|_, each| {
                let journal = self.journal.borrow();
                let lines = journal.as_ref().ok_or(io::ErrorKind::NotFound)?.lines();
                lines.for_each(|line| each(line.as_bytes()));
                Ok(())
            },
            logs: vec![self.dir.path().join("auth.log")],
            // Homes are of the machine that the tests run on.
            everyone: &|| Ok(BTreeSet::new()),
            columns: None,
            colour: false,
            has_terminal: self.has_terminal.get(),
        };
        let mut output = vec![];
        let done = command::run(&cli.command, &world, &mut input.as_bytes(), &mut output);
        let said = String::from_utf8(output).unwrap();
        self.said.replace(said.clone());
        done.map(|()| said)
    }

    /// The sentence by which the command refuses, having said nothing else.
    pub fn refused(&self, line: &str) -> String {
        match self.run(line, "") {
            Ok(said) => panic!("{line}: {said}"),
            Err(failure) => {
                assert_eq!(*self.said.borrow(), "", "{line}");
                failure.to_string()
            }
        }
    }

    /// The generator of the next secret that is drawn.
    pub fn next_secret(&self) -> Secret {
        let before = self.random.get();
        let bytes = (0..20).map(|_| self.byte()).collect();
        self.random.set(before);
        Secret::new(bytes)
    }

    /// What mfa-fido says, the last first.
    fn replies(&self, request: &Request) -> Vec<Reply> {
        let Some((n, counter)) = self.token.get() else {
            return vec![Reply::Failed(helper::Failure::Absent), Reply::Insert];
        };
        let Task::Assert(candidates) = &request.task else { panic!("nothing else is asked") };
        let Some(candidate) = candidates.iter().position(|one| one.handle == [n; 16]) else {
            return vec![Reply::Failed(helper::Failure::Unknown)];
        };
        let rp_hash = hash(candidates[candidate].relying_party.as_bytes());
        let data = [&rp_hash[..], &[1], &counter.to_be_bytes()].concat();
        let signature = key_pair(n).sign(&[&data[..], &request.message].concat());
        let signature = signature.as_ref().to_vec();
        vec![Reply::Assertion { candidate, data, signature }, Reply::Touch]
    }

    /// Knuth's MMIX generator.
    fn byte(&self) -> u8 {
        let next = self.random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random.set(next);
        next.to_be_bytes()[0]
    }
}

/// One run of mfa-fido.
struct Session(Vec<Reply>);

impl Conversation for Session {
    fn reply(&mut self) -> io::Result<Reply> {
        self.0.pop().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn give(&mut self, _: &Pin) -> io::Result<()> {
        panic!("no PIN is asked for")
    }
}

/// Enrols a user of any name and id in `base`, with nothing used.
pub fn enrol_in(base: Base, user: &str, uid: u32, credentials: Vec<Credential>) -> SystemRecord {
    base.create().unwrap();
    let record = SystemRecord::new(base, user, Uid::from_raw(uid)).unwrap();
    let unused = |credential: &Credential| match credential.method {
        Method::Totp { .. } => (credential.id, Used::totp(0)),
        Method::Hotp => (credential.id, Used::hotp(Some(0))),
    };
    let state = State { credentials: credentials.iter().map(unused).collect(), ..State::default() };
    let new = Record { credentials, ..Record::new(user, uid) };
    record.edit(Lost::Refuse).unwrap().save(new, state).unwrap();
    record
}

pub fn uid_of(user: &str) -> u32 {
    User::from_name(user).unwrap().unwrap().uid.as_raw()
}

/// The secret of credential number `n`.
pub fn secret(n: u8) -> Secret {
    Secret::new(vec![n; 20])
}

/// The credential number `n`.
pub fn totp(n: u8, name: &str) -> Credential {
    Credential {
        id: Id::new([0, 0, 0, n]),
        name: Name::new(name).unwrap(),
        method: Method::Totp { period: 30 },
        secret: Kept::Plain(secret(n)),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        window: 3,
        created: Some(1_700_000_000),
    }
}

pub fn hotp(n: u8, name: &str) -> Credential {
    Credential {
        method: Method::Hotp,
        algorithm: Algorithm::Sha256,
        digits: Digits::new(8).unwrap(),
        created: None,
        ..totp(n, name)
    }
}

/// The private half of key number `n`.
pub fn key_pair(n: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[n; 32]).unwrap()
}

/// The key number `n`, for a USB port.
pub fn usb_key(n: u8, name: &str) -> Key {
    Key {
        id: Id::new([0, 0, 0, n]),
        name: Name::new(name).unwrap(),
        port: Port::Usb { handle: vec![n; 16], pin: false },
        public: Public::eddsa(key_pair(n).public_key().as_ref()).unwrap(),
        application: "pam://host".to_owned(),
        touch: true,
        verification: false,
        counts: true,
        created: Some(1_700_000_000),
    }
}

/// The same, of ssh.
pub fn ssh_key(n: u8, name: &str) -> Key {
    Key { port: Port::Ssh, application: "ssh:".to_owned(), ..usb_key(n, name) }
}

/// The code of such a time-based credential.
pub fn code(secret: &Secret, counter: u64) -> String {
    Otp::new(secret, Algorithm::Sha1, Digits::SIX).text(counter)
}
