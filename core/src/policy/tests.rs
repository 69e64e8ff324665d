use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::Uid;
use tempfile::TempDir;

use super::*;
use crate::store::Trouble;

/// As the manual shows it.
const SAMPLE: &str = r#"
version = 1
store = "auto"
recheck = ["sudo"]
limits = { failures = 3, pause_max = "10m", source_exempt = ["192.0.2.10"] }

[[rule]]
name = "machines"
groups = ["ansible"]
services = ["sshd", "sudo"]
skip = "automation, ticket OPS-12"

[[rule]]
name = "production"
groups = ["sre"]
hosts = ["prod-*"]
require = ["otp", "recovery"]
fresh = "5m"

[[rule]]
name = "contractors from outside"
groups = ["contractors"]
from = ["203.0.113.0/24"]
deny = "contractors log in through the VPN"

[[rule]]
name = "wave 2"
groups = ["staff"]
require = ["otp"]
enrolled_by = 2027-01-15
enforce = false
"#;

const LIST: &str = r#"
[[bypass]]
id = "b7"
network = "198.51.100.0/28"
services = ["sshd"]
reason = "Berlin VPN"
owner = "netops"
created = 2026-11-21T10:00:00Z
expires = 2027-05-21
"#;

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;

fn policy(rules: &str) -> Policy {
    Policy::read(format!("version = 1\n{rules}").as_bytes()).unwrap()
}

/// What becomes of a login: `user service source node`, by rule.
fn becomes(policy: &Policy, login: &str) -> String {
    let bypasses = bypass::read(LIST.as_bytes()).unwrap();
    let words: Vec<_> = login.split(' ').collect();
    let [user, service, source, node] = words[..] else { panic!("{login}") };
    let request = Request { user, service, source: crate::source::address(source), node };
    let mut in_group = |group: &str| match (group, user) {
        ("absent", _) => Err(Reason::NoGroup),
        ("down", _) => Err(Reason::GroupDatabase),
        _ => Ok(user.starts_with(group)),
    };
    let decided = match decide(&policy.rules, &bypasses, &request, &mut in_group, NOW) {
        Ok(decided) => decided,
        Err(NoAnswer { reason, group }) => return format!("{} {group}", reason.code()),
    };
    let what = match decided.requirement {
        Requirement::Skip(why) => format!("skip ({why})"),
        Requirement::Bypass(bypass) => format!("bypass {}", bypass.id),
        Requirement::Deny(why) => format!("deny ({why})"),
        Requirement::Require(demand) => format!("require {}", demand.factors),
    };
    let would = if decided.is_dry_run() { "would " } else { "" };
    let rule = decided.rule.map_or("-", |rule| &rule.name);
    format!("{would}{what} by {rule}")
}

#[test]
fn the_sample_is_read() {
    let policy = Policy::read(SAMPLE.as_bytes()).unwrap();
    assert_eq!(policy.store, Some(Keep::Auto));
    assert_eq!(policy.recheck, ["sudo"]);
    assert_eq!((policy.limits.failures, policy.limits.pause_max), (3, 600));
    assert_eq!(policy.limits.source_exempt.len(), 1);
    let [machines, production, contractors, wave] = &policy.rules[..] else { panic!() };
    assert_eq!(machines.effect, Effect::Skip("automation, ticket OPS-12".to_owned()));
    assert_eq!(crate::document::position(SAMPLE, machines.at), (7, 1));
    let factors = Factors { otp: true, recovery: true, ..Factors::NONE };
    let demand = Demand { factors, fresh: Some(300), ..Demand::USUAL };
    assert_eq!(production.effect, Effect::Require(demand));
    assert_eq!(contractors.effect, Effect::Deny("contractors log in through the VPN".to_owned()));
    let factors = Factors { otp: true, ..Factors::NONE };
    let demand = Demand { factors, enrolled_by: Some(1_799_971_200), ..Demand::USUAL };
    assert_eq!((&wave.effect, wave.enforce), (&Effect::Require(demand), false));
}

