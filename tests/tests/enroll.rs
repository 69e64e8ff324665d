//! Enrolment by a person at a terminal, and the first login after it.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown, symlink};
use std::path::Path;
use std::process::Command;

use sandbox::{Answer, BY_TIME, Host, Machine, Secret, run};

const YES_OR_NO: &str = " (y/n) ";
const CONFIRM: &str = "Code from the app";

#[test]
fn a_first_enrolment() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let mut dialogue = machine.terminal(&alice.command(&["mfa-enroll"]));
    dialogue.answer(YES_OR_NO, "y"); // by time
    dialogue.expect("Your new secret key is: ");
    let secret = Secret::new(&dialogue.read_line());
    let code = secret.code();
    dialogue.answer(CONFIRM, &secret.wrong_code());
    dialogue.expect("wrong");
    dialogue.expect(CONFIRM);
    assert!(
        !dialogue.shows(&code),
        "the right code is told to whoever guessed: {}",
        dialogue.screen()
    );
    dialogue.type_line(&code);
    for answer in ["y", "y", "n", "y"] {
        dialogue.answer(YES_OR_NO, answer); // write, once only, no wide window, limit
    }
    assert!(dialogue.ends());

    let state = alice.read_state();
    for line in ["\" RATE_LIMIT 3 30", "\" DISALLOW_REUSE ", "\" TOTP_AUTH"] {
        assert!(state.contains(line), "no {line:?} in {state}");
    }
    assert_eq!(alice.scratch_codes().len(), 5);
    let file = fs::metadata(alice.state()).expect("just read");
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (alice.id, alice.id, 0o400));

    let host = Host::new(&machine, "auth required pam_mfa.so");
    assert_ne!(
        host.authenticate("alice", &[Answer::Text(&code)]).result,
        0,
        "it confirmed already"
    );
    machine.log.expect_denied("alice", "reused");
    let next = secret.code_beside(1);
    assert_eq!(host.authenticate("alice", &[Answer::Text(&next)]).result, 0, "{}", machine.log);
}

#[test]
fn eight_digits_of_another_hash() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let flags = [BY_TIME, &["--digits", "8", "--algorithm", "SHA256"]].concat();
    let output = alice.command(&[&["mfa-enroll"], &flags[..]].concat()).output();
    assert!(output.expect("setpriv is there").status.success());
    let state = alice.read_state();
    let secret = state.lines().next().expect("a first line");
    let code = run(&["oathtool", "--totp=sha256", "--digits=8", "--base32", secret]);

    let host = Host::new(&machine, "auth required pam_mfa.so");
    let scratch = &alice.scratch_codes()[0];
    for good in [&code, scratch] {
        let login = || host.authenticate("alice", &[Answer::Text(good)]).result;
        assert_eq!(login(), 0, "{}", machine.log);
        assert_ne!(login(), 0, "{good} twice");
    }

    // The original passes over both lines, and sees codes as usual.
    machine.stack("host", "auth required pam_google_authenticator.so");
    let next =
        run(&["oathtool", "--totp=sha256", "--digits=8", "--now=+30 seconds", "--base32", secret]);
    assert_ne!(host.authenticate("alice", &[Answer::Text(&next)]).result, 0);
    let usual = alice.secret().code_beside(1);
    assert_eq!(host.authenticate("alice", &[Answer::Text(&usual)]).result, 0, "{}", machine.log);
    let state = alice.read_state();
    assert!(state.contains("\" ALGORITHM SHA256\n\" DIGITS 8\n"), "{state}");
}

#[test]
fn root_draws_through_no_link_of_others() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let link = alice.path("out");
    symlink("/root", &link).expect("its name is free");
    lchown(&link, Some(alice.id), Some(alice.id)).expect("root may");
    let picture = alice.path("out/x.svg");
    let output = Command::new("mfa-enroll")
        .args(["-tDfuqW", "-s", "/root/ga", "--qr-file"])
        .arg(&picture)
        .env("HOME", "/root")
        .output()
        .expect("it is installed");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!picture.exists() && !Path::new("/root/ga").exists());
}
