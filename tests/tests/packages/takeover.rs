//! A host of libpam-google-authenticator's becomes one of ours, and goes back.

use std::fs;

use sandbox::{BY_COUNTER, BY_TIME, Machine, Secret, Sshd, User, run};

use crate::apt::{apt_get, built, downloaded, refused, verify, version};
use crate::files::Files;
use crate::{Phone, WHAT_PAM_ASKS, enters, paste};

const ORIGINAL: &str = "libpam-google-authenticator";
const OURS: [&str; 2] = ["libpam-mfa-google-authenticator", "libpam-mfa"];

/// A host whose administrator followed the howtos: a line in sshd's stack, and people who ran
/// google-authenticator.
struct Host<'a> {
    machine: &'a Machine,
    sshd: Sshd<'a>,
    /// Has codes by time and scratch codes.
    alice: User,
    phone: Phone,
    /// Has codes by counter.
    token: Secret,
    counter: u64,
}

impl<'a> Host<'a> {
    fn of_the_original(machine: &'a Machine) -> Self {
        apt_get("install", &[ORIGINAL]);
        paste("auth required pam_google_authenticator.so nullok");
        let alice = machine.user("alice");
        let wide = BY_TIME.join(" ").replace("-w 3", "-w 17");
        alice.enrol("google-authenticator", &wide.split(' ').collect::<Vec<_>>());
        let bob = machine.user("bob");
        bob.enrol("google-authenticator", BY_COUNTER);
        machine.user("carol");
        let sshd = Sshd::start(machine, WHAT_PAM_ASKS);
        let phone = Phone::new(alice.secret());
        Self { machine, sshd, phone, alice, token: bob.secret(), counter: 0 }
    }

    /// What was used before is refused, by whatever module it was; everybody logs in, and enrols as ever.
    /// Returns what alice used.
    #[track_caller]
    fn everybody_enters(&mut self, used: &[String]) -> Vec<String> {
        let Self { machine, sshd, .. } = self;
        let log = &machine.log;
        for code in used {
            assert!(!enters(sshd, "alice", Some(code)), "{code} {log}");
        }
        let code = self.phone.code();
        let scratch = self.alice.scratch_codes().remove(0);
        for code in [&code, &scratch] {
            assert!(enters(sshd, "alice", Some(code)), "{log}");
            assert!(!enters(sshd, "alice", Some(code)), "{log}");
        }
        self.counter += 1;
        assert!(enters(sshd, "bob", Some(&self.token.counted(self.counter))), "{log}");
        assert!(enters(sshd, "carol", None), "{log}");
        let flags = "-t -C -f -d -w 3 -u -q -s /home/alice/another";
        self.alice.enrol("google-authenticator", &flags.split(' ').collect::<Vec<_>>());
        fs::remove_file(self.alice.path("another")).expect("just written");
        vec![code, scratch]
    }
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn one_apt_get_install_changes_over_and_another_changes_back() {
    let machine = Machine::of_packages();
    let mut host = Host::of_the_original(&machine);
    let stacks = Files::below("/etc/pam.d");
    let used = host.everybody_enters(&[]);

    apt_get("install", &OURS.map(built).each_ref().map(String::as_str));
    assert_eq!(version(ORIGINAL), None);
    let used = host.everybody_enters(&used);
    machine.log.expect("accepted user=alice factor=totp ");
    machine.log.expect("accepted user=bob factor=hotp ");

    apt_get("install", &[ORIGINAL]);
    assert_eq!(version(OURS[0]), None);
    host.everybody_enters(&used);
    assert!(Files::below("/etc/pam.d").changed_since(&stacks).is_empty());
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn dpkg_changes_over_and_back_as_well() {
    let machine = Machine::of_packages();
    let mut host = Host::of_the_original(&machine);
    let used = host.everybody_enters(&[]);

    let install = |files: &[&str]| {
        run(&[&["dpkg", "--auto-deconfigure", "--install"], files].concat());
        verify();
    };
    install(&OURS.map(built).each_ref().map(String::as_str));
    assert_eq!(version(ORIGINAL), None);
    let used = host.everybody_enters(&used);
    run(&["dpkg", "--remove", OURS[0]]);
    install(&[&downloaded(ORIGINAL)]);
    assert_eq!(version(OURS[0]), None);
    host.everybody_enters(&used);
}

#[test]
#[ignore = "needs a clean root: make check-packages"]
fn its_names_stay_as_long_as_a_line_needs_them() {
    let machine = Machine::of_packages();
    let mut host = Host::of_the_original(&machine);
    apt_get("install", &OURS.map(built).each_ref().map(String::as_str));
    apt_get("remove", &[OURS[0]]);
    assert!(enters(&host.sshd, "alice", Some(&host.phone.code())), "{}", machine.log);
    machine.log.expect("accepted user=alice factor=totp ");
    let said = refused("remove", OURS[1]);
    assert!(said.contains("\n  /etc/pam.d/sshd:5:auth required pam_google"), "{said}");
    assert!(enters(&host.sshd, "alice", Some(&host.phone.code())), "{}", machine.log);

    apt_get("install", &[ORIGINAL]);
    host.everybody_enters(&[]);
    apt_get("purge", &[OURS[1]]);
    host.everybody_enters(&[]);
}