#[test]
fn keys_and_what_is_known_of_their_touch() {
    let demands = |rule: &str| match &policy(&format!("[[rule]]\nname = \"a\"\n{rule}")).rules[..] {
        [Rule { effect: Effect::Require(demand), .. }] => *demand,
        rules => panic!("{rules:?}"),
    };
    for (rule, key, ssh_key, touch) in [
        ("require = [\"key\"]", true, false, Touch::Proven),
        ("require = [\"ssh-key\"]", false, true, Touch::Proven),
        ("require = [\"ssh-key\"]\ntouch = \"sshd\"", false, true, Touch::BySshd),
        ("require = [\"ssh-key\", \"key\"]\ntouch = \"unverified\"", true, true, Touch::Unverified),
    ] {
        let factors = Factors { key, ssh_key, ..Factors::NONE };
        assert_eq!(demands(rule), Demand { factors, touch, ..Demand::USUAL }, "{rule}");
    }
    let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIB7MEIp2Lr5EDXt9jTs2AAOhzYLHrSE2pSWRHHDlTNfV";
    let text = format!("local = [\"login\"]\nssh_ca = [\"ssh-ed25519 {blob} ca\"]");
    let policy = policy(&text);
    assert_eq!((policy.local, policy.authorities.len()), (vec!["login".to_owned()], 1));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = Policy::read(SAMPLE.as_bytes()).unwrap();
    for (login, expected) in [
        ("ansible sshd - web", "skip (automation, ticket OPS-12) by machines"),
        ("ansible login - web", "require otp or recovery or key by -"),
        ("sre sshd 192.0.2.1 prod-1.example.org", "require otp or recovery by production"),
        ("sre sshd 192.0.2.1 test-1", "require otp or recovery or key by -"),
        (
            "contractors sshd 203.0.113.9 web",
            "deny (contractors log in through the VPN) by contractors from outside",
        ),
        ("contractors sshd 203.0.114.9 web", "require otp or recovery or key by -"),
        ("contractors sshd vpn.example.org web", "require otp or recovery or key by -"),
        ("staff sshd 192.0.2.1 web", "would require otp by wave 2"),
        // The bypass list stands for the second factor alone.
        ("staff sshd 198.51.100.3 web", "bypass b7 by wave 2"),
        ("sre sshd 198.51.100.3 prod-1", "bypass b7 by production"),
        ("sre sudo 198.51.100.3 prod-1", "require otp or recovery by production"),
        ("sre sshd 198.51.100.16 prod-1", "require otp or recovery by production"),
        ("ansible sshd 198.51.100.3 web", "skip (automation, ticket OPS-12) by machines"),
    ] {
        assert_eq!(becomes(&policy, login), expected, "{login}");
    }
}

#[test]
fn groups_are_looked_up_last_and_only_if_all_else_holds() {
    let rules = policy(
        "[[rule]]\nname = \"local\"\nusers = [\"root\"]\nskip = \"console\"\n\
         [[rule]]\nname = \"far\"\ngroups = [\"down\"]\nservices = [\"sshd\"]\ndeny = \"no\"\n\
         [[rule]]\nname = \"gone\"\ngroups = [\"absent\"]\nskip = \"no\"\n",
    );
    assert_eq!(becomes(&rules, "root sshd - web"), "skip (console) by local");
    assert_eq!(becomes(&rules, "alice sshd - web"), "group_database down");
    assert_eq!(becomes(&rules, "alice sudo - web"), "no_group absent");
}

#[test]
fn what_has_expired_counts_for_nothing() {
    let [bypass] = &bypass::read(LIST.as_bytes()).unwrap()[..] else { panic!() };
    let source = crate::source::address("198.51.100.3");
    let request = Request { user: "alice", service: "sshd", source, node: "web" };
    assert_eq!(bypass.created, Some(1_795_255_200));
    let expires = bypass.expires.unwrap();
    assert!(bypass.holds(&request, expires - 1) && !bypass.holds(&request, expires));
    assert!(!bypass.holds(&Request { source: None, ..request }, NOW));
    assert!(!bypass.holds(&Request { service: "sudo", ..request }, NOW));
}

