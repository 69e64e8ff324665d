//! The account line: sudo asks again when a check is no longer fresh, although its own timestamp holds;
//! and lines that stand in what every service includes break none that has nobody to ask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use sandbox::{
    Answer, CODE, Circumstances, Conversation, Dialogue, Host, Machine, PATIENCE, SECRET, Secret,
    Then, User, run,
};

/// One timestamp for all terminals, so that sudo itself asks only once.
const SUDOERS: &str = "
Defaults !lecture, passwd_tries=1, timestamp_timeout=60, timestamp_type=global
root  ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) ALL
carol ALL=(ALL:ALL) NOPASSWD: ALL
";

/// Where root keeps what still counts of alice's.
const FRESH: &str = "/run/pam_mfa/fresh/alice";

/// `PAM_PERM_DENIED`.
const NOT_PERMITTED: i32 = 6;

/// A machine on which services include these lines, and alice and carol, who have tokens, and bob.
fn machine(rules: &str) -> (Machine, [User; 2]) {
    let machine = Machine::new();
    fs::write("/etc/sudoers", SUDOERS).expect("our own /etc");
    fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).expect("just written");
    machine.policy(rules);
    let includes = [
        ("common-auth", "auth required pam_mfa.so\n"),
        ("common-account", "account required pam_unix.so\naccount required pam_mfa.so\n"),
        ("common-session", "session required pam_unix.so\nsession required pam_mfa.so\n"),
    ]
    .map(|(name, lines)| {
        machine.full_stack(name, lines);
        format!("@include {name}\n")
    })
    .concat();
    for service in ["sudo", "cron", "atd", "systemd-user"] {
        machine.full_stack(service, &includes);
    }
    machine.full_stack("su", &format!("auth sufficient pam_rootok.so\n{includes}"));
    let people = ["alice", "carol"].map(|name| {
        let person = machine.user(name);
        person.enrolment().hotp("token", SECRET).save();
        person
    });
    machine.user("bob");
    (machine, people)
}

/// The policy by which sudo asks again after so long.
fn recheck(fresh: &str) -> String {
    format!(
        r#"recheck = ["sudo"]
[[rule]]
name = "sudo"
services = ["sudo"]
require = ["otp"]
fresh = "{fresh}"
"#
    )
}

/// A code of everybody's token.
fn code(counter: u64) -> String {
    Secret::new(SECRET).counted(counter)
}

/// A shell of this person's at a terminal.
fn shell(machine: &Machine, person: &User) -> Dialogue {
    machine.terminal(&person.command(&["sh"]))
}

/// Whether sudo does this in the shell. It has to ask for a code if there is one, and for none else.
#[track_caller]
fn sudo(shell: &mut Dialogue, arguments: &str, code: Option<&str>) -> bool {
    // The terminal shows what is typed, too.
    shell.type_line(&format!("sudo {arguments}; printf '\\145nded with %d\\n' $?"));
    if let Some(code) = code {
        shell.answer(CODE, code);
    }
    shell.expect("ended with ");
    shell.read_line() == "0"
}

#[test]
fn sudo_asks_again_when_a_check_is_no_longer_fresh() {
    let (machine, [alice, _]) = machine(&recheck("5m"));
    let mut shell = shell(&machine, &alice);
    assert!(sudo(&mut shell, "id -un", Some(&code(1))), "{}", machine.log);
    machine.log.expect("pam_mfa(sudo:auth): accepted user=alice factor=hotp ");
    assert_eq!(machine.log.count("(sudo:account): "), 0, "one login, one check: {}", machine.log);
    assert!(sudo(&mut shell, "id -un", None), "{}", machine.log);
    machine.log.expect("pam_mfa(sudo:account): accepted user=alice factor=fresh ");
    assert_eq!(machine.log.count("(sudo:auth): "), 1, "sudo's own timestamp holds");

    machine.policy(&recheck("1s"));
    let deadline = Instant::now() + PATIENCE;
    while sudo(&mut shell, "-n true", None) {
        assert!(Instant::now() < deadline, "{}", machine.log);
    }
    assert!(!sudo(&mut shell, "id -un", Some(&Secret::new(SECRET).wrong_code())));
    assert!(machine.log.expect_denied("alice", "wrong_code").contains("(sudo:account): "));
    assert!(sudo(&mut shell, "id -un", Some(&code(2))), "{}", machine.log);
    machine.log.expect("pam_mfa(sudo:account): accepted user=alice factor=hotp ");
    assert_eq!(machine.log.count("(sudo:auth): "), 1, "sudo's own timestamp holds");
}

