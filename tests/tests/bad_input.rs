//! What lies where a google-authenticator file should be, and what a program says instead of a
//! code: denied at once, with its own reason in the log, nothing changed on disk, nothing on
//! standard error, the host as it was.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sandbox::{Answer, BY_COUNTER, CODE, Conversation, DENIED, Host, Machine, Secret, run};

/// The module was refusing, quick and polite.
#[track_caller]
fn refused(case: &str, conversation: &Conversation) {
    assert_eq!(conversation.result, DENIED, "{case}");
    assert_eq!(conversation.errors, "", "{case}: on standard error");
    assert!(
        conversation.changed.is_empty(),
        "{case}: {:?} in the host's process",
        conversation.changed
    );
    assert!(conversation.took < Duration::from_secs(1), "{case}: took {:?}", conversation.took);
}

/// Every file of a home with its owner, mode and contents, to compare.
fn look(home: &Path) -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(home)
        .into_iter()
        .flatten()
        .map(|entry| {
            let path = entry.expect("readable by root").path();
            let is = fs::symlink_metadata(&path).expect("nobody removes it");
            let contents =
                if is.is_file() { fs::read(&path).expect("readable by root") } else { Vec::new() };
            format!("{} {:o} {} {} {contents:?}", path.display(), is.mode(), is.uid(), is.ino())
        })
        .collect();
    files.sort();
    files
}

/// What lies at `$F`, as a shell makes it (of `$GOOD`, a good record), and the reason why that is
/// none.
const NO_RECORDS: &[(&str, &str, &str)] = &[
    ("nothing", ":", "no_file"),
    ("empty", ": >$F", "empty_file"),
    ("cut-short", "echo \"$GOOD\" | head -c 20 >$F", "no_method"),
    ("binary", "echo \"$GOOD\" | gzip -n | tr -d '\\0' >$F", "bad_secret"),
    ("too-big", "(echo \"$GOOD\"; yes '') | head -c 65537 >$F", "too_big"),
    ("nul", "printf '%s\\n\\0' \"$GOOD\" >$F", "holds_nul"),
    ("no-secret", "echo '\" TOTP_AUTH' >$F", "bad_secret"),
    ("fifo", "mkfifo $F", "not_regular"),
    ("directory", "mkdir $F", "not_regular"),
    ("zero", "mknod $F c 1 5", "not_regular"),
    ("disk", "mknod $F b 7 200", "not_regular"),
    ("link-to-zero", "ln -s /dev/zero $F", "not_regular"),
    ("loop", "ln -s $F $F", "symlink_loop"),
    ("dangling", "ln -s nowhere $F", "no_file"),
    ("for-all", "echo \"$GOOD\" >$F; chmod 644 $F", "wrong_mode"),
    ("closed", "echo \"$GOOD\" >$F; chmod 000 $F", "unreadable"),
    ("homeless", "rmdir $PWD", "no_directory"),
    ("house-is-a-file", "rmdir $PWD; : >$PWD", "unreadable"),
];

#[test]
fn files_that_are_no_record() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    for (name, make, reason) in NO_RECORDS {
        let user = machine.user(name);
        let home = user.home.display();
        run(&["sh", "-ec", &format!("
            GOOD='JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n12345678'; F=.google_authenticator
            umask 077; cd {home}; {make}; chown --recursive --no-dereference --from 0:0 {name}: {home}/. || :
        ")]);
        let before = look(&user.home);
        let conversation = host.authenticate(name, &[Answer::Text("123456")]);
        refused(name, &conversation);
        assert_eq!(conversation.prompts, [CODE], "{name}: asked like everybody");
        machine.log.expect_denied(name, reason);
        assert_eq!(machine.log.count(&format!("user={name} ")), 1, "{name}: {}", machine.log);
        assert_eq!(look(&user.home), before, "{name}");
    }
}

#[test]
fn a_file_of_somebody_else() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so allowed_perm=0444");
    let (alice, bob) = (machine.user("alice"), machine.user("bob"));
    bob.enrol("mfa-enroll", BY_COUNTER);
    fs::rename(bob.state(), alice.state()).expect("one file system");
    fs::set_permissions(alice.state(), fs::Permissions::from_mode(0o444)).expect("root may");
    let before = look(&alice.home);
    let code = alice.secret().counted(1);
    refused("not hers", &host.authenticate("alice", &[Answer::Text(&code)]));
    machine.log.expect_denied("alice", "wrong_owner");
    assert_eq!(look(&alice.home), before);

    // Also where she may not even read it.
    fs::set_permissions(alice.state(), fs::Permissions::from_mode(0o400)).expect("root may");
    refused("closed to her", &host.authenticate("alice", &[Answer::Text(&code)]));
    assert_eq!(machine.log.count(" reason=wrong_owner "), 2, "{}", machine.log);
}

#[test]
fn answers_that_are_no_code() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let cases: [(&str, &str, Answer); 9] = [
        ("null", "no_answer", Answer::Null),
        ("none", "conversation_failed", Answer::None),
        ("error", "conversation_failed", Answer::Error),
        ("empty", "empty_answer", Answer::Text("")),
        ("long", "answer_too_long", Answer::Long(1 << 20)),
        ("latin", "not_a_code", Answer::Bytes(b"caf\xe9 123456")),
        ("short", "not_a_code", Answer::Text("12345")),
        ("words", "not_a_code", Answer::Text("let me in")),
        ("arabic", "not_a_code", Answer::Text("\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}")),
    ];
    for (name, reason, answer) in cases {
        let user = machine.user(name);
        user.enrol("mfa-enroll", BY_COUNTER);
        let before = look(&user.home);
        refused(name, &host.authenticate(name, &[answer]));
        machine.log.expect_denied(name, reason);
        assert_eq!(look(&user.home), before, "{name}: no counter moves for this");
    }
}

