//! Which record counts, and what may be wrong with a system record: each with its own reason in the
//! log, the host as it was, and never taken for a user who has not enrolled.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::Duration;

use mfa_core::store::Lost;
use sandbox::{
    Answer, BY_COUNTER, CODE, Conversation, DENIED, Host, Machine, PASSWORD, RECORDS, SECRET,
    Secret, User, run,
};

const OTHER_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// A machine, and alice, whom nobody has enrolled yet.
fn alone() -> (Machine, User) {
    let machine = Machine::new();
    let alice = machine.user("alice");
    (machine, alice)
}

/// One login of alice's by a host of our own, which must come through it as it was.
#[track_caller]
fn login(machine: &Machine, line: &str, code: &str) -> Conversation {
    let host = Host::new(machine, &format!("auth required pam_mfa.so {line}"));
    let seen = host.authenticate("alice", &[Answer::Text(code)]);
    assert!(seen.changed.is_empty() && seen.errors.is_empty(), "{seen:?}");
    seen
}

/// Alice is asked as ever and denied for `reason`, whatever is allowed to people who have not
/// enrolled. Returns the line in the log.
#[track_caller]
fn denied(machine: &Machine, code: &str, reason: &str) -> String {
    for line in ["", "nullok"] {
        let seen = login(machine, line, code);
        assert_eq!((seen.result, &seen.prompts[..]), (DENIED, &[CODE.to_owned()][..]), "{line}");
    }
    assert_eq!(machine.log.count("ignored user="), 0, "{}", machine.log);
    machine.log.expect_denied("alice", reason)
}

#[test]
fn a_name_that_came_back_as_somebody_else_is_denied() {
    let (machine, alice) = alone();
    User { id: alice.id + 1, ..alice }.enrolment().hotp("token", SECRET).save();
    let line = denied(&machine, &Secret::new(SECRET).counted(1), "uid_changed");
    assert!(line.contains("mfactl credential rebind alice"), "{line}");
}

#[test]
fn a_record_without_state_is_denied() {
    let (machine, alice) = alone();
    alice.enrolment().hotp("token", SECRET).save();
    fs::remove_file(alice.system().state_path()).expect("just made");
    let line = denied(&machine, &Secret::new(SECRET).counted(1), "no_state");
    assert!(line.contains("mfactl state init alice"), "{line}");
    assert!(!alice.system().state_path().exists(), "no login makes one");
}

#[test]
fn who_was_reset_is_not_spared() {
    let (machine, alice) = alone();
    alice.enrol("mfa-enroll", BY_COUNTER);
    let enrolment = alice.enrolment().hotp("token", SECRET);
    enrolment.save();
    let reset = || {
        let system = alice.system();
        let edit = system.edit(Lost::Refuse)?;
        edit.bury("tests")?;
        edit.remove()
    };
    reset().expect("our own /var/lib");
    denied(&machine, &alice.secret().counted(1), "reset");

    enrolment.save();
    assert_eq!(login(&machine, "", &Secret::new(SECRET).counted(1)).result, 0, "{}", machine.log);
}

#[test]
fn state_that_cannot_be_written_lets_nobody_in_unless_that_is_allowed() {
    let (machine, alice) = alone();
    alice.enrolment().hotp("token", SECRET).save();
    let code = Secret::new(SECRET).counted(1);
    run(&["mount", "-o", "remount,bind,ro", "/var/lib"]);
    let line = denied(&machine, &code, "cannot_write");
    assert!(line.contains("Read-only file system"), "{line}");

    let seen = login(&machine, "allow_readonly", &code);
    assert_eq!(seen.result, 0, "{}", machine.log);
    assert_eq!(seen.messages, ["Error \"Read-only file system\" while writing config"]);
    machine.log.expect(" factor=hotp credential=token drift=+0 reuse=possible detail=");

    let wrong = Secret::new(SECRET).wrong_code();
    assert_eq!(login(&machine, "allow_readonly", &wrong).result, DENIED);
    run(&["mount", "-o", "remount,bind,rw", "/var/lib"]);
    assert_eq!(login(&machine, "", &code).result, 0, "{}", machine.log);
}

