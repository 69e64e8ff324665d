//! Keys that sshd has verified: which of them are a second factor, and which are just a key. All is real
//! but the token.

use std::fs;

use sandbox::ssh::{KeyFile, PROVIDER};
use sandbox::{CODE, Dialogue, Machine, SECRET, Secret, Sshd, User, run};

/// Key first, then what PAM asks.
const KEY_THEN_CODE: &str = "AuthenticationMethods publickey,keyboard-interactive";

/// The authority's key of a test.
const AUTHORITY: &str = "/root/authority";

/// What a session does.
const ENTER: &str = "echo in as $USER";

/// Where sshd looks for anybody's keys.
const AUTHORIZED: &str = "/etc/ssh/authorized";

/// A rule by which sshd's keys count if they were touched as this says.
fn rule(touch: &str) -> String {
    format!("[[rule]]\nname = \"keys\"\nrequire = [\"otp\", \"ssh-key\"]\n{touch}\n")
}

/// A machine with this policy where sshd asks for a code unless a key will do, and alice.
fn machine(policy: &str) -> (Machine, User) {
    let machine = Machine::new();
    machine.stack("sshd", "auth required pam_mfa.so");
    machine.policy(policy);
    let alice = machine.user("alice");
    (machine, alice)
}

/// An authority of the administrator's, and its line of a `.pub` file.
fn authority() -> String {
    run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", AUTHORITY]);
    fs::read_to_string(format!("{AUTHORITY}.pub")).expect("just made").trim_end().to_owned()
}

/// Has the authority certify a key as that of `name`, with more options of ssh-keygen.
fn certify(key: &KeyFile, name: &str, options: &[&str]) {
    let usual = ["ssh-keygen", "-q", "-s", AUTHORITY, "-I", "badge-7", "-n", name, "-V", "+1h"];
    let public = format!("{}.pub", key.file());
    run(&[&usual[..], options, &[&public]].concat());
}

/// alice logs in with this key, and with its certificate if it has one.
fn login(sshd: &Sshd, key: &KeyFile) -> Dialogue {
    let provider = format!("SecurityKeyProvider={PROVIDER}");
    sshd.login("alice", &["-i", key.file(), "-o", &provider], ENTER)
}

/// She gets in, unasked.
#[track_caller]
fn is_enough(machine: &Machine, mut login: Dialogue) {
    assert!(login.ends() && login.shows("in as alice"), "{}{}", login.screen(), machine.log);
    assert!(!login.shows(CODE), "{}", login.screen());
}

/// She is asked for a code, and gets in with it.
#[track_caller]
fn takes_a_code(mut login: Dialogue, counter: u64) {
    login.answer(CODE, &Secret::new(SECRET).counted(counter));
    login.expect("in as alice");
    assert!(login.ends());
}

#[test]
fn an_enrolled_key_needs_no_code() {
    let (machine, alice) = machine(&rule("touch = \"sshd\""));
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let kinds = ["ed25519-sk", "ecdsa-sk"];
    let keys = kinds.map(|kind| alice.keygen(kind, kind, &[]));
    let enrolment = alice.enrolment().hotp("token", SECRET);
    let both = keys.iter().zip(kinds);
    both.fold(enrolment, |it, (key, kind)| it.ssh_key(kind, &key.line)).save();
    for (key, kind) in keys.iter().zip(kinds) {
        fs::write(AUTHORIZED, &key.line).expect("our own /etc");
        is_enough(&machine, login(&sshd, key));
        let line = machine.log.expect(&format!(" factor=ssh-key credential={kind} "));
        assert!(line.contains("pam_mfa(sshd:auth): accepted user=alice "), "{line}");
    }

    // Who says that it was touched decides.
    for (counter, touch) in [(1, ""), (2, "touch = \"unverified\"")] {
        machine.policy(&rule(touch));
        let login = login(&sshd, &keys[1]);
        if touch.is_empty() {
            takes_a_code(login, counter);
            machine.log.expect("warning user=alice reason=touch_unverified ");
        } else {
            is_enough(&machine, login);
        }
    }
    machine.policy("");
    takes_a_code(login(&sshd, &keys[1]), 2);
    assert_eq!(sshd.errors(), "");
}