#[test]
fn mistakes_are_said_by_line_and_column() {
    let rule = "[[rule]]\nname = \"a\"\n";
    for (text, said) in [
        ("version = 2", "version: of a newer version; this program knows 1"),
        ("colour = 1", "version: not 1"),
        (
            "version = 1\ncolour = 1",
            "line 2: no key colour here; there are version, store, recheck, local, ssh_ca, limits, rule",
        ),
        ("version = 1\nstore = \"both\"", "line 2: store: not auto, system or home"),
        ("version = 1\nrecheck = \"sudo\"", "line 2: recheck: not a list in square brackets"),
        (
            "version = 1\nlimits = { failures = 0 }",
            "line 2: failures: not a whole number from 1 to 100",
        ),
        (
            "version = 1\nlimits = { pause_max = \"2d\" }",
            "line 2: pause_max: not a time such as 30s, 5m, 12h or 30d, or one that is too long",
        ),
        ("version = 1\n[[rule]]\nskip = \"x\"", "line 2: name is missing"),
        (
            &format!("version = 1\n{rule}"),
            "line 2: a rule has exactly one of skip, deny and require",
        ),
        (
            &format!("version = 1\n{rule}skip = \"x\"\ndeny = \"y\""),
            "line 2: a rule has exactly one of skip, deny and require",
        ),
        (
            &format!("version = 1\n{rule}skip = \"\""),
            "line 4: skip: not 1 to 200 printable characters",
        ),
        (&format!("version = 1\n{rule}skip = true"), "line 4: skip: not a text in quotation marks"),
        (
            &format!("version = 1\n{rule}require = [\"otp\", \"sms\"]"),
            "line 4: require: not a list of factors; there are otp, recovery, key and ssh-key",
        ),
        (
            &format!("version = 1\n{rule}require = []"),
            "line 4: require: an empty list; leave the key out instead",
        ),
        (
            &format!("version = 1\n{rule}groups = []\nskip = \"x\""),
            "line 4: groups: an empty list; leave the key out instead",
        ),
        (
            &format!("version = 1\n{rule}skip = \"x\"\nfresh = \"5m\""),
            "line 2: fresh, touch and enrolled_by mean nothing without require",
        ),
        (
            &format!("version = 1\n{rule}skip = \"x\"\ntouch = \"sshd\""),
            "line 2: fresh, touch and enrolled_by mean nothing without require",
        ),
        (
            &format!("version = 1\n{rule}require = [\"key\"]\ntouch = \"sshd\""),
            "line 2: touch means nothing where require has no ssh-key",
        ),
        (
            &format!("version = 1\n{rule}require = [\"ssh-key\"]\ntouch = \"yes\""),
            "line 5: touch: not sshd or unverified",
        ),
        ("version = 1\nlocal = [\"login\", \"\"]", "line 2: local: an empty name"),
        (
            "version = 1\nssh_ca = [\"ssh-ed25519 AAAA\"]",
            "line 2: ssh_ca: not a public key of ssh, such as \"ssh-ed25519 AAAA...\"",
        ),
        (
            &format!("version = 1\n{rule}skip = \"x\"\nenforce = false"),
            "line 2: enforce = false beside skip means nothing",
        ),
        (
            &format!("version = 1\n{rule}deny = \"x\"\nenforce = \"no\""),
            "line 5: enforce: not true or false",
        ),
        (
            &format!("version = 1\n{rule}deny = \"x\"\nfrom = [\"192.0.2.9/24\"]"),
            "line 5: from: 192.0.2.9/24 is not the first address of its network, which is 192.0.2.0/24",
        ),
        (
            &format!("version = 1\n{rule}deny = \"x\"\nhosts = [\"[a]\"]"),
            "line 5: hosts: not a name of letters, digits, hyphens and dots, with * and ?",
        ),
        (
            &format!("version = 1\n{rule}require = [\"otp\"]\nenrolled_by = \"soon\""),
            "line 5: enrolled_by: not a date such as 2027-01-15",
        ),
        (
            &format!("version = 1\n{rule}require = [\"otp\"]\nenrolled_by = 2027-01-15T08:00:00"),
            "line 5: enrolled_by: not a date such as 2027-01-15, nor a time such as 2027-01-15T08:00:00Z",
        ),
        (
            &format!("version = 1\n{rule}deny = \"x\"\n{rule}deny = \"x\""),
            "line 5: another rule has the same name",
        ),
    ] {
        assert_eq!(Policy::read(text.as_bytes()).unwrap_err().to_string(), said, "{text}");
    }
}

