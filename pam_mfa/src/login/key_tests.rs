//! Whole logins with security keys.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::slice;
use std::thread::{self, JoinHandle};

use data_encoding::BASE64;
use mfa_core::account::Port;
use mfa_core::helper::{Failure, Pin, Reply, Request, Task};
use mfa_core::key::{Public, hash};
use mfa_core::notice::Kind;
use mfa_core::otp::{Algorithm, Digits};
use mfa_core::random;
use mfa_core::record::{Credential, Kept, Key, Method, Name, Record};
use mfa_core::secret::Secret;
use mfa_core::ssh::SkKey;
use mfa_core::state::{State, Used};
use mfa_core::store::Lost;
use mfa_core::wire::{Reader, Writer};
use nix::unistd::{Uid, User};
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::tests::{STEP, Stage, code};
use super::*;
use crate::pam::{Heard, Tokens};
use crate::wait::Patience;

const USB: &str = "u2f local";
const PARTY: &str = "pam://sandbox";

/// mfa-fido with a token plugged in, which does as it is told.
#[derive(Clone)]
pub(super) struct SoftToken(Rc<RefCell<Inner>>);

struct Inner {
    pair: Ed25519KeyPair,
    counter: u32,
    flags: u8,
    /// What is said before the signature, or instead of it.
    script: VecDeque<Event>,
    requests: Vec<Request>,
    pins: Vec<Vec<u8>>,
}

/// What becomes of one wait for mfa-fido.
enum Event {
    Says(Reply),
    Interrupted,
    Late,
    Gone,
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// What a token signs: flags and counter, and the signature over all of it.
fn sign(
    pair: &Ed25519KeyPair,
    party: &str,
    flags: u8,
    counter: u32,
    message: &[u8],
) -> [Vec<u8>; 2] {
    let data = [&hash(party.as_bytes())[..], &[flags], &counter.to_be_bytes()].concat();
    let signature = pair.sign(&[&data[..], message].concat());
    [data, signature.as_ref().to_vec()]
}

impl SoftToken {
    fn new(seed: u8) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            pair: pair(seed),
            counter: 0,
            flags: 1,
            script: VecDeque::new(),
            requests: vec![],
            pins: vec![],
        })))
    }

    fn says(self, events: impl IntoIterator<Item = Event>) -> Self {
        self.0.borrow_mut().script = events.into_iter().collect();
        self
    }

    fn asked(&self) -> usize {
        self.0.borrow().requests.len()
    }
}

impl Tokens for SoftToken {
    fn send(&self, datagram: &[u8]) -> Result<(), Trouble> {
        let mut inner = self.0.borrow_mut();
        match Request::decode(datagram) {
            Ok(request) => inner.requests.push(request),
            Err(_) => inner.pins.push(Pin::decode(datagram).unwrap().as_bytes().to_vec()),
        }
        Ok(())
    }

    fn receive(&self, _: Patience) -> Result<Heard, Trouble> {
        let mut inner = self.0.borrow_mut();
        let reply = match inner.script.pop_front() {
            Some(Event::Says(reply)) => reply,
            Some(Event::Interrupted) => return Ok(Heard::Interrupted),
            Some(Event::Late) => return Ok(Heard::TimedOut),
            Some(Event::Gone) => {
                let detail = "gone".to_owned();
                return Err(Trouble { reason: Reason::HelperFailed, detail, errno: None });
            }
            None => {
                inner.counter += 1;
                let request = inner.requests.last().unwrap();
                let Task::Assert(candidates) = &request.task else { panic!("{request:?}") };
                let (party, message) = (&candidates[0].relying_party, &request.message);
                let [data, signature] =
                    sign(&inner.pair, party, inner.flags, inner.counter, message);
                Reply::Assertion { candidate: 0, data, signature }
            }
        };
        Ok(Heard::Reply(reply))
    }
}

fn usb(seed: u8) -> Key {
    Key {
        id: Record::new("x", 0).new_id(&random::system).unwrap(),
        name: Name::new("blue").unwrap(),
        port: Port::Usb { handle: b"handle".to_vec(), pin: false },
        public: Public::eddsa(pair(seed).public_key().as_ref()).unwrap(),
        application: PARTY.to_owned(),
        touch: true,
        verification: false,
        counts: true,
        created: None,
    }
}

