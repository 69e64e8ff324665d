//! A google-authenticator installation is taken over: the same file, the same people, another line
//! in /etc/pam.d; and back again.

use sandbox::{BY_COUNTER, BY_TIME, CODE, Machine, Sshd};

const THEIRS: &str = "auth required pam_google_authenticator.so";
const OURS: &str = "auth required pam_mfa.so";

/// One login of alice's; whether she is in.
#[track_caller]
fn enters(sshd: &Sshd, code: &str) -> bool {
    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer(CODE, code);
    login.ends() && login.shows("in as alice")
}

#[test]
fn codes_by_time() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    // A window of 17 leaves time for all of it.
    let wide = BY_TIME.join(" ").replace("-w 3", "-w 17");
    alice.enrol("google-authenticator", &wide.split(' ').collect::<Vec<_>>());
    let secret = alice.secret();
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey,keyboard-interactive");
    let [first, second, third] = [0, 1, 2].map(|steps| secret.code_beside(steps));

    machine.stack("sshd", THEIRS);
    assert!(enters(&sshd, &first), "{}", machine.log);

    machine.stack("sshd", OURS);
    assert!(!enters(&sshd, &first), "used with the original, used with ours");
    machine.log.expect_denied("alice", "reused");
    assert!(enters(&sshd, &second), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=totp");
    assert!(!enters(&sshd, &second));
    let scratch = alice.scratch_codes();
    assert!(enters(&sshd, &scratch[0]), "{}", machine.log);

    machine.stack("sshd", THEIRS);
    assert!(!enters(&sshd, &second), "used with ours, used with the original");
    assert!(!enters(&sshd, &scratch[0]), "so is a scratch code");
    assert!(enters(&sshd, &third), "{}", machine.log);
    assert!(enters(&sshd, &scratch[1]), "{}", machine.log);
}

#[test]
fn codes_by_counter() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    alice.enrol("google-authenticator", BY_COUNTER);
    let secret = alice.secret();
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey,keyboard-interactive");

    machine.stack("sshd", THEIRS);
    assert!(enters(&sshd, &secret.counted(1)), "{}", machine.log);

    machine.stack("sshd", OURS);
    assert!(enters(&sshd, &secret.counted(2)), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=hotp");
    assert!(!enters(&sshd, &secret.counted(2)));

    machine.stack("sshd", THEIRS);
    assert!(enters(&sshd, &secret.counted(4)), "a failure costs a step: {}", machine.log);
    assert!(!enters(&sshd, &secret.counted(4)));
}

#[test]
fn an_enrolment_of_ours_serves_the_original() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_TIME);
    let code = alice.secret().code();
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey,keyboard-interactive");

    machine.stack("sshd", THEIRS);
    assert!(enters(&sshd, &code), "{}", machine.log);
    machine.stack("sshd", OURS);
    assert!(!enters(&sshd, &code));
    machine.log.expect_denied("alice", "reused");
}
