//! Keys of a software token, in a mapping and in a record, and logins by them.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;

use mfa_core::account::{Counter, Key, Port};
use mfa_core::helper::{self, Made, Pin, Reply, Request as Asked, Task};
use mfa_core::key::{Assertion, Public, hash};
use mfa_core::notice::Kind;
use mfa_core::reason::Reason;
use mfa_core::ssh::SkKey;
use mfa_core::state::State;
use mfa_core::store::{Lost, Opened, Store, SystemRecord};
use mfa_core::verify::{Held, Proof, Terms, Verdict, verify_key};
use nix::unistd::{Uid, User, geteuid};
use ring::signature::{Ed25519KeyPair, KeyPair};
use tempfile::TempDir;

use super::*;
use crate::log::{Invoker, Log};
use crate::token::Conversation;

const NOW: u64 = 1_700_000_010;
const ROOT: Invoker = Invoker { uid: 0, login_uid: None, sudo_user: None };

/// A token that makes one key, of its seed, and what is wrong with it.
struct Token {
    seed: Cell<u8>,
    counter: Cell<u32>,
    flags: Cell<u8>,
    /// It signs for another relying party.
    strays: Cell<bool>,
    /// Somebody else's signature.
    forges: Cell<bool>,
    /// It is not plugged in.
    absent: Cell<bool>,
}

impl Token {
    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[self.seed.get(); 32]).unwrap()
    }

    fn public(&self) -> Public {
        Public::eddsa(self.pair().public_key().as_ref()).unwrap()
    }

    fn handle(&self) -> Vec<u8> {
        vec![self.seed.get(); 16]
    }

    fn sign(&self, application: &str, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let count = self.counter.get() + 1;
        self.counter.set(count);
        let application = if self.strays.get() { "pam://other" } else { application };
        let rp_hash = hash(application.as_bytes());
        let data = [&rp_hash[..], &[self.flags.get()], &count.to_be_bytes()].concat();
        if self.forges.get() {
            self.seed.set(99);
        }
        let signature = self.pair().sign(&[&data[..], message].concat());
        (data, signature.as_ref().to_vec())
    }

    fn answer(&self, asked: &Asked) -> Reply {
        if self.absent.get() {
            return Reply::Failed(helper::Failure::Absent);
        }
        match &asked.task {
            Task::Enrol(subject) if subject.exclude.contains(&self.handle()) => {
                Reply::Failed(helper::Failure::Enrolled)
            }
            Task::Enrol(_) => Reply::Made(Made {
                handle: self.handle(),
                public: self.public(),
                flags: 0x41,
                counter: self.counter.get(),
            }),
            Task::Assert(candidates) => {
                let is_ours = |candidate: &helper::Candidate| candidate.public == self.public();
                match candidates.iter().position(is_ours) {
                    None => Reply::Failed(helper::Failure::Unknown),
                    Some(candidate) => {
                        let of = &candidates[candidate].relying_party;
                        let (data, signature) = self.sign(of, &asked.message);
                        Reply::Assertion { candidate, data, signature }
                    }
                }
            }
        }
    }
}

/// mfa-fido with that token.
struct Session {
    token: Rc<Token>,
    asked: Asked,
    /// Whether a PIN is still asked for, and whether one was wrong.
    pin: (bool, bool),
    touched: bool,
}

impl Conversation for Session {
    fn reply(&mut self) -> io::Result<Reply> {
        Ok(match self.pin {
            (true, wrong) => Reply::NeedPin { left: wrong.then_some(7), wrong },
            (false, _) if !self.touched => {
                self.touched = true;
                Reply::Touch
            }
            _ => self.token.answer(&self.asked),
        })
    }

    fn give(&mut self, pin: &Pin) -> io::Result<()> {
        let is_wrong = pin.as_bytes() != b"1234";
        self.pin = (is_wrong, is_wrong);
        Ok(())
    }
}

fn start(token: &Rc<Token>, asked: &Asked) -> Session {
    let pin = match &asked.task {
        Task::Enrol(subject) => subject.pin,
        Task::Assert(candidates) => candidates.iter().any(|candidate| candidate.pin),
    };
    Session { token: Rc::clone(token), asked: asked.clone(), pin: (pin, false), touched: false }
}

/// A machine with one user, alice.
struct Lab {
    dir: TempDir,
    token: Rc<Token>,
    drawn: Cell<u8>,
    log: RefCell<Vec<String>>,
    /// What was said to whoever sits there, and what was warned of.
    told: RefCell<String>,
}

