//! What the administrator's command writes, and what logins make of it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::SystemTime;

use sandbox::{Answer, BY_TIME, Host, Machine, Secret, run};

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
    let issued = machine.log.expect("changed user=alice what=bypass_code");
    assert!(issued.starts_with("<85>mfactl["), "{issued}");
    assert!(issued.contains(&format!("before=\"\" after={}/20", field(&object, "id"))), "{issued}");
    assert!(issued.contains("Z uid=0"), "{issued}");
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

/// The bytes of all that root keeps and of alice's file, and when they were written.
fn everything() -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let directories =
        ["/var/lib/pam_mfa", "/var/lib/pam_mfa/users", "/var/lib/pam_mfa/state", "/home/alice"];
    let names = directories.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten();
    let mut files: Vec<_> = names.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let facts = |path: PathBuf| {
        let written = fs::metadata(&path).and_then(|stat| stat.modified()).expect("just listed");
        (path.clone(), fs::read(path).expect("root reads it"), written)
    };
    files.into_iter().map(facts).collect()
}

#[test]
fn a_code_is_verified_and_stays_good() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let typed = |code: &str| {
        let mut command = Command::new("mfactl");
        let mut terminal = machine.terminal(command.args(["verify", "alice"]));
        terminal.answer("Code: ", code);
        let accepted = terminal.ends();
        assert!(!terminal.shows(code), "the code is on the screen: {}", terminal.screen());
        (accepted, terminal.screen())
    };
    let check = |secret: &Secret, name: &str| {
        let before = everything();
        let code = secret.code();
        let (accepted, screen) = typed(&code);
        assert!(
            accepted && screen.contains(name) && screen.contains("not used before"),
            "{screen}"
        );
        assert!(!typed(&secret.wrong_code()).0);
        assert_eq!(everything(), before);
        assert_eq!(log_in(&host, &code), 0, "{}", machine.log);
        let (accepted, screen) = typed(&code);
        assert!(!accepted && screen.contains(", used before"), "{screen}");
    };
    alice.enrol("mfa-enroll", BY_TIME);
    check(&alice.secret(), "a code (totp)");
    check(&enrol(), "a code of \"phone\" (totp)");
    for line in ["verify alice 123456", "users", "reset alice --yes", "log", "show alice", "seal"] {
        let words: Vec<_> = std::iter::once("/usr/sbin/mfactl").chain(line.split(' ')).collect();
        let output = alice.command(&words).output().expect("setpriv is there");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains("only root may do this"), "{line}: {said}");
    }
}

#[test]
fn a_reset_is_asked_for_and_takes_effect() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let ask = |answer: &str| {
        let mut command = Command::new("mfactl");
        let mut terminal = machine.terminal(command.args(["reset", "alice"]));
        terminal.answer(" (y/n) ", answer);
        (terminal.ends(), terminal.screen())
    };
    assert_eq!(mfactl("reset alice --yes").status.code(), Some(0), "there is nothing");
    // First a file in the home, then a record.
    alice.enrol("mfa-enroll", BY_TIME);
    let secrets = [alice.secret(), enrol()];
    done("reset alice --yes");
    assert_eq!(done("users"), done("users"));
    assert!(done("users").contains("alice  reset"), "{}", done("users"));
    for secret in &secrets {
        assert_ne!(log_in(&host, &secret.code()), 0);
        machine.log.expect_denied("alice", "reset");
    }
    fs::remove_file("/var/lib/pam_mfa/users/alice.gone").expect("the tombstone");
    assert!(done("users").contains("alice  home    totp"), "{}", done("users"));
    assert_eq!(mfactl("reset alice").status.code(), Some(1), "nobody can be asked");
    assert!(!ask("n").0);
    assert_eq!(log_in(&host, &secrets[0].code()), 0, "{}", machine.log);
    let (done_so, screen) = ask("y");
    assert!(done_so, "{screen}");
    machine.log.expect("changed user=alice what=enrolment before=home after=tombstone uid=0");
    assert_ne!(log_in(&host, &secrets[0].code_beside(1)), 0);
    assert!(!fs::exists("/var/lib/pam_mfa/state/alice").expect("root looks"));
}

