//! su, called by somebody without rights at a terminal.

use sandbox::{BY_TIME, CODE, Machine};

#[test]
fn it_is_the_target_who_is_asked() {
    let machine = Machine::new();
    machine.stack("su", "auth required pam_mfa.so");
    let (alice, bob) = (machine.user("alice"), machine.user("bob"));
    bob.enrol("mfa-enroll", BY_TIME);
    let code = bob.secret().code();
    let su = alice.command(&["su", "bob", "-c", "echo now $(id -un)"]);

    let mut wrong = machine.terminal(&su);
    wrong.answer(CODE, &bob.secret().wrong_code());
    assert!(!wrong.ends());
    machine.log.expect_denied("bob", "wrong_code");

    let mut right = machine.terminal(&su);
    right.answer(CODE, &code);
    right.expect("now bob");
    assert!(right.ends());
    assert!(machine.log.expect("accepted user=bob").contains("pam_mfa(su:auth): "));

    let mut again = machine.terminal(&su);
    again.answer(CODE, &code);
    again.expect("That code has been used; the next one comes in ");
    assert!(!again.ends());
    machine.log.expect_denied("bob", "reused");
}

#[test]
fn lines_that_have_nothing_to_say_lock_nobody_out() {
    let machine = Machine::new();
    let lines = ["auth", "account", "session", "password"]
        .map(|kind| format!("{kind} required pam_mfa.so\n"))
        .concat();
    machine.stack("su", &lines);
    let (alice, bob) = (machine.user("alice"), machine.user("bob"));
    bob.enrol("mfa-enroll", BY_TIME);
    let mut su = machine.terminal(&alice.command(&["su", "bob", "-c", "echo now $(id -un)"]));
    su.answer(CODE, &bob.secret().code());
    su.expect("now bob");
    assert!(su.ends());
}
