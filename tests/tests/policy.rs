//! /etc/pam_mfa at the door: who is asked, who is not and who is turned away, through a real sshd with
//! clients at many addresses. A host of our own says what sshd would not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use sandbox::{
    Answer, CODE, Circumstances, Conversation, DENIED, Dialogue, Host, Machine, Neighbour,
    PASSWORD, SECRET, Secret, Sshd, User, run,
};

/// Key first, then what PAM asks.
const KEY_THEN_CODE: &str = "AuthenticationMethods publickey,keyboard-interactive";

const WHAT_PAM_ASKS: &str = "AuthenticationMethods keyboard-interactive";

const BYPASSES: &str = r#"
[[bypass]]
id = "b4"
network = "203.0.113.0/28"
services = ["sshd", "host"]
reason = "Berlin VPN"

[[bypass]]
id = "b6"
network = "2001:db8:7::/48"
reason = "Berlin VPN"

[[bypass]]
id = "console"
network = "fe80::5"
reason = "the console server"
"#;

/// What a session does.
const ENTER: &str = "echo in as $USER";

/// A machine where sshd asks for a code, and alice, who has a token.
fn enrolled() -> (Machine, User) {
    let machine = Machine::new();
    machine.stack("sshd", "auth required pam_mfa.so");
    let alice = machine.user("alice");
    alice.enrolment().hotp("token", SECRET).save();
    (machine, alice)
}

/// Whether somebody gets in who is asked for nothing.
#[track_caller]
fn enters_unasked(login: &mut Dialogue) -> bool {
    let is_in = login.ends() && login.shows("in as ");
    assert!(!login.shows(CODE), "{}", login.screen());
    is_in
}

/// Whether somebody gets in who answers this.
#[track_caller]
fn enters(login: &mut Dialogue, prompt: &str, answer: &str) -> bool {
    login.answer(prompt, answer);
    login.ends() && login.shows("in as ")
}

#[test]
fn a_bypass_follows_the_address() {
    let (machine, _alice) = enrolled();
    machine.bypass(BYPASSES);
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let logins = [
        ("203.0.113.5", Some("b4")),
        ("203.0.113.77", None),
        ("2001:db8:7::5", Some("b6")),
        ("2001:db8:8::5", None),
        ("fe80::5", Some("console")),
        ("fe80::6", None),
    ]
    .map(|(address, bypass)| {
        let neighbour = Neighbour::at(&machine, address);
        let login = sshd.login_from(&neighbour, "alice", &[], ENTER);
        (address, bypass, login, neighbour)
    });
    for (address, bypass, mut login, _neighbour) in logins {
        let Some(id) = bypass else {
            login.expect(CODE);
            continue;
        };
        assert!(enters_unasked(&mut login), "{address}: {}", machine.log);
        let line = machine.log.expect(&format!("(sshd:auth): skipped user=alice bypass={id} "));
        assert!(line.ends_with(&format!(" source={address} tty=ssh")), "{line}");
    }
    assert_eq!(machine.log.count("skipped"), 3, "{}", machine.log);
    assert_eq!(sshd.errors(), "");
}

#[test]
fn names_lie_and_addresses_count() {
    let (machine, _alice) = enrolled();
    machine.bypass(BYPASSES);
    // Whoever owns an address chooses its name; here they chose that of somebody in the VPN.
    fs::write("/etc/hosts", "203.0.113.5 office.example\n198.51.100.9 office.example\n")
        .and_then(|()| fs::write("/etc/host.conf", "multi on\n"))
        .expect("our own /etc");
    let sshd = Sshd::start(&machine, &format!("{KEY_THEN_CODE}\nUseDNS yes"));

    let office = Neighbour::at(&machine, "203.0.113.5");
    assert!(enters_unasked(&mut sshd.login_from(&office, "alice", &[], ENTER)), "{}", machine.log);
    let line = machine.log.expect("skipped user=alice bypass=b4 ");
    assert!(line.contains(" source=203.0.113.5 host=office.example "), "{line}");

    let liar = Neighbour::at(&machine, "198.51.100.9");
    let mut login = sshd.login_from(&liar, "alice", &[], ENTER);
    assert!(enters(&mut login, CODE, &Secret::new(SECRET).counted(1)), "{}", machine.log);
    let line = machine.log.expect("accepted user=alice ");
    assert!(line.contains(" source=198.51.100.9 host=office.example "), "{line}");
}

