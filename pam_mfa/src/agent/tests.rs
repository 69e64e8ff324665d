use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use mfa_core::key::{Public, Signature};
use mfa_core::wire::Writer;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{Backlog, bind, listen};
use nix::unistd::{Uid, chown};
use tempfile::TempDir;

use super::*;

/// Longer than anything takes that does not wait.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

/// A socket, and a thread that is the agent of the first who connects.
struct Fake {
    dir: TempDir,
    agent: JoinHandle<()>,
}

impl Fake {
    fn new(agent: impl FnOnce(UnixStream) + Send + 'static) -> Self {
        let dir = TempDir::new().unwrap();
        let listener = UnixListener::bind(dir.path().join("agent")).unwrap();
        let agent = spawn(move || agent(listener.accept().unwrap().0));
        Self { dir, agent }
    }

    fn connect<'a>(&self, patience: Patience<'a>) -> Agent<'a> {
        let path = self.dir.path().join("agent");
        Agent::connect(&path, Rights::of_caller(), patience).unwrap()
    }

    fn ends(self) {
        self.agent.join().unwrap();
    }
}

fn within(time: Duration) -> Patience<'static> {
    Patience { until: Instant::now() + time, interrupt: None }
}

fn key(application: &str) -> SkKey {
    SkKey { public: Public::eddsa(&[7; 32]).unwrap(), application: application.to_owned() }
}

fn request(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut request = vec![0; u32::from_be_bytes(length).try_into().unwrap()];
    stream.read_exact(&mut request).unwrap();
    request
}

fn framed(reply: &[u8]) -> Vec<u8> {
    Writer::default().string(reply).done()
}

fn listed(keys: &[SkKey]) -> Vec<u8> {
    let reply = Writer::default().byte(12).number(keys.len().try_into().unwrap());
    keys.iter().fold(reply, |reply, key| reply.string(&key.to_blob()).string(b"comment")).done()
}

fn signed(kind: &str, length: usize) -> Vec<u8> {
    let signature = Writer::default().string(kind.as_bytes()).string(&vec![8; length]);
    Writer::default().byte(14).string(&signature.byte(1).number(9).done()).done()
}

fn reason(unanswered: Unanswered) -> Reason {
    match unanswered {
        Unanswered::Failed(trouble) => trouble.reason,
        Unanswered::Interrupted => panic!("nobody has"),
    }
}

#[test]
fn an_agent_that_answers() {
    let fake = Fake::new(|mut stream| {
        assert_eq!(request(&mut stream), [11]);
        stream.write_all(&framed(&listed(&[key("ssh:"), key("ssh:b")]))).unwrap();
        let expected = Writer::default().byte(13).string(&key("ssh:b").to_blob()).string(b"data");
        let expected = expected.number(0).done();
        assert_eq!(request(&mut stream), expected);
        stream.write_all(&framed(&[5])).unwrap();
        assert_eq!(request(&mut stream), expected);
        for byte in framed(&signed("sk-ssh-ed25519@openssh.com", 64)) {
            stream.write_all(&[byte]).unwrap();
        }
    });
    let mut agent = fake.connect(within(LONG));
    assert_eq!(agent.keys(), Ok(vec![key("ssh:"), key("ssh:b")]));
    let refused = agent.sign(&key("ssh:b"), b"data").unwrap_err();
    assert_eq!(reason(refused), Reason::AgentRefused);
    let assertion = agent.sign(&key("ssh:b"), b"data").unwrap();
    assert_eq!((assertion.flags, assertion.counter), (1, 9));
    assert_eq!(assertion.signature, Signature::Eddsa([8; 64]));
    fake.ends();
}

/// What an agent says to the first question ends with `reason`, at once.
fn denied(reply: Vec<u8>, expected: Reason, ask: fn(&mut Agent) -> Option<Unanswered>) {
    let shown = format!("{:?}...", reply.get(..20).unwrap_or(&reply));
    let fake = Fake::new(move |mut stream| {
        request(&mut stream);
        stream.write_all(&reply).unwrap();
    });
    let unanswered = ask(&mut fake.connect(within(LONG))).expect(&shown);
    assert_eq!(reason(unanswered), expected, "{shown}");
    fake.ends();
}

