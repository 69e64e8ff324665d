//! A machine with security keys in its ports, and somebody who sits at it.

use std::fs;
use std::time::Duration;

use mfa_core::account::Key;
use mfa_core::u2f;
use sandbox::fido::{Fault, Model, Token};
use sandbox::{Answer, Circumstances, Conversation, Host, Machine, User};

/// The mapping of the machine.
pub const MAPPING: &str = "/etc/u2f_mappings";

/// What pam_u2f's line says behind the module's name.
pub const LINE: &str = "origin=pam://sandbox authfile=/etc/u2f_mappings";

/// What is added to it.
pub const OURS: &str = "u2f local key_timeout=1";

/// Longer than any answer takes, and not long.
pub const SHORTLY: Duration = Duration::from_millis(30);

/// Nobody touches it, and it does not wait for long: pam_u2f waits as long as the token does.
pub const UNTOUCHED: &[Fault] = &[Fault::Untouched, Fault::GivesUpAfter(SHORTLY)];

pub struct Desk {
    pub machine: Machine,
    pub alice: User,
}

/// What came of a login, and all that was logged of it.
pub struct Login {
    pub said: Conversation,
    pub log: Vec<String>,
}

impl Login {
    pub fn is_in(&self) -> bool {
        self.said.result == 0
    }

    /// Why it was denied; empty if it was not.
    pub fn reason(&self) -> &str {
        let denied = self.log.iter().find_map(|line| line.split_once(" denied user="));
        let reason = denied.and_then(|(_, rest)| rest.split_once(" reason="));
        reason.and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default()
    }

    /// What let her in, by the log.
    pub fn factor(&self) -> &str {
        let accepted = self.log.iter().find_map(|line| line.split_once(" accepted user="));
        let factor = accepted.and_then(|(_, rest)| rest.split_once(" factor="));
        factor.and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default()
    }
}

impl Desk {
    pub fn new() -> Self {
        let machine = Machine::new();
        machine.rename("sandbox");
        let alice = machine.user("alice");
        Self { machine, alice }
    }

    pub fn plug_in(&self, model: &str) -> Token {
        Token::plug_in(&self.machine, &model.parse::<Model>().expect("words of a model"))
    }

    /// What pamu2fcfg(1) with these flags writes for the token that is there: `alice:KEY`.
    #[track_caller]
    pub fn register(&self, flags: &str, pin: Option<&str>) -> String {
        let command = format!("exec pamu2fcfg -u alice -o pam://sandbox {flags} >mapping");
        let mut program = self.machine.terminal(&self.alice.command(&["sh", "-c", &command]));
        if let Some(pin) = pin {
            program.answer("Enter PIN for /dev/hidraw", pin);
        }
        assert!(program.ends(), "{flags}: {}", program.screen());
        let mapping = fs::read_to_string(self.alice.path("mapping")).expect("just written");
        mapping.trim_end().to_owned()
    }

    /// Makes this the machine's mapping.
    pub fn map(text: &str) {
        fs::write(MAPPING, format!("{text}\n")).expect("our own /etc");
    }

    /// Registers a token and makes that the machine's mapping.
    #[track_caller]
    pub fn enrol(&self, flags: &str, pin: Option<&str>) -> Key {
        let line = self.register(flags, pin);
        Self::map(&line);
        key(&line)
    }

    /// One login of alice's by these lines, of all kinds.
    #[track_caller]
    pub fn login(&self, auth: &str, answers: &[Answer]) -> Login {
        self.login_under(auth, answers, &Circumstances::default())
    }

    /// The same under these circumstances.
    #[track_caller]
    pub fn login_under(&self, auth: &str, answers: &[Answer], around: &Circumstances) -> Login {
        // Whoever is not to be asked at all cannot answer.
        let answers = if answers.is_empty() { &[Answer::Error] } else { answers };
        let before = self.machine.log.lines().len();
        let said = Host::new(&self.machine, auth).begin_under("alice", answers, around).end();
        Login { said, log: self.machine.log.lines().split_off(before) }
    }

    /// One login of alice's by our module, with these options besides.
    #[track_caller]
    pub fn ours(&self, options: &str, answers: &[Answer]) -> Login {
        self.ours_under(options, answers, &Circumstances::default())
    }

    /// The same under these circumstances.
    #[track_caller]
    pub fn ours_under(&self, options: &str, answers: &[Answer], around: &Circumstances) -> Login {
        let login = self.login_under(&ours(options), answers, around);
        let Conversation { changed, errors, .. } = &login.said;
        assert!(changed.is_empty() && errors.is_empty(), "{changed:?} {errors}");
        login
    }
}

/// The program `src/bin/impostor.rs`. On a machine its place may be out of sight.
pub fn impostor() -> Vec<u8> {
    fs::read(env!("CARGO_BIN_EXE_impostor")).expect("cargo has built it")
}

/// The line of our module, with these options besides.
pub fn ours(options: &str) -> String {
    format!("auth required pam_mfa.so {LINE} {OURS} {options}")
}

/// Two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The key on this line of a mapping.
pub fn key(line: &str) -> Key {
    let options = u2f::Options {
        origin: "pam://sandbox".to_owned(),
        appid: "pam://sandbox".to_owned(),
        max_devices: u2f::MAX_DEVICES,
        touch: true,
        verification: false,
        pin: false,
    };
    let keys = u2f::read(line.as_bytes(), "alice", &options);
    keys.expect("what pamu2fcfg writes").pop().expect("one key")
}
