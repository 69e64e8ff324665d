//! What the doctor finds on a real machine, as a person runs it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sandbox::{Machine, Sshd, run};

/// What `mfactl doctor` prints with these options, and its exit code.
fn doctor(line: &str) -> (String, i32) {
    let mut command = Command::new("mfactl");
    command.arg("doctor").args(line.split_whitespace());
    let output = command.output().expect("it is installed");
    let said = String::from_utf8(output.stdout).expect("it speaks UTF-8");
    (said, output.status.code().expect("nobody kills it"))
}

/// A machine on which sudo asks for password and code.
fn host() -> Machine {
    let machine = Machine::new();
    machine.user("alice");
    machine.stack("sudo", "auth requisite pam_unix.so\nauth required pam_mfa.so");
    fs::write("/etc/sudoers", "root ALL=(ALL:ALL) ALL\n").expect("our own /etc");
    fs::create_dir_all("/run/systemd/timesync").expect("our own /run");
    fs::write("/run/systemd/timesync/synchronized", "").expect("our own /run");
    run(&["mfactl", "credential", "add", "alice", "--json", "--no-confirm"]);
    machine
}

#[test]
fn a_host_as_it_should_be_and_then_not() {
    let machine = host();
    let (said, code) = doctor("");
    assert!(said.starts_with("sudo\n  auth     sudo:1  pam_unix.so    requisite\n"), "{said}");
    assert!(said.ends_with("\nNothing is wrong.\n"), "{said}");
    assert_eq!(code, 0, "{said}");

    fs::remove_file("/run/systemd/timesync/synchronized").expect("just written");
    let (said, code) = doctor("");
    assert!(said.contains("warning  clock_unsynchronised  /run/systemd/timesync\n"), "{said}");
    assert_eq!(code, 1, "{said}");

    fs::set_permissions("/var/lib/pam_mfa/state/alice", Permissions::from_mode(0o644))
        .expect("our own /var/lib");
    run(&["chown", "alice", "/var/lib/pam_mfa/users/alice.toml"]);
    run(&["userdel", "alice"]);
    machine.stack("su", "auth sufficient pam_unix.so\nauth required pam_mfa.so retries=2");
    let (said, code) = doctor("--json");
    assert_eq!((said.lines().count(), code), (1, 2), "{said}");
    for word in ["wrong_mode", "wrong_owner", "not_reached", "unknown_option"] {
        assert!(said.contains(&format!(r#"{{"word":"{word}","severity":"error","#)), "{said}");
    }
    assert_eq!(doctor("--service sudo").0.matches("not_reached").count(), 0);
    let (said, code) = doctor("--service login");
    assert!(said.contains("error    not_loaded  /etc/pam.d/login\n"), "{said}");
    assert_eq!(code, 2);
}

#[test]
fn colours_at_a_terminal_only() {
    let machine = host();
    fs::remove_file("/run/systemd/timesync/synchronized").expect("just written");
    let mut command = Command::new("mfactl");
    command.arg("doctor").env("TERM", "xterm").env_remove("NO_COLOR");
    let mut coloured = machine.terminal(&command);
    coloured.expect("\u{1b}[1m\u{1b}[33mwarning");
    coloured.expect("mfactl: 1 warning.");
    assert!(!coloured.ends(), "warnings are no success");

    let mut plain = machine.terminal(command.env("NO_COLOR", "1"));
    plain.expect("mfactl: 1 warning.");
    assert!(!plain.ends());
    assert!(plain.screen().contains("\r\n  warning  clock_unsynchronised"), "{}", plain.screen());
    assert!(!plain.screen().contains('\u{1b}'), "{}", plain.screen());
}

#[test]
fn sshd_itself_says_how_it_is_set_up() {
    let machine = host();
    machine.stack("sshd", "auth required pam_mfa.so");
    let lines = "AuthenticationMethods publickey,keyboard-interactive\nMatch User bob\n\
                 KbdInteractiveAuthentication no\nMatch all";
    let _sshd = Sshd::start(&machine, lines);
    let (said, code) = doctor("--service sshd");
    assert!(said.starts_with("sshd  sshd -T\n"), "{said}");
    let place = "error    keyboard_interactive_off  /etc/ssh/sshd_config:3\n";
    assert!(said.contains(place) && said.contains("for Match User bob, "), "{said}");
    assert_eq!((said.matches("error ").count(), code), (1, 2), "{said}");
}

#[test]
fn a_key_alone_gets_in() {
    let machine = host();
    machine.stack("sshd", "auth required pam_mfa.so");
    let _sshd = Sshd::start(&machine, "");
    let (said, code) = doctor("--service sshd");
    assert!(said.contains("a key alone gets in without auth"), "{said}");
    assert!(said.contains("warning  key_alone  /etc/ssh/sshd_config"), "{said}");
    assert_eq!(code, 1, "{said}");
}

#[test]
fn others_than_root_are_refused() {
    let machine = host();
    let bob = machine.user("bob");
    let mut refused = machine.terminal(&bob.command(&["/usr/sbin/mfactl", "doctor"]));
    refused.expect("mfactl: only root may do this; run it by sudo.");
    assert!(!refused.ends());
}
