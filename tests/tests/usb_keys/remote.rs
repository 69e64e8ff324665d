//! Who is far away does not wake a key in this machine's port, whatever they call themselves.

use std::time::Duration;

use sandbox::fido::{Seen, Token};
use sandbox::{Answer, BY_TIME, CODE, Circumstances, DENIED, Neighbour, Sshd};

use crate::desk::{Desk, ours};

/// Nobody has taken up with it since.
#[track_caller]
fn asleep(token: &Token, since: Seen, what: &str) {
    assert_eq!(token.seen(), since, "{what}");
}

#[test]
fn an_address_of_any_form_is_remote() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    let before = token.seen();
    let places = [
        "192.0.2.7",
        "::ffff:1.2.3.4",
        "::ffff:127.0.0.1",
        "fe80::1%eth0",
        "2001:db8::7",
        "0:0:0:0:0:0:0:1",
        "::1",
        "127.0.0.1",
        "localhost",
        "sandbox",
        "client.example.org",
        "LOCAL",
        ":0",
        "tty1",
        "-",
        "0",
        " ",
        "(null)",
    ];
    for from in places {
        let login = desk.ours_under("", &[Answer::Error], &Circumstances::default().from(from));
        assert_eq!((login.said.result, login.reason()), (DENIED, "not_local"), "{from:?}");
        assert!(login.said.took < Duration::from_secs(5), "{from:?}: {:?}", login.said.took);
        assert!(login.said.messages.is_empty(), "{from:?}");
        assert_eq!(login.said.prompts[0], CODE, "in vain, as strangers are asked");
        asleep(&token, before, from);
    }
    desk.alice.enrol("mfa-enroll", BY_TIME);
    for from in places {
        let login = desk.ours_under("", &[Answer::Error], &Circumstances::default().from(from));
        assert_eq!((&*login.said.messages, login.said.prompts[0].as_str()), (&[][..], CODE));
        asleep(&token, before, from);
    }
    let login = desk.ours("", &[]);
    assert!(login.is_in(), "{:?}", login.log);
}

/// The administrator has written the line of a console into that of sshd.
#[test]
fn through_sshd() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    desk.alice.enrol("mfa-enroll", BY_TIME);
    desk.machine.stack("sshd", &ours(""));
    desk.machine.policy("local = [\"sshd\"]\n");
    let before = token.seen();
    let neighbour = Neighbour::at(&desk.machine, "192.0.2.7");
    let sshd = Sshd::start(&desk.machine, "AuthenticationMethods keyboard-interactive");
    let mut here = sshd.login("alice", &[], "echo in as $USER");
    here.answer(CODE, &desk.alice.secret().wrong_code());
    assert!(!here.ends());
    asleep(&token, before, "from the machine itself");
    let mut there = sshd.login_from(&neighbour, "alice", &[], "echo in as $USER");
    there.answer(CODE, &desk.alice.secret().code());
    there.expect("in as alice");
    assert!(there.ends());
    assert!(!there.shows("security key"), "{}", there.screen());
    let line = desk.machine.log.expect("accepted user=alice");
    assert!(line.contains(" factor=totp ") && line.contains(" source=192.0.2.7 "), "{line}");
    asleep(&token, before, "from its neighbour");
    assert_eq!(sshd.errors(), "");
}

#[test]
fn a_service_that_nobody_has_called_local() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    let before = token.seen();
    let line = |more| format!("auth required pam_mfa.so u2f {} {more}", crate::desk::LINE);
    assert_eq!(desk.login(&line(""), &[]).reason(), "not_local");
    desk.machine.policy("local = [\"login\"]\n");
    assert_eq!(desk.login(&line(""), &[]).reason(), "not_local");
    asleep(&token, before, "another service is local");
    desk.machine.policy("local = [\"login\", \"host\"]\n");
    let login = desk.login(&line(""), &[]);
    assert!(login.is_in(), "{:?}", login.log);
}