#[test]
fn a_check_is_of_one_session_and_can_be_forgotten() {
    let (machine, [alice, _]) = machine(&recheck("5m"));
    let [mut one, mut other] = [(); 2].map(|()| shell(&machine, &alice));
    assert!(sudo(&mut one, "id -un", Some(&code(1))), "{}", machine.log);
    assert!(sudo(&mut other, "id -un", Some(&code(2))), "another session: {}", machine.log);
    assert!(machine.log.expect("accepted user=alice factor=hotp ").contains("(sudo:auth): "));
    assert_eq!(machine.log.count("(sudo:auth): "), 1, "sudo's own timestamp holds");
    assert!(sudo(&mut one, "id -un", None) && sudo(&mut other, "id -un", None));

    run(&["mfactl", "forget", "alice"]);
    assert!(sudo(&mut one, "id -un", Some(&code(3))), "{}", machine.log);
    assert!(sudo(&mut one, "-k id -un", None), "it counts in auth, too: {}", machine.log);
    machine.log.expect("pam_mfa(sudo:auth): accepted user=alice factor=fresh ");
    fs::write(FRESH, "pam_mfa-fresh 1\nnonsense\n").expect("our own /run");
    assert!(sudo(&mut one, "id -un", Some(&code(4))), "{}", machine.log);
}

#[test]
fn whoever_sudo_asks_nothing() {
    let (machine, [alice, carol]) = machine(&recheck("5m"));
    // NOPASSWD is of sudo's password; a rule that skips is of this.
    let mut shell_of_carol = shell(&machine, &carol);
    assert!(!sudo(&mut shell_of_carol, "-n true", None), "{}", machine.log);
    assert!(sudo(&mut shell_of_carol, "true", Some(&code(1))), "{}", machine.log);
    machine.log.expect("pam_mfa(sudo:account): accepted user=carol factor=hotp ");
    assert!(sudo(&mut shell_of_carol, "-n true", None), "{}", machine.log);

    let mut shell_of_alice = shell(&machine, &alice);
    assert!(!sudo(&mut shell_of_alice, "-n true", None), "{}", machine.log);
    assert!(sudo(&mut shell_of_alice, "-u bob true", Some(&code(1))), "{}", machine.log);
    assert!(sudo(&mut shell_of_alice, "-n -u bob true", None), "{}", machine.log);
    run(&["mfactl", "forget", "alice"]);
    assert!(!sudo(&mut shell_of_alice, "-n -u bob true", None), "{}", machine.log);
    assert_eq!(machine.log.count("user=bob"), 0, "it is who calls that is asked: {}", machine.log);

    machine.policy("");
    assert!(sudo(&mut shell_of_alice, "-n true", None), "sudo's own timestamp holds");
    run(&["mfactl", "forget", "--all"]);
    assert!(sudo(&mut shell_of_carol, "-n true", None), "{}", machine.log);
}

