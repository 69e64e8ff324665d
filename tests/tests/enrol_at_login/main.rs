//! Who has not enrolled does so while logging in, with an app that reads the screen.

mod camera;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::mount::{MsFlags, mount};
use sandbox::strace::{calls, inject};
use sandbox::{
    Answer, BY_TIME, CODE, Circumstances, Conversation, DENIED, Dialogue, Host, Machine, PASSWORD,
    RECORDS, SECRET, Secret, Sshd, Then, User, run,
};

use camera::scan;

const LINE: &str = "auth required pam_mfa.so enroll account=yes\naccount required pam_mfa.so";
const BY_TICKET: &str =
    "auth required pam_mfa.so enroll=ticket account=yes\naccount required pam_mfa.so";
const WHAT_PAM_ASKS: &str = "AuthenticationMethods keyboard-interactive";
const APP: &str = "Code from the app: ";
const TICKET: &str = "Enrolment ticket: ";

/// What PAM returns to whoever is denied in account, `PAM_PERM_DENIED`.
const REFUSED: i32 = 6;

/// A machine that keeps records, and alice on it, who has none.
fn fresh() -> (Machine, User) {
    let machine = Machine::new();
    make_records();
    let alice = machine.user("alice");
    (machine, alice)
}

fn make_records() {
    for (dir, mode) in [("", 0o755), ("/users", 0o711), ("/state", 0o700)] {
        let path = format!("{RECORDS}{dir}");
        if !Path::new(&path).exists() {
            fs::create_dir(&path).expect("our own /var/lib");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("root may");
    }
}

/// All that is in the records' directory, files alone.
fn records() -> Vec<String> {
    let files = run(&["find", RECORDS, "-type", "f", "-printf", "%P\n"]);
    let mut files: Vec<_> = files.lines().map(str::to_owned).collect();
    files.sort();
    files
}

fn ticket(options: &[&str]) -> String {
    let said = run(&[&["mfactl", "ticket", "alice"], options].concat());
    said.lines().last().expect("two lines").trim().to_owned()
}

/// One login by the application of our own, and what follows.
fn go(host: &Host, answers: &[Answer], then: &[Then]) -> Conversation {
    host.begin_under("alice", answers, &Circumstances::default().then(then)).end()
}

/// What the app has once it has scanned the screen, on which the same secret stands as text.
#[track_caller]
fn scanned(login: &mut Dialogue, user: &str) -> Secret {
    login.expect(APP);
    let screen = login.screen();
    let uri = scan(&screen);
    let (head, secret) = uri.split_once("?secret=").expect("an otpauth URI");
    assert!(head.starts_with(&format!("otpauth://totp/{user}@")), "{uri}");
    let (_, text) = screen.rsplit_once("\nKey: ").expect("the secret as text");
    let text = text.lines().next().expect("a line").replace(' ', "");
    assert_eq!((secret, secret.len()), (text.trim(), 32), "{screen}");
    Secret::new(secret)
}

fn enrols_over_ssh(locale: &str, sees_half_blocks: bool) {
    let (machine, alice) = fresh();
    machine.stack("sshd", LINE);
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let login = || sshd.login_in(locale, "alice", &[], "echo in as $USER");

    let mut first = login();
    if !sees_half_blocks {
        first.expect("If that is no picture, press Enter.");
        first.answer(APP, "");
    }
    let secret = scanned(&mut first, "alice");
    assert_eq!(first.shows("\u{2580}"), sees_half_blocks);
    let code = secret.code();
    first.type_line(&code);
    first.expect("You are enrolled.");
    first.expect("in as alice");
    assert!(first.ends());
    assert!(machine.log.expect("confirmed user=alice").contains("pam_mfa(sshd:auth): "));
    assert!(machine.log.expect("enrolled user=alice").contains("pam_mfa(sshd:account): "));
    assert_eq!(records(), ["state/alice", "users/alice.toml"]);
    for file in records() {
        let file = fs::metadata(format!("{RECORDS}/{file}")).expect("just seen");
        assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (0, 0, 0o600));
    }
    assert!(alice.files().is_empty());

    let mut again = login();
    again.answer(CODE, &code);
    again.expect("That code has been used");
    assert!(!again.ends());
    let mut next = login();
    next.answer(CODE, &secret.code_beside(1));
    next.expect("in as alice");
    assert!(next.ends());
    assert!(machine.log.expect("accepted user=alice").contains(" credential=phone "));
    assert_eq!(sshd.errors(), "");
}

