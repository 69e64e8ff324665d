//! mfa-fido with real libfido2 and tokens in software: what it says, and what a token sees of it.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mfa_core::helper::{
    Algorithm, Candidate, Failure, MAX_REPLY, Made, Pin, Reply, Request, Subject, Task,
};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use sandbox::fido::{Fault, Model, Token};
use sandbox::{Machine, run};

const MESSAGE: [u8; 32] = [7; 32];
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_secs(1);

/// Whoever has started it.
struct Client {
    socket: Option<UnixDatagram>,
    child: Child,
}

impl Client {
    fn new(task: Task, patience: Duration) -> Self {
        let kind = SockType::SeqPacket;
        let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
            .expect("Linux has them");
        let child = Command::new("/usr/libexec/mfa-fido")
            .env_clear()
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("installed");
        let socket = UnixDatagram::from(ours);
        socket.set_read_timeout(Some(LONG + LONG)).expect("a socket");
        let client = Self { socket: Some(socket), child };
        client.send(&Request { patience, message: MESSAGE, task }.encode());
        client
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.as_ref().expect("open").send(datagram).expect("it listens");
    }

    #[track_caller]
    fn hears(&self) -> Option<Reply> {
        let mut datagram = [0; MAX_REPLY];
        let length = self.socket.as_ref().expect("open").recv(&mut datagram).expect("in time");
        (length > 0).then(|| Reply::decode(&datagram[..length]).expect("what it should say"))
    }

    /// What it says, without "touch", until something ends it.
    #[track_caller]
    fn end(&self, pin: Option<&str>) -> Reply {
        loop {
            match self.hears().expect("an end") {
                Reply::Touch => {}
                Reply::NeedPin { .. } => self.types(pin.expect("no PIN is wanted")),
                reply => return reply,
            }
        }
    }

    fn types(&self, pin: &str) {
        self.send(Pin::new(pin.as_bytes()).expect("a PIN").encode());
    }

    /// Gives up; how long it takes it to end.
    fn leaves(mut self) -> Duration {
        drop(self.socket.take());
        let begun = Instant::now();
        self.child.wait().expect("our own child");
        begun.elapsed()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.socket.take());
        let _ = self.child.wait();
    }
}

/// A machine with tokens.
struct Desk(Machine);

impl Desk {
    fn plug_in(&self, model: &str) -> Token {
        Token::plug_in(&self.0, &model.parse::<Model>().expect("words of a model"))
    }
}

fn subject() -> Subject {
    Subject {
        relying_party: "pam://sandbox".into(),
        user: "alice".into(),
        user_id: vec![1],
        algorithm: Algorithm::Es256,
        resident: false,
        verification: false,
        pin: false,
        exclude: vec![],
    }
}

fn candidate(subject: &Subject, made: Made) -> Candidate {
    Candidate {
        relying_party: subject.relying_party.clone(),
        handle: if subject.resident { vec![] } else { made.handle },
        public: made.public,
        touch: true,
        verification: subject.verification,
        pin: subject.pin,
    }
}

/// Has the one token that is there make a key.
#[track_caller]
fn enrol(subject: &Subject, pin: Option<&str>) -> Candidate {
    match Client::new(Task::Enrol(subject.clone()), LONG).end(pin) {
        Reply::Made(made) => candidate(subject, made),
        reply => panic!("{subject:?}: {reply:?}"),
    }
}

fn ask(candidates: &[Candidate], patience: Duration) -> Client {
    Client::new(Task::Assert(candidates.to_vec()), patience)
}

/// Who signed, with these flags, if it is a good signature.
#[track_caller]
fn signer(candidates: &[Candidate], reply: &Reply) -> (usize, u8) {
    let Reply::Assertion { candidate, data, signature } = reply else { panic!("{reply:?}") };
    assert!(candidates[*candidate].has_signed(data, signature, &MESSAGE));
    assert_eq!(data.len(), 37);
    (*candidate, data[32])
}

#[test]
fn keys_of_every_kind() {
    let desk = Desk(Machine::new());
    let pin = Some("1234");
    let with = |change: fn(&mut Subject)| {
        let mut subject = subject();
        change(&mut subject);
        subject
    };
    for (model, subject, pin, flags) in [
        ("", subject(), None, 0x01),
        ("", with(|it| it.algorithm = Algorithm::Eddsa), None, 0x01),
        ("", with(|it| it.resident = true), None, 0x01),
        ("pin=1234", with(|it| it.pin = true), pin, 0x05),
        ("pin=1234", with(|it| (it.pin, it.resident) = (true, true)), pin, 0x05),
        ("fingerprint", with(|it| it.verification = true), None, 0x05),
        ("u2f", subject(), None, 0x01),
    ] {
        let token = desk.plug_in(model);
        let candidates = [enrol(&subject, pin)];
        let reply = ask(&candidates, LONG).end(pin);
        assert_eq!(signer(&candidates, &reply), (0, flags), "{model} {subject:?}");
        assert_eq!((token.seen().registrations, token.seen().assertions), (1, 1));
    }
}

