//! Logins through a real sshd, by a real ssh at a terminal.

use std::fs;

use sandbox::{BY_COUNTER, BY_TIME, CODE, Machine, PASSWORD, Sshd, User};

/// Key first, then a code: what most servers with a second factor do.
const KEY_THEN_CODE: &str = "AuthenticationMethods publickey,keyboard-interactive";

/// Whatever the PAM stack asks.
const WHAT_PAM_ASKS: &str = "AuthenticationMethods keyboard-interactive";

/// One password box, nothing else: many graphical clients, and scripts.
const PASSWORD_BOX: &str =
    "AuthenticationMethods password\nPasswordAuthentication yes\nKbdInteractiveAuthentication no";

/// A machine where a key and a code are asked for, and alice with these flags of mfa-enroll.
fn enrolled(flags: &[&str]) -> (Machine, User) {
    let machine = Machine::new();
    machine.stack("sshd", "auth required pam_mfa.so");
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", flags);
    (machine, alice)
}

/// One login of alice's with this answer to the one prompt; whether she is in.
#[track_caller]
fn enters(sshd: &Sshd, prompt: &str, answer: &str) -> bool {
    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer(prompt, answer);
    login.ends() && login.shows("in as alice")
}

#[test]
fn a_code_opens_the_door_once() {
    let (machine, alice) = enrolled(BY_TIME);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let code = alice.secret().code();

    assert!(enters(&sshd, CODE, &code), "{}", machine.log);
    let line = machine.log.expect("accepted user=alice");
    for part in ["pam_mfa(sshd:auth): ", " factor=totp ", " source=127.0.0.1 ", " tty=ssh "] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }
    assert!(line.ends_with("Accepted google_authenticator for alice"), "{line}");

    let mut again = sshd.login("alice", &[], "echo in as $USER");
    again.answer(CODE, &code);
    again.expect("That code has been used; the next one comes in ");
    assert!(!again.ends());
    machine.log.expect_denied("alice", "reused");
    assert_eq!(machine.log.count("accepted user="), 1, "{}", machine.log);
    assert_eq!(sshd.errors(), "");
}

#[test]
fn a_wrong_code_is_refused() {
    let (machine, alice) = enrolled(BY_TIME);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let before = alice.read_state();

    assert!(!enters(&sshd, CODE, &alice.secret().wrong_code()));
    machine.log.expect_denied("alice", "wrong_code");
    assert!(
        machine.log.expect("denied user=alice").ends_with("Invalid verification code for alice")
    );
    assert_eq!(alice.read_state(), before, "a wrong code changes nothing where no rate is limited");
    assert_eq!(sshd.errors(), "");
}

#[test]
fn a_scratch_code_works_once() {
    let (machine, alice) = enrolled(BY_TIME);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let codes = alice.scratch_codes();
    assert_eq!(codes.len(), 5);

    assert!(enters(&sshd, CODE, &codes[2]), "{}", machine.log);
    machine.log.expect(" factor=scratch ");
    assert_eq!(alice.scratch_codes(), [&codes[..2], &codes[3..]].concat());
    assert!(!enters(&sshd, CODE, &codes[2]));
    machine.log.expect_denied("alice", "wrong_code");
    assert!(enters(&sshd, CODE, &codes[0]), "{}", machine.log);
}

#[test]
fn a_counter_goes_forward_only() {
    let (machine, alice) = enrolled(BY_COUNTER);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let secret = alice.secret();

    assert!(enters(&sshd, CODE, &secret.counted(1)), "{}", machine.log);
    machine.log.expect(" factor=hotp ");
    assert!(alice.read_state().contains("\" HOTP_COUNTER 2\n"), "{}", alice.read_state());
    assert!(!enters(&sshd, CODE, &secret.counted(1)));
    assert!(alice.read_state().contains("\" HOTP_COUNTER 3\n"), "a failed attempt costs a step");
    assert!(enters(&sshd, CODE, &secret.counted(5)), "the look-ahead is 3: {}", machine.log);
    assert!(alice.read_state().contains("\" HOTP_COUNTER 6\n"), "{}", alice.read_state());
}

#[test]
fn too_many_attempts_are_not_even_asked() {
    let (machine, alice) =
        enrolled(&["-t", "-C", "-f", "-d", "-w", "3", "-r", "2", "-R", "600", "-q"]);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let wrong = alice.secret().wrong_code();

    assert!(!enters(&sshd, CODE, &wrong));
    assert!(!enters(&sshd, CODE, &wrong));
    let mut third = sshd.login("alice", &[], "echo in as $USER");
    assert!(!third.ends());
    assert!(!third.shows(CODE));
    machine.log.expect_denied("alice", "rate_limited");
}

