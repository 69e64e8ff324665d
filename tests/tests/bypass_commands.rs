//! `mfactl bypass` as administrators run it: at a terminal, several at once, and where it is killed or
//! something fails at every step.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use sandbox::strace::{Call, calls, inject};
use sandbox::{Dialogue, Machine, run};

const FILE: &str = "/etc/pam_mfa/bypass.toml";

/// What somebody has written by hand.
const BY_HAND: &str = "\
# Kept by netops.

# Berlin
[[bypass]]
id = \"b1\"
network = \"203.0.113.0/28\" # the VPN
reason = \"Berlin VPN\"

# Paris, until the lease is over
[[bypass]]
id = \"b2\"
network = \"198.51.100.0/24\"
reason = \"Paris\"
expires = 2020-01-01
";

fn write(text: &str) {
    fs::create_dir_all("/etc/pam_mfa").expect("our own /etc");
    fs::write(FILE, text).expect("our own /etc");
}

fn text() -> String {
    fs::read_to_string(FILE).expect("it is there")
}

/// Root at a terminal types this line, and wants no colours.
fn types(machine: &Machine, line: &str) -> Dialogue {
    machine.terminal(Command::new("sh").args(["-c", line]).env("NO_COLOR", "1"))
}

/// What the terminal shows of a command that does what it is told, without carriage returns.
#[track_caller]
fn shown(machine: &Machine, line: &str) -> String {
    let mut dialogue = types(machine, line);
    assert!(dialogue.ends(), "{line}: {}", dialogue.screen());
    dialogue.screen().replace('\r', "")
}

#[test]
fn an_entry_from_its_first_day_to_its_last() {
    let machine = Machine::new();
    assert_eq!(
        shown(&machine, "mfactl bypass list"),
        "id  network  services  state  expires  owner  reason\n"
    );
    assert!(!Path::new("/etc/pam_mfa").exists());

    let added = shown(
        &machine,
        "umask 077; mfactl bypass add 203.0.113.0/28 --reason 'Berlin VPN' --services sshd,sudo",
    );
    let (id, terms) = added.split_once(": ").expect("an id and its terms");
    assert_eq!(terms, "203.0.113.0/28, services: sshd,sudo, expires: never.\n");
    machine.log.expect(&format!("changed id={id} what=bypass before=\"\" after=\"network:203.0."));
    for (path, mode) in [("/etc/pam_mfa", 0o755), (FILE, 0o644)] {
        let stat = fs::metadata(path).expect("just made");
        assert_eq!((stat.uid(), stat.permissions().mode() & 0o7777), (0, mode), "{path}");
    }

    let listed = shown(&machine, "mfactl bypass list");
    assert!(listed.contains("203.0.113.0/28  sshd,sudo  active  never    root   Berlin VPN\n"));
    let set = shown(&machine, &format!("mfactl bypass set {id} --expires 30d --owner netops"));
    assert!(set.starts_with(&format!("{id}: 203.0.113.0/28, services: sshd,sudo, expires: 20")));
    machine
        .log
        .expect("services:sshd,sudo\\x20expires:never\\x20owner:root\\x20reason:Berlin\\x20VPN");
    let entry = shown(&machine, &format!("mfactl bypass show {id}"));
    assert!(entry.contains("\nowner     netops\n"), "{entry}");
    assert!(entry.ends_with(&format!("\nfile      {FILE}:1\n")), "{entry}");
    let warned = shown(&machine, "mfactl bypass add 127.0.0.0/8 --reason 'a proxy'");
    assert!(warned.contains("\nwarning: 127.0.0.0/8 holds for this host itself"), "{warned}");

    let removed = shown(&machine, &format!("mfactl bypass remove {id}"));
    assert_eq!(removed, format!("{id}, 203.0.113.0/28, is removed.\n"));
    let gone = machine.log.expect("reason:Berlin\\x20VPN\" after=\"\" uid=0");
    assert!(gone.contains(&format!("changed id={id} what=bypass before=")), "{gone}");
    let mut again = types(&machine, &format!("mfactl bypass remove {id}"));
    again.expect("mfactl: no entry has the id");
    assert!(!again.ends());
}

