//! From the installation on a fresh host to the purge.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sandbox::{BY_COUNTER, CODE, Machine, PASSWORD, RECORDS, SECRET, Secret, Sshd, User, run};

use crate::apt::{apt_get, built, refused, version};
use crate::files::Files;
use crate::{Phone, STACK, WHAT_PAM_ASKS, enters, paste};

/// What dpkg, apt, debconf, ldconfig and a login write for themselves.
const NOTES: &[&str] = &[
    "/etc/ld.so.cache",
    "/run/motd.dynamic",
    "/var/cache/apt/pkgcache.bin",
    "/var/cache/apt/srcpkgcache.bin",
    "/var/cache/debconf/",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/apt/extended_states",
    "/var/lib/dpkg/",
    "/var/log/",
];

/// What the doctor says here: no clean root keeps its own clock.
const CLOCK: &str = "clock_unsynchronised";

#[track_caller]
fn install() {
    apt_get("install", &[&built("libpam-mfa"), &built("libpam-mfa-fido")]);
}

/// Alice enrols at a terminal, as somebody who reads the questions.
fn enrol(machine: &Machine, alice: &User) -> Phone {
    let mut dialogue = machine.terminal(&alice.command(&["mfa-enroll"]));
    dialogue.answer(" (y/n) ", "y"); // by time
    dialogue.expect("Your new secret key is: ");
    let mut phone = Phone::new(Secret::new(&dialogue.read_line()));
    dialogue.answer("Code from the app", &phone.code());
    for answer in ["y", "y", "y", "n"] {
        dialogue.answer(" (y/n) ", answer); // write, once only, a wide window, no limit
    }
    assert!(dialogue.ends());
    phone
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{path}: {error}")).permissions().mode()
        & 0o7777
}

fn lines_of_ours(stack: &str) -> usize {
    let stack = fs::read_to_string(format!("/etc/pam.d/{stack}")).expect("Debian has it");
    stack.lines().filter(|line| !line.starts_with('#') && line.contains("pam_mfa.so")).count()
}