impl Lab {
    fn new() -> Self {
        let token = Token {
            seed: Cell::new(1),
            counter: Cell::new(5),
            flags: Cell::new(0x05),
            strays: Cell::default(),
            forges: Cell::default(),
            absent: Cell::default(),
        };
        Self {
            dir: TempDir::new().unwrap(),
            token: Rc::new(token),
            drawn: Cell::new(0),
            log: RefCell::default(),
            told: RefCell::default(),
        }
    }

    fn base(&self) -> Base {
        Base::new(&self.dir.path().join("lib"), &self.run_dir())
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    fn store(&self) -> SystemRecord {
        SystemRecord::new(self.base(), "alice", geteuid()).unwrap()
    }

    fn mapping(&self) -> PathBuf {
        self.dir.path().join(".config/Yubico/u2f_keys")
    }

    fn ring(&self, command: &Command) -> Result<Box<dyn Keyring>, Failure> {
        if command.user().is_none() {
            return Ok(Box::new(OwnKeys::new(self.dir.path(), "alice", "pam://host")?));
        }
        let user = User {
            name: "alice".to_owned(),
            uid: geteuid(),
            ..User::from_uid(Uid::from_raw(0)).unwrap().unwrap()
        };
        Ok(Box::new(UserKeys::new(self.base(), &self.run_dir(), user)?))
    }

    /// Runs `mfa-enroll key` with these words; what it printed.
    fn run(&self, words: &str, input: &str) -> Result<String, String> {
        let line = format!("mfa-enroll key {words}");
        let line: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        let Ok(Request::Run(command)) = read(&line) else { panic!("{words}") };
        let warned = RefCell::new(String::new());
        let world = World {
            person: "alice".into(),
            host: "host".into(),
            columns: None,
            qr_file: None,
            clock: &|| NOW,
            random: &|bytes: &mut [u8]| {
                self.drawn.set(self.drawn.get() + 1);
                bytes.fill(self.drawn.get());
                Ok(())
            },
            log: Log { invoker: &ROOT, write: &|line| self.log.borrow_mut().push(line.to_owned()) },
            warn: &|sentence| warned.borrow_mut().push_str(sentence),
        };
        let (mut told, mut output) = (vec![], vec![]);
        let mut talk = Talk::new(input.as_bytes(), &mut told);
        let start = |asked: &Asked| -> io::Result<Box<dyn Conversation>> {
            Ok(Box::new(start(&self.token, asked)))
        };
        let mut tokens = Tokens::new(&start, world.random);
        let done = self.ring(&command).and_then(|ring| {
            super::run(&command, &*ring, &mut talk, &mut tokens, &world, &mut output)
        });
        let told = String::from_utf8(told).unwrap() + &warned.borrow();
        self.told.replace(told);
        done.map(|()| String::from_utf8(output).unwrap()).map_err(|failure| failure.to_string())
    }

    #[track_caller]
    fn done(&self, words: &str) -> String {
        self.run(words, "").unwrap()
    }

    #[track_caller]
    fn refused(&self, words: &str) -> String {
        self.run(words, "").unwrap_err()
    }

    fn state(&self) -> State {
        self.store().read().unwrap().1
    }

    /// A login by the key.
    fn log_in(&self) -> Result<Option<String>, Reason> {
        let message = [7; 32];
        let (data, signature) = self.token.sign("pam://host", &message);
        let public = self.token.public();
        let assertion = Assertion::of_token(&data, &signature, &public).unwrap();
        let held = Held { by_ssh: false, public: &public, application: "pam://host" };
        let proof = Proof::Signed { held, assertion: &assertion, message: &message };
        let terms = Terms {
            learn_skew: true,
            advance_hotp: true,
            grace: 0,
            host: None,
            source: None,
            limits: None,
        };
        let outcome =
            self.store().transact(&mut |account| verify_key(account, &proof, &terms, NOW));
        match outcome.unwrap().verdict {
            Verdict::Accepted(accepted) => Ok(accepted.credential),
            Verdict::Denied(denied) => Err(denied.reason),
        }
    }
}

#[test]
fn a_mapping_of_ones_own() {
    let lab = Lab::new();
    assert_eq!(lab.done("list"), format!("alice has no keys in {}.\n", lab.mapping().display()));
    let said = lab.done("add");
    assert!(said.starts_with("The key is enrolled for alice, in /"), "{said}");
    let told = lab.told.take();
    assert!(told.starts_with("Touch your key.\nThe key is made. Once more"), "{told}");
    assert!(told.contains("this is your only key: without it you are locked out"), "{told}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&lab.mapping()), mode(lab.mapping().parent().unwrap())), (0o600, 0o700));

    assert!(lab.refused("add").contains("that key is enrolled already"));
    let text = fs::read_to_string(lab.mapping()).unwrap();
    fs::write(lab.mapping(), format!("# mine\nbob:what,ever\n{text}\n")).unwrap();
    lab.token.seed.set(2);
    let said = lab.done("add --no-touch --verify-required --json");
    assert!(!lab.told.take().contains("only key"));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["keys"][0]["number"], 2);
    assert_eq!(said["keys"][0]["relying_party"], "pam://host");
    let text = fs::read_to_string(lab.mapping()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[1], lines[3]), (4, "# mine", "bob:what,ever", ""));
    assert!(lines[2].ends_with(",eddsa,+verification"), "{text}");
    assert_eq!(
        lab.done("list"),
        "1. key, eddsa for pam://host; touch\n2. key, eddsa for pam://host; its own user\n"
    );
    assert!(lab.refused("remove 3").contains("no key \"3\"; there is number 1, number 2"));
    assert_eq!(lab.done("remove 1"), "The key number 1 of alice counts no more.\n");
    assert_eq!(lab.done("list"), "1. key, eddsa for pam://host; its own user\n");
    assert_eq!(lab.done("remove 1 --json"), "{\"user\":\"alice\",\"removed\":\"number 1\"}\n");
    assert_eq!(fs::read_to_string(lab.mapping()).unwrap(), "# mine\nbob:what,ever\n\n");
    assert!(lab.log.borrow().is_empty(), "that is one's own business");
}