#[test]
fn an_address_in_every_form_and_nothing_that_looks_like_one() {
    let (machine, _alice) = enrolled();
    machine.bypass(BYPASSES);
    fs::write("/etc/hosts", "203.0.113.5 office.example\n").expect("our own /etc");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    for (from, is_spared) in [
        ("203.0.113.5", true),
        ("::ffff:203.0.113.5", true),
        ("::ffff:cb00:7105", true),
        ("fe80::5%eth0", true),
        ("::ffff:203.0.113.77", false),
        ("::203.0.113.5", false),
        ("fe80::6%eth0", false),
        ("office.example", false),
        ("203.0.113.5.example", false),
        ("203.0.113.5 ", false),
        ("", false),
    ] {
        let seen = ask(&host, "alice", &Circumstances::default().from(from));
        assert_eq!(seen.prompts.is_empty(), is_spared, "{from:?}: {}", machine.log);
        assert_eq!(seen.result, if is_spared { 0 } else { DENIED }, "{from:?}: {}", machine.log);
    }
}

/// What a login comes to at which nobody answers.
#[track_caller]
fn ask(host: &Host, user: &str, circumstances: &Circumstances) -> Conversation {
    host.begin_under(user, &[Answer::Error], circumstances).end()
}

#[test]
fn two_groups_on_two_machines() {
    let (machine, alice) = enrolled();
    let robot = machine.user("robot");
    machine.group("sre", &[&alice]);
    machine.group("machines", &[&robot]);
    machine.policy(
        r#"
[[rule]]
name = "machines"
groups = ["machines"]
services = ["sshd"]
skip = "automation, ticket OPS-12"

[[rule]]
name = "production"
groups = ["machines", "sre"]
hosts = ["prod-*"]
require = ["otp"]

[[rule]]
name = "laboratory"
groups = ["sre"]
hosts = ["lab-?"]
skip = "nothing to lose"
"#,
    );
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let login = |name: &str| sshd.login(name, &[], ENTER);
    let secret = Secret::new(SECRET);

    machine.rename("prod-db1.example.org");
    assert!(enters_unasked(&mut login("robot")), "{}", machine.log);
    machine
        .log
        .expect("skipped user=robot why=\"automation, ticket OPS-12\" rule=machines source=");
    assert!(enters(&mut login("alice"), CODE, &secret.counted(1)), "{}", machine.log);
    assert!(machine.log.expect("accepted user=alice ").contains(" rule=production "));

    machine.rename("lab-7");
    assert!(enters_unasked(&mut login("alice")), "{}", machine.log);
    machine.log.expect("skipped user=alice why=\"nothing to lose\" rule=laboratory source=");

    machine.rename("lab-77");
    assert!(enters(&mut login("alice"), CODE, &secret.counted(2)), "{}", machine.log);
    assert_eq!(machine.log.count("rule=production"), 1, "{}", machine.log);
}

#[test]
fn a_check_counts_for_its_address() {
    let (machine, _alice) = enrolled();
    machine.policy("[[rule]]\nname = \"all\"\nrequire = [\"otp\"]\nfresh = \"5m\"\n");
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let desk = Neighbour::at(&machine, "2001:db8:7::5");
    let mut login = sshd.login_from(&desk, "alice", &[], ENTER);
    assert!(enters(&mut login, CODE, &Secret::new(SECRET).counted(1)), "{}", machine.log);
    assert!(enters_unasked(&mut sshd.login_from(&desk, "alice", &[], ENTER)), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=fresh rule=all source=2001:db8:7::5 ");

    let next_desk = Neighbour::at(&machine, "2001:db8:7::6");
    sshd.login_from(&next_desk, "alice", &[], ENTER).expect(CODE);
    run(&["mfactl", "forget", "alice"]);
    sshd.login_from(&desk, "alice", &[], ENTER).expect(CODE);
}

#[test]
fn what_a_person_reads() {
    let (machine, _alice) = enrolled();
    for name in ["carol", "dave"] {
        machine.user(name);
    }
    let policy = |enrolled_by: &str| {
        machine.policy(&format!(
            r#"
[[rule]]
name = "contractors from outside"
users = ["dave"]
from = ["127.0.0.0/8"]
deny = "contractors log in through the VPN"

[[rule]]
name = "wave 2"
require = ["otp", "recovery"]
enrolled_by = {enrolled_by}
"#
        ));
    };
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);

    policy("2099-01-15");
    let mut denied = sshd.login("dave", &[], ENTER);
    denied.expect("access requires MFA: contractors log in through the VPN");
    assert!(!enters_unasked(&mut denied));
    let line = machine.log.expect_denied("dave", "policy_denies");
    assert!(line.contains(" rule=\"contractors from outside\" "), "{line}");

    let mut reminded = sshd.login("carol", &[], ENTER);
    assert!(enters_unasked(&mut reminded), "{}", machine.log);
    let words = "From 2099-01-15 on access requires MFA: enrol with mfa-enroll";
    assert!(reminded.shows(words), "{}", reminded.screen());
    machine.log.expect("skipped user=carol why=not_enrolled_yet rule=");

    let mut enrolled = sshd.login("alice", &[], ENTER);
    assert!(enters(&mut enrolled, CODE, &Secret::new(SECRET).counted(1)), "{}", machine.log);
    assert!(!enrolled.shows("2099"), "{}", enrolled.screen());

    policy("2026-01-15");
    let mut late = sshd.login("carol", &[], ENTER);
    late.answer(CODE, "123456");
    late.expect("access requires MFA: enrol with mfa-enroll, or ask the administrator");
    assert!(!late.ends());
    machine.log.expect_denied("carol", "no_file");
    assert_eq!(sshd.errors(), "");
}

