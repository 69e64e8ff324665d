//! Keys that the kernel finds in a USB port, and people without rights who start sudo and su: in the
//! guest of `make check-usb`, where both are real.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use sandbox::fido::{Fault, Model, Token};
use sandbox::{BY_TIME, CODE, Dialogue, Machine, PATIENCE, User, run};

/// Where the kernel shows the first key.
const PORT: &str = "/dev/hidraw0";

/// pam_u2f's file.
const MAPPING: &str = "/etc/u2f_mappings";

/// pam_u2f's options, which are the same in a line of ours.
const OPTIONS: &str =
    "authfile=/etc/u2f_mappings origin=pam://here authpending_file= cue [cue_prompt=Touch it now]";

const CUE: &str = "Touch it now";
const INSERT: &str = "Insert your security key";
const PIN: &str = "PIN of your security key: ";

const SUDOERS: &str = "
Defaults !lecture, passwd_tries=1, timestamp_timeout=0
root ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) ALL
";

/// A credential and an assertion, each verified, by what fido2-cred(1) and fido2-assert(1) tell each
/// other.
const CREATE_AND_ASSERT: &str = "set -e
hash=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
printf '%s\\n' $hash pam://here alice YWxpY2U= >wanted
fido2-cred -M -i wanted -o made /dev/hidraw0 es256
fido2-cred -V -i made -o credential
(echo $hash; echo pam://here; head -n 1 credential) >wanted
tail -n +2 credential >public
fido2-assert -G -p -i wanted -o signed /dev/hidraw0
fido2-assert -V -p -i signed public es256
";

/// A machine where alice sits, who may become root by sudo and bob by su if the line agrees.
struct Desk {
    machine: Machine,
    alice: User,
}

impl Desk {
    fn new() -> Self {
        let machine = Machine::new();
        fs::write("/etc/sudoers", SUDOERS).expect("our own /etc");
        fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440))
            .expect("just written");
        let alice = machine.user("alice");
        machine.user("bob");
        Self { machine, alice }
    }

    /// This line decides for sudo and su.
    fn auth(&self, line: &str) {
        for service in ["sudo", "su"] {
            self.machine.stack(service, &format!("auth required {line}"));
        }
    }

    /// Plugs a key in, and registers it for both as Debian's pamu2fcfg(1) does.
    fn enrolled(&self, model: &Model) -> Token {
        let token = self.plug_in(model);
        let line = self.output(&["pamu2fcfg", "-u", "alice", "-o", "pam://here"]);
        let line = line.trim();
        fs::write(MAPPING, format!("{line}\n{}\n", line.replacen("alice", "bob", 1)))
            .expect("our own /etc");
        token
    }

    /// Plugs a key in that whoever sits there may use, as udev and logind see to.
    fn plug_in(&self, model: &Model) -> Token {
        let token = Token::of_kernel(model);
        let deadline = Instant::now() + PATIENCE;
        while !Path::new(PORT).exists() {
            assert!(Instant::now() < deadline, "the kernel shows no key");
            thread::sleep(Duration::from_millis(1));
        }
        chown(PORT, None, Some(self.alice.id)).expect("root may");
        fs::set_permissions(PORT, fs::Permissions::from_mode(0o660)).expect("root may");
        token
    }

    /// What this prints when alice runs it.
    #[track_caller]
    fn output(&self, argv: &[&str]) -> String {
        let output = self.alice.command(argv).output().expect("setpriv is there");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{argv:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn terminal(&self, argv: &[&str]) -> Dialogue {
        self.machine.terminal(&self.alice.command(argv))
    }

    /// Alice wants to be root.
    fn sudo(&self) -> Dialogue {
        self.terminal(&["sudo", "echo", "now", "root"])
    }

    /// Alice wants to be bob, whose key is asked.
    fn su(&self) -> Dialogue {
        self.terminal(&["su", "bob", "-c", "echo now $(id -un)"])
    }
}

/// It asks for a touch, gets it, and lets in.
#[track_caller]
fn enters(mut dialogue: Dialogue, as_whom: &str) {
    dialogue.expect(CUE);
    dialogue.expect(&format!("now {as_whom}"));
    assert!(dialogue.ends());
}

#[test]
#[ignore = "needs a kernel of its own: make check-usb"]
fn a_touch_is_enough_as_with_pam_u2f() {
    let desk = Desk::new();
    for model in ["", "u2f"] {
        let token = desk.enrolled(&model.parse().expect("there are such tokens"));
        assert!(run(&["fido2-token", "-L"]).starts_with(PORT));
        desk.output(&["sh", "-c", CREATE_AND_ASSERT]);
        for module in ["pam_u2f.so", "pam_mfa.so u2f local"] {
            desk.auth(&format!("{module} {OPTIONS}"));
            let before = token.seen().assertions;
            enters(desk.sudo(), "root");
            enters(desk.su(), "bob");
            assert_eq!(token.seen().assertions - before, 2, "{module} {model}");
        }
    }
    desk.machine.log.expect_times(4, " factor=key ");
}

#[test]
#[ignore = "needs a kernel of its own: make check-usb"]
fn nobody_waits_longer_than_key_timeout() {
    let desk = Desk::new();
    let token = desk.enrolled(&Model::default());
    desk.auth(&format!("pam_mfa.so u2f local key_timeout=2 {OPTIONS}"));
    for (fault, cue, reason) in
        [(Fault::Untouched, CUE, "key_timeout"), (Fault::Unplugged, INSERT, "key_absent")]
    {
        token.set(&[fault]);
        let mut sudo = desk.sudo();
        sudo.expect(cue);
        let asked = Instant::now();
        assert!(!sudo.ends() && !sudo.shows("now root"), "{}", sudo.screen());
        let waited = asked.elapsed().as_secs_f32();
        assert!((1.5..10.0).contains(&waited), "{fault:?}: {waited} s");
        desk.machine.log.expect_denied("alice", reason);
    }
    token.wait_until(|seen| seen.cancels == 1);

    // It comes while it is waited for.
    desk.auth(&format!("pam_mfa.so u2f local {OPTIONS}"));
    let mut sudo = desk.sudo();
    sudo.expect(INSERT);
    token.set(&[]);
    enters(sudo, "root");
}

#[test]
#[ignore = "needs a kernel of its own: make check-usb"]
fn a_code_does_instead() {
    let desk = Desk::new();
    let token = desk.enrolled(&Model::default());
    token.set(&[Fault::Untouched]);
    desk.alice.enrol("mfa-enroll", BY_TIME);
    desk.auth(&format!("pam_mfa.so u2f local {OPTIONS}"));
    let mut sudo = desk.sudo();
    sudo.expect(CUE);
    sudo.type_line("");
    sudo.answer(CODE, &desk.alice.secret().code());
    sudo.expect("now root");
    assert!(sudo.ends());
    token.wait_until(|seen| seen.cancels == 1);
    desk.machine.log.expect(" factor=totp ");
}

#[test]
#[ignore = "needs a kernel of its own: make check-usb"]
fn a_pin_is_asked_for_where_the_mapping_says_so() {
    let desk = Desk::new();
    drop(desk.enrolled(&Model::default()));
    let mapping = fs::read_to_string(MAPPING).expect("just written");
    fs::write(MAPPING, mapping.replace("+presence", "+presence+pin")).expect("our own /etc");
    let token = desk.plug_in(&"pin=1234".parse().expect("there are such tokens"));
    desk.auth(&format!("pam_mfa.so u2f local {OPTIONS}"));
    let mut sudo = desk.sudo();
    sudo.answer(PIN, "4321");
    sudo.answer(PIN, "1234");
    sudo.expect("now root");
    assert!(sudo.ends());
    assert_eq!(token.seen().wrong_pins, 1);
}

#[test]
#[ignore = "needs a kernel of its own: make check-usb"]
fn people_enrol_their_keys_and_root_enrols_them() {
    let desk = Desk::new();
    let token = desk.plug_in(&Model::default());
    desk.output(&["mfa-enroll", "key", "add"]);
    run(&["mfa-enroll", "key", "add", "--user", "bob", "--name", "blue"]);
    assert_eq!(token.seen().registrations, 2);
    desk.auth("pam_mfa.so u2f local [cue_prompt=Touch it now]");
    enters(desk.sudo(), "root");
    enters(desk.su(), "bob");
    desk.machine.log.expect(" credential=blue");
}
