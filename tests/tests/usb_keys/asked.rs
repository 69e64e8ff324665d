//! What somebody with a key is asked and told, for how long, and what they may do instead.

use std::thread::sleep;
use std::time::Duration;

use sandbox::fido::Fault;
use sandbox::{Answer, BY_TIME, CODE, DENIED, Host};

use crate::desk::{Desk, hex, ours};

const TOUCH: &str = "Touch your security key";
const INSERT: &str = "Insert your security key";
const PIN: &str = "PIN of your security key: ";

/// How long the line lets a key be waited for, and the most that comes on top of it.
const PATIENCE: Duration = Duration::from_secs(1);
const FAREWELL: Duration = Duration::from_secs(4);

/// pam_u2f's line, with another module's name and two words more.
#[test]
fn a_line_of_pam_u2f_moves_over() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    for options in [
        "",
        "cue",
        "cue [cue_prompt=Now touch it]",
        "interactive",
        "interactive [prompt=Put it in]",
        "nouserok",
        "openasuser authfile=/home/alice/mapping max_devices=3 userpresence=1 userverification=0",
        "expand authfile=/etc/u2f_%u authfile=/etc/u2f_mappings",
    ] {
        let line = format!("{options} origin=pam://sandbox authfile=/etc/u2f_mappings");
        for (faults, result) in [(&[][..], 0), (&[Fault::BadSignature], DENIED)] {
            token.set(faults);
            let answers = &[Answer::Text("")];
            let theirs = format!("auth required pam_u2f.so authpending_file= {line}");
            let theirs = desk.login(&theirs, answers);
            assert_eq!(theirs.said.result, result, "pam_u2f {line}: {}", theirs.said.errors);
            let ours = desk.login(&format!("auth required pam_mfa.so u2f local {line}"), answers);
            assert_eq!(ours.said.result, result, "{line}: {:?}", ours.log);
            let words = if options.contains("Now") { "Now touch it" } else { TOUCH };
            assert_eq!(ours.said.messages, [words], "{line}");
            let first = match options {
                "interactive" => vec!["Insert your security key, then press Enter."],
                _ if options.contains("Put") => vec!["Put it in"],
                _ => vec![],
            };
            assert_eq!(ours.said.prompts, first, "{line}");
        }
    }
}

#[test]
fn who_does_not_touch_it_is_asked_for_a_code() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    let before = token.seen();
    token.set(&[Fault::Untouched]);
    let login = desk.ours("", &[]);
    assert_eq!((login.said.result, login.reason()), (DENIED, "key_timeout"), "{:?}", login.log);
    assert_eq!((&*login.said.messages, login.said.prompts.len()), (&[TOUCH.to_owned()][..], 0));
    assert!(login.said.took >= PATIENCE && login.said.took < PATIENCE + FAREWELL);
    assert_eq!(token.wait_until(|seen| seen.cancels == 1).untouched, 0);

    desk.alice.enrol("mfa-enroll", BY_TIME);
    let code = desk.alice.secret().code();
    let login = desk.ours("", &[Answer::Text(&code)]);
    assert_eq!((login.is_in(), login.factor()), (true, "totp"), "{:?}", login.log);
    assert_eq!(login.said.prompts, [CODE]);
    assert_eq!(token.wait_until(|seen| seen.cancels == 2).waits, before.waits + 2);
    token.set(&[]);
    let login = desk.ours("", &[]);
    assert_eq!((login.factor(), login.said.prompts.len()), ("key", 0), "{:?}", login.log);
}

#[test]
fn a_slow_person_and_a_slow_token() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    for fault in [Fault::TouchedAfter(PATIENCE / 2), Fault::Slow(Duration::from_millis(3))] {
        token.set(&[fault]);
        let login = desk.ours("", &[]);
        assert!(login.is_in(), "{fault:?}: {:?}", login.log);
    }
    token.set(&[Fault::Silent]);
    let login = desk.ours("", &[]);
    assert_eq!(login.reason(), "key_timeout", "{:?}", login.log);
    assert!(login.said.took < PATIENCE + FAREWELL, "{:?}", login.said.took);
}

#[test]
fn plugged_in_late_and_pulled_out_in_between() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    let host = Host::new(&desk.machine, &ours("key_timeout=20"));
    let before = token.seen();
    token.set(&[Fault::Unplugged]);
    let begun = host.begin("alice", &[Answer::Error]);
    sleep(PATIENCE / 2);
    token.set(&[Fault::Untouched]);
    token.wait_until(|seen| seen.waits == before.waits + 1);
    token.set(&[Fault::Unplugged]);
    sleep(PATIENCE / 2);
    token.set(&[]);
    let said = begun.end();
    assert_eq!(
        (said.result, &*said.messages),
        (0, &[INSERT, TOUCH, INSERT, TOUCH].map(str::to_owned)[..])
    );
    assert!(said.took < PATIENCE * 10, "{:?}", said.took);

    token.set(&[Fault::Unplugged]);
    let login = desk.ours("", &[]);
    assert_eq!((login.reason(), &*login.said.messages), ("key_absent", &[INSERT.to_owned()][..]));
    assert!(login.said.took < PATIENCE + FAREWELL);
}