#[test]
fn answers_that_are_none() {
    let keys = |agent: &mut Agent| agent.keys().err();
    let sign = |agent: &mut Agent| agent.sign(&key("ssh:"), b"data").err();
    let list = listed(&[key("ssh:")]);
    let signature = signed("sk-ssh-ed25519@openssh.com", 64);
    let endless = Writer::default().byte(12).number(u32::MAX).bytes(&list[5..]).done();
    for reply in [
        vec![],
        vec![0, 0, 0],
        framed(&[]),
        framed(&list)[..40].to_vec(),
        framed(&list[..40]),
        framed(&[&list[..], b"\0"].concat()),
        framed(&endless),
        b"\x00\x10\x00\x01".to_vec(),
        b"\xff\xff\xff\xff".to_vec(),
        framed(&vec![12; 1 << 20]),
    ] {
        denied(reply, Reason::AgentFailed, keys);
    }
    for reply in [
        framed(&list),
        framed(&signature[..30]),
        framed(&[&signature[..], b"\0"].concat()),
        b"\xff\xff\xff\xff".to_vec(),
    ] {
        denied(reply, Reason::AgentFailed, sign);
    }
    denied(framed(&[5]), Reason::AgentRefused, keys);
    denied(framed(&signed("sk-ssh-ed25519@openssh.com", 65)), Reason::KeyMalformed, sign);
    for kind in ["sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed25519", ""] {
        denied(framed(&signed(kind, 64)), Reason::KeyType, sign);
    }
}

/// No room is made for what is too long.
#[test]
fn how_long_an_answer_is_comes_first() {
    for length in [MAX_REPLY + 1, 0xffff_ffff] {
        let fake = Fake::new(move |mut stream| {
            request(&mut stream);
            stream.write_all(&u32::try_from(length).unwrap().to_be_bytes()).unwrap();
            assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
        });
        let unanswered = fake.connect(within(LONG)).keys().unwrap_err();
        let why = format!("an answer of {length} bytes");
        assert_eq!(unanswered, failed(Reason::AgentFailed, &why));
        fake.ends();
    }
}

#[test]
fn silence_ends_in_time() {
    type Behaviour = fn(UnixStream);
    let behaviours: [Behaviour; 4] = [
        |mut stream| assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 5),
        // Never reads: even what does not fit comes to an end.
        |_stream| sleep(SHORT * 3),
        |mut stream| {
            stream.write_all(b"\0\0\0\x09").unwrap();
            sleep(SHORT * 3);
        },
        // One byte after the other, for ever.
        |mut stream| {
            stream.write_all(b"\0\x0f\0\0").unwrap();
            while stream.write_all(&[12]).is_ok() {
                sleep(SHORT / 20);
            }
        },
    ];
    for behave in behaviours {
        let fake = Fake::new(behave);
        let begun = Instant::now();
        let mut agent = fake.connect(within(SHORT));
        assert_eq!(reason(agent.keys().unwrap_err()), Reason::KeyTimeout);
        let took = begun.elapsed();
        assert!((SHORT..SHORT * 20).contains(&took), "{took:?}");
        assert_eq!(reason(agent.keys().unwrap_err()), Reason::KeyTimeout, "one for all");
        drop(agent);
        fake.ends();
    }
    let fake = Fake::new(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let begun = Instant::now();
    let unanswered = fake.connect(within(LONG)).keys().unwrap_err();
    assert_eq!(reason(unanswered), Reason::KeyTimeout, "in silence");
    assert!(begun.elapsed() < LONG / 2);
    fake.ends();
    let fake = Fake::new(|_stream| sleep(SHORT * 3));
    let much = vec![0; 4 << 20];
    let mut agent = fake.connect(within(SHORT));
    let unanswered = agent.sign(&key("ssh:"), &much).unwrap_err();
    assert_eq!(reason(unanswered), Reason::KeyTimeout);
    fake.ends();
}