#[test]
fn mistakes_of_a_list_and_columns() {
    let mistake = Policy::read(b"version = 1\nstore = \"both\"").unwrap_err();
    assert_eq!((mistake.line, mistake.column), (Some(2), Some(9)));
    for (text, said) in [
        (
            "[[bypass]]\nid = \"a b\"\nnetwork = \"::1\"\nreason = \"x\"",
            "line 2: id: not 1 to 16 letters, digits and hyphens",
        ),
        (
            "[[bypass]]\nid = \"a\"\nnetwork = \"vpn\"\nreason = \"x\"",
            "line 3: network: vpn is not an address or a network such as 192.0.2.0/24",
        ),
        ("[[bypass]]\nid = \"a\"\nnetwork = \"::1\"", "line 1: reason is missing"),
        ("[[bypass]]\nid = \"a\"\nreason = \"x\"", "line 1: network is missing"),
        ("version = 2\n", "version: of a newer version; this program knows 1"),
    ] {
        assert_eq!(bypass::read(text.as_bytes()).unwrap_err().to_string(), said, "{text}");
    }
    let twice = format!("{LIST}{LIST}");
    assert_eq!(
        bypass::read(twice.as_bytes()).unwrap_err().to_string(),
        "line 11: another entry has the id b7"
    );
}

/// A directory with these files, and what is made of it.
fn files(prepare: impl FnOnce(&TempDir)) -> Result<Files, Trouble> {
    let dir = TempDir::new().unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.path().join(POLICY), SAMPLE).unwrap();
    fs::write(dir.path().join(BYPASS), LIST).unwrap();
    prepare(&dir);
    Files::read(dir.path(), Uid::effective(), NOW)
}

#[test]
fn files_that_are_there_and_files_that_are_not() {
    let both = files(|_| ()).unwrap();
    assert_eq!((both.policy.unwrap().rules.len(), both.bypasses.len()), (4, 1));
    let list = files(|dir| fs::remove_file(dir.path().join(POLICY)).unwrap()).unwrap();
    assert!(list.policy.is_none() && list.bypasses.len() == 1);
    let policy = files(|dir| fs::remove_file(dir.path().join(BYPASS)).unwrap()).unwrap();
    assert!(policy.policy.is_some() && policy.bypasses.is_empty());
    let nothing = TempDir::new().unwrap();
    let read = Files::read(&nothing.path().join("none"), Uid::effective(), NOW);
    assert_eq!(read, Ok(Files::default()));
}

/// What is done to the files before they are read.
type Prepare<'a> = Box<dyn FnOnce(&TempDir) + 'a>;