#[test]
fn a_key_of_root_s_file_needs_no_code() {
    let (machine, alice) = machine(&rule("touch = \"sshd\""));
    machine.stack("sshd", "auth required pam_mfa.so authorized_keys=/etc/ssh/authorized");
    alice.enrolment().hotp("token", SECRET).save();
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let key = alice.keygen("laptop", "ed25519-sk", &[]);
    fs::write(AUTHORIZED, &key.line).expect("our own /etc");
    is_enough(&machine, login(&sshd, &key));
    machine.log.expect("accepted user=alice factor=ssh-key credential=laptop ");
    // What sshd does not tell is not believed.
    let verified = alice.keygen("verified", "ed25519-sk", &["-O", "verify-required"]);
    fs::write(AUTHORIZED, format!("verify-required {}", verified.line)).expect("our own /etc");
    takes_a_code(login(&sshd, &verified), 1);
    machine.log.expect("warning user=alice reason=key_unverified ");
}

#[test]
fn a_key_that_is_not_enrolled_is_just_a_key() {
    let (machine, alice) = machine(&rule("touch = \"unverified\""));
    let bob = machine.user("bob");
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let [own, other, bobs] =
        ["own", "other", "bobs"].map(|name| alice.keygen(name, "ed25519-sk", &[]));
    let plain = alice.keygen("plain", "ed25519", &[]);
    let elsewhere = alice.keygen("elsewhere", "ed25519-sk", &["-O", "application=ssh:x"]);
    alice.enrolment().hotp("token", SECRET).ssh_key("own", &own.line).save();
    bob.enrolment().ssh_key("bobs", &bobs.line).save();
    for (counter, key) in (1..).zip([&other, &bobs, &plain, &elsewhere]) {
        fs::write(AUTHORIZED, &key.line).expect("our own /etc");
        takes_a_code(login(&sshd, key), counter);
    }
    machine.log.expect_times(3, "warning user=alice reason=key_unknown ");
    assert_eq!(machine.log.count("factor=ssh-key"), 0, "{}", machine.log);

    fs::write(AUTHORIZED, &own.line).expect("our own /etc");
    is_enough(&machine, login(&sshd, &own));
}

#[test]
fn certificates_of_an_authority_that_counts() {
    let (machine, alice) = machine("");
    let listed = format!("ssh_ca = [\"{}\"]\n", authority());
    machine.policy(&format!("{listed}{}", rule("")));
    alice.enrolment().hotp("token", SECRET).save();
    let config = format!("{KEY_THEN_CODE}\nTrustedUserCAKeys {AUTHORITY}.pub");
    let sshd = Sshd::start(&machine, &config);
    fs::write(AUTHORIZED, "").expect("our own /etc");
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let key = alice.keygen(kind, kind, &[]);
        certify(&key, "alice", &[]);
        is_enough(&machine, login(&sshd, &key));
    }
    machine.log.expect_times(2, "accepted user=alice factor=ssh-key credential=badge-7 ");

    // Who has enrolled nothing is somebody all the same.
    let key = alice.keygen("laptop", "ed25519-sk", &[]);
    certify(&key, "alice", &[]);
    fs::remove_file(alice.system_record()).expect("saved");
    is_enough(&machine, login(&sshd, &key));
    alice.enrolment().hotp("token", SECRET).save();

    let untouched = alice.keygen("untouched", "ed25519-sk", &["-O", "no-touch-required"]);
    certify(&untouched, "alice", &["-O", "no-touch-required"]);
    let plain = alice.keygen("plain", "ed25519", &[]);
    certify(&plain, "alice", &[]);
    takes_a_code(login(&sshd, &untouched), 1);
    takes_a_code(login(&sshd, &plain), 2);
    machine.log.expect_times(2, "warning user=alice reason=touch_unverified ");
    machine.policy(&format!("{listed}{}", rule("touch = \"unverified\"")));
    is_enough(&machine, login(&sshd, &untouched));
    is_enough(&machine, login(&sshd, &plain));
}