#[test]
fn a_second_try_within_one_login() {
    let (machine, alice) = enrolled(BY_TIME);
    machine.stack("sshd", "auth required pam_mfa.so retry=2");
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let secret = alice.secret();
    let wrong = secret.wrong_code();

    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer(CODE, &wrong);
    login.answer(CODE, &secret.code());
    login.expect("in as alice");
    assert!(login.ends());
    machine.log.expect("accepted user=alice");

    let mut twice_wrong = sshd.login("alice", &[], "echo in as $USER");
    twice_wrong.answer(CODE, &wrong);
    twice_wrong.answer(CODE, &secret.counted(1_000_000));
    assert!(!twice_wrong.ends());
}

#[test]
fn a_password_and_then_a_code() {
    let (machine, alice) = enrolled(BY_TIME);
    machine.stack("sshd", "auth required pam_unix.so\nauth required pam_mfa.so");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let secret = alice.secret();

    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer("Password: ", PASSWORD);
    login.answer(CODE, &secret.code_beside(0));
    login.expect("in as alice");
    assert!(login.ends());

    let mut half = sshd.login("alice", &[], "echo in as $USER");
    half.answer("Password: ", "no idea");
    half.answer(CODE, &secret.code_beside(1));
    assert!(!half.ends(), "a right code does not stand in for the password");
}

#[test]
fn a_password_and_a_code_in_one_answer() {
    let (machine, alice) = enrolled(BY_TIME);
    machine.stack(
        "sshd",
        "auth required pam_mfa.so forward_pass\nauth required pam_unix.so use_first_pass",
    );
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let secret = alice.secret();
    let prompt = "Password & verification code: ";

    assert!(
        enters(&sshd, prompt, &format!("{PASSWORD}{}", secret.code_beside(0))),
        "{}",
        machine.log
    );
    assert!(!enters(&sshd, prompt, &format!("no idea{}", secret.code_beside(1))));
    assert!(!enters(&sshd, prompt, &format!("{PASSWORD}{}", secret.wrong_code())));
    assert!(!enters(&sshd, prompt, PASSWORD));
}

#[test]
fn a_password_and_a_code_in_a_password_box() {
    let (machine, alice) = enrolled(BY_TIME);
    machine.stack(
        "sshd",
        "auth required pam_mfa.so forward_pass\nauth required pam_unix.so use_first_pass",
    );
    let sshd = Sshd::start(&machine, PASSWORD_BOX);
    let secret = alice.secret();
    let prompt = "alice@127.0.0.1's password: ";
    let answer = format!("{PASSWORD}{}", secret.code_beside(0));

    assert!(enters(&sshd, prompt, &answer), "{}", machine.log);
    assert!(!enters(&sshd, prompt, &answer));
    machine.log.expect_denied("alice", "reused");
    assert!(!enters(&sshd, prompt, &format!("no idea{}", secret.code_beside(1))));
}

#[test]
fn a_stranger_is_asked_like_a_friend() {
    let (machine, alice) = enrolled(BY_TIME);
    let wrong = alice.secret().wrong_code();
    let _bare = machine.user("carol");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);

    let seen = ["alice", "carol", "mallory"].map(|name| {
        let mut login = sshd.login(name, &[], "echo in as $USER");
        login.answer(CODE, &wrong);
        assert!(!login.ends());
        login.screen().replace(name, "NAME")
    });
    assert_eq!(seen[0], seen[1], "enrolled or not");
    assert_eq!(seen[0], seen[2], "here or not");
    machine.log.expect_denied("carol", "no_file");
    machine.log.expect_denied("mallory", "unknown_user");
}

#[test]
fn nullok_spares_who_has_no_file_and_nobody_else() {
    let (machine, alice) = enrolled(BY_TIME);
    machine.stack("sshd", "auth required pam_unix.so\nauth required pam_mfa.so nullok");
    let _carol = machine.user("carol");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);

    let mut carol = sshd.login("carol", &[], "echo in as $USER");
    carol.answer("Password: ", PASSWORD);
    carol.expect("in as carol");
    assert!(carol.ends() && !carol.shows(CODE));

    fs::write(alice.state(), "").expect("root may");
    let mut broken = sshd.login("alice", &[], "echo in as $USER");
    broken.answer("Password: ", PASSWORD);
    broken.answer(CODE, "123456");
    assert!(!broken.ends());
    machine.log.expect_denied("alice", "empty_file");
}

#[test]
fn a_session_holds_nothing_of_the_module() {
    let (machine, alice) = enrolled(BY_TIME);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let mut login = sshd.login("alice", &[], "env; echo in; read -r goodbye");
    login.answer(CODE, &alice.secret().code());
    login.expect("in");

    let open = sshd.descriptors();
    assert!(open.len() > 6, "sshd and its session are running: {open:?}");
    for file in open {
        let ours =
            ["google", "pam_mfa", "lock", "(deleted)"].iter().any(|part| file.contains(part));
        assert!(!ours, "{file} is still open");
    }
    login.type_line("bye");
    assert!(login.ends());
    assert!(
        !login.screen().to_lowercase().contains("mfa"),
        "in the environment: {}",
        login.screen()
    );
}
