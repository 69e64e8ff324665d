//! Enrolment by a person at a terminal, and the first login after it.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown, symlink};
use std::path::Path;
use std::process::{Command, Output};

use sandbox::{Answer, BY_COUNTER, BY_TIME, CODE, Host, Machine, Secret, Sshd, User, run};

const RECORD: &str = "/var/lib/pam_mfa/users/alice.toml";
const YES_OR_NO: &str = " (y/n) ";
const CONFIRM: &str = "Code from the app";

#[test]
fn a_first_enrolment() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let mut dialogue = machine.terminal(&alice.command(&["mfa-enroll"]));
    dialogue.answer(YES_OR_NO, "y"); // by time
    dialogue.expect("Your new secret key is: ");
    let secret = Secret::new(&dialogue.read_line());
    let code = secret.code();
    dialogue.answer(CONFIRM, &secret.wrong_code());
    dialogue.expect("wrong");
    dialogue.expect(CONFIRM);
    assert!(
        !dialogue.shows(&code),
        "the right code is told to whoever guessed: {}",
        dialogue.screen()
    );
    dialogue.type_line(&code);
    for answer in ["y", "y", "n", "y"] {
        dialogue.answer(YES_OR_NO, answer); // write, once only, no wide window, limit
    }
    assert!(dialogue.ends());

    let state = alice.read_state();
    for line in ["\" RATE_LIMIT 3 30", "\" DISALLOW_REUSE ", "\" TOTP_AUTH"] {
        assert!(state.contains(line), "no {line:?} in {state}");
    }
    assert_eq!(alice.scratch_codes().len(), 5);
    let file = fs::metadata(alice.state()).expect("just read");
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (alice.id, alice.id, 0o400));

    let host = Host::new(&machine, "auth required pam_mfa.so");
    assert_ne!(
        host.authenticate("alice", &[Answer::Text(&code)]).result,
        0,
        "it confirmed already"
    );
    machine.log.expect_denied("alice", "reused");
    let next = secret.code_beside(1);
    assert_eq!(host.authenticate("alice", &[Answer::Text(&next)]).result, 0, "{}", machine.log);
}

#[test]
fn eight_digits_of_another_hash() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let flags = [BY_TIME, &["--digits", "8", "--algorithm", "SHA256"]].concat();
    let output = alice.command(&[&["mfa-enroll"], &flags[..]].concat()).output();
    assert!(output.expect("setpriv is there").status.success());
    let state = alice.read_state();
    let secret = state.lines().next().expect("a first line");
    let code = run(&["oathtool", "--totp=sha256", "--digits=8", "--base32", secret]);

    let host = Host::new(&machine, "auth required pam_mfa.so");
    let scratch = &alice.scratch_codes()[0];
    for good in [&code, scratch] {
        let login = || host.authenticate("alice", &[Answer::Text(good)]).result;
        assert_eq!(login(), 0, "{}", machine.log);
        assert_ne!(login(), 0, "{good} twice");
    }

    // The original passes over both lines, and sees codes as usual.
    machine.stack("host", "auth required pam_google_authenticator.so");
    let next =
        run(&["oathtool", "--totp=sha256", "--digits=8", "--now=+30 seconds", "--base32", secret]);
    assert_ne!(host.authenticate("alice", &[Answer::Text(&next)]).result, 0);
    let usual = alice.secret().code_beside(1);
    assert_eq!(host.authenticate("alice", &[Answer::Text(&usual)]).result, 0, "{}", machine.log);
    let state = alice.read_state();
    assert!(state.contains("\" ALGORITHM SHA256\n\" DIGITS 8\n"), "{state}");
}

#[test]
fn root_draws_through_no_link_of_others() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let link = alice.path("out");
    symlink("/root", &link).expect("its name is free");
    lchown(&link, Some(alice.id), Some(alice.id)).expect("root may");
    let picture = alice.path("out/x.svg");
    let output = Command::new("mfa-enroll")
        .args(["-tDfuqW", "-s", "/root/ga", "--qr-file"])
        .arg(&picture)
        .env("HOME", "/root")
        .output()
        .expect("it is installed");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!picture.exists() && !Path::new("/root/ga").exists());
}

/// What mfa-enroll says to root.
fn as_root(flags: &[&str]) -> Output {
    Command::new("mfa-enroll").args(flags).output().expect("it is installed")
}

/// The sentence with which mfa-enroll refuses alice, who has this in her home then.
#[track_caller]
fn refused(alice: &User, flags: &[&str], files: &[&str]) -> String {
    let mut command = alice.command(&[&["mfa-enroll"], flags].concat());
    let output = command.output().expect("setpriv is there");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    assert_eq!(alice.files(), files);
    String::from_utf8(output.stderr).expect("a sentence")
}

/// One login of alice's; whether she is in.
#[track_caller]
fn enters(sshd: &Sshd, code: &str) -> bool {
    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer(CODE, code);
    login.ends() && login.shows("in as alice")
}