fn ssh(seed: u8) -> Key {
    let name = Name::new("laptop").unwrap();
    Key { name, port: Port::Ssh, application: "ssh:".to_owned(), ..usb(seed) }
}

/// A user with these keys, and with a phone if that is wanted.
fn stage(keys: &[Key], has_phone: bool) -> Stage {
    let mut stage = Stage::with_records();
    stage.service = "login".to_owned();
    stage.remote = None;
    let place = stage.place();
    let me = User::from_uid(Uid::effective()).unwrap().unwrap();
    let mut record = Record::new(&me.name, me.uid.as_raw());
    record.rate_limit.attempts = 100;
    record.keys = keys.to_vec();
    let mut used =
        State { keys: keys.iter().map(|key| (key.id, 0)).collect(), ..Default::default() };
    if has_phone {
        let id = record.new_id(&random::system).unwrap();
        record.credentials.push(Credential {
            id,
            name: Name::new("phone").unwrap(),
            method: Method::Totp { period: 30 },
            secret: Kept::Plain(Secret::new(b"12345678901234567890".to_vec())),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            window: 3,
            created: None,
        });
        used.credentials = [(id, Used::totp(0))].into();
    }
    place.edit(Lost::Refuse).unwrap().save(record, used).unwrap();
    stage
}

fn with_token(keys: &[Key], has_phone: bool, token: &SoftToken) -> Stage {
    let mut stage = stage(keys, has_phone);
    stage.token = Some(token.clone());
    stage
}

#[test]
fn a_touch_lets_in_and_is_logged() {
    let token = SoftToken::new(1).says([Event::Says(Reply::Insert), Event::Says(Reply::Touch)]);
    let mut stage = with_token(&[usb(1)], true, &token);
    for counter in 1..=5 {
        assert_eq!(stage.login_with(USB), Outcome::Accepted, "{}", stage.last_log());
        let log = stage.last_log();
        assert!(log.contains(" factor=key credential=blue tty="), "{log}");
        assert!(stage.prompts.is_empty(), "no code is asked for");
        if counter == 1 {
            assert_eq!(stage.shown, ["Insert your security key", "Touch your security key"]);
        }
        let (record, used) = stage.place().read().unwrap();
        assert_eq!(used.keys.get(&record.keys[0].id), Some(&counter));
        assert!(used.attempts.is_empty(), "a key is not guessed");
    }
    let messages: Vec<_> = token.0.borrow().requests.iter().map(|one| one.message).collect();
    assert!((1..5).all(|n| messages[n] != messages[n - 1]), "each is new");
}

#[test]
fn words_of_the_administrator() {
    let token = SoftToken::new(1).says([Event::Says(Reply::Touch)]);
    let mut stage = with_token(&[usb(1)], true, &token).types(&[""]);
    assert_eq!(
        stage.login_with("u2f local cue_prompt=Now! interactive prompt=In!"),
        Outcome::Accepted
    );
    assert_eq!(stage.shown, ["Now!"]);
    assert_eq!(stage.prompts, [("In!".to_owned(), true)]);
}

#[test]
fn a_code_instead() {
    for event in [
        Event::Interrupted,
        Event::Late,
        Event::Gone,
        Event::Says(Reply::Failed(Failure::Unknown)),
        Event::Says(Reply::Failed(Failure::PinBlocked)),
    ] {
        let token = SoftToken::new(1).says([Event::Says(Reply::Touch), event]);
        let mut stage = with_token(&[usb(1)], true, &token).types(&[&code(STEP)]);
        assert_eq!(stage.login_with(USB), Outcome::Accepted, "{}", stage.last_log());
        assert!(stage.last_log().contains(" factor=totp "), "{}", stage.last_log());
        assert_eq!(stage.prompts.len(), 1);
    }
}