#[test]
fn pins() {
    let desk = Desk::new();
    let token = desk.plug_in("pin=13579x");
    desk.enrol("--pin-verification", Some("13579x"));
    desk.alice.enrol("mfa-enroll", BY_TIME);
    let code = desk.alice.secret().code();
    let text = Answer::Text;

    let login = desk.ours("", &[text("4321"), text("13579x")]);
    assert_eq!((login.factor(), &*login.said.prompts), ("key", &[PIN, PIN].map(str::to_owned)[..]));
    assert_eq!(login.said.messages, ["That PIN is wrong; the key takes 7 more"]);
    assert_eq!(login.said.echo, [false, false]);
    assert_eq!(token.seen().wrong_pins, 1);

    for none in [text(""), Answer::Null, Answer::None, Answer::Error, Answer::Long(64)] {
        let login = desk.ours("", &[none, text("000000x")]);
        assert_eq!(login.reason(), "not_a_code", "{:?}", login.log);
        assert!(login.log[0].contains(" reason=key_pin "), "{:?}", login.log);
        assert_eq!(login.said.prompts, [PIN, CODE]);
    }
    assert_eq!((token.seen().wrong_pins, token.seen().assertions), (1, 1), "none was tried");
    let login = desk.ours("", &[Answer::Null, text(&code)]);
    assert_eq!((login.is_in(), login.factor()), (true, "totp"), "{:?}", login.log);

    let pin = hex(b"13579x");
    let around = sandbox::Circumstances::default().seeking(&[&pin]);
    let login = desk.ours_under("", &[Answer::Bytes(b"13579x")], &around);
    assert_eq!((login.is_in(), &*login.said.found), (true, &[][..]), "it is left in memory");
}

/// People look for where they have written it down.
#[test]
fn a_pin_takes_its_time() {
    let desk = Desk::new();
    let _token = desk.plug_in("pin=1234");
    desk.enrol("--pin-verification", Some("1234"));
    desk.machine.stack("su", &ours(""));
    let bob = desk.machine.user("bob");
    let mut su = desk.machine.terminal(&bob.command(&["su", "alice", "-c", "true"]));
    su.expect(PIN);
    sleep(PATIENCE + PATIENCE / 2);
    su.type_line("1234");
    assert!(su.ends());
    desk.machine.log.expect("accepted user=alice factor=key ");
}

#[test]
fn of_several_tokens_whoever_knows_a_key_is_asked() {
    let desk = Desk::new();
    let known = desk.plug_in("");
    desk.enrol("", None);
    let stranger = desk.plug_in("seed=1");
    let old = desk.plug_in("u2f seed=2");
    let silent = desk.plug_in("seed=3");
    silent.set(&[Fault::Silent]);
    let login = desk.ours("", &[]);
    assert!(login.is_in(), "{:?}", login.log);
    assert_eq!(login.said.messages, [TOUCH]);
    for other in [&stranger, &old, &silent] {
        assert_eq!((other.seen().waits, other.seen().assertions), (0, 0));
    }
    known.set(&[Fault::Unplugged]);
    silent.set(&[Fault::Unplugged]);
    assert_eq!(desk.ours("", &[]).reason(), "key_absent", "the others know none");
}

/// Somebody without rights, at a terminal.
#[test]
fn whoever_presses_enter_types_a_code() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    desk.machine.stack("su", &ours("key_timeout=20"));
    let bob = desk.machine.user("bob");
    let su = || desk.machine.terminal(&bob.command(&["su", "alice", "-c", "echo now $(id -un)"]));
    let mut with = su();
    with.expect("now alice");
    assert!(with.ends());

    let waits = token.seen().waits;
    token.set(&[Fault::Untouched]);
    let mut without = su();
    without.expect("Touch your security key, or press Enter to give up");
    token.wait_until(|seen| seen.waits == waits + 1);
    without.type_line("");
    assert!(!without.ends());
    desk.machine.log.expect_denied("alice", "no_answer");
    token.wait_until(|seen| seen.cancels == 1);

    desk.alice.enrol("mfa-enroll", BY_TIME);
    let mut code = su();
    code.expect("Touch your security key, or press Enter to type a code instead");
    token.wait_until(|seen| seen.waits == waits + 2);
    code.type_line("");
    code.answer(CODE, &desk.alice.secret().code());
    code.expect("now alice");
    assert!(code.ends());
    assert_eq!(token.wait_until(|seen| seen.cancels == 2).untouched, 0);
}