#[test]
fn from_half_blocks_over_ssh() {
    enrols_over_ssh("C.UTF-8", true);
}

#[test]
fn from_number_signs_over_ssh_without_utf_8() {
    enrols_over_ssh("C", false);
}

#[test]
fn at_su_and_at_sudo() {
    let (machine, alice) = fresh();
    machine.stack("su", LINE);
    machine.stack("sudo", LINE);
    machine.user("bob");
    fs::write("/etc/sudoers", "Defaults !lecture\nalice ALL=(ALL:ALL) ALL\n")
        .expect("our own /etc");
    fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).expect("just written");

    for (argv, who, said) in [
        (&["su", "bob", "-c", "echo now $(id -un)"][..], "bob", "now bob"),
        (&["sudo", "echo", "now", "root"], "alice", "now root"),
    ] {
        let mut terminal = machine.terminal(&alice.command(argv));
        let secret = scanned(&mut terminal, who);
        terminal.type_line(&secret.code());
        terminal.expect("You are enrolled.");
        terminal.expect(said);
        assert!(terminal.ends());
        machine.log.expect(&format!("enrolled user={who}"));
    }
    assert_eq!(records().len(), 4);
}

#[test]
fn a_wrong_password_before_us_leaves_no_record() {
    let (machine, _alice) = fresh();
    machine.stack("sshd", &format!("auth required pam_unix.so\n{LINE}"));
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    for (password, enters) in [("wrong", false), (PASSWORD, true)] {
        let mut login = sshd.login_in("C.UTF-8", "alice", &[], "echo in as $USER");
        login.answer("Password: ", password);
        let code = scanned(&mut login, "alice").code();
        login.type_line(&code);
        assert_eq!(login.ends(), enters);
        assert_eq!(records().len(), if enters { 2 } else { 0 }, "{}", machine.log);
    }
    assert_eq!(machine.log.count("confirmed user=alice"), 2);
    assert_eq!(machine.log.count("enrolled user=alice"), 1);
}

#[test]
fn who_hangs_up_has_enrolled_nothing() {
    let (machine, _alice) = fresh();
    machine.stack("sshd", LINE);
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut login = sshd.login("alice", &[], "true");
        login.expect("Key: ");
        keys.push(login.read_line());
        login.expect(APP);
        assert!(!login.interrupt());
        assert!(records().is_empty(), "{:?}", records());
    }
    assert_ne!(keys[0], keys[1], "each is offered a secret of its own");
    assert_eq!(sshd.errors(), "");
}

#[test]
fn whoever_has_enrolled_is_asked_for_a_code() {
    let (machine, alice) = fresh();
    let host = Host::new(&machine, LINE);
    alice.enrol("mfa-enroll", BY_TIME);
    let code = alice.secret().code();
    let seen = go(&host, &[Answer::Text(&code)], &[Then::Account]);
    assert_eq!((seen.result, &seen.prompts[..]), (0, &[CODE.to_owned()][..]));
    assert!(records().is_empty());

    // A home that cannot be looked into, or is not there, tells nothing.
    fs::set_permissions(alice.state(), fs::Permissions::from_mode(0o644)).expect("root may");
    let seen = go(&host, &[Answer::App], &[]);
    assert_eq!((seen.result, seen.messages.len()), (DENIED, 0));
    machine.log.expect_denied("alice", "wrong_mode");
    fs::remove_dir_all(&alice.home).expect("root may");
    let seen = go(&host, &[Answer::App], &[]);
    assert_eq!((seen.result, seen.messages.len()), (DENIED, 0));
    machine.log.expect_denied("alice", "no_directory");
}

#[test]
fn a_host_without_records_enrols_nobody() {
    let machine = Machine::new();
    machine.user("alice");
    let host = Host::new(&machine, LINE);
    let seen = go(&host, &[Answer::App], &[]);
    assert_eq!((seen.result, seen.prompts.len(), seen.messages.len()), (DENIED, 0, 0));
    machine.log.expect_denied("alice", "no_records");
}