#[test]
fn what_a_token_cannot_do() {
    let desk = Desk(Machine::new());
    let unsupported = Reply::Failed(Failure::Unsupported);
    {
        let _token = desk.plug_in("u2f");
        let known = enrol(&subject(), None);
        let pin = Candidate { pin: true, ..known.clone() };
        let finger = Candidate { verification: true, ..known };
        assert_eq!(ask(std::slice::from_ref(&pin), LONG).end(None), unsupported);
        assert_eq!(ask(&[pin, finger], LONG).end(None), unsupported);
        let eddsa = Subject { algorithm: Algorithm::Eddsa, ..subject() };
        assert_eq!(Client::new(Task::Enrol(eddsa), LONG).end(None), unsupported);
    }
    let _token = desk.plug_in("");
    let known = enrol(&subject(), None);
    let no_pin = Reply::Failed(Failure::NoPin);
    assert_eq!(ask(&[Candidate { pin: true, ..known.clone() }], LONG).end(None), no_pin);
    let finger = Candidate { verification: true, ..known.clone() };
    assert_eq!(ask(&[finger], LONG).end(None), unsupported);
    let again = Subject { exclude: vec![known.handle], ..subject() };
    let client = Client::new(Task::Enrol(again), LONG);
    assert_eq!(client.end(None), Reply::Failed(Failure::Enrolled));
}

