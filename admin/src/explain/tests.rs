use std::fs;

use mfa_core::account::Port;
use mfa_core::fresh::{self, Check, Enrolment, Place, Scope};
use mfa_core::key::Public;
use mfa_core::limit::{Attempts, Pauses, SourceKey};
use mfa_core::record::{Id, Key, Name, Record};
use mfa_core::store::{Lost, Opened, Store};
use mfa_core::verify::Factor;
use serde_json::Value;

use crate::lab::{Lab, NOW, totp};

/// The groups of daemon are the system's own.
const POLICY: &str = r#"
version = 1

[[rule]]
name = "elsewhere"
hosts = ["prod-*"]
deny = "no"

[[rule]]
name = "office"
from = ["192.0.2.0/24"]
groups = ["daemon"]
skip = "the office"

[[rule]]
name = "shut"
services = ["ftp"]
deny = "use sftp"

[[rule]]
name = "lost"
services = ["cron"]
groups = ["no-such-group"]
skip = "jobs"

[[rule]]
name = "paper"
services = ["su"]
require = ["recovery"]

[[rule]]
name = "wave 2"
services = ["sudo"]
require = ["otp"]
enrolled_by = 2023-11-20
fresh = "5m"

[[rule]]
name = "rehearsal"
services = ["login"]
require = ["otp"]
enforce = false
"#;

const LIST: &str = r#"
[[bypass]]
id = "vpn"
network = "198.51.100.0/24"
services = ["sshd", "su"]
reason = "Berlin VPN"

[[bypass]]
id = "old"
network = "198.51.100.0/28"
reason = "a test"
expires = 2023-11-01
"#;

fn lab() -> Lab {
    let lab = Lab::new();
    let etc = lab.dir.path().join("etc");
    fs::create_dir(&etc).unwrap();
    fs::write(etc.join("policy.toml"), POLICY).unwrap();
    fs::write(etc.join("bypass.toml"), LIST).unwrap();
    lab
}

/// What is said of a login by daemon, without the directory.
fn said(lab: &Lab, rest: &str) -> String {
    let said = lab.run(&format!("explain --user daemon {rest}"), "").unwrap();
    said.replace(&format!("{}/", lab.dir.path().display()), "")
}

#[test]
fn rule_by_rule() {
    let lab = lab();
    lab.enrol("daemon", vec![totp(1, "phone")]);
    assert_eq!(
        said(&lab, "--service sshd --source ::ffff:192.0.2.7 --tty ssh"),
        "Login:   daemon by sshd from 192.0.2.7 at ssh, on host\n\
         Policy:  etc/policy.toml\n\
         Stored:  in a system record\n\
         etc/policy.toml:4   elsewhere  does not match: hosts\n\
         etc/policy.toml:9   office     matches\n\
         etc/policy.toml:15  shut       not reached\n\
         etc/policy.toml:20  lost       not reached\n\
         etc/policy.toml:26  paper      not reached\n\
         etc/policy.toml:31  wave 2     not reached\n\
         etc/policy.toml:38  rehearsal  not reached\n\
         Not asked: the office.\n"
    );
    let said = said(&lab, "--service sshd --source 198.51.100.3");
    let end = "etc/policy.toml:38  rehearsal  does not match: services\n\
               etc/bypass.toml:2   vpn        matches\n\
               etc/bypass.toml:8   old        would match, expired 2023-11-01\n\
               Not asked: bypass vpn, Berlin VPN.\n";
    assert!(said.ends_with(end), "{said}");
}

#[test]
fn what_the_module_would_do() {
    let lab = lab();
    let enrolled = [
        ("sshd", "Asked for a second factor: otp or recovery or key.\n"),
        (
            "ftp",
            "Denied: a rule of the policy denies (use sftp); the log says reason=policy_denies.\n\
             The person reads: access requires MFA: use sftp.\n",
        ),
        (
            "cron",
            "Denied: a group that a rule names does not exist (group no-such-group); the log says \
             reason=no_group.\n",
        ),
        (
            "su",
            "Asked as everybody is, and denied: the user has enrolled nothing of what the rule takes \
             (it takes recovery); the log says reason=no_factor.\n",
        ),
        (
            "sudo",
            "Asked for a second factor: otp.\n\
             A check counts again for 300 s, for the same service and place.\n",
        ),
        (
            "login",
            "Let in: the rule is a dry run, and the log says would=require rule=rehearsal.\n\
             Without enforce = false: Asked for a second factor: otp.\n",
        ),
    ];
    let not_enrolled = [
        (
            "sshd",
            "Asked as everybody is, and denied: the user has not enrolled: there is no such file (not \
             enrolled); the log says reason=no_file.\n\
             A PAM line with enroll has them enrol while logging in.\n",
        ),
        (
            "sudo",
            "Not asked: not enrolled, and has until 2023-11-20.\n\
             The person reads: From 2023-11-20 on access requires MFA: enrol with mfa-enroll, or ask \
             the administrator.\n",
        ),
        ("login", "Let in: the rule is a dry run, and the log says would=deny rule=rehearsal.\n"),
    ];
    for (service, end) in not_enrolled {
        let said = said(&lab, &format!("--service {service}"));
        assert!(said.contains("Stored:  nowhere: ") && said.contains(end), "{service}: {said}");
    }
    lab.enrol("daemon", vec![totp(1, "phone")]);
    for (service, end) in enrolled {
        let said = said(&lab, &format!("--service {service}"));
        assert!(said.ends_with(end), "{service}: {said}");
    }
    // Past the day.
    let line = "explain --user bin --service sudo";
    let late = lab.run_at(NOW + 7 * 86_400, line, "").unwrap();
    let told = "reads: access requires MFA: enrol with mfa-enroll, or ask the administrator.\n";
    assert!(late.contains(told), "{late}");
    let record = lab.base().dir.join("users/daemon.toml");
    fs::write(record, "version = 1\n").unwrap();
    let broken = said(&lab, "--service sudo");
    assert!(broken.contains("denied: the record is malformed"), "{broken}");
}