#[test]
fn only_a_terminal_that_wants_it_gets_colour() {
    let machine = Machine::new();
    machine.user("alice");
    enrol();
    for (variable, is_coloured) in [("LANG", true), ("NO_COLOR", false)] {
        let mut command = Command::new("mfactl");
        command.arg("users").env("TERM", "xterm").env(variable, "C.UTF-8");
        let mut terminal = machine.terminal(&command);
        assert!(terminal.ends(), "{}", terminal.screen());
        assert!(terminal.shows("phone (totp)"), "{}", terminal.screen());
        assert_eq!(terminal.shows("\x1b[1muser\x1b[0m"), is_coloured, "{:?}", terminal.screen());
    }
    assert!(!done("users").contains('\x1b'));
}

#[test]
fn what_happened_is_read_back_from_the_log() {
    let machine = Machine::new();
    machine.user("alice");
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let phone = enrol();
    assert_eq!(log_in(&host, &phone.code()), 0, "{}", machine.log);
    assert_eq!(log_in(&host, "000000"), DENIED);
    machine.log.expect_denied("alice", "wrong_code");
    // As rsyslog writes what it gets: `<85>Jan  2 03:04:05 sshd[17]: text`, without the time from mfactl.
    let now = run(&["date", "+%b %e %H:%M:%S"]);
    let lines = machine.log.lines();
    let written = lines.iter().filter_map(|line| line.split_once('>')).map(|(_, line)| {
        let text =
            line.strip_prefix("mfactl").map_or_else(|| line.get(16..).unwrap_or(line), |_| line);
        format!("{now} host {text}\n")
    });
    fs::write("/var/log/auth.log", written.collect::<String>()).expect("our own /var/log");
    let said = done("log --since 1h --user alice");
    for words in ["changed", "accepted", "reason=wrong_code", "credential=phone"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(!said.contains('\x1b'), "{said}");
}

#[test]
fn every_command_speaks_to_a_person() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    enrol();
    let typed = |line: &str| {
        let mut command = Command::new("mfactl");
        let mut terminal = machine.terminal(command.args(line.split(' ')));
        assert!(terminal.ends(), "{line}: {}", terminal.screen());
        terminal.screen()
    };
    for (line, said) in [
        ("credential rename alice phone Pixel", "\"Pixel\" now."),
        ("credential list alice", "Pixel"),
        ("credential rebind alice", "already."),
        ("codes alice --new", "Recovery codes of alice"),
        ("codes alice", "alice has 10 recovery codes"),
        ("bypass-code alice", "-"),
        ("show alice", "Pixel (totp)"),
        ("show alice Pixel", "The secret key is: "),
        ("users", "alice"),
        ("state init alice", "has its state"),
        ("unlock alice", "nobody had to wait"),
        ("unlock 192.0.2.7", "nobody had to wait"),
        ("forget alice", "0 checks forgotten"),
        ("explain --user alice --service sshd", "Asked for a second factor"),
        ("check", "no mistakes."),
        ("import alice", "alice"),
        ("seal", "Records sealed: 1"),
        ("unseal", "Records unsealed: 1"),
        ("export alice --lossy --output /root/alice", "goes on where the record of alice is"),
        ("credential remove alice Pixel --last", "was the last"),
        ("ticket alice", "Lets alice enrol at a login"),
        ("policy status", "There is no policy in /etc/pam_mfa"),
    ] {
        let screen = typed(line);
        assert!(screen.contains(said), "{line}: {screen}");
    }
    // Who saw the secret is on record.
    machine.log.expect("changed user=alice what=show before=Pixel after=output uid=0");
    for line in ["show alice phone", "forget --all", "seal", "state init --all", "ticket alice"] {
        let words: Vec<_> = std::iter::once("/usr/sbin/mfactl").chain(line.split(' ')).collect();
        let mut terminal = machine.terminal(&alice.command(&words));
        terminal.expect("mfactl: only root may do this; run it by sudo.");
        assert!(!terminal.ends(), "{line}");
    }
}