#[test]
fn who_has_no_code_is_not_asked_for_one() {
    for (event, reason) in [
        (Event::Interrupted, "no_answer"),
        (Event::Late, "key_timeout"),
        (Event::Gone, "helper_failed"),
        (
            Event::Says(Reply::Assertion { candidate: 1, data: vec![], signature: vec![] }),
            "helper_failed",
        ),
        (
            Event::Says(Reply::Assertion { candidate: 0, data: vec![0; 38], signature: vec![] }),
            "key_malformed",
        ),
        (Event::Says(Reply::Failed(Failure::Absent)), "key_absent"),
        (Event::Says(Reply::Failed(Failure::WrongPin)), "key_pin"),
        (Event::Says(Reply::Failed(Failure::Unsupported)), "key_unverified"),
    ] {
        let token = SoftToken::new(1).says([event]);
        let mut stage = with_token(&[usb(1)], false, &token).types(&[&code(STEP)]);
        assert_eq!(stage.login_with(USB), Outcome::Denied);
        assert_eq!(stage.reason(), reason);
        assert!(stage.prompts.is_empty());
    }
    let token = SoftToken::new(1).says([Event::Says(Reply::Insert), Event::Late]);
    let mut stage = with_token(&[usb(1)], false, &token);
    assert_eq!(stage.login_with(USB), Outcome::Denied);
    assert_eq!(stage.reason(), "key_absent", "nothing was plugged in");
    stage.token = None;
    assert_eq!(stage.login_with(USB), Outcome::Denied);
    assert_eq!(stage.reason(), "no_helper");
}

#[test]
fn nobody_is_flooded() {
    let flood = (0..1000).map(|_| Event::Says(Reply::Touch));
    let token = SoftToken::new(1).says(flood);
    let mut stage = with_token(&[usb(1)], true, &token).types(&[&code(STEP)]);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    assert_eq!((stage.shown.len(), stage.prompts.len()), (64, 1));
}

/// Nobody learns from afar who has nothing but keys: neither from the question nor from when it stops.
#[test]
fn who_has_only_keys_is_asked_as_a_stranger_is() {
    for line in ["", "u2f", "u2f local", "ssh_agent", "u2f local ssh_agent"] {
        let questions = |user: Option<&str>| {
            let mut stage = stage(&[usb(1), ssh(3)], false)
                .with_etc(&[("policy.toml", "version = 1\n")])
                .types(&["123456"; 30]);
            (stage.service, stage.remote) = ("sshd".to_owned(), Some("192.0.2.7".to_owned()));
            stage.user = user.map(str::to_owned).or(stage.user);
            let mut prompts = vec![];
            for _ in 0..30 {
                assert_eq!(stage.login_with(line), Outcome::Denied);
                assert!(stage.shown.is_empty());
                prompts.append(&mut stage.prompts);
            }
            prompts
        };
        let expected = questions(Some("nobody at all"));
        assert!((1..30).contains(&expected.len()), "{line}: {}", expected.len());
        assert_eq!(questions(None), expected, "{line}");
    }
}

#[test]
fn what_no_key_should_give_ends_the_login() {
    let token = SoftToken::new(1);
    let mut stage = with_token(&[usb(1)], true, &token).types(&[&code(STEP)]);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    for (seed, flags, counter, reason) in [
        (1, 1, 0, "key_cloned"),
        (2, 1, 7, "key_signature"),
        (1, 0, 7, "key_untouched"),
        (1, 0x41, 7, "key_malformed"),
    ] {
        {
            let mut inner = token.0.borrow_mut();
            (inner.pair, inner.flags, inner.counter) = (pair(seed), flags, counter);
        }
        assert_eq!(stage.login_with(USB), Outcome::Denied);
        assert_eq!(stage.reason(), reason);
        assert!(stage.prompts.is_empty(), "not even for a code");
    }
    let (_, used) = stage.place().read().unwrap();
    assert_eq!(used.attempts.len(), 4, "and counts as an attempt");
}

#[test]
fn who_is_far_away_never_wakes_the_key_here() {
    let token = SoftToken::new(1);
    for remote in [
        "192.0.2.7",
        "::ffff:1.2.3.4",
        "fe80::1%eth0",
        "::1",
        "127.0.0.1",
        "localhost",
        "client.example",
        ":0",
        " ",
    ] {
        let mut stage = with_token(&[usb(1)], true, &token).types(&[&code(STEP)]);
        stage.remote = Some(remote.to_owned());
        assert_eq!(stage.login_with(USB), Outcome::Accepted);
        assert!(stage.last_log().contains(" factor=totp "), "{remote}: {}", stage.last_log());
        let mut stage = with_token(&[usb(1)], false, &token);
        stage.remote = Some(remote.to_owned());
        assert_eq!(stage.login_with(USB), Outcome::Denied);
        assert_eq!(stage.reason(), "not_local", "{remote}");
    }
    assert_eq!(token.asked(), 0);
}

