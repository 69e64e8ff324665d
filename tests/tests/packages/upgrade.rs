//! An upgrade while people log in.

use std::fs;
use std::path::Path;

use sandbox::{CODE, Machine, PASSWORD, RECORDS, SECRET, Secret, Sshd, run};

use crate::apt::{apt_get, built, deb, version};
use crate::files::Files;
use crate::{WHAT_PAM_ASKS, enters};

/// Of nothing that has been released: older than whatever is built here.
const OLDER: &str = "0.0.1-1";

/// The package that was built, as if it were of the version [`OLDER`]: nothing has been released yet. Returns its file.
fn older(package: &str) -> String {
    let unpacked = Path::new("/tmp").join(package);
    let control = unpacked.join("DEBIAN/control");
    let [unpacked, into] =
        [&*unpacked, Path::new("/tmp/older")].map(|path| path.display().to_string());
    fs::create_dir_all(&into).expect("our own root");
    run(&["dpkg-deb", "--raw-extract", &built(package), &unpacked]);
    let text = fs::read_to_string(&control).expect("every package has one");
    let newer = text.lines().find_map(|line| line.strip_prefix("Version: ")).expect("it has one");
    fs::write(&control, text.replace(newer, OLDER)).expect("our own root");
    run(&["dpkg-deb", "--build", &unpacked, &into]);
    deb(&into, package)
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn records_and_what_was_used_are_kept() {
    let machine = Machine::of_packages();
    let alice = machine.user("alice");
    let sshd = Sshd::start(&machine, WHAT_PAM_ASKS);
    apt_get("install", &[&older("libpam-mfa"), &older("libpam-mfa-fido")]);
    assert_eq!(version("libpam-mfa").as_deref(), Some(OLDER));
    run(&["pam-auth-update", "--enable", "mfa"]);
    alice.enrolment().hotp("token", SECRET).save();
    let token = Secret::new(SECRET);
    assert!(enters(&sshd, "alice", Some(&token.counted(1))), "{}", machine.log);

    let [records, stacks] = [RECORDS, "/etc/pam.d"].map(Files::below);
    let mut meanwhile = sshd.login("alice", &[], "echo in as $USER");
    meanwhile.answer("Password: ", PASSWORD);
    meanwhile.expect(CODE);
    apt_get("install", &[&built("libpam-mfa"), &built("libpam-mfa-fido")]);
    assert_ne!(version("libpam-mfa").as_deref(), Some(OLDER));
    assert!(Files::below(RECORDS).changed_since(&records).is_empty());
    assert!(Files::below("/etc/pam.d").changed_since(&stacks).is_empty());
    meanwhile.type_line(&token.counted(2));
    meanwhile.expect("in as alice");
    assert!(meanwhile.ends());

    assert!(!enters(&sshd, "alice", Some(&token.counted(2))), "it was used before");
    assert!(enters(&sshd, "alice", Some(&token.counted(3))), "{}", machine.log);
}
