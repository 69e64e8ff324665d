//! What `mfactl snippet` prints, put where it says, and then real logins.

mod openvpn;
mod options;
mod postgresql;
mod sshd;
mod terminal;

use std::process::Command;

use sandbox::{BY_TIME, Machine, Secret, User};

/// Nothing but the lines and files is left to do.
fn nothing(_: &str) -> bool {
    false
}

fn enrolled(machine: &Machine, name: &str) -> (User, Secret) {
    let person = machine.user(name);
    person.enrol("mfa-enroll", BY_TIME);
    let secret = person.secret();
    (person, secret)
}

/// A right code gets in, a wrong one does not, nor one that has been used.
#[track_caller]
fn a_code_counts_once(machine: &Machine, secret: &Secret, enters: impl Fn(&str) -> bool) {
    assert!(!enters(&secret.wrong_code()), "a wrong code: {}", machine.log);
    machine.log.expect("reason=wrong_code");
    let code = secret.code();
    assert!(enters(&code), "a right code: {}", machine.log);
    assert!(!enters(&code), "a used code: {}", machine.log);
    machine.log.expect("reason=reused");
}

/// The doctor finds no mistake.
#[track_caller]
fn doctor(service: &str) {
    let output = Command::new("mfactl").args(["doctor", "--service", service]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
}
