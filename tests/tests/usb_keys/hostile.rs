//! Another program in the place of mfa-fido: whatever it says or does, nobody is let in, the login ends in
//! time, and the host is as it was.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use mfa_core::account::Key;
use mfa_core::helper::{Candidate, MAX_REPLY, Reply, Request, Task};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use sandbox::{Answer, BY_TIME, CODE, Children, Circumstances, DENIED, Impostor, run};

use crate::desk::{Desk, impostor, ours};

/// What a login with a key may take: its time-out, the farewell, and what else the machine has to do.
const BOUND: Duration = Duration::from_millis(3_800);

/// What the module itself takes in memory, in KiB, and some datagrams.
const ROOM: u64 = 6 * 1024;

#[test]
fn whatever_it_says_or_does() {
    let program = impostor();
    let desk = Desk::new();
    let _token = desk.plug_in("");
    desk.enrol("", None);
    let impostor = Impostor::install(&desk.machine, &program);
    let orders = [
        ("leave", "helper_failed"),
        ("nothing", "helper_failed"),
        ("garbage", "helper_failed"),
        ("too long", "helper_failed"),
        ("far too long", "helper_failed"),
        ("longer", "helper_failed"),
        ("shorter", "helper_failed"),
        ("made", "helper_failed"),
        ("no candidate", "helper_failed"),
        ("touch and leave", "helper_failed"),
        ("kill", "helper_failed"),
        ("group", "helper_failed"),
        ("child", "key_timeout"),
        ("another key", "key_signature"),
        ("another kind", "key_signature"),
        ("no signature", "key_signature"),
        ("no data", "key_malformed"),
        ("absent", "key_absent"),
        ("silence", "key_timeout"),
        ("stubborn", "key_timeout"),
        ("stop", "key_timeout"),
        ("touch for ever", "helper_failed"),
        ("touch and insert for ever", "helper_failed"),
        ("PIN for ever", "helper_failed"),
    ];
    let hosts = [Children::Counted, Children::Ignored, Children::Awaited];
    for ((orders, reason), children) in orders.into_iter().zip(hosts.into_iter().cycle()) {
        impostor.does(orders);
        let around = Circumstances { children, ..Circumstances::default() };
        let login = desk.login_under(&ours(""), &[Answer::Text("1234")], &around);
        assert_eq!((&*login.said.changed, &*login.said.errors), (&[][..], ""), "{orders}");
        assert_eq!(
            (login.said.result, login.reason()),
            (DENIED, reason),
            "{orders}: {:?}",
            login.log
        );
        assert!(login.said.took < BOUND, "{orders}: {:?}", login.said.took);
        assert!(login.said.messages.len() + login.said.prompts.len() <= 2 * 64, "{orders}");
        assert!(login.said.grown < ROOM, "{orders}: {} KiB", login.said.grown);
    }
}

/// It was good once, for another message.
#[test]
fn an_old_answer() {
    let program = impostor();
    let desk = Desk::new();
    let token = desk.plug_in("");
    let key = desk.enrol("", None);
    fs::write("/run/impostor.old", assertion(&key)).expect("our own /run");
    let impostor = Impostor::install(&desk.machine, &program);
    impostor.does("replay");
    let before = token.seen();
    for _ in 0..2 {
        let login = desk.ours("", &[]);
        assert_eq!((login.said.result, login.reason()), (DENIED, "key_signature"));
    }
    desk.alice.enrolment().key("blue", &key).save();
    assert_eq!(desk.ours("authfile=/nowhere", &[]).reason(), "key_signature");
    assert_eq!(token.seen(), before);
}

/// What mfa-fido says of a touch, to somebody who is not the module.
fn assertion(key: &Key) -> Vec<u8> {
    let kind = SockType::SeqPacket;
    let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
        .expect("Linux has them");
    let mut child = Command::new("/usr/libexec/mfa-fido")
        .env_clear()
        .stdin(theirs)
        .stdout(Stdio::null())
        .spawn()
        .expect("installed");
    let socket = UnixDatagram::from(ours);
    socket.set_read_timeout(Some(sandbox::PATIENCE)).expect("a socket");
    let candidates = vec![Candidate::of(key).expect("a USB key")];
    let request =
        Request { patience: sandbox::PATIENCE, message: [7; 32], task: Task::Assert(candidates) };
    socket.send(&request.encode()).expect("it listens");
    let mut datagram = vec![0; MAX_REPLY];
    let is_assertion =
        |datagram: &[u8]| matches!(Reply::decode(datagram), Ok(Reply::Assertion { .. }));
    while !is_assertion(&datagram) {
        datagram.resize(MAX_REPLY, 0);
        let length = socket.recv(&mut datagram).expect("in time");
        assert!(length > 0, "it ended");
        datagram.truncate(length);
    }
    drop(socket);
    child.wait().expect("our own child");
    datagram
}

/// Whoever has codes, too, types one.
#[test]
fn codes_go_on() {
    let program = impostor();
    let desk = Desk::new();
    desk.alice.enrol("mfa-enroll", BY_TIME);
    let _token = desk.plug_in("");
    desk.enrol("", None);
    let impostor = Impostor::install(&desk.machine, &program);
    for orders in ["garbage", "silence"] {
        impostor.does(orders);
        let login = desk.ours("", &[Answer::Text("000000x")]);
        assert_eq!((login.reason(), &*login.said.prompts), ("not_a_code", &[CODE.to_owned()][..]));
    }
    impostor.does("another key");
    let login = desk.ours("", &[Answer::Text(&desk.alice.secret().code())]);
    assert_eq!((login.reason(), login.said.prompts.len()), ("key_signature", 0));
    impostor.does("leave");
    let login = desk.ours("", &[Answer::Text(&desk.alice.secret().code())]);
    assert_eq!((login.is_in(), login.factor()), (true, "totp"), "{:?}", login.log);
}

#[test]
fn what_is_not_roots_alone_is_not_run() {
    let program = impostor();
    let desk = Desk::new();
    let _token = desk.plug_in("");
    desk.enrol("", None);
    let impostor = Impostor::install(&desk.machine, &program);
    impostor.does("tell");
    for (owner, mode, reason) in [
        (desk.alice.id, 0o755, "no_helper"),
        (0, 0o775, "no_helper"),
        (0, 0o757, "no_helper"),
        (0, 0o644, "helper_failed"),
    ] {
        impostor.belongs(owner, mode);
        let login = desk.ours("", &[]);
        assert_eq!((login.said.result, login.reason()), (DENIED, reason), "{owner} {mode:o}");
        assert!(!fs::exists("/run/impostor.told").expect("our own /run"), "{owner} {mode:o}");
    }
    run(&["mount", "-t", "tmpfs", "none", "/usr/libexec"]);
    assert_eq!(desk.ours("", &[]).reason(), "no_helper", "there is none");
    std::os::unix::fs::symlink("/run/impostor", "/usr/libexec/mfa-fido").expect("our own");
    impostor.belongs(0, 0o755);
    assert_eq!(desk.ours("", &[]).reason(), "no_helper", "a link may lead anywhere");
}
