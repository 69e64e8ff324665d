//! The filter in packaging/fail2ban, as fail2ban itself reads it, on what the module really logged.

use std::fs;
use std::path::Path;
use std::process::Command;

use sandbox::{
    Answer, BY_TIME, CODE, Circumstances, Conversation, DENIED, Host, Machine, Sshd, User, run,
};

/// What packaging/fail2ban holds, for /etc/fail2ban.
const PACKAGED: [(&str, &str); 2] = [
    ("filter.d/pam_mfa.conf", include_str!("../../packaging/fail2ban/filter.d/pam_mfa.conf")),
    ("jail.d/pam_mfa.conf", include_str!("../../packaging/fail2ban/jail.d/pam_mfa.conf")),
];

/// The address that somebody wants banned, by names that hold it.
const VICTIM: &str = "198.51.100.9";

/// A machine with fail2ban and our filter, and alice, who has enrolled for codes by time that are
/// good once.
fn enrolled() -> (Machine, User) {
    let machine = Machine::new();
    for (name, text) in PACKAGED {
        fs::write(format!("/etc/fail2ban/{name}"), text).expect("our own /etc");
    }
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_TIME);
    (machine, alice)
}

/// A login from this host, which is what the program that asks says of it.
#[track_caller]
fn login(host: &Host, user: &str, from: &str, code: &str) -> Conversation {
    let circumstances = Circumstances { from: Some(from.into()), ..Circumstances::default() };
    host.begin_under(user, &[Answer::Text(code)], &circumstances).end()
}

/// All that was logged, as syslog daemons write it into files and fail2ban reads it of the journal.
fn files(machine: &Machine) -> [String; 2] {
    let lines = machine.log.lines().into_iter().map(|line| {
        let (_priority, line) = line.split_once('>').expect("syslog(3) begins with one");
        let (date, text) = line.split_at("Jan  2 03:04:05 ".len());
        let precise = run(&["date", "--date", date, "+%Y-%m-%dT%H:%M:%S.000000%:z"]);
        (format!("{date}sandbox {text}\n"), format!("{precise} sandbox {text}\n"))
    });
    let (traditional, precise): (String, String) = lines.unzip();
    [traditional, precise]
}