#[test]
fn the_line_says_which_record_counts() {
    let (machine, alice) = alone();
    alice.write_state(format!("{OTHER_SECRET}\n\" HOTP_COUNTER 1\n"));
    let home = alice.read_state();
    let [system, file] = [SECRET, OTHER_SECRET].map(|secret| Secret::new(secret).counted(1));

    // This host keeps no system records yet.
    let absent = login(&machine, "store=system nullok", &file);
    assert_eq!(absent.result, DENIED);
    machine.log.expect_denied("alice", "no_records");

    alice.enrolment().hotp("token", SECRET).save();
    for line in ["", "nullok", "store=system"] {
        assert_eq!(
            login(&machine, line, &file).result,
            DENIED,
            "{line}: the home's does not count"
        );
    }
    assert_eq!(alice.read_state(), home);
    assert_eq!(login(&machine, "", &system).result, 0, "{}", machine.log);
    let next = Secret::new(SECRET).counted(2);
    assert_eq!(login(&machine, "store=home no_increment_hotp", &next).result, DENIED);
    assert_eq!(login(&machine, "store=system", &next).result, 0, "{}", machine.log);
    assert_eq!(login(&machine, "store=home", &file).result, 0, "{}", machine.log);
    assert_eq!(alice.counter("token"), Some(3));
}

#[test]
fn who_has_no_system_record_logs_in_as_ever() {
    let (machine, alice) = alone();
    machine.user("bob").enrolment().hotp("token", SECRET).save();
    let no_record = login(&machine, "store=system nullok", "123456");
    assert_ne!(no_record.result, 0, "nobody else says yes");
    assert!(machine.log.expect("ignored user=alice").contains(" reason=no_file "));
    alice.enrol("mfa-enroll", BY_COUNTER);
    assert_eq!(login(&machine, "", &alice.secret().counted(1)).result, 0, "{}", machine.log);
}

/// A host that is not root uses the homes' files; a system record it cannot read is no way round.
#[test]
fn a_host_without_root() {
    let (machine, alice) = alone();
    alice.enrol("mfa-enroll", BY_COUNTER);
    let secret = alice.secret();
    let host = Host::new(&machine, "auth required pam_mfa.so nullok");
    let enters = |code: &str| {
        let argv = host.argv("alice", &[Answer::Text(code)]);
        let argv: Vec<_> = argv.iter().map(String::as_str).collect();
        let output = alice.command(&argv).output().expect("setpriv is there");
        String::from_utf8_lossy(&output.stdout).ends_with("result 0\n")
    };
    machine.user("bob").enrolment().hotp("token", SECRET).save();
    assert!(enters(&secret.counted(1)), "she has no system record: {}", machine.log);

    alice.enrolment().hotp("token", SECRET).save();
    assert!(!enters(&secret.counted(2)) && !enters(&Secret::new(SECRET).counted(1)));
    machine.log.expect_denied("alice", "needs_root");

    // Where the record is hers, the directory of the states is still not.
    chown(alice.system().path(), Some(alice.id), None).expect("root may");
    assert!(!enters(&Secret::new(SECRET).counted(1)));
    machine.log.expect_denied("alice", "unreadable");
    assert_eq!(machine.log.count("ignored user="), 0, "{}", machine.log);
}

#[test]
fn a_directory_that_others_can_write_is_not_trusted() {
    let (machine, alice) = alone();
    alice.enrolment().hotp("token", SECRET).save();
    for dir in ["", "users", "state"] {
        let path = format!("{RECORDS}/{dir}");
        let mode = fs::metadata(&path).expect("just made").permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("root may");
        let line = denied(&machine, &Secret::new(SECRET).counted(1), "unsafe_path");
        assert!(line.contains(RECORDS), "{line}");
        fs::set_permissions(&path, mode).expect("root may");
    }
    assert_eq!(login(&machine, "", &Secret::new(SECRET).counted(1)).result, 0, "{}", machine.log);
}