#[test]
fn a_person_who_would_rather_type() {
    let fake = Fake::new(|mut stream| {
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let (terminal, mut person) = UnixStream::pair().unwrap();
    let until = Instant::now() + LONG;
    let mut agent = fake.connect(Patience { until, interrupt: Some(terminal.as_fd()) });
    person.write_all(b"\n").unwrap();
    assert_eq!(agent.sign(&key("ssh:"), b"data"), Err(Unanswered::Interrupted));
    assert!(Instant::now() < until);
    drop(agent);
    fake.ends();
}

#[test]
fn an_agent_that_goes_raises_no_signal() {
    let mut broken_pipe = SigSet::empty();
    broken_pipe.add(Signal::SIGPIPE);
    broken_pipe.thread_block().unwrap();
    let pending = SignalFd::with_flags(&broken_pipe, SfdFlags::SFD_NONBLOCK).unwrap();
    let (socket, gone) = UnixStream::pair().unwrap();
    drop(gone);
    let mut agent = Agent { socket: socket.into(), patience: within(LONG) };
    assert_eq!(reason(agent.keys().unwrap_err()), Reason::AgentFailed);
    assert!(pending.read_signal().unwrap().is_none());
}

#[test]
fn only_a_socket_of_the_person_s_own() {
    let dir = TempDir::new().unwrap();
    let own = Rights::of_caller();
    let connect = |name: &str, rights| {
        let refused = Agent::connect(&dir.path().join(name), rights, within(LONG)).map(|_| ());
        refused.map_err(|trouble| (trouble.reason, trouble.detail))
    };
    let refused = |name: &str, rights, expected, why: &str| {
        let (reason, detail) = connect(name, rights).unwrap_err();
        assert_eq!(reason, expected, "{name}: {detail}");
        assert!(detail.contains(why), "{detail}");
    };
    let listener = UnixListener::bind(dir.path().join("agent")).unwrap();
    assert_eq!(connect("agent", own), Ok(()));
    symlink("agent", dir.path().join("link")).unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    for name in ["link", "file", "."] {
        refused(name, own, Reason::AgentFailed, "not a socket");
    }
    refused("none", own, Reason::NoAgent, "No such file");
    let long = "x".repeat(200);
    let _elsewhere = UnixListener::bind(dir.path().join("other")).unwrap();
    fs::rename(dir.path().join("other"), dir.path().join(&long)).unwrap();
    refused(&long, own, Reason::NoAgent, "too long");
    let relative = Agent::connect(Path::new("agent"), own, within(LONG)).unwrap_err();
    assert_eq!(relative.detail, "agent: not an absolute path");

    drop(listener);
    refused("agent", own, Reason::NoAgent, "refused");
    let stranger = Rights { uid: Uid::from_raw(54_321), ..own };
    if Uid::effective().is_root() {
        let open_to = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode));
        open_to(0o700).unwrap();
        refused("agent", stranger, Reason::NoAgent, "Permission denied");
        open_to(0o755).unwrap();
        refused("agent", stranger, Reason::AgentFailed, "of uid 0, not 54321");
    } else {
        refused("agent", stranger, Reason::NoRights, "54321");
    }
}

/// The listener of another, under a socket of one's own: what counts is who listens.
#[test]
fn who_listens_counts() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("agent");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _listener = UnixListener::bind(&path).unwrap();
    let stranger = Rights { uid: Uid::from_raw(54_321), ..Rights::of_caller() };
    let given = chown(&path, Some(stranger.uid), None);
    if !Uid::effective().is_root() {
        assert_eq!(given, Err(Errno::EPERM), "only root gives sockets away");
        return;
    }
    let trouble = Agent::connect(&path, stranger, within(LONG)).unwrap_err();
    assert_eq!(trouble.reason, Reason::AgentFailed);
    assert!(trouble.detail.ends_with(": of uid 0, not 54321"), "{}", trouble.detail);
}

#[test]
fn nobody_has_to_accept() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("agent");
    let listener =
        socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    let connect = || Agent::connect(&path, Rights::of_caller(), within(LONG));
    let _waiting = [connect().unwrap(), connect().unwrap()];
    let trouble = connect().unwrap_err();
    assert_eq!(trouble.reason, Reason::NoAgent);
    assert!(trouble.detail.ends_with(": Try again"), "{}", trouble.detail);
}