#[test]
fn files_that_cannot_be_trusted() {
    let mode = |dir: &TempDir, name: &str, mode| {
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let cases: Vec<(Prepare, &str)> = vec![
        (Box::new(|dir| mode(dir, "", 0o775)), "unsafe_path"),
        (Box::new(|dir| mode(dir, POLICY, 0o664)), "wrong_mode"),
        (Box::new(|dir| mode(dir, BYPASS, 0o646)), "wrong_mode"),
        (
            Box::new(|dir| {
                let policy = dir.path().join(POLICY);
                fs::rename(&policy, dir.path().join("p")).unwrap();
                std::os::unix::fs::symlink("p", policy).unwrap();
            }),
            "symlink_loop",
        ),
        (
            Box::new(|dir| {
                fs::remove_file(dir.path().join(BYPASS)).unwrap();
                fs::create_dir(dir.path().join(BYPASS)).unwrap();
            }),
            "not_regular",
        ),
        (
            Box::new(|dir| {
                let long = format!("{SAMPLE}#{}", "x".repeat(10 << 20));
                fs::write(dir.path().join(POLICY), long).unwrap();
            }),
            "too_big",
        ),
        (Box::new(|dir| fs::write(dir.path().join(POLICY), "").unwrap()), "bad_policy"),
        (
            Box::new(|dir| fs::write(dir.path().join(POLICY), "version = 2").unwrap()),
            "newer_policy",
        ),
        (Box::new(|dir| fs::write(dir.path().join(BYPASS), &LIST[..60]).unwrap()), "bad_policy"),
        (Box::new(|dir| fs::write(dir.path().join(BYPASS), "\0").unwrap()), "holds_nul"),
    ];
    for (prepare, reason) in cases {
        let trouble = files(prepare).unwrap_err();
        assert_eq!(trouble.reason.code(), reason, "{}", trouble.detail);
    }
    let dir = TempDir::new().unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.path().join(POLICY), SAMPLE).unwrap();
    let somebody = Uid::from_raw(Uid::effective().as_raw() + 1);
    let trouble = Files::read(dir.path(), somebody, NOW).unwrap_err();
    assert_eq!(trouble.reason, Reason::UnsafePath, "{}", trouble.detail);
}

/// A list with an entry for each way to hold and not to.
const BYPASSES: &str = r#"
bypass = [
  { id = "v4", network = "198.51.100.0/28", services = ["sshd"], reason = "x" },
  { id = "v6", network = "2001:db8:b::/48", reason = "x", expires = 2026-11-23 },
  { id = "past", network = "198.51.100.64/28", reason = "x", expires = 2026-11-21 },
  { id = "near", network = "fe80::/10", reason = "x" },
]
"#;

/// What becomes of a login, `USER SERVICE SOURCE NODE`. Rules are separated by ` / ` and called 1, 2,
/// ...; their keys by `; `. A rule without an effect skips.
fn outcome(rules: &str, login: &str) -> String {
    let mut text = "version = 1\n".to_owned();
    for (at, rule) in rules.split(" / ").filter(|rule| !rule.is_empty()).enumerate() {
        let keys = rule.replace("; ", "\n");
        writeln!(text, "[[rule]]\nname = \"{}\"\n{keys}", at + 1).unwrap();
        if !["skip", "deny", "require"].iter().any(|effect| rule.contains(effect)) {
            text += "skip = \"x\"\n";
        }
    }
    let policy = Policy::read(text.as_bytes()).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let bypasses = bypass::read(BYPASSES.as_bytes()).unwrap();
    let words: Vec<_> = login.split(' ').collect();
    let [user, service, source, node] = words[..] else { panic!("{login}") };
    let request = Request { user, service, source: crate::source::address(source), node };
    // alice is in staff and sre, bob in staff.
    let mut in_group = |group: &str| match group {
        "staff" => Ok(["alice", "bob"].contains(&user)),
        "sre" => Ok(user == "alice"),
        "down" => Err(Reason::GroupDatabase),
        _ => Err(Reason::NoGroup),
    };
    let decided = match decide(&policy.rules, &bypasses, &request, &mut in_group, NOW) {
        Ok(decided) => decided,
        Err(NoAnswer { reason, group }) => return format!("{} {group}", reason.code()),
    };
    let what = match decided.requirement {
        Requirement::Skip(_) => "skip".to_owned(),
        Requirement::Bypass(bypass) => format!("bypass {}", bypass.id),
        Requirement::Deny(_) => "deny".to_owned(),
        Requirement::Require(Demand { factors, enrolled_by, .. }) => match enrolled_by {
            Some(day) if NOW < day => format!("{factors} later"),
            _ => factors.to_string(),
        },
    };
    let would = if decided.is_dry_run() { "would " } else { "" };
    format!("{would}{what} by {}", decided.rule.map_or("none", |rule| &rule.name))
}

