//! What the administrator's command writes, and what logins make of it.

use std::fs;
use std::process::{Command, Output};

use sandbox::{Answer, Host, Machine, Secret};

/// `PAM_AUTH_ERR`.
const DENIED: i32 = 7;

fn mfactl(line: &str) -> Output {
    Command::new("mfactl").args(line.split_whitespace()).output().expect("it is installed")
}

/// What it says when it does what it was told.
#[track_caller]
fn done(line: &str) -> String {
    let output = mfactl(line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}

/// The value of a key in an object on one line, as far as it holds no quotation mark.
fn field<'a>(object: &'a str, key: &str) -> &'a str {
    let (_, rest) = object.split_once(&format!("\"{key}\":\"")).expect("the key is there");
    rest.split_once('"').expect("a text has an end").0
}

/// Enrols alice, and gives the secret of the credential `phone`.
fn enrol() -> Secret {
    let object = done("credential add alice --name phone --json --no-confirm");
    Secret::new(field(&object, "secret"))
}

fn log_in(host: &Host, code: &str) -> i32 {
    host.authenticate("alice", &[Answer::Text(code)]).result
}

#[test]
fn what_is_enrolled_counts_once_and_what_is_removed_not_at_all() {
    let machine = Machine::new();
    machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let phone = enrol();
    let code = phone.code();
    assert_eq!(log_in(&host, &code), 0, "{}", machine.log);
    machine.log.expect("credential=phone");
    assert_eq!(log_in(&host, &code), DENIED);
    machine.log.expect_denied("alice", "reused");

    done("credential rename alice phone Pixel");
    assert_eq!(log_in(&host, &phone.code_beside(1)), 0, "{}", machine.log);
    machine.log.expect("credential=Pixel");
    assert!(done("credential list alice").contains("Pixel"));
    assert!(done("show alice --uri").starts_with("otpauth://totp/alice@"));
    done("credential remove alice Pixel --last");
    assert_eq!(mfactl("credential list alice").status.code(), Some(1));
    assert_ne!(log_in(&host, &phone.code_beside(2)), 0);
}

#[test]
fn recovery_and_bypass_codes() {
    let machine = Machine::new();
    machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    enrol();
    let said = done("codes alice --new --count 3");
    let codes: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(codes.len(), 3, "{said}");
    assert_eq!(log_in(&host, &codes[1].to_uppercase()), 0, "{}", machine.log);
    assert_eq!(log_in(&host, codes[1]), DENIED);
    assert!(done("codes alice").starts_with("alice has 2 recovery codes and 0 bypass codes left"));

    let object = done("bypass-code alice --ttl 5m --json");
    let issued = machine.log.expect("issued user=alice factor=bypass_code");
    assert!(issued.starts_with("<85>mfactl["), "{issued}");
    assert!(issued.contains(&format!("id={} ttl=300 uid=0", field(&object, "id"))), "{issued}");
    assert!(!issued.contains(field(&object, "code")), "{issued}");
    // The third answer in half a minute is the last.
    assert_eq!(log_in(&host, field(&object, "code")), 0, "{}", machine.log);
    machine.log.expect("factor=bypass_code");
    assert!(done("codes alice").contains("0 bypass codes left"));
}

#[test]
fn a_state_that_is_lost_denies_until_it_is_made_anew() {
    let machine = Machine::new();
    machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let phone = enrol();
    fs::remove_file("/var/lib/pam_mfa/state/alice").expect("just made");
    assert_eq!(log_in(&host, &phone.code()), DENIED);
    machine.log.expect_denied("alice", "no_state");
    let found = mfactl("check");
    assert_eq!(found.status.code(), Some(3));
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.contains("run `mfactl state init alice`"), "{found}");
    let copy = fs::read("/var/lib/pam_mfa/users/alice.toml").expect("root reads it");
    fs::write("/tmp/alice.toml", copy).expect("our own /tmp");
    assert_eq!(mfactl("apply /tmp/alice.toml").status.code(), Some(3));

    done("state init alice");
    assert_eq!(done("check"), "1 record, no mistakes.\n");
    assert_eq!(done("apply /tmp/alice.toml"), "alice: unchanged.\n");
    // What may have been accepted before is used.
    assert_eq!(log_in(&host, &phone.code()), DENIED);
    machine.log.expect_denied("alice", "reused");
}
