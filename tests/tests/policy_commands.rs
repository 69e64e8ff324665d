//! A policy is looked at, tried, confirmed and taken back, as an administrator does it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sandbox::{Answer, Circumstances, DENIED, Dialogue, Host, Machine, Sshd};

const POLICY: &str = "/etc/pam_mfa/policy.toml";
const TRIAL: &str = "/etc/pam_mfa/policy.trial";

/// Nobody gets in.
const CLOSED: &str = "version = 1\n\n[[rule]]\nname = \"closed\"\ndeny = \"come back tomorrow\"\n";
/// Everybody does.
const OPEN: &str = "version = 1\n\n[[rule]]\nname = \"open\"\nskip = \"a feast\"\n";

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

/// The sentence by which it refuses.
#[track_caller]
fn refused(line: &str) -> String {
    let output = mfactl(line);
    assert_eq!(output.status.code(), Some(1), "{line}");
    String::from_utf8(output.stderr).expect("it speaks UTF-8")
}

fn install(policy: &str) {
    fs::create_dir_all("/etc/pam_mfa").expect("our own /etc");
    fs::write(POLICY, policy).expect("our own /etc");
}

/// Nobody is asked for anything here.
fn log_in(host: &Host) -> i32 {
    host.authenticate("alice", &[Answer::Null]).result
}

/// The same at a time of day of its own, in seconds since 1970.
fn log_in_at(host: &Host, now: u64) -> i32 {
    let then = Circumstances { now: Some(now), ..Circumstances::default() };
    host.begin_under("alice", &[Answer::Null], &then).end().result
}

#[test]
fn a_trial_ends_with_its_time_or_the_boot_although_nothing_runs() {
    let machine = Machine::new();
    machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    install(CLOSED);
    assert_eq!(log_in(&host), DENIED, "{}", machine.log);
    machine.log.expect_denied("alice", "policy_denies");
    fs::write("/tmp/open.toml", OPEN).expect("our own /tmp");

    let line_of = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).expect("it is there");
        line.to_owned()
    };
    for (key, value) in [("until", "until = 1"), ("boot", "boot = \"another\"")] {
        assert!(done("policy try /tmp/open.toml --for 10m").starts_with("On trial until 2"));
        assert_eq!(log_in(&host), 0, "{}", machine.log);
        machine.log.expect("rule=open");
        assert!(refused("policy try /tmp/open.toml --for 10m").contains("is on trial until"));
        let trial = fs::read_to_string(TRIAL).expect("just written");
        let until = line_of(&trial, "until");
        let until: u64 = until.trim_start_matches("until = ").parse().expect("a number");
        assert_eq!((log_in_at(&host, until - 1), log_in_at(&host, until)), (0, DENIED));
        // As if ten minutes had passed, or the machine had been started anew.
        let since = line_of(&trial, "since");
        let trial = trial.replace(&line_of(&trial, key), value).replace(&since, "since = 0");
        fs::write(TRIAL, trial).expect("our own /etc");
        assert_eq!(log_in(&host), DENIED, "{key}: {}", machine.log);
        assert_eq!(fs::read_to_string(POLICY).expect("it is there"), OPEN, "nothing has run");
        assert!(done("policy status").contains("/policy.previous counts; a trial ended at"));
        assert_eq!(mfactl("check").status.code(), Some(3));
        assert_eq!(done("policy revert --when-due"), "The old policy counts again.\n");
        assert_eq!(fs::read_to_string(POLICY).expect("it is there"), CLOSED);
        assert!(!Path::new(TRIAL).exists());
        assert_eq!(log_in(&host), DENIED, "{}", machine.log);
    }
    let changed = machine.log.expect(" after=reverted ");
    assert!(changed.contains("changed file=policy.toml what=trial before="), "{changed}");
}

/// Root on a terminal of an sshd.
fn root(sshd: &Sshd) -> Dialogue {
    let mut root = sshd.login("root", &["-tt"], "PS1='# ' sh");
    root.expect("# ");
    root
}