#[test]
fn only_services_that_are_local_ask_for_a_key() {
    let token = SoftToken::new(1);
    let mut stage = with_token(&[usb(1)], false, &token);
    for line in ["u2f", "local", ""] {
        assert_eq!(stage.login_with(line), Outcome::Denied, "{line}");
    }
    assert_eq!(token.asked(), 0);
    let mut stage = stage.with_etc(&[("policy.toml", "version = 1\nlocal = [\"login\"]")]);
    assert_eq!(stage.login_with("u2f"), Outcome::Accepted);
    stage.service = "sudo".to_owned();
    assert_eq!(stage.login_with("u2f"), Outcome::Denied);
    assert_eq!(stage.reason(), "not_local");
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    assert_eq!(token.asked(), 2);
}

#[test]
fn a_rule_that_takes_no_keys() {
    let token = SoftToken::new(1);
    let policy = "version = 1\n[[rule]]\nname = \"r\"\nrequire = [\"otp\"]\n";
    for (has_phone, outcome) in [(true, Outcome::Accepted), (false, Outcome::Denied)] {
        let stage = with_token(&[usb(1)], has_phone, &token);
        let mut stage = stage.with_etc(&[("policy.toml", policy)]).types(&[&code(STEP), "1"]);
        assert_eq!(stage.login_with(USB), outcome, "{}", stage.last_log());
    }
    assert_eq!(token.asked(), 0);
    let policy = policy.replace("otp", "key");
    let stage = with_token(&[usb(1)], true, &token).types(&[&code(STEP)]);
    let mut stage = stage.with_etc(&[("policy.toml", &policy)]);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    token.0.borrow_mut().script = [Event::Late].into();
    assert_eq!(stage.login_with(USB), Outcome::Denied);
    assert_eq!(stage.reason(), "key_timeout");
    assert!(stage.prompts.is_empty(), "a code would not do");
}

#[test]
fn pins() {
    let key = Key { port: Port::Usb { handle: vec![], pin: true }, ..usb(1) };
    let need = |left, wrong| Event::Says(Reply::NeedPin { left, wrong });
    let token = SoftToken::new(1).says([need(None, false), need(Some(7), true)]);
    let mut stage = with_token(slice::from_ref(&key), true, &token).types(&["1234", "4321"]);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    let prompt = ("PIN of your security key: ".to_owned(), false);
    assert_eq!(stage.prompts, [prompt.clone(), prompt]);
    assert_eq!(stage.said, ["That PIN is wrong; the key takes 7 more"]);
    assert_eq!(token.0.borrow().pins, [b"1234", b"4321"]);

    // A PIN that is nobody's business.
    let asks = SoftToken::new(1).says([need(None, false)]);
    let mut stage = with_token(&[usb(1)], true, &asks).types(&[&code(STEP)]);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    assert!(stage.last_log().contains(" factor=totp ") && asks.0.borrow().pins.is_empty());

    // Nothing typed: a code instead.
    let token = SoftToken::new(1).says([need(None, false)]);
    let mut stage = with_token(&[key], true, &token).types(&["", &code(STEP)]);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    assert!(stage.last_log().contains(" factor=totp ") && token.0.borrow().pins.is_empty());
}

#[test]
fn who_is_rate_limited_is_not_asked_for_a_key() {
    let token = SoftToken::new(1);
    let mut stage = with_token(&[usb(1)], true, &token);
    let place = stage.place();
    let (mut record, mut used) = place.read().unwrap();
    record.rate_limit.attempts = 1;
    used.attempts = vec![super::tests::NOW - 1];
    used.notify(Kind::Enrolled, 7);
    place.edit(Lost::Refuse).unwrap().save(record, used).unwrap();
    assert_eq!(stage.login_with(USB), Outcome::Denied);
    assert_eq!((stage.reason(), token.asked()), ("rate_limited".to_owned(), 0));
    let mut stage = stage.later(60);
    assert_eq!(stage.login_with(USB), Outcome::Accepted);
    assert_eq!(stage.shown.len(), 1, "and is told what was changed: {:?}", stage.shown);
}

#[test]
fn a_password_is_still_forwarded() {
    let token = SoftToken::new(1);
    let mut stage = with_token(&[usb(1)], true, &token).types(&["hunter2"]);
    assert_eq!(stage.login_with("u2f local forward_pass"), Outcome::Accepted);
    assert_eq!(stage.prompts, [("Password: ".to_owned(), false)]);
    assert_eq!(stage.first_pass.as_deref(), Some(&b"hunter2"[..]));
}

