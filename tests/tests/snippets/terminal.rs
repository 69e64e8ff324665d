//! sudo, su and login, of Debian and as Fedora has them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sandbox::{CODE, Dialogue, Machine, PASSWORD, Snippet};

use super::{a_code_counts_once, doctor, enrolled, nothing};

/// Beside what Debian's package says: each login is asked for.
const SUDOERS: &str = "
Defaults !lecture, passwd_tries=1, timestamp_timeout=0
root ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) ALL
";

/// The stacks that Fedora's services include, as authselect's local profile makes them.
const SYSTEM_AUTH: &str = "
auth     required    pam_env.so
auth     sufficient  pam_unix.so nullok
auth     required    pam_deny.so
account  required    pam_unix.so
password required    pam_deny.so
session  required    pam_unix.so
";

const SUDO_OF_FEDORA: &str = "#%PAM-1.0
auth       include      system-auth
account    include      system-auth
password   include      system-auth
session    include      system-auth
";

const SU_OF_FEDORA: &str = "#%PAM-1.0
auth       sufficient   pam_rootok.so
auth       substack     system-auth
auth       include      postlogin
account    sufficient   pam_succeed_if.so uid = 0 use_uid quiet
account    include      system-auth
session    include      system-auth
session    include      postlogin
";

/// The answers to a password and a code; whether `sign` is on the screen then.
#[track_caller]
fn answers(mut login: Dialogue, password: &str, code: &str, sign: &str) -> bool {
    login.answer(password, PASSWORD);
    login.answer(CODE, code);
    login.ends() && login.shows(sign)
}

#[test]
fn sudo() {
    let machine = Machine::with_stacks();
    let (alice, secret) = enrolled(&machine, "alice");
    sudoers();
    let mut snippet = Snippet::of(&["sudo"]);
    snippet.apply(nothing);
    doctor("sudo");
    let sudo = |words: &[&str], code: &str| {
        let login = machine.terminal(&alice.command(&[&["sudo"], words].concat()));
        answers(login, "password for alice: ", code, "root")
    };
    a_code_counts_once(&machine, &secret, |code| sudo(&["id", "-un"], code));
    assert!(sudo(&["-i", "id", "-un"], &secret.code_beside(1)), "{}", machine.log);
    snippet.undo(nothing);
    without_code(machine.terminal(&alice.command(&["sudo", "id", "-un"])), "password for alice: ");
}

#[test]
fn sudo_and_su_of_fedora() {
    let machine = Machine::new();
    let (alice, _) = enrolled(&machine, "alice");
    let (_bob, secret) = enrolled(&machine, "bob");
    machine.full_stack("system-auth", SYSTEM_AUTH);
    machine.full_stack("postlogin", "");
    machine.full_stack("sudo", SUDO_OF_FEDORA);
    machine.full_stack("su", SU_OF_FEDORA);
    sudoers();
    let snippets = ["sudo", "su"].map(|service| {
        let mut snippet = Snippet::of(&[service, "--distro", "fedora"]);
        snippet.apply(nothing);
        doctor(service);
        snippet
    });
    a_code_counts_once(&machine, &alice.secret(), |code| {
        let login = machine.terminal(&alice.command(&["sudo", "id", "-un"]));
        answers(login, "password for alice: ", code, "root")
    });
    a_code_counts_once(&machine, &secret, |code| {
        let login = machine.terminal(&alice.command(&["su", "bob", "-c", "echo now $(id -un)"]));
        answers(login, "Password: ", code, "now bob")
    });
    for snippet in snippets {
        snippet.undo(nothing);
    }
}

#[test]
fn su() {
    let machine = Machine::with_stacks();
    let alice = machine.user("alice");
    let (_bob, secret) = enrolled(&machine, "bob");
    let mut snippet = Snippet::of(&["su"]);
    snippet.apply(nothing);
    doctor("su");
    let enters = |words: &[&str], code: &str| {
        let su = alice.command(&[words, &["-c", "echo now $(id -un)"]].concat());
        answers(machine.terminal(&su), "Password: ", code, "now bob")
    };
    a_code_counts_once(&machine, &secret, |code| enters(&["su", "bob"], code));
    assert!(enters(&["su", "-", "bob"], &secret.code_beside(1)), "{}", machine.log);
    let mut by_root =
        machine.terminal(Command::new("su").args(["bob", "-c", "echo now $(id -un)"]));
    by_root.expect("now bob");
    assert!(by_root.ends() && !by_root.shows(CODE));
    snippet.undo(nothing);
    without_code(machine.terminal(&alice.command(&["su", "bob", "-c", "true"])), "Password: ");
}

#[test]
fn login() {
    let machine = Machine::with_stacks();
    let (_alice, secret) = enrolled(&machine, "alice");
    let mut snippet = Snippet::of(&["login"]);
    snippet.apply(nothing);
    doctor("login");
    a_code_counts_once(&machine, &secret, |code| {
        let mut login = machine.terminal(&Command::new("login"));
        login.answer(" login: ", "alice");
        login.answer("Password: ", PASSWORD);
        login.answer(CODE, code);
        let is_in = login.expect_one_of(&["$ ", "Login incorrect"]) == 0;
        if is_in {
            login.answer("", "echo in as $USER; exit");
            login.expect("in as alice");
        }
        is_in
    });
    snippet.undo(nothing);
}

pub fn sudoers() {
    fs::write("/etc/sudoers", SUDOERS).expect("our own /etc");
    fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).expect("just written");
}

/// A login that is as it was before.
#[track_caller]
fn without_code(mut login: Dialogue, password: &str) {
    login.answer(password, PASSWORD);
    assert!(login.ends() && !login.shows(CODE), "{}", login.screen());
}