#[test]
fn a_password_and_a_code_in_one_answer() {
    let (machine, alice) = alone();
    alice.enrolment().hotp("token", SECRET).save();
    let code = Secret::new(SECRET).counted(1);
    let stack = "forward_pass\nauth required pam_unix.so use_first_pass";
    assert_ne!(login(&machine, stack, &format!("no idea{code}")).result, 0);
    let code = Secret::new(SECRET).counted(2);
    assert_eq!(login(&machine, stack, &format!("{PASSWORD}{code}")).result, 0, "{}", machine.log);
}

/// What makes of the good record `$R` and its state `$S` one that does not count, and the reason.
const BAD_RECORDS: &[(&str, &str, &str)] = &[
    ("empty", ": >$R", "empty_file"),
    ("nul", "printf '\\0' >>$R", "holds_nul"),
    ("too-big", "yes '#' | head -c 65537 >>$R", "too_big"),
    ("no-toml", "echo nonsense >>$R", "bad_record"),
    ("no-text", "printf '\\377' >>$R", "bad_record"),
    ("cut-short", "truncate -s -20 $R", "bad_record"),
    ("unknown-key", "sed -i '1i colour = \"blue\"' $R", "bad_record"),
    ("key-below", "echo 'colour = \"blue\"' >>$R", "bad_record"),
    ("double-name", "sed -n '/credential/,$p' $R | sed 's/0000\"/0001\"/' >>$R", "bad_record"),
    ("double-id", "sed -n '/credential/,$p' $R | sed 's/token/phone/' >>$R", "bad_record"),
    ("short-secret", "sed -i 's/^secret.*/secret = \"MFRGG\"/' $R", "bad_record"),
    ("no-secret", "sed -i '/^secret/d' $R", "bad_record"),
    ("no-credential", "sed -i '/credential/,$d' $R", "bad_record"),
    ("of-another", "sed -i 's/^user.*/user = \"bob\"/' $R", "bad_record"),
    ("newer", "sed -i 's/^version.*/version = 2/' $R", "newer_record"),
    ("no-version", "sed -i '/^version/d' $R", "bad_record"),
    ("uid", "sed -i 's/^uid.*/uid = 7/' $R", "uid_changed"),
    ("fifo", "rm $R; mkfifo -m 600 $R", "not_regular"),
    ("directory", "rm $R; mkdir -m 700 $R", "not_regular"),
    ("link", "mv $R /root/record; ln -s /root/record $R", "symlink_loop"),
    ("dangling", "rm $R; ln -s nowhere $R", "symlink_loop"),
    ("owner", "chown 1 $R", "wrong_owner"),
    ("for-all", "chmod 644 $R", "wrong_mode"),
    ("state-gone", "rm $S", "no_state"),
    ("state-empty", ": >$S", "bad_state"),
    ("state-short", "truncate -s 8191 $S", "bad_state"),
    ("state-long", "truncate -s 8193 $S", "bad_state"),
    ("state-huge", "truncate -s 1G $S", "bad_state"),
    ("state-zeros", "truncate -s 0 $S; truncate -s 8192 $S", "bad_state"),
    ("both-torn", "tear 100; tear 4196", "bad_state"),
    ("headers-torn", "tear 20; tear 4116", "bad_state"),
    ("state-newer", "slot 'pam_mfa-state 2 4 10 ' 'future = 1'", "newer_state"),
    ("state-key", "slot 'pam_mfa-state 1 4 10 ' 'future = 1'", "bad_state"),
    ("state-fifo", "rm $S; mkfifo -m 600 $S", "not_regular"),
    ("state-link", "mv $S /root/state; ln -s /root/state $S", "symlink_loop"),
    ("state-owner", "chown 1 $S", "wrong_owner"),
    ("state-mode", "chmod 644 $S", "wrong_mode"),
];