#[test]
fn a_code_in_the_password_needs_no_key() {
    let token = SoftToken::new(1);
    let mut stage = with_token(&[usb(1)], true, &token);
    stage.first_pass = Some(format!("hunter2{}", code(STEP)).into());
    assert_eq!(stage.login_with("u2f local try_first_pass"), Outcome::Accepted);
    assert_eq!(token.asked(), 0);
    stage.first_pass = Some(b"hunter2".to_vec());
    assert_eq!(stage.login_with("u2f local use_first_pass"), Outcome::Denied);
    assert_eq!(token.asked(), 0);
    assert_eq!(stage.login_with("u2f local try_first_pass"), Outcome::Accepted);
    assert_eq!(token.asked(), 1);
}

/// An agent that has one key and answers one client; `sign` makes a reply of what is to be signed.
fn agent(
    stage: &mut Stage,
    key: SkKey,
    mut sign: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static,
) -> JoinHandle<usize> {
    let path = stage.path().with_file_name("agent");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    stage.agent = Some(path);
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut signed = 0;
        loop {
            let mut length = [0; 4];
            if socket.read_exact(&mut length).is_err() {
                return signed;
            }
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            socket.read_exact(&mut request).unwrap();
            let mut reader = Reader::new(&request);
            let reply = match reader.byte().unwrap() {
                11 => {
                    Writer::default().byte(12).number(1).string(&key.to_blob()).string(b"me").done()
                }
                13 => {
                    reader.string().unwrap();
                    signed += 1;
                    sign(reader.string().unwrap())
                }
                other => panic!("{other}"),
            };
            // The client may have gone.
            let _ = socket.write_all(&Writer::default().string(&reply).done());
        }
    })
}

fn of(key: &Key) -> SkKey {
    SkKey { public: key.public.clone(), application: key.application.clone() }
}

fn agent_signs(seed: u8, flags: u8, counter: u32) -> impl FnMut(&[u8]) -> Vec<u8> + Send {
    move |data| {
        let [_, signature] = sign(&pair(seed), "ssh:", flags, counter, &hash(data));
        let blob = Writer::default().string(b"sk-ssh-ed25519@openssh.com").string(&signature);
        Writer::default().byte(14).string(&blob.byte(flags).number(counter).done()).done()
    }
}

#[test]
fn the_agent_that_came_along() {
    let key = ssh(3);
    let mut stage = stage(&[usb(1), key.clone()], true).types(&[&code(STEP)]);
    stage.service = "sudo".to_owned();
    let signer = agent(&mut stage, of(&key), agent_signs(3, 1, 9));
    assert_eq!(stage.login_with("ssh_agent"), Outcome::Accepted, "{:?}", stage.log);
    assert!(stage.last_log().contains(" factor=key credential=laptop "), "{}", stage.last_log());
    assert_eq!(stage.shown, ["Touch your security key"]);
    assert_eq!(signer.join().unwrap(), 1);

    // The same signature is of another login, and its counter has not moved on.
    for (seed, flags, counter, reason) in
        [(3, 1, 9, "key_cloned"), (3, 0, 10, "key_untouched"), (4, 1, 10, "key_signature")]
    {
        let signer = agent(&mut stage, of(&key), agent_signs(seed, flags, counter));
        assert_eq!(stage.login_with("ssh_agent"), Outcome::Denied);
        assert_eq!(stage.reason(), reason);
        assert_eq!(signer.join().unwrap(), 1);
    }
    // Only the line makes anybody look for an agent, and without one a code is asked for.
    let signer = agent(&mut stage, of(&key), agent_signs(3, 1, 11));
    assert_eq!(stage.login_with(""), Outcome::Accepted, "{}", stage.last_log());
    drop(std::os::unix::net::UnixStream::connect(stage.agent.take().unwrap()));
    assert_eq!(signer.join().unwrap(), 0);
    let mut stage = stage.types(&[&code(STEP + 1)]);
    assert_eq!(stage.login_with("ssh_agent"), Outcome::Accepted, "{}", stage.last_log());
    assert!(stage.shown.is_empty());
}