#[test]
fn a_mapping_with_a_mistake_is_left_alone() {
    let lab = Lab::new();
    lab.done("add");
    fs::write(lab.mapping(), "alice:x\n").unwrap();
    for words in ["add", "list", "remove 1"] {
        let why = lab.refused(words);
        assert!(
            why.contains("line 1: key 1: no public key") && why.contains("mend that line"),
            "{why}"
        );
    }
    assert_eq!(fs::read_to_string(lab.mapping()).unwrap(), "alice:x\n");
}

#[test]
fn a_key_that_the_token_keeps() {
    let lab = Lab::new();
    lab.done("add --resident");
    assert!(fs::read_to_string(lab.mapping()).unwrap().starts_with("alice:*,"));
    assert!(lab.refused("add --resident").contains("enrolled already, as number 1"));
}

#[test]
fn a_record_that_root_keeps() {
    let lab = Lab::new();
    let said = lab.done("add --user alice --name blue");
    assert!(said.contains("alice.toml"), "{said}");
    let told = lab.told.take();
    assert!(
        told.contains("this key is all that alice has") && told.contains("`mfactl codes"),
        "{told}"
    );
    let (record, state) = lab.store().read().unwrap();
    let key = &record.keys[0];
    assert_eq!((key.name.as_str(), key.created, key.counts), ("blue", Some(NOW), true));
    assert_eq!(key.port, Port::Usb { handle: vec![1; 16], pin: false });
    assert_eq!(state.keys.get(&key.id), Some(&6), "the first signature has counted");
    let told: Vec<_> = state.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(told, [Kind::Enrolled]);

    assert_eq!(lab.log_in(), Ok(Some("blue".to_owned())));
    lab.token.counter.set(2);
    assert_eq!(lab.log_in(), Err(Reason::KeyCloned));

    assert!(lab.refused("add --user alice --name blue").contains("called \"blue\" already"));
    assert!(lab.refused("add --user alice").contains("that key is enrolled already"));
    lab.token.seed.set(2);
    lab.done("add --user alice --no-counter");
    assert!(!lab.told.take().contains("locked out"));
    assert!(!lab.store().read().unwrap().0.keys[1].counts);
    assert_eq!(
        lab.done("list --user alice"),
        "1. \"blue\": key, eddsa for pam://host; touch\n2. \"key\": key, eddsa for pam://host; touch\n"
    );
    assert_eq!(lab.done("remove blue --user alice"), "The key \"blue\" of alice counts no more.\n");
    let why = lab.refused("remove 1 --user alice");
    assert!(why.contains("`mfactl credential remove alice \"key\" --last`"), "{why}");
    assert_eq!(lab.state().keys.len(), 1);
    assert_eq!(
        *lab.log.borrow(),
        [
            "changed user=alice what=key before=\"\" after=blue uid=0",
            "changed user=alice what=key before=\"\" after=key uid=0",
            "changed user=alice what=key before=blue after=\"\" uid=0",
        ]
    );
}

#[test]
fn a_pin_is_typed_once() {
    let lab = Lab::new();
    lab.run("add --user alice --pin", "\n").unwrap_err();
    assert!(lab.store().look() != Ok(mfa_core::store::Presence::Here));
    lab.run("add --user alice --pin", "999\n1234\n").unwrap();
    let told = lab.told.take();
    assert_eq!(told.matches("PIN of the key: ").count(), 2, "{told}");
    assert!(told.contains("That PIN is wrong; after 7 more the key locks itself.\n"), "{told}");
    let key = lab.store().read().unwrap().0.keys.remove(0);
    assert_eq!((key.port, key.verification), (Port::Usb { handle: vec![1; 16], pin: true }, true));
}