#[test]
fn what_is_refused_and_by_which_exit_code() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    write(BY_HAND);
    for (line, code, why) in [
        ("add vpn.example.org --reason x", 2, "not an address or a network"),
        ("add 203.0.113.7/28 --reason x", 2, "its network, which is 203.0.113.0/28"),
        ("add ::ffff:203.0.113.0/124 --reason x", 2, "write 203.0.113.0/28"),
        ("add 203.0.113.0/28", 2, "--reason"),
        ("add 0.0.0.0/0 --reason x", 1, "mfactl: 0.0.0.0/0 is wider than /8"),
        ("add 2000::/3 --reason x", 1, "mfactl: 2000::/3 is wider than /16"),
        ("set b1 --expires 2020-01-01", 1, "mfactl: 2020-01-01 has begun"),
        ("show b9", 1, "mfactl: no entry has the id \"b9\""),
    ] {
        let mut dialogue = types(&machine, &format!("mfactl bypass {line}; echo exit=$?"));
        dialogue.expect(why);
        dialogue.expect(&format!("exit={code}"));
    }
    for line in ["list", "show b1", "add 192.0.2.1 --reason x", "set b1 --reason x", "remove b1"] {
        let argv: Vec<_> =
            ["/usr/sbin/mfactl", "bypass"].into_iter().chain(line.split(' ')).collect();
        let mut dialogue = machine.terminal(&alice.command(&argv));
        dialogue.expect("mfactl: only root may do this");
        assert!(!dialogue.ends());
    }
    assert_eq!(text(), BY_HAND);
    write(&BY_HAND.replace("\"b2\"", "\"b1\""));
    let broken = text();
    let mut dialogue = types(&machine, "mfactl bypass add 192.0.2.1 --reason x");
    dialogue.expect(&format!("mfactl: {FILE}:10:1: another entry has the id b1"));
    assert!(!dialogue.ends());
    assert_eq!((text(), machine.log.count("what=bypass")), (broken, 0));
}

#[test]
fn eight_at_once_lose_nothing() {
    let machine = Machine::new();
    write(BY_HAND);
    let add = |n: u8| {
        let network = format!("192.0.2.{n}");
        let argv = ["bypass", "add", &network, "--reason", "a race"];
        Command::new("mfactl").args(argv).stdout(Stdio::null()).spawn().expect("it is installed")
    };
    for round in 0..5 {
        let children: Vec<_> = (0..8).map(|n| add(round * 8 + n)).collect();
        for mut child in children {
            assert!(child.wait().expect("our own child").success());
        }
    }
    assert!(text().starts_with(BY_HAND));
    let listed = run(&["mfactl", "bypass", "list"]);
    for n in 0..40 {
        assert_eq!(listed.matches(&format!(" 192.0.2.{n} ")).count(), 1, "{listed}");
    }
    assert_eq!((listed.lines().count(), machine.log.count("what=bypass")), (43, 40));
}

#[test]
fn killed_or_failing_at_every_step() {
    let _machine = Machine::new();
    for (command, before) in [
        ("add 192.0.2.1 --reason x", None),
        ("set b1 --reason x", Some(BY_HAND)),
        ("remove b1", Some(BY_HAND)),
    ] {
        let line = format!("mfactl bypass {command}");
        let argv: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let reset = || {
            run(&["rm", "-rf", "/etc/pam_mfa", "/run/pam_mfa"]);
            before.inspect(|text| write(text));
        };
        reset();
        let calls = calls(&argv, "/run/pam_mfa", "what=bypass");
        let writes = ["mkdir", "write", "fsync", "rename"];
        let is_write = |call: &&Call| writes.iter().any(|name| call.name.starts_with(name));
        assert!(calls.iter().filter(is_write).count() >= 4, "{calls:?}");
        let after = text();
        let killed = calls.iter().map(|call| (call, "signal=SIGKILL"));
        let failing = calls.iter().filter(is_write).map(|call| (call, "error=EIO"));
        for (call, fault) in killed.chain(failing) {
            reset();
            inject(&argv, call, fault);
            let case = format!("{line}, {fault} at {call:?}");
            let left = fs::read_to_string(FILE).ok();
            if left.as_deref() != before {
                let left = left.unwrap_or_else(|| panic!("{case}: no list"));
                assert!(same(&left, &after), "{case}: {left}");
            }
            run(&["mfactl", "bypass", "add", "192.0.2.2", "--reason", "y"]);
            assert!(text().contains("192.0.2.2"), "{case}");
            assert_eq!(run(&["ls", "/etc/pam_mfa"]), "bypass.toml", "{case}");
        }
    }
}

/// Whether two lists are the same but for the id and the time that `add` has given.
fn same(one: &str, other: &str) -> bool {
    let changing = ["id = ", "created = "];
    let lines = |text: &str| -> Vec<_> {
        let kept = text.lines().filter(|line| !changing.iter().any(|key| line.starts_with(key)));
        kept.map(str::to_owned).collect()
    };
    one.lines().count() == other.lines().count() && lines(one) == lines(other)
}