/// What they are made with: one byte of `$S` is lost, or its first slot is written anew.
const MEANS: &str = r#"
    umask 077
    tear() { dd if=/dev/zero of=$S bs=1 seek=$1 count=1 conv=notrunc; }
    slot() {
        sum=$(printf %s "$1$2" | sha256sum)
        (printf '%s\n%s' "$1${sum%% *}" "$2"; cat /dev/zero) | head -c 4096 | dd of=$S conv=notrunc
    }
"#;

/// Everything in the directory of the records, to compare.
fn look() -> String {
    let listed = "cd /var/lib/pam_mfa; find . -printf '%p %y %m %U %s %T@ %i %l\\n' | sort; \
                  find . -type f -size -1M -exec sha256sum {} +";
    run(&["sh", "-ec", listed])
}

#[test]
fn records_that_do_not_count() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so nullok");
    let code = Secret::new(SECRET).counted(1);
    for (name, spoil, reason) in BAD_RECORDS {
        let user = machine.user(name);
        // A home file would let this code in.
        user.write_state(format!("{SECRET}\n\" HOTP_COUNTER 1\n"));
        user.enrolment().hotp("token", SECRET).save();
        let files = format!("R={RECORDS}/users/{name}.toml; S={RECORDS}/state/{name}");
        run(&["sh", "-ec", &format!("{MEANS}{files}; rm -f /root/*; {spoil}")]);
        let before = look();
        let seen = host.authenticate(name, &[Answer::Text(&code)]);
        assert_eq!((seen.result, &seen.prompts[..]), (DENIED, &[CODE.to_owned()][..]), "{name}");
        assert!(seen.changed.is_empty() && seen.errors.is_empty(), "{name}: {seen:?}");
        assert!(seen.took < Duration::from_secs(1), "{name}: took {:?}", seen.took);
        let line = machine.log.expect_denied(name, reason);
        assert_eq!(look(), before, "{name}");
        let mends = [("bad_record", "see mfactl check "), ("_state", "see mfactl state init ")];
        let mend =
            mends.iter().find(|(kind, _)| reason.ends_with(kind) && *reason != "newer_state");
        let is_told = mend.is_none_or(|(_, mend)| line.contains(&format!("{mend}{name}")));
        assert!(is_told, "{name}: {mend:?}: {line}");
        assert_eq!(machine.log.count(&format!("user={name} ")), 1, "{name}: {}", machine.log);
    }
}

#[test]
fn one_torn_slot_is_no_damage() {
    let (machine, alice) = alone();
    for torn in ["tear 100", "tear 4196"] {
        alice.enrolment().hotp("token", SECRET).save();
        let files = format!("S={RECORDS}/state/alice");
        run(&["sh", "-ec", &format!("{MEANS}{files}; {torn}")]);
        for counter in [1, 2] {
            let code = Secret::new(SECRET).counted(counter);
            assert_eq!(login(&machine, "", &code).result, 0, "{torn}: {}", machine.log);
        }
        assert_eq!(alice.counter("token"), Some(3));
        for file in [alice.system().path(), alice.system().state_path()] {
            fs::remove_file(file).expect("it is there");
        }
    }
}

/// A write beyond the limit raises SIGXFSZ, which ends a process.
#[test]
fn a_host_whose_files_may_not_be_large_is_not_killed() {
    let (machine, alice) = alone();
    alice.enrolment().hotp("token", SECRET).save();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let code = Secret::new(SECRET).counted(1);
    let argv = host.argv("alice", &[Answer::Text(&code)]);
    for (most, result) in [(1, DENIED), (4096, DENIED), (8191, DENIED), (8192, 0)] {
        let before = alice.used();
        let output = Command::new("prlimit")
            .args([&format!("--fsize={most}"), "--"])
            .args(&argv)
            .output()
            .expect("util-linux is there");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with(&format!("result {result}\n")), "{most}: {output:?}");
        assert_eq!(alice.used() == before, result != 0, "{most}");
    }
    let line = machine.log.expect_denied("alice", "cannot_write");
    assert!(line.contains("File too large"), "{line}");
}