#[test]
fn as_an_object() {
    let lab = lab();
    lab.enrol("daemon", vec![totp(1, "phone")]);
    let said = said(&lab, "--service login --source 198.51.100.3 --json");
    let object: Value = serde_json::from_str(&said).unwrap();
    for (key, value) in [
        ("user", "daemon"),
        ("source", "198.51.100.3"),
        ("node", "host"),
        ("policy", "etc/policy.toml"),
        ("stored", "system"),
        ("outcome", "skip"),
        ("would", "require"),
        ("rule", "rehearsal"),
    ] {
        assert_eq!(object[key], value, "{key}");
    }
    assert_eq!(object["rules"].as_array().unwrap().len(), 7);
    assert_eq!(object["rules"][1]["line"], 9);
    assert_eq!(object["bypasses"][0]["says"], "does not match: services");
}

#[test]
fn another_policy_or_none() {
    let lab = lab();
    let other = lab.dir.path().join("other.toml");
    fs::write(&other, "version = 1\nstore = \"system\"\n").unwrap();
    let said_of_it = said(&lab, &format!("--service sshd --policy {}", other.display()));
    assert!(said_of_it.contains("Policy:  other.toml\n"), "{said_of_it}");
    fs::write(&other, "version = 1\nstore = 1\n").unwrap();
    let line = format!("explain --user daemon --service sshd --policy {}", other.display());
    let why = format!("{}:2:9: store: not a text", other.display());
    assert!(lab.refused(&line).starts_with(&why));

    let etc = lab.dir.path().join("etc");
    fs::remove_file(etc.join("policy.toml")).unwrap();
    let without = said(&lab, "--service ftp");
    assert!(without.contains("Policy:  none") && without.contains("line with nullok"), "{without}");
    fs::write(etc.join("bypass.toml"), "[[bypass]]\n").unwrap();
    let refused = lab.refused("explain --user daemon --service sshd");
    assert!(refused.starts_with("nobody gets in") && refused.contains("line 1: "), "{refused}");
    assert!(lab.refused("explain --user no.such.user --service sshd").contains("no user"));
}

#[test]
fn names_are_never_looked_up() {
    use clap::Parser;
    for source in ["localhost", "vpn.example.org", "192.0.2", "192.0.2.0/24"] {
        let words = ["mfactl", "explain", "--user", "a", "--service", "b", "--source", source];
        let error = crate::cli::Cli::try_parse_from(words).unwrap_err();
        assert!(error.to_string().contains("names are never looked up"), "{error}");
    }
}

#[test]
fn what_earlier_logins_leave() {
    let lab = lab();
    let run_dir = lab.run_dir();
    let policy = format!("limits = {{ failures = 1 }}\n{}", &POLICY[POLICY.find("[[").unwrap()..]);
    fs::write(lab.dir.path().join("etc/policy.toml"), format!("version = 1\n{policy}")).unwrap();
    let address = "203.0.113.9".parse().ok();
    let account = lab.enrol("daemon", vec![totp(1, "phone")]).open();
    let Opened::Enrolled(account) = account else { panic!("{account:?}") };
    let place = Place::of(address, None, None, None).unwrap();
    let enrolment = Enrolment::of(&account);
    let scope = Scope { user: "daemon", service: "sudo", place: &place, enrolment };
    fresh::keep(&run_dir, &scope, Check { factor: Factor::Totp, at: NOW - 9 }).unwrap();
    let line = "--service sudo --source 203.0.113.9";
    assert!(said(&lab, line).contains("a check of 9 s ago still counts"), "{}", said(&lab, line));

    let pauses = Pauses { failures: 1, max: 900 };
    let source = SourceKey::new(address, None);
    let attempts = Attempts { run_dir: &run_dir, user: "daemon", source, is_exempt: false, pauses };
    attempts.admit(NOW).unwrap().unwrap();
    let said = said(&lab, line);
    assert!(said.contains("for another 30 s; the log says reason=too_many_failures"), "{said}");
    assert!(!said.contains("still counts"), "{said}");
}