#[test]
fn an_attempt_counts_whatever_was_said() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", &["-t", "-C", "-f", "-d", "-w", "3", "-r", "3", "-R", "600", "-q"]);
    for answer in [Answer::Null, Answer::Error, Answer::Long(1 << 20)] {
        refused("counted", &host.authenticate("alice", &[answer]));
    }
    let state = alice.read_state();
    let limit = state.lines().find(|line| line.starts_with("\" RATE_LIMIT ")).expect("asked for");
    assert_eq!(limit.split(' ').count(), 4 + 3, "three attempts: {limit}");

    let fourth = host.authenticate("alice", &[Answer::Text(&alice.secret().code())]);
    refused("fourth", &fourth);
    assert!(fourth.prompts.is_empty(), "nobody is asked any more");
    machine.log.expect_denied("alice", "rate_limited");
}

#[test]
fn names_that_are_no_user() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let long = "x".repeat(10_000);
    for name in [
        "a/b",
        "..",
        "../../root",
        ".",
        "x\naccepted user=root factor=totp",
        "\u{202e}",
        long.as_str(),
    ] {
        let before = machine.log.lines().len();
        let conversation = host.authenticate(name, &[Answer::Text("123456")]);
        refused(name, &conversation);
        assert_eq!(conversation.prompts, [CODE], "{name}: asked like everybody");
        let lines = machine.log.lines().split_off(before);
        let [line] = lines.as_slice() else { panic!("one line for {name}: {lines:?}") };
        let reasoned = ["unknown_user", "bad_user_name"]
            .iter()
            .any(|code| line.contains(&format!(" reason={code} ")));
        assert!(reasoned && line.contains("denied user="), "{line}");
        assert!(
            line.len() < 1000 && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{line}"
        );
    }
    // A name that is not UTF-8 is shown as far as it can be.
    refused("bytes", &host.authenticate(OsStr::from_bytes(b"caf\xe9"), &[Answer::Text("123456")]));
    machine.log.expect("denied user=\"caf\\xef\\xbf\\xbd\" reason=unknown_user");
    refused("no name", &host.authenticate("", &[Answer::Text("123456")]));
    machine.log.expect_denied("\"\"", "no_user");
}

#[test]
fn a_name_does_not_leave_its_directory() {
    let machine = Machine::new();
    let host =
        Host::new(&machine, "auth required pam_mfa.so user=root secret=/var/lib/codes/${USER}");
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_COUNTER);
    fs::create_dir("/var/lib/codes").expect("our own /var/lib");
    for path in ["/var/lib/codes/alice", "/var/lib/stolen"] {
        fs::copy(alice.state(), path).expect("our own /var/lib");
    }
    let code = alice.secret().counted(1);

    refused("traversal", &host.authenticate("../stolen", &[Answer::Text(&code)]));
    machine.log.expect(" reason=bad_user_name ");
    let inside = host.authenticate("alice", &[Answer::Text(&code)]);
    assert_eq!((inside.result, inside.changed), (0, vec![]), "{}", machine.log);
}

#[test]
fn a_line_with_an_unknown_option_asks_nobody() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_COUNTER);
    let host = Host::new(&machine, "auth required pam_mfa.so colour=blue");
    let conversation = host.authenticate("alice", &[Answer::Text(&alice.secret().counted(1))]);
    refused("colour", &conversation);
    assert!(conversation.prompts.is_empty());
    machine.log.expect_denied("alice", "unknown_option");
}

