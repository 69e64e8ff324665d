//! sudo, called by somebody without rights at a terminal.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use sandbox::{BY_COUNTER, BY_TIME, CODE, Machine, User};

const SUDOERS: &str = "
Defaults !lecture, passwd_tries=1, timestamp_timeout=0
root ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) ALL
";

fn enrolled(flags: &[&str]) -> (Machine, User) {
    let machine = Machine::new();
    machine.stack("sudo", "auth required pam_mfa.so");
    fs::write("/etc/sudoers", SUDOERS).expect("our own /etc");
    fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).expect("just written");
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", flags);
    (machine, alice)
}

#[test]
fn a_code_gives_root_once() {
    let (machine, alice) = enrolled(BY_TIME);
    let code = alice.secret().code();

    let mut first = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    first.answer(CODE, &code);
    first.expect("root");
    assert!(first.ends());
    let line = machine.log.expect("accepted user=alice");
    assert!(line.contains("pam_mfa(sudo:auth): ") && line.contains(" tty=/dev/pts/"), "{line}");

    let mut second = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    second.answer(CODE, &code);
    second.expect("That code has been used; the next one comes in ");
    assert!(!second.interrupt());
    machine.log.expect_denied("alice", "reused");

    let state = fs::metadata(alice.state()).expect("still there");
    assert_eq!((state.uid(), state.gid(), state.mode() & 0o7777), (alice.id, alice.id, 0o400));
}

#[test]
fn a_wrong_code_gives_nothing() {
    let (machine, alice) = enrolled(BY_COUNTER);
    let mut wrong = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    wrong.answer(CODE, &alice.secret().wrong_code());
    assert!(!wrong.ends());
    assert!(!wrong.shows("root\r\n"), "{}", wrong.screen());
    machine.log.expect_denied("alice", "wrong_code");

    // That attempt cost a step of the counter.
    let mut right = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    right.answer(CODE, &alice.secret().counted(2));
    right.expect("root");
    assert!(right.ends());
}

#[test]
fn an_answer_that_never_comes() {
    let (machine, alice) = enrolled(BY_TIME);
    let mut leaving = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    leaving.expect(CODE);
    assert!(!leaving.interrupt());
    machine.log.expect("denied user=alice reason=");
    assert_eq!(machine.log.count("accepted"), 0);
}