#[test]
fn who_was_reset_is_not_let_in_by_nullok() {
    let lab = Lab::new();
    lab.enrol("daemon", vec![totp(1, "phone")]);
    lab.run("reset daemon --yes", "").unwrap();
    let said = said(&lab, "--service sshd");
    assert!(said.contains("Stored:  nowhere: reset, and what the home holds"), "{said}");
    assert!(said.contains("the log says reason=reset.") && !said.contains("nullok"), "{said}");
}

/// One key in a port, and one of ssh.
fn enrol_keys(lab: &Lab) {
    let record = lab.enrol("daemon", vec![totp(1, "phone")]);
    let key = |n, name: &str, port, application: &str| Key {
        id: Id::new([0, 0, 1, n]),
        name: Name::new(name).unwrap(),
        port,
        public: Public::eddsa(&[n; 32]).unwrap(),
        application: application.to_owned(),
        touch: true,
        verification: false,
        counts: false,
        created: None,
    };
    let usb = Port::Usb { handle: vec![], pin: false };
    let keys = vec![key(7, "blue", usb, "pam://host"), key(8, "laptop", Port::Ssh, "ssh:")];
    let mut edit = record.edit(Lost::Refuse).unwrap();
    let (new, state) = (edit.record().unwrap().clone(), edit.state().unwrap().clone());
    edit.save(Record { keys, ..new }, state).unwrap();
}

#[test]
fn where_a_key_may_be_shown() {
    let lab = lab();
    enrol_keys(&lab);
    let ask = |policy: &str, login: &str| {
        let file = lab.dir.path().join("other.toml");
        fs::write(&file, format!("version = 1\n{policy}")).unwrap();
        let said = said(&lab, &format!("{login} --policy {}", file.display()));
        let (_, said) = said.split_once("Asked for a second factor: ").unwrap();
        said.to_owned()
    };
    let port = "A key in this machine's port is asked for where the PAM line says u2f";
    let agent = "A key in an agent is asked for where the PAM line says ssh_agent.\n";
    assert_eq!(
        ask("local = [\"login\"]", "--service login"),
        format!("otp or recovery or key.\n{port}.\n{agent}")
    );
    assert_eq!(
        ask("local = [\"login\"]", "--service sudo"),
        format!(
            "otp or recovery or key.\n\
             {port} and local: the policy's local does not have the service.\n{agent}"
        )
    );
    for source in ["192.0.2.7", "::ffff:1.2.3.4", "::1"] {
        assert_eq!(
            ask("local = [\"login\"]", &format!("--service login --source {source}")),
            format!(
                "otp or recovery or key.\n\
                 No key in this machine's port is asked for: the login comes from an address.\n{agent}"
            )
        );
    }
    let rule = |rest: &str| format!("[[rule]]\nname = \"keys\"\n{rest}");
    assert_eq!(ask(&rule("require = [\"otp\"]"), "--service sshd"), "otp.\n");
    let counts = "An enrolled key that sshd has verified counts";
    for (touch, how) in [
        ("", "only if it need not be touched: the rule has no touch"),
        ("\ntouch = \"sshd\"", "without a question: sshd sees to its touch"),
        ("\ntouch = \"unverified\"", "without a question, touched or not"),
    ] {
        let rule = rule(&format!("require = [\"otp\", \"ssh-key\"]{touch}"));
        let expected = format!("otp or ssh-key.\n{counts} {how}.\n");
        assert_eq!(ask(&rule, "--service sshd --source 192.0.2.7"), expected);
    }
    let ca = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7MEIp2Lr5EDXt9jTs2AAOhzYLHrSE2pSWRHHDlTNfV";
    let rule = format!("ssh_ca = [\"{ca}\"]\n{}", rule("require = [\"recovery\", \"ssh-key\"]"));
    assert_eq!(
        ask(&rule, "--service sshd"),
        format!(
            "recovery or ssh-key.\n{counts} only if it need not be touched: the rule has no touch.\n\
             A certificate of ssh_ca that sshd has verified counts without a question, if \
             it is one of a key that has to be touched.\n"
        )
    );
    assert_eq!(ask(&rule, "--service sudo"), "recovery or ssh-key.\n", "sshd alone verifies");
    let policy = lab.dir.path().join("other.toml");
    let said =
        lab.run(&format!("explain --user bin --service sshd --policy {}", policy.display()), "");
    assert!(said.unwrap().ends_with("has to be touched.\n"), "also for who has not enrolled");
}