#[test]
fn a_full_or_read_only_disk_lets_nobody_in_and_loses_nothing() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let alice = machine.user("alice");
    let home = alice.home.to_str().expect("an ordinary name");
    let owner = format!("size=64k,mode=0755,uid={0},gid={0}", alice.id);
    run(&["mount", "-t", "tmpfs", "-o", &owner, "disk", home]);
    alice.enrol("mfa-enroll", BY_COUNTER);
    let code = alice.secret().counted(1);
    // As full as it gets: the last byte that fits is written, the next is not.
    run(&["sh", "-c", &format!("! head -c 1M /dev/zero 2>/dev/null >{home}/full")]);

    let cannot_write = |why: &str| {
        let before = look(&alice.home);
        let seen = host.authenticate("alice", &[Answer::Text(&code)]);
        refused(why, &seen);
        assert!(seen.messages.iter().any(|message| message.contains(why)), "{:?}", seen.messages);
        machine
            .log
            .expect(&format!(" reason=cannot_write detail=\"{home}/.google_authenticator: {why}"));
        assert_eq!(look(&alice.home), before, "{why}");
    };
    cannot_write("No space left on device");
    fs::remove_file(alice.path("full")).expect("root may");
    run(&["mount", "-o", "remount,ro", home]);
    cannot_write("Read-only file system");
    run(&["mount", "-o", "remount,rw", home]);
    assert_eq!(host.authenticate("alice", &[Answer::Text(&code)]).result, 0, "{}", machine.log);
}

#[test]
fn a_host_that_may_do_little_is_not_killed() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_COUNTER);
    let before = alice.read_state();
    let code = alice.secret().counted(1);
    let argv = host.argv("alice", &[Answer::Text(&code)]);
    let argv: Vec<_> = argv.iter().map(String::as_str).collect();
    for (limits, reason) in [
        // A write beyond it raises SIGXFSZ, which ends a process.
        (&["prlimit", "--fsize=1"][..], "cannot_write"),
        // Root that cannot become somebody else.
        (&["setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-all"], "no_rights"),
    ] {
        let output = Command::new(limits[0])
            .args([&limits[1..], &["--"], &argv[..]].concat())
            .output()
            .expect("util-linux is there");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with(&format!("result {DENIED}\n")), "{reason}: {output:?}");
        machine.log.expect_denied("alice", reason);
        assert_eq!(alice.read_state(), before, "{reason}");
        assert_eq!(alice.files(), [".google_authenticator"], "{reason}");
    }
    // One that leaves room for the file, but not for the counters of failures: under a policy nobody
    // chooses not to be counted.
    fs::create_dir_all("/etc/pam_mfa").expect("an /etc of its own");
    fs::write("/etc/pam_mfa/policy.toml", "version = 1\n").expect("the same");
    let wrong = alice.secret().wrong_code();
    let guess = host.argv("alice", &[Answer::Text(&wrong)]);
    let output = Command::new("prlimit").args(["--fsize=65536", "--"]).args(&guess).output();
    let output = output.expect("util-linux is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with(&format!("result {DENIED}\n")), "{output:?}: {}", machine.log);
    machine.log.expect("warning user=alice reason=cannot_write detail=\"/run/pam_mfa/failures");
    assert_eq!(alice.read_state(), before, "a code that was judged moves the counter on");
    fs::remove_file("/etc/pam_mfa/policy.toml").expect("it is there");
    let all_masked = ["-c", "umask 0777; exec \"$@\"", "-"];
    let output = Command::new("sh").args(all_masked).args(&argv).output().expect("a shell");
    assert!(output.status.success(), "{output:?}: {}", machine.log);
    let mode = fs::metadata(alice.state()).expect("still there").mode() & 0o7777;
    assert_eq!(mode, 0o400, "whatever the host's umask");
}

/// Root's processes can look through /proc where the person cannot; with the person's rights the
/// module must not.
#[test]
fn no_way_through_the_proc_of_others() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_COUNTER);
    run(&["install", "--directory", "--mode=700", "/run/private"]);
    run(&["install", "--directory", "--mode=777", "/run/private/open"]);
    let state = alice.state();
    run(&["mv", state.to_str().expect("ASCII"), "/run/private/open/ga"]);
    let mut inside = Command::new("sleep")
        .arg("60")
        .current_dir("/run/private/open")
        .spawn()
        .expect("coreutils are there");
    let code = Secret::new(
        fs::read_to_string("/run/private/open/ga")
            .expect("moved")
            .lines()
            .next()
            .expect("a secret"),
    )
    .counted(1);
    symlink(format!("/proc/{}/cwd", inside.id()), alice.path("way")).expect("its name is free");
    let host = Host::new(&machine, "auth required pam_mfa.so secret=~/way/ga");
    let conversation = host.authenticate("alice", &[Answer::Text(&code)]);
    inside.kill().and_then(|()| inside.wait()).expect("our own child");
    assert_eq!(conversation.result, DENIED);
    machine.log.expect_denied("alice", "unreadable");
}