#[test]
#[rustfmt::skip]
fn rule_by_rule() {
    const ALL: &str = "otp or recovery or key by none";
    for (rules, login, expected) in [
        // No rule, no condition.
        ("", "alice sshd 192.0.2.1 web", ALL),
        ("users = ['alice']", "bob sshd 192.0.2.1 web", ALL),
        ("skip = 'x'", "bob cron - web", "skip by 1"),
        ("deny = 'x'", "bob cron - web", "deny by 1"),
        ("require = ['otp']", "bob cron - web", "otp by 1"),
        ("require = ['recovery']", "bob cron - web", "recovery by 1"),
        ("require = ['recovery', 'otp']", "bob cron - web", "otp or recovery by 1"),
        // Users and services: whole words, as they are written.
        ("users = ['bob', 'alice']", "alice sshd - web", "skip by 1"),
        ("users = ['alic', 'alice2', 'Alice']", "alice sshd - web", ALL),
        ("users = ['*']", "alice sshd - web", ALL),
        ("services = ['sudo', 'sshd']", "bob sshd - web", "skip by 1"),
        ("services = ['sudo']", "bob sudo-i - web", ALL),
        ("users = ['bob']; services = ['sshd']", "bob sshd - web", "skip by 1"),
        ("users = ['bob']; services = ['sshd']", "bob sudo - web", ALL),
        ("users = ['bob']; services = ['sshd']", "alice sshd - web", ALL),
        // Groups: asked last, in the order of the list, until one holds.
        ("groups = ['staff']", "bob sshd - web", "skip by 1"),
        ("groups = ['sre', 'staff']", "bob sshd - web", "skip by 1"),
        ("groups = ['sre']", "bob sshd - web", ALL),
        ("groups = ['staff']; users = ['bob']", "alice sshd - web", ALL),
        ("groups = ['gone']", "bob sshd - web", "no_group gone"),
        ("groups = ['staff', 'gone']", "bob sshd - web", "skip by 1"),
        ("groups = ['gone', 'staff']", "bob sshd - web", "no_group gone"),
        ("groups = ['down']", "bob sshd - web", "group_database down"),
        ("groups = ['down']; services = ['sudo']", "bob sshd - web", ALL),
        ("users = ['bob'] / groups = ['down']", "bob sshd - web", "skip by 1"),
        ("groups = ['down']; enforce = false; deny = 'x'", "bob sshd - web", "group_database down"),
        // Hosts: the node name as a whole, or its first label.
        ("hosts = ['web']", "bob sshd - web", "skip by 1"),
        ("hosts = ['web']", "bob sshd - WEB.example.org", "skip by 1"),
        ("hosts = ['prod-*']", "bob sshd - prod-7.example.org", "skip by 1"),
        ("hosts = ['*.example.org']", "bob sshd - web.example.com", ALL),
        ("hosts = ['db', 'we?']", "bob sshd - web", "skip by 1"),
        ("hosts = ['prod-*']; users = ['bob']", "bob sshd - test-7", ALL),
        // From: numeric addresses in their plain form, and no name.
        ("from = ['192.0.2.0/24']", "bob sshd 192.0.2.255 web", "skip by 1"),
        ("from = ['192.0.2.0/24']", "bob sshd 192.0.3.0 web", ALL),
        ("from = ['192.0.2.7']", "bob sshd 192.0.2.7 web", "skip by 1"),
        ("from = ['192.0.2.0/24']", "bob sshd ::ffff:192.0.2.9 web", "skip by 1"),
        ("from = ['0.0.0.0/0', '::/0']", "bob sshd - web", ALL),
        ("from = ['0.0.0.0/0', '::/0']", "bob sshd vpn.example.org web", ALL),
        ("from = ['0.0.0.0/0']", "bob sshd 2001:db8::1 web", ALL),
        ("from = ['::/0']", "bob sshd 192.0.2.1 web", ALL),
        ("from = ['2001:db8::/32']", "bob sshd 2001:DB8:0::7 web", "skip by 1"),
        ("from = ['2001:db8::/64']", "bob sshd 2001:db8:0:1::7 web", ALL),
        ("from = ['fe80::/10']; users = ['bob']", "bob sshd fe80::1%eth0 web", "skip by 1"),
        ("from = ['192.0.2.1', '::1']", "bob sshd ::1 web", "skip by 1"),
        ("from = ['192.0.2.0/24']; groups = ['sre']", "alice sshd 192.0.2.1 web", "skip by 1"),
        ("from = ['192.0.2.0/24']; groups = ['down']", "alice sshd 192.0.3.1 web", ALL),
        // Order.
        ("deny = 'x' / users = ['bob']", "bob sshd - web", "deny by 1"),
        ("users = ['bob'] / deny = 'x'", "bob sshd - web", "skip by 1"),
        ("users = ['bob'] / deny = 'x'", "alice sshd - web", "deny by 2"),
        ("users = ['eve'] / groups = ['sre'] / deny = 'x'", "alice sshd - web", "skip by 2"),
        // Dry runs decide, too: what comes after them is not looked at.
        ("deny = 'x'; enforce = false / deny = 'y'", "bob sshd - web", "would deny by 1"),
        ("require = ['otp']; enforce = false", "bob sshd - web", "would otp by 1"),
        ("users = ['eve']; deny = 'x'; enforce = false", "bob sshd - web", ALL),
        ("deny = 'x'; enforce = true", "bob sshd - web", "deny by 1"),
        // Enrolled by.
        ("require = ['otp']; enrolled_by = 2027-01-15", "bob sshd - web", "otp later by 1"),
        ("require = ['otp']; enrolled_by = 2026-11-22", "bob sshd - web", "otp by 1"),
        ("require = ['otp']; enrolled_by = 2026-11-22T00:00:01Z", "bob sshd - web", "otp later by 1"),
        ("require = ['otp']; enrolled_by = 2027-01-15; enforce = false", "bob sshd - web", "would otp later by 1"),
        // The bypass list stands for the second factor alone.
        ("", "bob sshd 198.51.100.15 web", "bypass v4 by none"),
        ("", "bob sudo 198.51.100.15 web", ALL),
        ("", "bob sshd ::ffff:198.51.100.15 web", "bypass v4 by none"),
        ("", "bob sudo 2001:db8:b::1 web", "bypass v6 by none"),
        ("", "bob sshd fe80::1%eth0 web", "bypass near by none"),
        ("", "bob sshd 198.51.100.65 web", ALL),
        ("skip = 'x'", "bob sshd 198.51.100.15 web", "skip by 1"),
        ("deny = 'x'", "bob sshd 198.51.100.15 web", "deny by 1"),
        ("deny = 'x'; enforce = false", "bob sshd 198.51.100.15 web", "would deny by 1"),
        ("require = ['otp']", "bob sshd 198.51.100.15 web", "bypass v4 by 1"),
        ("require = ['otp']; enforce = false", "bob sshd 198.51.100.15 web", "bypass v4 by 1"),
        ("require = ['otp']; enrolled_by = 2027-01-15", "bob sshd 198.51.100.15 web", "bypass v4 by 1"),
        ("groups = ['gone']", "bob sshd 198.51.100.15 web", "no_group gone"),
    ] {
        assert_eq!(outcome(rules, login), expected, "{rules} | {login}");
    }
}

