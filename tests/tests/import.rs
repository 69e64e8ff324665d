//! What people enrolled with other programs becomes a system record, and goes back: made by those
//! programs, used with their modules and with ours.

use std::fs;
use std::process::{Command, Output};

use sandbox::strace::{calls, inject};
use sandbox::{Answer, BY_COUNTER, BY_TIME, CODE, DENIED, Host, Machine, Secret, Sshd, User, run};

const THEIRS: &str = "auth required pam_google_authenticator.so";
const OURS: &str = "auth required pam_mfa.so";

/// The command, whatever comes of it.
fn mfactl(args: &[&str]) -> Output {
    Command::new("mfactl").args(args).output().expect("it is installed")
}

/// What it printed and its exit code.
fn said(args: &[&str]) -> (String, Option<i32>) {
    let output = mfactl(args);
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.code())
}

/// Logins of alice's, with one module and another.
struct Alice<'a> {
    machine: &'a Machine,
    host: Host<'a>,
    user: User,
}

impl<'a> Alice<'a> {
    fn on(machine: &'a Machine) -> Self {
        Self { machine, host: Host::new(machine, THEIRS), user: machine.user("alice") }
    }

    #[track_caller]
    fn enters(&self, module: &str, code: &str) -> bool {
        self.machine.stack("host", module);
        let result = self.host.authenticate("alice", &[Answer::Text(code)]).result;
        assert!([0, DENIED].contains(&result), "{}", self.machine.log);
        result == 0
    }

    /// Puts what the record is at by now into the home, and goes by it.
    #[track_caller]
    fn goes_back(&self) {
        let (text, code) = said(&["import", "--undo", "alice"]);
        assert!(text.contains("alice: failed: ") && code == Some(1), "{text}");
        run(&["mfactl", "export", "alice", "--lossy", "--output", "/root/exported"]);
        self.user.write_state(fs::read("/root/exported").expect("just written"));
        let (text, code) = said(&["import", "--undo", "alice"]);
        assert!(text.contains("alice: undone: ") && code == Some(0), "{text}");
    }
}