#[test]
fn a_dry_run_lets_in_and_says_what_it_would_have_done() {
    let (machine, _alice) = enrolled();
    for name in ["carol", "dave"] {
        machine.user(name);
    }
    machine.policy(
        r#"
[[rule]]
name = "dave"
users = ["dave"]
deny = "no more"
enforce = false

[[rule]]
name = "wave 2"
require = ["otp"]
enforce = false
"#,
    );
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    for (name, would) in [("alice", "require"), ("carol", "deny"), ("dave", "deny")] {
        let mut login = sshd.login(name, &[], ENTER);
        assert!(enters_unasked(&mut login), "{name}: {}", machine.log);
        assert!(!login.shows("MFA"), "{}", login.screen());
        machine.log.expect(&format!("skipped user={name} would={would} rule="));
    }
}

#[test]
fn a_skip_is_no_password() {
    let (machine, _alice) = enrolled();
    machine.user("robot");
    machine.policy("[[rule]]\nname = \"machines\"\nusers = [\"robot\"]\nskip = \"OPS-12\"\n");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let secret = Secret::new(SECRET);
    let login = |name: &str| sshd.login(name, &[], ENTER);

    machine.stack(
        "sshd",
        "auth required pam_mfa.so forward_pass\nauth required pam_unix.so use_first_pass nodelay",
    );
    assert!(enters(&mut login("robot"), "Password: ", PASSWORD), "{}", machine.log);
    assert!(!enters(&mut login("robot"), "Password: ", "no idea"));
    let both = format!("{PASSWORD}{}", secret.counted(1));
    assert!(enters(&mut login("alice"), "Password & verification code: ", &both));

    // Either a code or a password: whom a rule spares the code has given neither.
    machine
        .stack("sshd", "auth sufficient pam_mfa.so skip=ignore\nauth required pam_unix.so nodelay");
    assert!(enters(&mut login("robot"), "Password: ", PASSWORD), "{}", machine.log);
    assert!(!enters(&mut login("robot"), "Password: ", "no idea"));
    assert!(enters(&mut login("alice"), CODE, &secret.counted(2)), "{}", machine.log);
}

/// Makes a mistake in files that were right.
type Mistake = fn(&Machine, &User);

const POLICY: &str = "/etc/pam_mfa/policy.toml";