#[test]
fn root_enrols_somebody() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let mut command = Command::new("mfa-enroll");
    command.args(["--user", "alice", "-r", "10", "-R", "15"]);
    let mut dialogue = machine.terminal(&command);
    dialogue.answer(YES_OR_NO, "y"); // by time
    dialogue.expect("Your new secret key is: ");
    let secret = Secret::new(&dialogue.read_line());
    let code = secret.code();
    dialogue.answer("(-1 to give up): ", &secret.wrong_code());
    dialogue.expect("wrong");
    dialogue.answer(CONFIRM, &code);
    dialogue.expect("The recovery codes, each good once, are:\r\n");
    let recovery = dialogue.read_line().trim().to_owned();
    for answer in ["y", "n"] {
        dialogue.answer(YES_OR_NO, answer); // write, no wide window
    }
    dialogue.expect(&format!("Written to {RECORD}."));
    dialogue.expect("used up; the next one ");
    assert!(dialogue.ends());
    machine.log.expect("changed user=alice what=credential before=\"\" after=phone uid=0");
    machine.log.expect("changed user=alice what=recovery_codes before=0 after=5 uid=0");
    assert!(alice.files().is_empty());
    for (path, mode) in [(RECORD, 0o600), ("/var/lib/pam_mfa/state/alice", 0o600)] {
        let file = fs::metadata(path).expect("it was written");
        assert_eq!((file.uid(), file.mode() & 0o7777), (0, mode), "{path}");
    }

    machine.stack("sshd", "auth required pam_mfa.so");
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey,keyboard-interactive");
    assert!(!enters(&sshd, &code), "it confirmed already");
    machine.log.expect_denied("alice", "reused");
    assert!(enters(&sshd, &secret.code_beside(1)), "{}", machine.log);
    assert!(machine.log.expect("accepted user=alice").contains(" credential=phone "));
    assert!(enters(&sshd, &recovery.to_uppercase()), "{}", machine.log);
    machine.log.expect(" factor=recovery ");
    assert!(!enters(&sshd, &recovery));
    assert_eq!(machine.log.count("accepted user=alice"), 2, "{}", machine.log);
    assert_eq!((sshd.errors().as_str(), alice.files().len()), ("", 0));
}

#[test]
fn whose_record_root_keeps_makes_no_file_beside_it() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    let flags = [BY_TIME, &["-e", "0"]].concat();
    alice.enrol("mfa-enroll", &flags);
    let old = alice.read_state();
    let file = ".google_authenticator";

    let output = as_root(&["-cfWqC", "--user", "alice"]);
    let caution =
        format!("{} counts only for PAM lines with secret= or store=home", alice.state().display());
    let said = String::from_utf8(output.stderr).expect("a sentence");
    assert!(output.status.success() && said.contains(&caution), "{said}");

    let said = refused(&alice, BY_TIME, &[file]);
    for words in ["`mfactl credential`", "`mfa-enroll --user alice`"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(refused(&alice, &["--user", "alice"], &[file]).contains("only root"));
    assert_eq!(alice.read_state(), old);
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let login = |code: &str| host.authenticate("alice", &[Answer::Text(code)]).result;
    assert_ne!(login(&alice.secret().code()), 0, "the file does not count any more");
    // What secret= names may be anything.
    alice.enrol("mfa-enroll", &[BY_COUNTER, &["-s", "named"]].concat());

    fs::remove_file(RECORD).expect("it was written");
    fs::write("/var/lib/pam_mfa/users/alice.gone", "").expect("root may");
    let said = refused(&alice, BY_TIME, &[file, "named"]);
    assert!(said.contains("alice was reset"), "{said}");
    fs::remove_file("/var/lib/pam_mfa/users/alice.gone").expect("just made");
    alice.enrol("mfa-enroll", &flags);
    assert_ne!(alice.read_state(), old);
    assert_eq!(login(&alice.secret().code()), 0, "{}", machine.log);
}

#[test]
fn root_enrols_only_users_that_there_are() {
    let machine = Machine::new();
    machine.user("alice");
    for (user, words) in [("bob", "there is no user \"bob\""), ("", "there is no user \"\"")] {
        let output = as_root(&["-tfWqC", "--user", user]);
        let said = String::from_utf8(output.stderr).expect("a sentence");
        assert!(output.status.code() == Some(1) && said.contains(words), "{said}");
    }
    // The record is root's alone, whatever the umask.
    let umask = [
        "sh",
        "-c",
        "umask 0; mfa-enroll --user alice -tfWqC; umask 777; \
        mfa-enroll --user alice -tfWqC --name spare",
    ];
    assert_eq!(run(&umask), "");
    for (path, mode) in
        [("", 0o755), ("users", 0o711), ("state", 0o700), ("users/alice.toml", 0o600)]
    {
        let path = Path::new("/var/lib/pam_mfa").join(path);
        assert_eq!(fs::metadata(&path).expect("it was made").mode() & 0o7777, mode, "{path:?}");
    }
    assert!(run(&["mfactl", "credential", "list", "alice"]).contains("spare"));
}
