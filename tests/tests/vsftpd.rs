//! An FTP server: one password box, and curl at the other end.

use std::fs;

use sandbox::{BY_TIME, Machine, PASSWORD, Vsftpd};

#[test]
fn a_password_and_a_code_in_a_password_box() {
    let machine = Machine::new();
    machine.stack(
        "vsftpd",
        "auth required pam_mfa.so forward_pass\nauth required pam_unix.so use_first_pass",
    );
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_TIME);
    fs::write(alice.path("note"), "for alice").expect("root may");
    let server = Vsftpd::start(&machine);
    let secret = alice.secret();
    let first = secret.code_beside(0);
    let fetch = |password: &str, code: &str| {
        server.fetch(&alice, &format!("{password}{code}"), "note").ok_or("denied")
    };

    assert_eq!(fetch(PASSWORD, &secret.wrong_code()), Err("denied"));
    machine.log.expect_denied("alice", "wrong_code");
    assert_eq!(fetch(PASSWORD, ""), Err("denied"));
    assert_eq!(fetch(PASSWORD, &first).as_deref(), Ok("for alice"), "{}", machine.log);
    let line = machine.log.expect("accepted user=alice factor=totp");
    for part in ["pam_mfa(vsftpd:auth): ", " source=127.0.0.1 ", " tty=ftp "] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }
    assert_eq!(fetch(PASSWORD, &first), Err("denied"));
    machine.log.expect_denied("alice", "reused");

    let second = secret.code_beside(1);
    assert_eq!(
        fetch("no idea", &second),
        Err("denied"),
        "a code does not stand in for the password"
    );
    assert_eq!(fetch(PASSWORD, &second), Err("denied"), "it was used all the same");
}