#[test]
fn a_signature_of_another_login_is_worth_nothing() {
    let key = ssh(3);
    let mut old: Option<Vec<u8>> = None;
    let mut stage = stage(slice::from_ref(&key), false);
    let (sent, kept) = std::sync::mpsc::channel();
    let mut signs = agent_signs(3, 1, 9);
    let signer = agent(&mut stage, of(&key), move |data| {
        sent.send(data.to_vec()).unwrap();
        signs(data)
    });
    assert_eq!(stage.login_with("ssh_agent"), Outcome::Accepted);
    signer.join().unwrap();
    old.replace(agent_signs(3, 1, 10)(&kept.recv().unwrap()));
    let signer = agent(&mut stage, of(&key), move |_| old.clone().unwrap());
    assert_eq!(stage.login_with("ssh_agent"), Outcome::Denied);
    assert_eq!(stage.reason(), "key_signature");
    signer.join().unwrap();
}

#[test]
fn an_agent_without_the_users_keys_is_asked_for_nothing() {
    let mut stage = stage(&[ssh(3)], true).types(&[&code(STEP)]);
    let signer = agent(&mut stage, of(&ssh(4)), agent_signs(4, 1, 9));
    assert_eq!(stage.login_with("ssh_agent"), Outcome::Accepted);
    assert!(stage.last_log().contains(" factor=totp "));
    assert_eq!((signer.join().unwrap(), stage.shown.len()), (0, 0));
}

/// A policy that takes what sshd has verified.
fn taking(touch: &str, authority: &str) -> String {
    format!(
        "version = 1\nssh_ca = [\"{authority}\"]\n[[rule]]\nname = \"r\"\nrequire = [\"otp\", \"ssh-key\"]\n{touch}\n"
    )
}

const CA: &str = include_str!("../../../core/src/ssh/vectors/ca.pub");

fn verified(stage: &mut Stage, blob: &[u8]) {
    let kind = String::from_utf8(Reader::new(blob).string().unwrap().to_vec()).unwrap();
    let text = format!("publickey {kind} {}\n", BASE64.encode(blob));
    stage.variables.insert(c"SSH_AUTH_INFO_0".to_owned(), text);
}

fn by_ssh(keys: &[Key], touch: &str) -> Stage {
    let stage = stage(keys, true).with_etc(&[("policy.toml", &taking(touch, CA.trim()))]);
    let mut stage = stage.types(&[&code(STEP), &code(STEP + 1)]);
    stage.service = "sshd".to_owned();
    stage.remote = Some("192.0.2.7".to_owned());
    stage
}

#[test]
fn a_key_that_sshd_has_verified() {
    let (key, untouched) = (ssh(3), Key { touch: false, ..ssh(3) });
    let unverified = Key { verification: true, ..ssh(3) };
    for (enrolled, touch, factor, noted) in [
        (&key, "touch = \"sshd\"", "ssh-key credential=laptop", None),
        (&key, "touch = \"unverified\"", "ssh-key credential=laptop", None),
        (&key, "", "totp credential=phone", Some("touch_unverified")),
        (&untouched, "", "ssh-key credential=laptop", None),
        (&unverified, "touch = \"sshd\"", "totp credential=phone", Some("key_unverified")),
        (&ssh(4), "touch = \"unverified\"", "totp credential=phone", Some("key_unknown")),
        (&usb(3), "touch = \"unverified\"", "totp credential=phone", Some("key_unknown")),
    ] {
        let mut stage = by_ssh(slice::from_ref(enrolled), touch);
        verified(&mut stage, &of(&key).to_blob());
        assert_eq!(stage.login_with(""), Outcome::Accepted, "{}", stage.last_log());
        let log = stage.last_log();
        assert!(log.contains(&format!(" factor={factor} ")), "{touch}: {log}");
        let first = stage.log.borrow()[0].clone();
        assert_eq!(noted.is_none(), stage.log.borrow().len() == 1, "{first}");
        assert!(
            noted.is_none_or(|reason| first.contains(&format!(" reason={reason} "))),
            "{first}"
        );
    }
    // Without a rule that names it, and in other services, it is nothing.
    let mut other = by_ssh(slice::from_ref(&key), "touch = \"sshd\"");
    verified(&mut other, &of(&key).to_blob());
    other.service = "sudo".to_owned();
    assert_eq!(other.login_with(""), Outcome::Accepted);
    assert!(other.last_log().contains(" factor=totp "));
    let mut other = other.with_etc(&[("policy.toml", "version = 1\n")]);
    other.service = "sshd".to_owned();
    assert_eq!(other.login_with(""), Outcome::Accepted);
    assert!(other.last_log().contains(" factor=totp "));
}