#[test]
fn while_a_policy_is_on_trial() {
    let trial = |has_previous| Trial {
        since: 100,
        until: 700,
        boot: "b".into(),
        session: 7,
        began: 900,
        has_previous,
    };
    for (now, boot, is_over) in [
        (100, "b", false),
        (699, "b", false),
        (700, "b", true),
        (99, "b", true),
        (0, "b", true),
        (u64::MAX, "b", true),
        (100, "c", true),
        (100, "", true),
    ] {
        let [with, without] = [true, false].map(|previous| trial(previous).in_force(now, boot));
        let expected =
            if is_over { (Some(trial::PREVIOUS), None) } else { (Some(POLICY), Some(POLICY)) };
        assert_eq!((with, without), expected, "{now} {boot}");
        assert_eq!(trial(true).is_over(now, boot), is_over);
    }
    assert!(Trial { boot: String::new(), ..trial(true) }.is_over(100, ""), "no boot is known");
    for trial in [trial(true), trial(false), Trial { boot: "a\"\n".into(), ..trial(true) }] {
        assert_eq!(Trial::read(trial.to_text().as_bytes()), Ok(trial));
    }
    let text = trial(true).to_text();
    for key in ["since", "until", "boot", "session", "began", "has_previous"] {
        let text: Vec<_> = text.lines().filter(|line| !line.starts_with(key)).collect();
        let mistake = Trial::read(text.join("\n").as_bytes()).unwrap_err();
        assert_eq!(mistake.cause, format!("{key} is missing"));
    }
}

