//! Logins through sshd, sudo and su by a system record, which only root can read.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sandbox::{CODE, Machine, RECORDS, SECRET, Secret, Sshd, User, run};

const OTHER_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

const KEY_THEN_CODE: &str = "AuthenticationMethods publickey,keyboard-interactive";

/// A machine where `service` asks for a code, and alice, whom nobody has enrolled yet.
fn alone(service: &str) -> (Machine, User) {
    let machine = Machine::new();
    machine.stack(service, "auth required pam_mfa.so");
    let alice = machine.user("alice");
    (machine, alice)
}

/// One login of alice's by ssh; whether she is in.
#[track_caller]
fn enters(sshd: &Sshd, code: &str) -> bool {
    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer(CODE, code);
    login.ends() && login.shows("in as alice")
}

#[test]
fn sshd_takes_a_code_by_time_once() {
    let (machine, alice) = alone("sshd");
    alice.enrolment().totp("phone", SECRET).totp("old phone", OTHER_SECRET).save();
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let code = Secret::new(SECRET).code();

    assert!(enters(&sshd, &code), "{}", machine.log);
    let line = machine.log.expect("accepted user=alice");
    for part in ["pam_mfa(sshd:auth): ", " factor=totp credential=phone ", " source=127.0.0.1 "] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }

    let mut again = sshd.login("alice", &[], "echo in as $USER");
    again.answer(CODE, &code);
    again.expect("That code has been used; the next one comes in ");
    assert!(!again.ends());
    machine.log.expect_denied("alice", "reused");

    assert!(enters(&sshd, &Secret::new(OTHER_SECRET).code()), "{}", machine.log);
    machine.log.expect(" factor=totp credential=\"old\\x20phone\" ");
    assert_eq!(alice.files(), [""; 0], "nothing is written into the home");
    assert_eq!(sshd.errors(), "");
}

#[test]
fn sshd_takes_a_recovery_code_once() {
    let (machine, alice) = alone("sshd");
    let codes = ["k7qf-2m9x-hw4d", "k7qf-2m9x-hw4e"].map(str::to_owned);
    alice.enrolment().totp("phone", SECRET).recovery_codes(&codes).save();
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);

    assert!(enters(&sshd, "K7QF 2M9X HW4D"), "{}", machine.log);
    machine.log.expect(" factor=recovery left=1 ");
    assert!(!enters(&sshd, &codes[0]));
    machine.log.expect_denied("alice", "reused");
    assert!(enters(&sshd, &codes[1]), "{}", machine.log);
}

#[test]
fn a_home_that_cannot_be_written_locks_nobody_out() {
    let (machine, alice) = alone("sshd");
    alice.enrolment().hotp("token", SECRET).save();
    run(&["mount", "-o", "remount,bind,ro", "/home"]);
    assert!(fs::write(alice.state(), "").is_err(), "the home is read-only");
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    for counter in [1, 2] {
        assert!(enters(&sshd, &Secret::new(SECRET).counted(counter)), "{}", machine.log);
    }
    assert!(!enters(&sshd, &Secret::new(SECRET).counted(2)));
    machine.log.expect_denied("alice", "reused");
}

#[test]
fn sudo_takes_a_code_by_counter_once() {
    let (machine, alice) = alone("sudo");
    let sudoers = "Defaults !lecture, passwd_tries=1, timestamp_timeout=0\n\
                   alice ALL=(ALL:ALL) ALL\nroot ALL=(ALL:ALL) ALL\n";
    fs::write("/etc/sudoers", sudoers).expect("our own /etc");
    fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).expect("just written");
    alice.enrolment().hotp("token", SECRET).save();
    let code = Secret::new(SECRET).counted(1);

    let mut first = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    first.answer(CODE, &code);
    first.expect("root");
    assert!(first.ends());
    let line = machine.log.expect("accepted user=alice");
    assert!(line.contains("pam_mfa(sudo:auth): "), "{line}");
    assert!(line.contains(" factor=hotp credential=token "), "{line}");

    let mut second = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    second.answer(CODE, &code);
    second.expect("That code has been used; get a new one");
    assert!(!second.interrupt());
    machine.log.expect_denied("alice", "reused");
    assert_eq!(alice.counter("token"), Some(2));
}

#[test]
fn su_finds_a_token_that_was_pressed_in_the_pocket() {
    let (machine, alice) = alone("su");
    let bob = machine.user("bob");
    alice.enrolment().hotp("token", SECRET).save();
    let secret = Secret::new(SECRET);
    let su = |code: &str| {
        let mut su = machine.terminal(&bob.command(&["su", "alice", "-c", "echo now $(id -un)"]));
        su.answer(CODE, code);
        su.ends() && su.shows("now alice")
    };

    assert!(!su(&secret.wrong_code()));
    machine.log.expect_denied("alice", "wrong_code");
    assert_eq!(alice.counter("token"), Some(1), "a wrong code costs nothing");
    assert!(!su(&secret.counted(200)));
    machine.log.expect_denied("alice", "further_ahead");
    assert_eq!(alice.counter("token"), Some(1), "one code further ahead is not enough");
    assert!(su(&secret.counted(201)), "{}", machine.log);
    assert_eq!(alice.counter("token"), Some(202));
    assert!(!su(&secret.counted(201)));
    machine.log.expect_denied("alice", "reused");
    assert!(su(&secret.counted(202)), "{}", machine.log);
}

#[test]
fn however_a_name_is_typed_it_is_one_record() {
    let (machine, alice) = alone("sshd");
    machine.stack("su", "auth required pam_mfa.so");
    machine.fold_names();
    assert_eq!(run(&["id", "-un", "Alice"]), "alice");
    alice.enrolment().totp("phone", SECRET).hotp("token", OTHER_SECRET).save();
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let ssh = |name: &str, code: &str| {
        let mut login = sshd.login(name, &[], "echo in as $USER");
        login.answer(CODE, code);
        login.ends() && login.shows("in as alice")
    };
    let bob = machine.user("bob");
    let su = |name: &str, code: &str| {
        let mut su = machine.terminal(&bob.command(&["su", name, "-c", "echo now $(id -un)"]));
        su.answer(CODE, code);
        su.ends() && su.shows("now alice")
    };
    let (code, token) = (Secret::new(SECRET).code(), Secret::new(OTHER_SECRET));

    assert!(ssh("Alice", &code), "{}", machine.log);
    assert!(!ssh("alice", &code) && !su("ALICE", &code));
    assert_eq!(machine.log.count("denied user=alice reason=reused "), 2, "{}", machine.log);
    assert!(su("aLiCe", &token.counted(1)), "{}", machine.log);
    assert!(!ssh("alice", &token.counted(1)) && ssh("alice", &token.counted(2)));

    let records = run(&["ls", &format!("{RECORDS}/users"), &format!("{RECORDS}/state")]);
    assert_eq!(records.matches("lice").count(), 2, "{records}");
}