#[test]
fn lines_that_every_service_includes_break_nothing() {
    let (machine, [alice, _]) = machine(&recheck("5m"));
    for argv in [&["su", "alice", "-c", "id -un"][..], &["sudo", "-u", "alice", "id", "-un"]] {
        // No terminal, as for a script at night.
        assert_eq!(run(&[&["setsid", "--wait"], argv].concat()), "alice", "{}", machine.log);
    }
    let user_manager = without_auth(&machine, "systemd-user");
    assert_eq!((&user_manager.account[..], &user_manager.session[..]), (&[0][..], &[0][..]));
    assert!(user_manager.prompts.is_empty() && user_manager.changed.is_empty());

    let marks = [alice.path("by-cron"), alice.path("by-at")];
    let _daemons = at_night(&alice, &marks);
    let deadline = Instant::now() + PATIENCE;
    while !marks.iter().all(|mark| mark.exists()) {
        assert!(Instant::now() < deadline, "{:?}: {}", alice.files(), machine.log);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(machine.log.count("pam_mfa"), 0, "{}", machine.log);
}

#[test]
fn a_service_that_has_nobody_to_ask_is_none_for_recheck() {
    let (machine, [alice, _]) = machine(r#"recheck = ["cron", "atd", "su", "systemd-user"]"#);
    let user_manager = without_auth(&machine, "systemd-user");
    assert_eq!(user_manager.account, [NOT_PERMITTED]);
    machine.log.expect("pam_mfa(systemd-user:account): denied user=alice reason=");

    let marks = [alice.path("by-cron"), alice.path("by-at")];
    let _daemons = at_night(&alice, &marks);
    for service in ["cron", "atd"] {
        machine.log.expect(&format!("pam_mfa({service}:account): denied user=alice reason="));
    }
    // Root can be asked.
    let su = ["su", "alice", "-c", "echo now $(id -un)"];
    let mut su = machine.terminal(Command::new(su[0]).args(&su[1..]));
    su.answer(CODE, &code(1));
    su.expect("now alice");
    assert!(su.ends() && !marks.iter().any(|mark| mark.exists()), "{:?}", alice.files());
}

/// Account and session of alice's without auth, and nobody to ask.
#[track_caller]
fn without_auth(machine: &Machine, service: &'static str) -> Conversation {
    let unasked = Circumstances { service, authenticates: false, ..Circumstances::default() };
    let steps = unasked.then(&[Then::Account, Then::Session]);
    Host::new(machine, "").begin_under("alice", &[Answer::Error], &steps).end()
}

/// Real daemons, each with a job of this person's that makes one of these files.
#[track_caller]
fn at_night(person: &User, [by_cron, by_at]: &[PathBuf; 2]) -> Daemons {
    let touch = |mark: &Path| format!("touch {}\n", mark.display());
    fs::write("/etc/cron.d/test", format!("@reboot {} {}", person.name, touch(by_cron)))
        .and_then(|()| fs::write(person.path("job"), touch(by_at)))
        .expect("our own /etc and /home");
    // Jobs are nobody else's either.
    run(&["mount", "-t", "tmpfs", "jobs", "/var/spool/cron"]);
    let crontabs = ["--group=crontab", "--mode=1730", "/var/spool/cron/crontabs"];
    run(&[&["install", "--directory"], &crontabs[..]].concat());
    let own = ["install", "--owner=daemon", "--group=daemon"];
    let queues = ["/var/spool/cron/atjobs", "/var/spool/cron/atspool"];
    run(&[&own[..], &["--directory", "--mode=1770"], &queues].concat());
    run(&[&own[..], &["--mode=600", "/dev/null", "/var/spool/cron/atjobs/.SEQ"]].concat());
    let at = person.command(&["at", "-f", "job", "now"]).output().expect("at is there");
    assert!(at.status.success(), "{at:?}");
    Daemons([["cron", "-f"], ["atd", "-f"]].map(|argv| {
        Command::new(argv[0]).arg(argv[1]).spawn().unwrap_or_else(|why| panic!("{argv:?}: {why}"))
    }))
}

/// They run until this is dropped.
struct Daemons([Child; 2]);

impl Drop for Daemons {
    fn drop(&mut self) {
        for daemon in &mut self.0 {
            let _ = daemon.kill().and_then(|()| daemon.wait());
        }
    }
}