/// A certificate for `user` on an sk key, as sshd shows it; nobody here verifies its signature.
fn certificate(user: &str, authority: &str, extensions: &[&str]) -> Vec<u8> {
    let ca = BASE64.decode(authority.split(' ').nth(1).unwrap().as_bytes()).unwrap();
    let list = |names: &[&str], with_data: bool| {
        let empty: &[u8] = &[];
        names
            .iter()
            .fold(Writer::default(), |list, name| {
                let list = list.string(name.as_bytes());
                if with_data { list.string(empty) } else { list }
            })
            .done()
    };
    Writer::default()
        .string(b"sk-ssh-ed25519-cert-v01@openssh.com")
        .string(b"nonce")
        .string(pair(5).public_key().as_ref())
        .string(b"ssh:")
        .bytes(&7_u64.to_be_bytes())
        .number(1)
        .string(b"red of alice")
        .string(&list(&[user], false))
        .bytes(&0_u64.to_be_bytes())
        .bytes(&u64::MAX.to_be_bytes())
        .string(b"")
        .string(&list(extensions, true))
        .string(b"")
        .string(&ca)
        .string(b"signature")
        .done()
}

#[test]
fn a_certificate_that_sshd_has_verified() {
    let me = User::from_uid(Uid::effective()).unwrap().unwrap().name;
    let plain = include_str!("../../../core/src/ssh/vectors/plain.pub");
    for (user, authority, extensions, touch, counts) in [
        (&*me, CA, &[][..], "", true),
        (&me, CA, &["permit-pty"], "", true),
        (&me, CA, &["no-touch-required"], "", false),
        (&me, CA, &["no-touch-required"], "touch = \"sshd\"", false),
        (&me, CA, &["no-touch-required"], "touch = \"unverified\"", true),
        (&me, plain, &[], "touch = \"unverified\"", false),
        ("somebody else", CA, &[], "touch = \"unverified\"", false),
    ] {
        let mut stage = by_ssh(&[], touch);
        verified(&mut stage, &certificate(user, authority, extensions));
        assert_eq!(stage.login_with(""), Outcome::Accepted, "{}", stage.last_log());
        let log = stage.last_log();
        let shown = " factor=ssh-key credential=\"red\\x20of\\x20alice\" ";
        assert_eq!(log.contains(shown), counts, "{user} {extensions:?} {touch}: {log}");
        assert_eq!(stage.prompts.is_empty(), counts);
    }
    // Nobody need have enrolled anything, but somebody it must be.
    let mut stage = by_ssh(&[], "");
    verified(&mut stage, &certificate(&me, CA, &[]));
    stage.place().edit(Lost::Refuse).unwrap().bury("gone").unwrap();
    assert_eq!(stage.login_with(""), Outcome::Accepted, "{}", stage.last_log());
    stage.user = Some("nobody at all".to_owned());
    verified(&mut stage, &certificate("nobody at all", CA, &[]));
    assert_eq!(stage.login_with(""), Outcome::Denied);
    assert_eq!(stage.reason(), "unknown_user");
}

#[test]
fn the_session_believes_sshd_where_the_line_says_so() {
    let me = User::from_uid(Uid::effective()).unwrap().unwrap().name;
    for blob in [of(&ssh(3)).to_blob(), certificate(&me, CA, &[])] {
        let mut stage = by_ssh(&[ssh(3)], "touch = \"sshd\"");
        verified(&mut stage, &blob);
        assert_eq!(stage.session(""), Outcome::Denied);
        assert_eq!(stage.reason(), "no_check");
        assert_eq!(stage.session("trust_auth_info"), Outcome::Accepted, "{}", stage.last_log());
        assert!(stage.last_log().contains(" factor=ssh-key "), "{}", stage.last_log());
        stage.variables.remove(c"SSH_AUTH_INFO_0");
        assert_eq!(stage.session("trust_auth_info"), Outcome::Denied);
    }
    let mut stage = by_ssh(&[ssh(3)], "touch = \"sshd\"");
    verified(&mut stage, &of(&ssh(4)).to_blob());
    assert_eq!(stage.session("trust_auth_info"), Outcome::Denied);
    assert_eq!(stage.reason(), "no_check");
}