#[test]
fn files_of_a_trial() {
    let named = |name| format!("version = 1\n[[rule]]\nname = \"{name}\"\nskip = \"x\"\n");
    let until = |until: u64, boot: String, has_previous| {
        let since = NOW - 60;
        Trial { since, until, boot, session: 7, began: 900, has_previous }.to_text()
    };
    let here = trial::boot_id();
    assert!(!here.is_empty(), "this kernel names its boots");
    let read = |trial: &str, previous: Option<&str>| {
        files(|dir| {
            let write = |name, text: &str| fs::write(dir.path().join(name), text).unwrap();
            write(POLICY, &named("new"));
            write(trial::TRIAL, trial);
            if let Some(previous) = previous {
                write(trial::PREVIOUS, previous);
            }
        })
    };
    let rule =
        |read: Result<Files, Trouble>| read.unwrap().policy.map(|it| it.rules[0].name.clone());
    let old = named("old");
    let old = Some(old.as_str());
    let running = until(NOW + 1, here.clone(), true);
    assert_eq!(rule(read(&running, old)).as_deref(), Some("new"));
    for over in [until(NOW, here.clone(), true), until(NOW + 1, "another".into(), true)] {
        assert_eq!(rule(read(&over, old)).as_deref(), Some("old"));
        let trouble = read(&over, None).unwrap_err();
        assert_eq!(trouble.reason, Reason::BadPolicy, "{}", trouble.detail);
        assert!(trouble.detail.ends_with("policy.previous: missing"), "{}", trouble.detail);
    }
    // There was none: the bypass list still counts.
    let over = read(&until(NOW, here, false), old).unwrap();
    assert!(over.policy.is_none() && over.bypasses.len() == 1);
    for (text, reason) in [("since = 1", Reason::BadPolicy), ("version = 2", Reason::NewerPolicy)] {
        assert_eq!(read(text, old).unwrap_err().reason, reason);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_lets_in_whom_no_rule_skips(text in "(version = 1\n)?(\\[\\[rule\\]\\]\nname = \"[a-c]\"\n(users = \\[\"(alice|bob)\"\\]\n)?(from = \\[\"192.0.2.0/24\"\\]\n)?(skip|deny|require|enforce) = (\"x\"|\\[\"otp\"\\]|false)\n(enforce = (true|false)\n)?){0,4}") {
        let Ok(policy) = Policy::read(text.as_bytes()) else { return Ok(()) };
        let request = Request { user: "alice", service: "sshd", source: None, node: "web" };
        let decided = decide(&policy.rules, &[], &request, &mut |_| Ok(false), NOW).unwrap();
        let is_let_in = matches!(decided.requirement, Requirement::Skip(_)) || decided.is_dry_run();
        let is_skipped = decided.rule.is_some_and(|rule| {
            (matches!(rule.effect, Effect::Skip(_)) || !rule.enforce)
                && rule.users.as_ref().is_none_or(|users| users.contains(&"alice".to_owned()))
                && rule.from.is_none()
        });
        proptest::prop_assert_eq!(is_let_in, is_skipped);
    }
}