#[test]
fn codes_by_time_there_and_back() {
    let machine = Machine::new();
    let alice = Alice::on(&machine);
    // A window of 17 leaves time for all of it.
    let wide = BY_TIME.join(" ").replace("-w 3", "-w 17");
    alice.user.enrol("google-authenticator", &wide.split(' ').collect::<Vec<_>>());
    let secret = alice.user.secret();
    let codes: Vec<_> = (0..6).map(|steps| secret.code_beside(steps)).collect();
    assert!(alice.enters(THEIRS, &codes[1]), "{}", machine.log);
    let file = alice.user.read_state();
    let scratch = alice.user.scratch_codes();

    let (text, code) = said(&["import", "alice"]);
    assert!(text.starts_with("alice: imported: phone (by time, window 17), 3 answers in 30 s, 5 "));
    assert!(text.contains("`mfactl codes USER --new`") && code == Some(0), "{text}");
    assert!(!alice.enters(OURS, &codes[1]), "used with the original");
    machine.log.expect_denied("alice", "reused");
    assert!(alice.enters(OURS, &codes[3]), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=totp credential=phone");
    assert!(alice.enters(OURS, &scratch[0]), "{}", machine.log);
    assert_eq!(alice.user.read_state(), file, "not touched");
    assert_eq!(said(&["import", "alice"]).1, Some(0), "again");

    // Three answers in half a minute go with the record, and without it into the file.
    alice.goes_back();
    let exported = alice.user.read_state().replace("\" RATE_LIMIT", "\" NO_RATE_LIMIT");
    alice.user.write_state(&exported);
    for used in [&codes[1], &codes[3]] {
        assert!(!alice.enters(THEIRS, used), "used with either");
    }
    assert!(alice.enters(THEIRS, &codes[4]), "{}\n{exported}", machine.log);
    assert!(!alice.enters(OURS, &codes[4]));
    assert!(alice.enters(OURS, &codes[5]), "{}", machine.log);
}

#[test]
fn codes_by_counter_there_and_back() {
    let machine = Machine::new();
    let alice = Alice::on(&machine);
    alice.user.enrol("google-authenticator", BY_COUNTER);
    let secret = alice.user.secret();
    assert!(alice.enters(THEIRS, &secret.counted(2)), "{}", machine.log);

    run(&["mfactl", "import", "alice"]);
    assert!(!alice.enters(OURS, &secret.counted(2)));
    assert!(alice.enters(OURS, &secret.counted(3)), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=hotp credential=token");

    alice.goes_back();
    let exported = alice.user.read_state().replace("\" RATE_LIMIT", "\" NO_RATE_LIMIT");
    alice.user.write_state(&exported);
    assert!(exported.contains("\" HOTP_COUNTER 4\n"), "{exported}");
    assert!(alice.enters(THEIRS, &secret.counted(4)), "{}", machine.log);
    assert!(!alice.enters(OURS, &secret.counted(4)));
}

#[test]
fn a_login_that_began_before_uses_nothing_up_twice() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    alice.enrol("google-authenticator", BY_COUNTER);
    let first = alice.secret().counted(1);
    machine.stack("sshd", OURS);
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey,keyboard-interactive");
    let mut began = sshd.login("alice", &[], "echo in as $USER");
    began.expect(CODE);
    run(&["mfactl", "import", "alice"]);
    let before = alice.read_state();
    began.type_line(&first);
    assert!(!began.ends());
    machine.log.expect_denied("alice", "changed");
    assert_eq!(alice.read_state(), before);

    let mut next = sshd.login("alice", &[], "echo in as $USER");
    next.answer(CODE, &first);
    assert!(next.ends() && next.shows("in as alice"), "{}", machine.log);
}

#[test]
fn a_whole_host() {
    let machine = Machine::new();
    machine.stack("sshd", OURS);
    machine.stack("postgresql", OURS);
    let [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(|name| {
        let user = machine.user(name);
        user.enrol("google-authenticator", BY_TIME);
        user
    });
    machine.user("erin");
    run(&["chmod", "644", &bob.state().display().to_string()]);
    let all = ["import", "--all-homes", "--keep-home", "carol"];

    let (text, code) = said(&[&all[..], &["--dry-run"]].concat());
    assert!(text.contains("alice: would be imported: ") && code == Some(3), "{text}");
    assert!(!alice.system_record().exists());

    let mut import = Command::new("mfactl");
    let mut terminal = machine.terminal(import.args(all));
    for line in [
        "postgresql cannot read system records",
        "alice: imported: ",
        "bob: failed: ",
        "mode 0644, allowed 0600",
        "carol: kept: ",
        "dave: imported: ",
        "without anything to import",
        "1 of 4 failed",
    ] {
        terminal.expect(line);
    }
    assert!(!terminal.ends());
    assert!(terminal.shows("] 1 of "), "a bar: {}", terminal.screen());

    let made = [&alice, &bob, &carol, &dave].map(|user| user.system_record().exists());
    assert_eq!(made, [true, false, false, true]);
    let (text, code) = said(&["import", "--all-homes", "--undo"]);
    assert!(text.contains("alice: undone: ") && text.contains("dave: undone: "), "{text}");
    assert_eq!((code, alice.system_record().exists()), (Some(0), false));
}

#[test]
fn a_service_that_goes_by_the_file() {
    let machine = Machine::new();
    machine.user("alice").enrol("google-authenticator", BY_TIME);
    fs::write("/etc/pam.d/common-auth", "auth required pam_mfa.so secret=${HOME}/.ga\n")
        .expect("our own /etc");
    fs::write("/etc/pam.d/sshd", "@include common-auth\n").expect("our own /etc");
    let (text, code) = said(&["import", "--all-homes"]);
    assert!(text.contains("/etc/pam.d/common-auth line 1") && code == Some(1), "{text}");
    assert!(!fs::exists("/var/lib/pam_mfa").expect("/var/lib can be read"));
    assert_eq!(said(&["import", "--all-homes", "--force"]).1, Some(0));
}

#[test]
fn users_oath_as_pam_oath_leaves_it() {
    let machine = Machine::new();
    let alice = Alice::on(&machine);
    let secret = Secret::new(sandbox::SECRET);
    let [key, _] = secret.hex();
    let lines = format!("HOTP alice - {key}\n");
    fs::write("/root/users.oath", lines).expect("our own /root");
    let oath = "auth required pam_oath.so usersfile=/root/users.oath window=5";
    assert!(alice.enters(oath, &secret.counted(3)), "{}", machine.log);
    assert!(!alice.enters(oath, &secret.counted(3)), "{}", machine.log);

    let (text, code) = said(&["import", "--oath", "/root/users.oath"]);
    assert!(text.starts_with("alice: imported: token (by counter") && code == Some(0), "{text}");
    assert!(!alice.enters(OURS, &secret.counted(3)));
    machine.log.expect_denied("alice", "reused");
    assert!(alice.enters(OURS, &secret.counted(4)), "{}", machine.log);
}

#[test]
fn uris_as_mfa_enroll_prints_them() {
    let machine = Machine::new();
    let alice = Alice::on(&machine);
    let words = [&["mfa-enroll"], BY_TIME, &["--uri"]].concat();
    let printed = alice.user.command(&words).output().expect("setpriv is there");
    assert!(printed.status.success(), "{printed:?}");
    let secret = alice.user.secret();
    fs::write("/root/uris", printed.stdout).expect("our own /root");
    // Before the import: in between the next code may come.
    let now = secret.code();
    let import = Command::new("sh")
        .args(["-c", "mfactl import --uri - </root/uris"])
        .output()
        .expect("there is a shell");
    let text = String::from_utf8_lossy(&import.stdout);
    assert!(text.starts_with("alice: imported: sandbox (by time, window 3)"), "{import:?}");
    assert!(!alice.enters(OURS, &now), "the code of the import's own time may be used");
    assert!(alice.enters(OURS, &secret.code_beside(1)), "{}", machine.log);
}

#[test]
fn killed_at_every_step_and_run_again() {
    let machine = Machine::new();
    let alice = Alice::on(&machine);
    let secret = Secret::new(sandbox::SECRET);
    let argv = ["mfactl", "import", "alice"].map(str::to_owned);
    let reset = || {
        let _ = fs::remove_dir_all("/var/lib/pam_mfa");
        let _ = fs::remove_dir_all("/run/pam_mfa");
        alice.user.write_state(format!("{}\n\" HOTP_COUNTER 7\n", sandbox::SECRET));
    };
    reset();
    let calls = calls(&argv, ".google_authenticator", "alice: imported");
    let names = ["mkdir", "openat", "write", "pwrite64", "fsync", "fdatasync", "renameat"];
    let lasting: Vec<_> =
        calls.into_iter().filter(|call| names.contains(&call.name.as_str())).collect();
    assert!(lasting.len() > 20, "{lasting:?}");
    for call in lasting {
        reset();
        inject(&argv, &call, "signal=SIGKILL");
        assert!(alice.enters(OURS, &secret.counted(7)), "{call:?}: {}", machine.log);
        let (text, code) = said(&["import", "alice"]);
        assert_eq!(code, Some(0), "{call:?}: {text}");
        let record = alice.user.system_record();
        assert!(record.exists() && record.with_extension("gone").exists(), "{call:?}: {text}");
        assert!(!alice.enters(OURS, &secret.counted(7)), "{call:?}");
        assert!(alice.enters(OURS, &secret.counted(8)), "{call:?}: {}", machine.log);
    }
}
