//! The feature with-mfa in a profile for authselect, and logins by the stack that comes of it.
//!
//! Debian has no authselect. The profile is one of our own in the manner of its profiles, and its
//! templates are filled in here, by what authselect-profiles(5) says of `{include if}`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sandbox::{BY_TIME, CODE, Machine, PASSWORD, User};

const ADD: &str = include_str!("../../packaging/authselect/add-with-mfa");

const PROFILE: &str = "/etc/authselect/custom/mfa";

/// A line that jumps, one that lets in by something else than a password, and two that are there only
/// if a feature is.
const STACK: &str = r#"
auth     required    pam_env.so
auth     required    pam_faillock.so preauth silent    {include if "with-faillock"}
auth     sufficient  pam_permit.so                     {include if "with-finger"}
auth     [default=1 ignore=ignore success=ok] pam_localuser.so
auth     sufficient  pam_unix.so nullok
auth     required    pam_faillock.so authfail          {include if "with-faillock"}
auth     required    pam_deny.so
account  required    pam_unix.so
session  required    pam_unix.so
"#;

/// What a service of Fedora's has.
const SU: &str = "
auth     include  system-auth
account  include  system-auth
session  include  system-auth
";

const README: &str = "One's own
=========

AVAILABLE OPTIONAL FEATURES
---------------------------

with-faillock::
    Count failures.
";

fn add() -> Output {
    fs::write("/run/add-with-mfa", ADD).expect("our own /run");
    Command::new("sh").args(["/run/add-with-mfa", PROFILE]).output().expect("every machine has sh")
}

/// The machine, and alice, who has enrolled.
fn with_profile() -> (Machine, User) {
    let machine = Machine::new();
    fs::create_dir_all(PROFILE).expect("our own /etc");
    for (file, text) in [
        ("system-auth", STACK),
        ("password-auth", STACK),
        ("README", README),
        ("REQUIREMENTS", "Nothing.\n"),
    ] {
        fs::write(Path::new(PROFILE).join(file), text).expect("just made");
    }
    machine.full_stack("su", SU);
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_TIME);
    (machine, alice)
}

/// Fills a template in.
fn rendered(file: &str, features: &[&str]) -> String {
    let text = fs::read_to_string(Path::new(PROFILE).join(file)).expect("just written");
    let line = |line: &str| match line.split_once("{include if \"") {
        None => Some(format!("{line}\n")),
        Some((line, feature)) => {
            let is_on = features.contains(&feature.trim_end_matches("\"}"));
            is_on.then(|| format!("{}\n", line.trim_end()))
        }
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn a_code_is_asked_for_before_whatever_lets_in() {
    let (machine, alice) = with_profile();
    let _not_enrolled = machine.user("carol");
    let bob = machine.user("bob");
    let before = rendered("system-auth", &["with-faillock"]);
    let added = add();
    assert!(added.status.success(), "{added:?}");
    assert_eq!(rendered("system-auth", &["with-faillock"]), before, "switched off it is not there");
    assert_eq!(rendered("password-auth", &["with-mfa"]), rendered("system-auth", &["with-mfa"]));

    let enters = |name: &str, answers: &[(&str, &str)]| {
        let mut su = machine.terminal(&bob.command(&["su", name, "-c", "echo now $(id -un)"]));
        for (prompt, answer) in answers {
            su.answer(prompt, answer);
        }
        su.ends() && su.shows("now ")
    };
    let secret = alice.secret();
    machine.full_stack("system-auth", &rendered("system-auth", &["with-mfa", "with-faillock"]));
    let code = secret.code();
    assert!(!enters("alice", &[(CODE, &secret.wrong_code()), ("Password: ", PASSWORD)]));
    machine.log.expect_denied("alice", "wrong_code");
    assert!(enters("alice", &[(CODE, &code), ("Password: ", PASSWORD)]), "{}", machine.log);
    assert!(!enters("alice", &[(CODE, &code), ("Password: ", PASSWORD)]));
    machine.log.expect_denied("alice", "reused");
    assert!(enters("carol", &[("Password: ", PASSWORD)]), "nullok: {}", machine.log);

    machine.full_stack("system-auth", &rendered("system-auth", &["with-mfa", "with-finger"]));
    assert!(!enters("alice", &[(CODE, &secret.wrong_code()), ("Password: ", "no idea")]));
    assert!(enters("alice", &[(CODE, &secret.code_beside(1))]), "{}", machine.log);
}

#[test]
fn it_is_added_once_and_to_whole_copies() {
    let (_machine, _) = with_profile();
    let files = ["system-auth", "password-auth", "README", "REQUIREMENTS"];
    let files = files.map(|file| Path::new(PROFILE).join(file));
    assert!(add().status.success());
    let read = || files.clone().map(|file| fs::read_to_string(file).expect("still there"));
    let added = read();
    assert_eq!(added[0].lines().count(), STACK.lines().count() + 1);
    assert!(added[2].contains("-----\n\nwith-mfa::\n    Ask for "), "{}", added[2]);
    assert!(added[2].ends_with("\n\nwith-faillock::\n    Count failures.\n"), "{}", added[2]);
    let requirements = rendered("REQUIREMENTS", &["with-mfa"]);
    assert!(requirements.starts_with("Nothing.\n\n- with-mfa is selected, "), "{requirements}");
    assert_eq!(rendered("REQUIREMENTS", &[]), "Nothing.\n");

    let again = add();
    assert!(!again.status.success());
    assert_eq!(read(), added);
    fs::remove_file(&files[1]).expect("it was there");
    let half = String::from_utf8(add().stderr).expect("text");
    assert_eq!(half, format!("add-with-mfa: {PROFILE}/system-auth has the feature.\n"));
    fs::write(&files[0], STACK).expect("it is there");
    let half = String::from_utf8(add().stderr).expect("text");
    assert_eq!(half, format!("add-with-mfa: {PROFILE}/password-auth is not there.\n"));
    assert_eq!(fs::read_to_string(&files[0]).expect("still there"), STACK);
}