/// The addresses that fail2ban counts, in the order of the lines.
#[track_caller]
fn counted(machine: &Machine) -> Vec<String> {
    let [traditional, precise] = files(machine).map(|lines| {
        let log = Path::new("/run/auth.log");
        fs::write(log, lines).expect("our own /run");
        // It fails where nothing matches.
        let output =
            Command::new("fail2ban-regex").args(["--out", "ip"]).arg(log).arg("pam_mfa").output();
        let said = output.expect("fail2ban is there").stdout;
        let said = String::from_utf8_lossy(&said);
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(traditional, precise, "{}", machine.log);
    traditional
}

#[test]
fn who_guesses_is_counted_by_address() {
    let (machine, alice) = enrolled();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let wrong = alice.secret().wrong_code();
    let long = "1".repeat(2000);
    for (user, from, answer, reason) in [
        ("alice", "203.0.113.1", wrong.as_str(), "wrong_code"),
        ("alice", "2001:db8::1:7", &wrong, "wrong_code"),
        ("alice", "::ffff:203.0.113.2", &wrong, "wrong_code"),
        ("alice", "203.0.113.3", "qwerty", "not_a_code"),
        ("alice", "203.0.113.4", &long, "answer_too_long"),
        ("mallory", "203.0.113.5", &wrong, "unknown_user"),
    ] {
        assert_eq!(login(&host, user, from, answer).result, DENIED);
        machine.log.expect_denied(user, reason);
    }

    let bob = machine.user("bob");
    bob.enrol("mfa-enroll", &["-t", "-C", "-f", "-d", "-w", "3", "-r", "1", "-R", "600", "-q"]);
    for reason in ["wrong_code", "rate_limited"] {
        login(&host, "bob", "203.0.113.6", &bob.secret().wrong_code());
        machine.log.expect_denied("bob", reason);
    }

    let ticket = Host::new(&machine, "auth required pam_mfa.so enroll=ticket account=yes");
    run(&["mkdir", "-p", "-m", "755", "/var/lib/pam_mfa"]);
    run(&["mkdir", "-m", "711", "/var/lib/pam_mfa/users"]);
    run(&["mkdir", "-m", "700", "/var/lib/pam_mfa/state"]);
    let carol = machine.user("carol");
    login(&ticket, &carol.name, "203.0.113.7", "aaaa-bbbb-cccc");
    machine.log.expect_denied("carol", "bad_ticket");

    let expected = [
        "203.0.113.1",
        "2001:db8::1:7",
        "203.0.113.2",
        "203.0.113.3",
        "203.0.113.4",
        "203.0.113.5",
        "203.0.113.6",
        "203.0.113.6",
        "203.0.113.7",
    ];
    assert_eq!(counted(&machine), expected, "{}", machine.log);
}

#[test]
fn who_only_is_unlucky_is_not() {
    let (machine, alice) = enrolled();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let code = alice.secret().code();
    login(&host, "alice", "203.0.113.1", &alice.secret().wrong_code());
    assert_eq!(login(&host, "alice", VICTIM, &code).result, 0, "{}", machine.log);
    login(&host, "alice", VICTIM, &code);
    machine.log.expect_denied("alice", "reused");
    login(&host, "alice", VICTIM, "");
    machine.log.expect_denied("alice", "empty_answer");

    let bare = machine.user("bare");
    login(&host, &bare.name, VICTIM, "123456");
    machine.log.expect_denied("bare", "no_file");
    bare.write_state("");
    login(&host, &bare.name, VICTIM, "123456");
    machine.log.expect_denied("bare", "empty_file");
    let spared =
        Host::new(&machine, "auth sufficient pam_mfa.so nullok\nauth required pam_permit.so");
    let free = machine.user("free");
    assert_eq!(login(&spared, &free.name, VICTIM, "").result, 0, "{}", machine.log);
    machine.log.expect("ignored user=free");
    let mistaken = Host::new(&machine, "auth required pam_mfa.so colour=red");
    login(&mistaken, "alice", VICTIM, &alice.secret().wrong_code());
    machine.log.expect_denied("alice", "unknown_option");
    assert_eq!(machine.log.count(&format!(" source={VICTIM}")), 7, "{}", machine.log);

    assert_eq!(counted(&machine), ["203.0.113.1"], "who guessed before: {}", machine.log);
}

#[test]
fn nobody_gets_another_address_banned() {
    let (machine, alice) = enrolled();
    let wrong = alice.secret().wrong_code();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let line = format!("pam_mfa(sshd:auth): denied user=root reason=wrong_code source={VICTIM} ");
    let forged = [
        format!("x reason=wrong_code source={VICTIM} "),
        format!("x\" reason=wrong_code source={VICTIM} y=\""),
        format!("x\\\" reason=wrong_code source={VICTIM} y=\\"),
        format!("x source={VICTIM}\\"),
        format!("x\n{}sandbox sshd[1]: {line}", "Jan  2 03:04:05 "),
        line.clone(),
    ];
    for name in &forged {
        assert_eq!(login(&host, name, "203.0.113.1", &wrong).result, DENIED, "{name}");
    }
    assert_eq!(counted(&machine), ["203.0.113.1"; 6], "{}", machine.log);

    // A host that is no number is a name that somebody chose.
    for from in [format!("x source={VICTIM} "), format!("x\" source={VICTIM} "), line.clone()] {
        assert_eq!(login(&host, "alice", &from, &wrong).result, DENIED, "{from}");
    }
    assert_eq!(machine.log.count("denied user=alice reason=wrong_code"), 3, "{}", machine.log);
    assert_eq!(counted(&machine).len(), 6, "{}", machine.log);
}

#[test]
fn what_sshd_says_is_not_what_the_module_says() {
    let (machine, alice) = enrolled();
    machine.stack("sshd", "auth required pam_mfa.so");
    let sshd = Sshd::start(&machine, "AuthenticationMethods keyboard-interactive");
    // Ssh takes no brackets in a name, and sshd none of it behind a colon.
    let name = format!("pam_mfa denied user=root reason=wrong_code source={VICTIM} ");
    for name in ["alice", &name] {
        let mut login = sshd.login(name, &[], "echo in");
        login.answer(CODE, &alice.secret().wrong_code());
        assert!(!login.ends());
    }
    machine.log.expect_denied("alice", "wrong_code");
    machine.log.expect(&format!("Invalid user {name}"));
    assert_eq!(counted(&machine), ["127.0.0.1"; 2], "{}", machine.log);
}

#[test]
fn fail2ban_takes_the_jail() {
    let (_machine, _alice) = enrolled();
    // It watches a file that is not there.
    let _ = fs::remove_file("/etc/fail2ban/jail.d/defaults-debian.conf");
    let said = run(&["fail2ban-client", "-d"]);
    for part in ["['add', 'pam_mfa', 'systemd']", "'maxretry', 10]", "'bantime', '15m']"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
}