#[test]
fn mistakes_let_nobody_in_unasked() {
    let (machine, alice) = enrolled();
    let mistakes: [(&str, &str, Mistake); 9] = [
        ("bad_policy", "line 2: no key colour", |machine, _| machine.policy("colour = 1")),
        ("bad_policy", "line 2: recheck: ", |machine, _| machine.policy("recheck = \"sudo\"")),
        ("bad_policy", "version: not 1", |_, _| fs::write(POLICY, "").expect("our own /etc")),
        ("bad_policy", "bypass.toml: line ", |machine, _| {
            machine.bypass(BYPASSES.split_at(60).0);
        }),
        ("too_big", POLICY, |machine, _| machine.policy(&"# ten mebibytes\n".repeat(10 << 16))),
        ("wrong_owner", POLICY, |_, alice| chown(POLICY, Some(alice.id), None).expect("root may")),
        ("wrong_mode", POLICY, |_, _| set_mode(POLICY, 0o664)),
        ("unsafe_path", "/etc/pam_mfa", |_, _| set_mode("/etc/pam_mfa", 0o777)),
        ("not_regular", POLICY, |_, _| {
            fs::remove_file(POLICY).and_then(|()| fs::create_dir(POLICY)).expect("our own /etc");
        }),
    ];
    // Who is spared where nothing is wrong.
    let vpn = Circumstances::default().from("203.0.113.5");
    for (counter, (reason, detail, mistake)) in (1..).zip(mistakes) {
        machine.policy("[[rule]]\nname = \"all\"\nrequire = [\"otp\"]\n");
        machine.bypass(BYPASSES);
        let host = Host::new(&machine, "auth required pam_mfa.so");
        assert_eq!(ask(&host, "alice", &vpn).result, 0, "{}", machine.log);
        mistake(&machine, &alice);

        let seen = ask(&host, "alice", &vpn);
        assert_eq!((seen.result, seen.prompts.len()), (DENIED, 0), "{reason}: {}", machine.log);
        let denied = format!("denied user=alice reason={reason} ");
        assert!(last(&machine, &denied).contains(detail), "{detail}: {}", machine.log);

        let host = Host::new(&machine, "auth required pam_mfa.so policy_error=require");
        let code = Secret::new(SECRET).counted(counter);
        let seen = host.begin_under("alice", &[Answer::Text(&code)], &vpn).end();
        assert_eq!((seen.result, seen.prompts), (0, vec![CODE.to_owned()]), "{}", machine.log);
        let warning = format!("warning user=alice reason={reason} ");
        assert!(last(&machine, &warning).contains(detail), "{detail}: {}", machine.log);
        fs::remove_dir_all("/etc/pam_mfa").expect("our own /etc");
    }
}

/// The last line of the log that holds this.
#[track_caller]
fn last(machine: &Machine, text: &str) -> String {
    let lines = machine.log.lines();
    let line = lines.iter().rfind(|line| line.contains(text));
    line.unwrap_or_else(|| panic!("{text:?} was not logged\n{}", machine.log)).clone()
}

fn set_mode(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own /etc");
}

#[test]
fn a_group_that_nobody_made() {
    let (machine, _alice) = enrolled();
    machine.policy("[[rule]]\nname = \"sre\"\ngroups = [\"sre\"]\nskip = \"OPS-12\"\n");
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    assert!(!enters_unasked(&mut sshd.login("alice", &[], ENTER)));
    assert!(machine.log.expect_denied("alice", "no_group").contains("group sre"));
}

/// A directory that is down denies whom it would have to be asked about, and nobody else.
#[track_caller]
fn down(status: &str) {
    let (machine, _alice) = enrolled();
    let bob = machine.user("bob");
    machine.group("crew", &[&bob]);
    machine.policy(
        r#"
[[rule]]
name = "local"
users = ["alice"]
skip = "works when nothing else does"

[[rule]]
name = "directory"
services = ["sshd"]
groups = ["crew", "sre"]
skip = "OPS-12"
"#,
    );
    machine.break_groups(status);
    machine.user("carol");
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let login = |name: &str| sshd.login(name, &[], ENTER);

    assert!(enters_unasked(&mut login("alice")), "{}", machine.log);
    assert!(enters_unasked(&mut login("bob")), "{}", machine.log);
    assert!(!enters_unasked(&mut login("carol")), "{}", machine.log);
    assert!(machine.log.expect_denied("carol", "group_database").contains("group sre"));
}

#[test]
fn a_directory_that_is_down() {
    down("unavail");
}

#[test]
fn a_directory_that_has_no_time() {
    down("tryagain");
}

#[test]
fn of_a_thousand_users_one_machine_tries_ten() {
    let (machine, _alice) = enrolled();
    machine.policy("");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let code = Secret::new(SECRET).counted(1);
    let login = |user: &str, from: &str| {
        let from = Circumstances::default().from(from);
        host.begin_under(user, &[Answer::Text(&code)], &from).end()
    };
    let mut asked = 0;
    for n in 0..1000 {
        let user = if n == 500 { "alice".to_owned() } else { format!("user{n}") };
        let seen = login(&user, "203.0.113.66");
        assert_eq!(seen.result, DENIED, "{user}: {}", machine.log);
        asked += seen.prompts.len();
    }
    assert_eq!((asked, machine.log.count(" reason=source_limited ")), (10, 990));
    assert_eq!(login("alice", "192.0.2.7").result, 0, "nobody else is held up: {}", machine.log);
}