#[test]
fn nobody_touches_it() {
    let desk = Desk(Machine::new());
    for model in ["", "u2f"] {
        let token = desk.plug_in(model);
        let candidates = [enrol(&subject(), None)];
        token.set(&[Fault::Untouched]);
        let begun = Instant::now();
        let client = ask(&candidates, SHORT);
        assert_eq!(client.hears(), Some(Reply::Touch), "{model}");
        assert_eq!(client.hears(), Some(Reply::Failed(Failure::Late)), "{model}");
        assert!((SHORT..SHORT * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!(client.hears(), None);
        if model != "u2f" {
            token.wait_until(|seen| (seen.cancels, seen.untouched) == (1, 0));
        }

        let client = ask(&candidates, LONG);
        assert_eq!(client.hears(), Some(Reply::Touch));
        assert!(client.leaves() < SHORT);
        if model != "u2f" {
            token.wait_until(|seen| (seen.cancels, seen.untouched) == (2, 0));
        }
    }
}

#[test]
fn one_that_comes_and_goes() {
    let desk = Desk(Machine::new());
    let token = desk.plug_in("");
    let candidates = [enrol(&subject(), None)];
    token.set(&[Fault::Unplugged]);
    let client = ask(&candidates, SHORT);
    assert_eq!(client.hears(), Some(Reply::Insert));
    assert_eq!(client.hears(), Some(Reply::Failed(Failure::Absent)));

    let client = ask(&candidates, LONG);
    assert_eq!(client.hears(), Some(Reply::Insert));
    token.set(&[Fault::Untouched]);
    assert_eq!(client.hears(), Some(Reply::Touch));
    token.set(&[Fault::Unplugged]);
    assert_eq!(client.hears(), Some(Reply::Insert));
    token.set(&[]);
    assert_eq!(signer(&candidates, &client.end(None)), (0, 1));

    token.set(&[Fault::Unplugged]);
    let stranger = desk.plug_in("seed=1");
    let client = ask(&candidates, SHORT);
    assert_eq!(client.hears(), Some(Reply::Insert));
    assert_eq!(client.hears(), Some(Reply::Failed(Failure::Unknown)));
    let client = ask(&candidates, LONG);
    assert_eq!(client.hears(), Some(Reply::Insert));
    token.set(&[]);
    assert_eq!(signer(&candidates, &client.end(None)), (0, 1));
    assert_eq!((stranger.seen().waits, stranger.seen().assertions), (0, 0));
}

#[test]
fn of_two_the_one_that_is_touched() {
    let desk = Desk(Machine::new());
    let first = desk.plug_in("");
    let mut candidates = vec![enrol(&subject(), None)];
    first.set(&[Fault::Unplugged]);
    let second = desk.plug_in("seed=1");
    candidates.push(enrol(&subject(), None));
    for (touched, other, who) in [(&first, &second, 0), (&second, &first, 1)] {
        let before = other.seen();
        other.set(&[Fault::Untouched]);
        touched.set(&[Fault::TouchedAfter(SHORT / 2)]);
        let reply = ask(&candidates, LONG).end(None);
        assert_eq!(signer(&candidates, &reply), (who, 1));
        let seen = other.wait_until(|seen| seen.cancels > before.cancels);
        assert_eq!((seen.assertions, seen.untouched), (before.assertions, before.untouched));
    }
}

/// Which of its keys a token answers with, it does not ask.
#[test]
fn keys_that_tokens_keep() {
    let desk = Desk(Machine::new());
    let resident = |user_id| Subject { resident: true, user_id: vec![user_id], ..subject() };
    let first = desk.plug_in("");
    let mut candidates = vec![enrol(&resident(1), None), enrol(&resident(2), None)];
    first.set(&[Fault::Unplugged]);
    let second = desk.plug_in("seed=1");
    candidates.push(enrol(&resident(1), None));
    let whose = |candidates: &[Candidate]| signer(candidates, &ask(candidates, LONG).end(None)).0;
    assert_eq!(whose(&candidates), 2);
    second.set(&[Fault::Unplugged]);
    first.set(&[]);
    for one in [0, 1] {
        assert_eq!(whose(&candidates[one..=one]), 0, "{one}");
    }
    let client = ask(&candidates[2..], SHORT * 2);
    assert_eq!(client.hears(), Some(Reply::Touch));
    assert_eq!(client.hears(), Some(Reply::Insert));
    assert_eq!(client.hears(), Some(Reply::Failed(Failure::Unknown)));
}

#[test]
fn pins() {
    let desk = Desk(Machine::new());
    let token = desk.plug_in("pin=1234");
    let candidates = [enrol(&Subject { pin: true, ..subject() }, Some("1234"))];
    let client = ask(&candidates, LONG);
    let need = |left, wrong| Some(Reply::NeedPin { left: Some(left), wrong });
    assert_eq!(client.hears(), need(8, false));
    // Others can use it while somebody types.
    assert!(run(&["fido2-token", "-I", "/dev/hidraw0"]).contains("pin retries: 8"));
    client.types("4321");
    assert_eq!(client.hears(), need(7, true));
    client.types("1");
    assert_eq!(client.hears(), need(6, true));
    client.types("1234");
    assert_eq!(signer(&candidates, &client.end(None)), (0, 5));

    // After three in a row a token wants to be plugged in anew.
    for wrong_pins in [5, 5] {
        let blocked = Reply::Failed(Failure::PinBlocked);
        assert_eq!(ask(&candidates, LONG).end(Some("4321")), blocked);
        assert_eq!(token.seen().wrong_pins, wrong_pins);
    }
    token.set(&[Fault::Unplugged]);
    sleep(SHORT / 2);
    token.set(&[Fault::PinRetries(2)]);
    assert_eq!(ask(&candidates, LONG).end(Some("4321")), Reply::Failed(Failure::LastPin));
    assert_eq!(ask(&candidates, LONG).end(None), Reply::Failed(Failure::LastPin), "not asked");

    let client = ask(&candidates, SHORT);
    client.hears();
    assert!(client.leaves() < SHORT);
}

#[test]
fn a_pin_that_nobody_types() {
    let desk = Desk(Machine::new());
    let token = desk.plug_in("pin=1234");
    let candidates = [enrol(&Subject { pin: true, ..subject() }, Some("1234"))];
    let client = ask(&candidates, SHORT);
    assert!(matches!(client.hears(), Some(Reply::NeedPin { .. })));
    assert_eq!(client.hears(), Some(Reply::Failed(Failure::Late)));
    let client = ask(&candidates, LONG);
    assert!(matches!(client.hears(), Some(Reply::NeedPin { .. })));
    token.set(&[Fault::Unplugged]);
    assert_eq!(client.hears(), Some(Reply::Insert));
    token.set(&[]);
    client.types("1234");
    assert_eq!(signer(&candidates, &client.end(Some("1234"))), (0, 5));
}

#[test]
fn tokens_that_are_ill() {
    let desk = Desk(Machine::new());
    let token = desk.plug_in("");
    let candidates = [enrol(&subject(), None)];
    token.set(&[Fault::Slow(Duration::from_millis(5))]);
    assert_eq!(signer(&candidates, &ask(&candidates, LONG).end(None)), (0, 1));
    token.set(&[Fault::Silent]);
    let begun = Instant::now();
    let client = ask(&candidates, SHORT);
    assert_eq!(client.hears(), Some(Reply::Failed(Failure::Late)));
    assert_eq!(client.hears(), None);
    assert!(begun.elapsed() < SHORT * 6);
}

#[test]
fn nonsense_ends_it() {
    let desk = Desk(Machine::new());
    let token = desk.plug_in("");
    let candidates = [enrol(&subject(), None)];
    token.set(&[Fault::Untouched]);
    let client = ask(&candidates, LONG);
    assert_eq!(client.hears(), Some(Reply::Touch));
    client.types("1234");
    assert_eq!(client.hears(), None, "nobody has asked");
    token.wait_until(|seen| seen.cancels == 1);
    let none = Request { patience: LONG, message: MESSAGE, task: Task::Assert(vec![]) };
    let client = Client::new(Task::Assert(vec![]), LONG);
    assert!(Request::decode(&none.encode()).is_err());
    assert_eq!(client.hears(), None);
}