/// Users can have sshd believe any authority, for any name.
#[test]
fn certificates_that_users_let_in_themselves() {
    let (machine, alice) = machine("");
    let authority = authority();
    alice.enrolment().hotp("token", SECRET).save();
    let sshd = Sshd::start(&machine, KEY_THEN_CODE);
    let key = alice.keygen("laptop", "ed25519-sk", &[]);

    let policy = rule("touch = \"unverified\"");
    machine.policy(&policy);
    certify(&key, "alice", &[]);
    fs::write(AUTHORIZED, format!("cert-authority {authority}")).expect("our own /etc");
    takes_a_code(login(&sshd, &key), 1);
    machine.log.expect("warning user=alice reason=cert_authority ");

    machine.policy(&format!("ssh_ca = [\"{authority}\"]\n{policy}"));
    is_enough(&machine, login(&sshd, &key));
    certify(&key, "bob", &[]);
    fs::write(AUTHORIZED, format!("cert-authority,principals=\"bob\" {authority}"))
        .expect("our own /etc");
    takes_a_code(login(&sshd, &key), 2);
    machine.log.expect("warning user=alice reason=cert_user ");
}

/// Debian's lines of the environment, and this module where it must be asked last.
fn session(option: &str) -> String {
    format!(
        "auth required pam_deny.so\naccount required pam_permit.so\n\
         session required pam_env.so user_readenv=1\nsession required pam_mfa.so {option}\n"
    )
}

/// Whether a login is turned away as one by a key alone.
#[track_caller]
fn is_turned_away(mut login: Dialogue) -> bool {
    // sshd ends a session that was not opened so.
    let is_turned_away = login.exit_code() == Some(254);
    assert_eq!(login.shows("access requires MFA: "), is_turned_away, "{}", login.screen());
    assert_eq!(login.shows("in as alice"), !is_turned_away, "{}", login.screen());
    is_turned_away
}

/// sshd runs no auth phase here.
#[test]
fn a_key_alone() {
    let (machine, alice) = machine(&rule("touch = \"sshd\""));
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey");
    let [own, other] = ["own", "other"].map(|name| alice.keygen(name, "ed25519-sk", &[]));
    alice.enrolment().hotp("token", SECRET).ssh_key("own", &own.line).save();
    fs::write(AUTHORIZED, format!("{}\n{}\n", own.line, other.line)).expect("our own /etc");

    machine.full_stack("sshd", &session("trust_auth_info"));
    assert!(!is_turned_away(login(&sshd, &own)), "{}", machine.log);
    let line = machine.log.expect("accepted user=alice factor=ssh-key credential=own ");
    assert!(line.contains("pam_mfa(sshd:session): "), "{line}");
    assert!(is_turned_away(login(&sshd, &other)), "{}", machine.log);
    machine.full_stack("sshd", &session(""));
    assert!(is_turned_away(login(&sshd, &own)), "{}", machine.log);
}

/// The reason why trust is an option, and why the doctor fails it beside what Debian has.
#[test]
fn what_users_say_of_their_own_key() {
    let (machine, alice) = machine(&rule("touch = \"sshd\""));
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey");
    let [own, other] = ["own", "other"].map(|name| alice.keygen(name, "ed25519-sk", &[]));
    alice.enrolment().hotp("token", SECRET).ssh_key("own", &own.line).save();
    fs::write(AUTHORIZED, &other.line).expect("our own /etc");
    let (kind, rest) = own.line.split_once(' ').expect("a type in front");
    let blob = rest.split(' ').next().expect("more");
    fs::write(
        alice.path(".pam_environment"),
        format!("SSH_AUTH_INFO_0 OVERRIDE=\"publickey {kind} {blob}\"\n"),
    )
    .expect("the home is there");

    machine.full_stack("sshd", &session(""));
    assert!(is_turned_away(login(&sshd, &other)), "{}", machine.log);
    machine.full_stack("sshd", &session("trust_auth_info"));
    assert!(!is_turned_away(login(&sshd, &other)), "believed, as the doctor says");
    let said = doctor();
    assert!(said.contains("error    user_environment_trusted  /etc/pam.d/sshd:4\n"), "{said}");

    machine.full_stack("sshd", &session("trust_auth_info").replace(" user_readenv=1", ""));
    assert!(is_turned_away(login(&sshd, &other)), "{}", machine.log);
    let said = doctor();
    assert!(!said.contains("user_environment_trusted"), "{said}");
}

/// What the doctor says of sshd.
fn doctor() -> String {
    let output =
        std::process::Command::new("mfactl").args(["doctor", "--service", "sshd"]).output();
    String::from_utf8(output.expect("it is installed").stdout).expect("it speaks UTF-8")
}
