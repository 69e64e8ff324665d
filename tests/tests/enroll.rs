//! Enrolment by a person at a terminal, and the first login after it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use sandbox::{Answer, Host, Machine, Secret};

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