#[test]
fn only_a_login_that_came_after_it_confirms_a_policy() {
    let machine = Machine::new();
    fs::write(
        "/etc/pam.d/sshd",
        "auth required pam_permit.so\naccount required pam_permit.so\n\
         session optional pam_loginuid.so\nsession required pam_permit.so\n",
    )
    .expect("our own /etc");
    install(CLOSED);
    fs::write("/tmp/open.toml", OPEN).expect("our own /tmp");
    let sshd = Sshd::start(&machine, "PermitRootLogin yes");

    let mut before = root(&sshd);
    let mut trying = root(&sshd);
    trying.type_line("mfactl policy try /tmp/open.toml --for 10m");
    trying.expect("On trial until 2");
    for there in [&mut trying, &mut before] {
        there.type_line("mfactl policy confirm");
        there.expect("this login was there before the new policy");
    }
    // A terminal of its own, as sudo gives a command, is no new login.
    trying.type_line("script --quiet --command 'mfactl policy confirm' /dev/null");
    trying.expect("this login was there before the new policy");
    trying.type_line("setsid --wait mfactl policy confirm </dev/null 2>&1 | cat");
    trying.expect("and shows nothing");
    assert!(Path::new(TRIAL).exists());

    let mut after = root(&sshd);
    after.type_line("mfactl policy confirm");
    after.expect("The new policy stays");
    assert!(!Path::new(TRIAL).exists());
    assert_eq!(fs::read_to_string(POLICY).expect("it is there"), OPEN);
    for mut terminal in [before, trying, after] {
        terminal.type_line("exit 0");
        assert!(terminal.ends());
    }
    machine.log.expect(" after=confirmed ");
}

#[test]
fn what_a_login_meets_is_said_before_it_comes() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    install(
        "version = 1\n\n[[rule]]\nname = \"alices\"\ngroups = [\"alice\"]\ndeny = \"no time\"\n",
    );
    let explain = "explain --user alice --service sshd";
    let mut person =
        machine.terminal(Command::new("mfactl").args(explain.split(' ')).arg("--source=192.0.2.7"));
    person.expect("/etc/pam_mfa/policy.toml:3");
    person.expect("alices");
    person.expect("matches");
    person.expect("The person reads: access requires MFA: no time.");
    assert!(person.ends());
    assert_eq!(log_in(&host), DENIED);
    machine.log.expect_denied("alice", "policy_denies");

    let name = mfactl(&format!("{explain} --source vpn.example.org"));
    assert_eq!(name.status.code(), Some(2));
    let nobody = alice.command(&["mfactl", "explain", "--user=alice", "--service=sshd"]).output();
    let nobody = nobody.expect("setpriv is there");
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("only root may do this"));
}

#[test]
fn a_policy_is_checked_before_it_is_installed_and_after() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let draft = alice.path("draft.toml");
    fs::write(&draft, "version = 1\n[[rule]]\nname = \"a\"\nskip = true\n").expect("alice's home");
    // Anybody may, as a configuration manager's validate step does.
    let check = ["mfactl", "check", "--policy", "draft.toml"];
    let mut person = machine.terminal(&alice.command(&check));
    person.expect("draft.toml:4:8: skip: not a text in quotation marks");
    assert!(!person.ends());
    fs::write(&draft, OPEN).expect("alice's home");
    let mut person = machine.terminal(&alice.command(&check));
    person.expect("1 rule, no mistakes.");
    assert!(person.ends());

    for (policy, found) in [
        ("version = 1\ncolour = 1\n", "policy.toml:2:1: no key colour here"),
        ("version = 1\nstore = 1\n", "policy.toml:2:9: store: not a text"),
        (
            "version = 1\n[[rule]]\nname = \"a\"\ngroups = [\"gone\"]\nskip = \"x\"\n",
            "policy.toml:2:1: there is no group \"gone\" here",
        ),
    ] {
        install(policy);
        assert_eq!(log_in(&host), DENIED);
        let output = mfactl("check");
        assert_eq!(output.status.code(), Some(3));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(found), "{said}");
        // No command writes such a file.
        fs::write("/tmp/new.toml", policy).expect("our own /tmp");
        install(CLOSED);
        let tried = mfactl("policy try /tmp/new.toml --for 10m");
        assert_eq!(tried.status.code(), Some(3), "{policy}");
        assert_eq!(fs::read_to_string(POLICY).expect("it is there"), CLOSED);
    }
}