#[test]
fn what_does_not_prove_itself_is_not_written() {
    for (fault, words) in [
        (&(|token: &Token| token.flags.set(0)) as &dyn Fn(&Token), "was not touched"),
        (&|token: &Token| token.strays.set(true), "another relying party"),
        (&|token: &Token| token.forges.set(true), "signature of the key is wrong"),
        (&|token: &Token| token.flags.set(0x41), "malformed"),
        (&|token: &Token| token.absent.set(true), "by ssh only root may use one"),
    ] {
        for user in ["", " --user alice"] {
            let lab = Lab::new();
            fault(&lab.token);
            let why = lab.refused(&format!("add{user}"));
            assert!(why.contains(words) && why.contains("nothing was done"), "{why}");
            assert!(!lab.mapping().exists() && !lab.store().path().exists());
            assert!(lab.log.borrow().is_empty());
        }
    }
    let lab = Lab::new();
    lab.token.flags.set(0x01);
    assert!(lab.refused("add --verify-required").contains("did not verify its user"));
    lab.done("add");
}

#[test]
fn a_key_of_ssh() {
    let lab = Lab::new();
    let file = lab.dir.path().join("id.pub");
    let sk = SkKey { public: lab.token.public(), application: "ssh:".to_owned() };
    fs::write(&file, format!("{} alice@laptop\n", sk.to_line())).unwrap();
    let add = format!("add --ssh {} --user alice", file.display());
    lab.done(&format!("{add} --verify-required --json"));
    let (record, state) = lab.store().read().unwrap();
    let key = &record.keys[0];
    assert_eq!((key.name.as_str(), &key.port, &*key.application), ("ssh-key", &Port::Ssh, "ssh:"));
    assert!(key.touch && key.verification && key.counts);
    assert_eq!(state.keys.get(&key.id), Some(&0));
    assert!(lab.refused(&format!("{add} --name other")).contains("already, as \"ssh-key\""));
    lab.done("add --user alice");
    assert_eq!(lab.store().read().unwrap().0.keys.len(), 2, "one key by two ways");

    fs::write(&file, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 alice\n").unwrap();
    let why = lab.refused(&format!("{add} --name plain"));
    assert!(why.contains("a security key is a piece of hardware"), "{why}");
}

#[test]
fn what_was_changed_meanwhile_is_not_lost() {
    let lab = Lab::new();
    lab.done("add --user alice");
    let line: Vec<OsString> =
        ["mfa-enroll", "key", "remove", "1", "--user", "alice"].map(Into::into).into();
    let Ok(Request::Run(command)) = read(&line) else { panic!() };
    let ring = lab.ring(&command).unwrap();
    let store = lab.store();
    let (mut record, state) = store.read().unwrap();
    record.keys[0].touch = false;
    store.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    let world = World {
        person: "alice".into(),
        host: "host".into(),
        columns: None,
        qr_file: None,
        clock: &|| NOW,
        random: &|_: &mut [u8]| Ok(()),
        log: Log { invoker: &ROOT, write: &|_| {} },
        warn: &|_| {},
    };
    assert!(ring.remove(0, &world).is_err());
    let Opened::Enrolled(account) = store.open() else { panic!() };
    assert_eq!(account.keys.len(), 1);
    let known = |key: &Key| key.counter == Counter::Last(Ok(6));
    assert!(account.keys.iter().all(known));
}

#[test]
fn what_the_parser_says() {
    for (words, expected) in [
        ("frobnicate", "unrecognized subcommand 'frobnicate'"),
        ("add --ssh x", "--user <USER>"),
        ("remove", "<NAME|NUMBER>"),
    ] {
        let line: Vec<OsString> =
            format!("mfa-enroll key {words}").split(' ').map(Into::into).collect();
        let Err(Failure::Usage(sentence)) = read(&line) else { panic!("{words}") };
        assert!(sentence.contains(expected) && !sentence.contains('\n'), "{sentence}");
        assert!(sentence.ends_with("; see mfa-enroll key --help"), "{sentence}");
    }
    for words in [&["mfa-enroll", "key", "--help"][..], &["mfa-enroll", "key"]] {
        let help: Vec<_> = words.iter().map(OsString::from).collect();
        let Ok(Request::Show(text)) = read(&help) else { panic!("{words:?}") };
        assert!(text.contains("Usage: mfa-enroll key"), "{text}");
    }
}