#[test]
fn whoever_may_not_write_records_enrols_nobody() {
    let (machine, alice) = fresh();
    let host = Host::new(&machine, LINE);
    let argv = host.argv("alice", &[Answer::App]);
    let argv: Vec<_> = argv.iter().map(String::as_str).collect();
    let output = alice.command(&argv).output().expect("setpriv is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("result {DENIED}\n")) && !said.contains("prompt "), "{said}");
    machine.log.expect_denied("alice", "needs_root");
}

#[test]
fn once_and_only_for_whoever_is_let_in() {
    let (machine, _alice) = fresh();
    machine.user("bob");
    let host = Host::new(&machine, LINE);
    let app = [Answer::App];
    let seen = go(&host, &app, &[]);
    assert_eq!((seen.result, records().len()), (0, 0), "account was never called");
    let bob = Then::User("bob".to_owned());
    let seen = go(&host, &app, &[bob, Then::Account]);
    assert_eq!((seen.account, records().len()), (vec![REFUSED], 0));
    machine.log.expect_denied("bob", "other_user");
    let seen = go(&host, &app, &[Then::Fork, Then::Account, Then::Account]);
    assert_eq!((seen.account, records().len()), (vec![0, 0], 2), "{}", machine.log);
    assert!(seen.changed.is_empty(), "{:?}", seen.changed);
    assert_eq!(machine.log.count("enrolled user=alice"), 1);
}

#[test]
fn a_full_disk_lets_nobody_in_and_says_so() {
    let (machine, _alice) = fresh();
    let host = Host::new(&machine, LINE);
    mount(Some("records"), RECORDS, Some("tmpfs"), MsFlags::empty(), Some("size=64k,mode=0755"))
        .expect("root may");
    make_records();
    let filled = fs::write("/var/lib/pam_mfa/full", vec![0; 1 << 20]);
    assert!(filled.is_err(), "64 KiB hold no megabyte");
    let seen = go(&host, &[Answer::App], &[Then::Account]);
    assert_eq!((seen.result, seen.account), (0, vec![REFUSED]), "{}", machine.log);
    assert!(seen.messages.iter().any(|said| said.starts_with("The enrolment could not be kept")));
    assert!(!Path::new("/var/lib/pam_mfa/users/alice.toml").exists());
    machine.log.expect_denied("alice", "cannot_write");

    fs::remove_file("/var/lib/pam_mfa/full").expect("just written");
    let seen = go(&host, &[Answer::App], &[Then::Account]);
    assert_eq!(seen.account, [0], "{}", machine.log);
}

/// Two logins, both confirmed before either is written.
fn together(machine: &Machine, host: &Host, answers: &[Answer]) {
    let go = "/run/go";
    let then = [Then::Until(go.to_owned()), Then::Account];
    let both =
        [(); 2].map(|()| host.begin_under("alice", answers, &Circumstances::default().then(&then)));
    machine.log.expect_times(2, "confirmed user=alice");
    fs::write(go, "").expect("our own /run");
    let mut results: Vec<_> = both.map(|begun| begun.end().account).concat();
    results.sort_unstable();
    assert_eq!(results, [0, REFUSED], "{}", machine.log);
    machine.log.expect_denied("alice", "changed");
    assert_eq!(records(), ["state/alice", "users/alice.toml"]);
}

#[test]
fn of_two_at_once_one_is_enrolled() {
    let (machine, _alice) = fresh();
    together(&machine, &Host::new(&machine, LINE), &[Answer::App]);
}

#[test]
fn of_two_with_one_ticket_one_is_enrolled() {
    let (machine, _alice) = fresh();
    let ticket = ticket(&[]);
    together(&machine, &Host::new(&machine, BY_TICKET), &[Answer::Text(&ticket), Answer::App]);
}

#[test]
fn a_ticket_over_ssh() {
    let machine = Machine::new();
    machine.user("alice");
    let good = ticket(&[]);
    let line = machine.log.expect("changed user=alice what=ticket before=\"\" after=20");
    assert!(line.starts_with("<85>") && !line.contains(&good), "{line}");
    assert_eq!(run(&["stat", "--format=%U %a", "/var/lib/pam_mfa/users/alice.ticket"]), "root 600");
    machine.stack("sshd", BY_TICKET);
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    let login = || sshd.login_in("C.UTF-8", "alice", &[], "echo in as $USER");

    let mut wrong = login();
    wrong.answer(TICKET, "k7qf-2m9x-hw4d");
    assert!(!wrong.ends() && !wrong.shows("Key: "));
    machine.log.expect_denied("alice", "bad_ticket");

    let mut right = login();
    right.answer(TICKET, &good.to_uppercase());
    let secret = scanned(&mut right, "alice");
    right.type_line(&secret.code());
    right.expect("in as alice");
    assert!(right.ends());
    assert_eq!(records(), ["state/alice", "users/alice.toml"], "the ticket is spent");
}

#[test]
fn a_ticket_is_good_for_a_while_and_once() {
    let (machine, _alice) = fresh();
    let host = Host::new(&machine, BY_TICKET);
    let short = ticket(&["--ttl", "1m"]);
    let now = run(&["date", "+%s"]).parse::<u64>().expect("a number");
    let late = Circumstances { now: Some(now + 61), ..Circumstances::default() };
    let answers = [Answer::Text(&short), Answer::App];
    let seen = host.begin_under("alice", &answers, &late).end();
    assert_eq!((seen.result, seen.messages.len()), (DENIED, 0));
    machine.log.expect_denied("alice", "expired");

    // A login that was given up has not spent it.
    assert_eq!(go(&host, &answers, &[]).result, 0);
    assert_eq!(go(&host, &answers, &[Then::Account]).account, [0]);
    fs::remove_file("/var/lib/pam_mfa/users/alice.toml").expect("enrolled");
    let seen = go(&host, &answers, &[Then::Account]);
    assert_eq!((seen.result, seen.messages.len()), (DENIED, 0), "it has been spent");
    machine.log.expect_denied("alice", "bad_ticket");
}

#[test]
fn killed_at_every_step_it_is_done_or_can_be_done_again() {
    let (machine, alice) = fresh();
    let host = Host::new(&machine, BY_TICKET);
    let reset = || {
        fs::remove_dir_all(RECORDS).expect("our own /var/lib");
        make_records();
        ticket(&[])
    };
    let argv = |ticket: &str| {
        let host = host.argv("alice", &[Answer::Text(ticket), Answer::App]);
        [vec!["env".to_owned(), "THEN=account".to_owned()], host].concat()
    };
    let calls = calls(&argv(&reset()), RECORDS, "/proc/self/status");
    let names = ["write", "pwrite64", "fsync", "fdatasync", "fchmod", "renameat", "unlinkat"];
    let lasting: Vec<_> =
        calls.into_iter().filter(|call| names.contains(&call.name.as_str())).collect();
    assert!(lasting.len() > 8, "{lasting:?}");
    let (path, spent) = (alice.system().path(), format!("{RECORDS}/users/alice.ticket"));
    let mut done = 0;
    for call in lasting {
        inject(&argv(&reset()), &call, "signal=SIGKILL");
        if path.exists() {
            done += 1;
            assert!(!Path::new(&spent).exists(), "{call:?}: the ticket is still good");
        } else {
            let ticket = ticket(&[]);
            let seen = go(&host, &[Answer::Text(&ticket), Answer::App], &[Then::Account]);
            assert_eq!(seen.account, [0], "{call:?}: {}", machine.log);
        }
        assert_eq!(records(), ["state/alice", "users/alice.toml"], "{call:?}");
        assert_eq!(run(&["mfactl", "check"]), "1 record, no mistakes.", "{call:?}");
    }
    assert!(done > 0, "the last step comes after the record");
}

#[test]
fn who_has_few_recovery_codes_left_hears_of_it() {
    let (machine, alice) = fresh();
    machine.stack("sshd", LINE);
    let codes = ["k7qf-2m9x-hw4d", "zzzz-zzzz-zzzz", "019a-hjmp-vwza"].map(str::to_owned);
    alice.enrolment().totp("phone", SECRET).recovery_codes(&codes).save();
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    for (answer, said) in [
        (Secret::new(SECRET).code(), None),
        (codes[0].clone(), Some("2 recovery codes are left; ask the administrator for new ones")),
        (codes[2].to_uppercase(), Some("1 recovery code is left; ask the administrator")),
    ] {
        let mut login = sshd.login("alice", &[], "echo in as $USER");
        login.answer(CODE, &answer);
        login.expect("in as alice");
        assert!(login.ends());
        assert_eq!(login.shows("recovery code"), said.is_some());
        assert!(said.is_none_or(|said| login.shows(said)), "{}", login.screen());
    }
}