/// The kinds of what the doctor warns of or calls an error, in order, and its exit code.
fn doctor() -> (String, Option<i32>) {
    let output =
        Command::new("mfactl").args(["doctor", "--json"]).output().expect("it is installed");
    let said = String::from_utf8(output.stdout).expect("it speaks UTF-8");
    let findings = said.split("\"word\":\"").skip(1).map(|rest| rest.split('"').next());
    let findings: BTreeSet<_> = findings.map(Option::unwrap_or_default).collect();
    (findings.into_iter().collect::<Vec<_>>().join(" "), output.status.code())
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn installed_it_changes_no_login() {
    let machine = Machine::of_packages();
    let bob = machine.user("bob");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let before = Files::below("/etc");
    install();
    let changed = Files::below("/etc").changed_since(&before);
    assert!(!changed.iter().any(|path| path.starts_with("/etc/pam.d")), "{changed:?}");
    for (path, allowed) in [("", 0o755), ("/users", 0o711), ("/state", 0o700)] {
        assert_eq!(mode(&format!("{RECORDS}{path}")), allowed, "{path}");
    }
    bob.enrol("mfa-enroll", BY_COUNTER);
    assert!(enters(&sshd, "bob", None), "{}", machine.log);

    assert_eq!(doctor(), (CLOCK.to_owned(), Some(1)));
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn switched_on_it_asks_whoever_has_enrolled() {
    let machine = Machine::of_packages();
    let alice = machine.user("alice");
    machine.user("bob");
    run(&["usermod", "--append", "--groups", "sudo", "alice"]);
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    install();
    let before = Files::below("/etc");
    run(&["pam-auth-update", "--enable", "mfa"]);
    let changed = Files::below("/etc").changed_since(&before);
    assert_eq!(changed, ["/etc/pam.d/common-auth".to_owned()].into());
    assert_eq!(lines_of_ours("common-auth"), 1);

    let mut phone = enrol(&machine, &alice);
    let code = phone.code();
    assert!(enters(&sshd, "alice", Some(&code)), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=totp ");
    assert!(!enters(&sshd, "alice", Some(&code)));
    machine.log.expect_denied("alice", "reused");
    assert!(enters(&sshd, "bob", None), "{}", machine.log);
    let mut sudo = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
    sudo.answer("password for alice: ", PASSWORD);
    sudo.answer(CODE, &phone.code());
    sudo.expect("root");
    assert!(sudo.ends());

    // A record that root keeps.
    let said = run(&["mfactl", "credential", "add", "bob", "--hotp", "--json", "--no-confirm"]);
    let (_, secret) = said.split_once("\"secret\":\"").expect("it is told");
    let token = Secret::new(secret.split_once('"').expect("a text has an end").0);
    assert!(enters(&sshd, "bob", Some(&token.counted(1))), "{}", machine.log);
    assert!(!enters(&sshd, "bob", Some(&token.counted(1))));
    assert_eq!(doctor(), (format!("{CLOCK} nullok"), Some(1)));
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn removed_it_asks_nobody_and_purged_nothing_is_left() {
    let machine = Machine::of_packages();
    let alice = machine.user("alice");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let before = Files::below("/");
    install();
    run(&["pam-auth-update", "--enable", "mfa"]);
    alice.enrolment().hotp("token", SECRET).save();
    let token = Secret::new(SECRET);
    assert!(enters(&sshd, "alice", Some(&token.counted(1))), "{}", machine.log);

    run(&["pam-auth-update", "--disable", "mfa"]);
    assert_eq!(lines_of_ours("common-auth"), 0);
    assert!(enters(&sshd, "alice", None), "{}", machine.log);

    run(&["pam-auth-update", "--enable", "mfa"]);
    apt_get("remove", &["libpam-mfa", "libpam-mfa-fido"]);
    assert_eq!(lines_of_ours("common-auth"), 0);
    assert!(enters(&sshd, "alice", None), "{}", machine.log);
    assert!(alice.system_record().exists());

    install();
    run(&["pam-auth-update", "--enable", "mfa"]);
    assert!(!enters(&sshd, "alice", Some(&token.counted(1))), "it was used before");
    assert!(enters(&sshd, "alice", Some(&token.counted(2))), "{}", machine.log);

    apt_get("purge", &["libpam-mfa", "libpam-mfa-fido"]);
    assert_eq!(version("libpam-mfa"), None);
    let ours = |path: &String| !NOTES.iter().any(|note| path.starts_with(note));
    let left: BTreeSet<_> =
        Files::below("/").changed_since(&before).into_iter().filter(ours).collect();
    assert_eq!(left, BTreeSet::new());
    assert!(enters(&sshd, "alice", None), "{}", machine.log);
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn it_stays_as_long_as_a_line_needs_it() {
    let machine = Machine::of_packages();
    let alice = machine.user("alice");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    install();
    let stack = paste("auth required pam_mfa.so");
    alice.enrolment().hotp("token", SECRET).save();
    let token = Secret::new(SECRET);
    assert!(enters(&sshd, "alice", Some(&token.counted(1))), "{}", machine.log);

    let before = Files::below("/etc/pam.d");
    for command in ["remove", "purge"] {
        let said = refused(command, "libpam-mfa");
        assert!(said.contains("\n  /etc/pam.d/sshd:5:auth required pam_mfa.so\n"), "{said}");
        assert!(Files::below("/etc/pam.d").changed_since(&before).is_empty());
    }
    assert!(enters(&sshd, "alice", Some(&token.counted(2))), "{}", machine.log);

    fs::write(STACK, stack).expect("our own root");
    apt_get("remove", &["libpam-mfa"]);
    assert!(enters(&sshd, "alice", None), "{}", machine.log);
}
