//! sudo by a key in the person's own ssh-agent, which is a real one, as are keys and wire; only the token
//! is OpenSSH's test provider.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mfa_core::record::Key;
use sandbox::ssh::{KeyFile, SshAgent};
use sandbox::{CODE, Dialogue, Machine, SECRET, Secret, Sshd, User};

const SUDOERS: &str = "
Defaults !lecture, passwd_tries=1
Defaults env_keep += \"SSH_AUTH_SOCK\"
root  ALL=(ALL:ALL) ALL
alice ALL=(ALL:ALL) ALL
";

/// sudo asks each time.
const NO_TIMESTAMP: &str = "Defaults timestamp_timeout=0\n";

const CUE: &str = "Touch your security key, or press Enter to type a code instead\r\n";

/// Far below the time that a key is waited for, which is 30 s unless the line says otherwise.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A machine where sudo asks an agent and then for a code, and alice, who has enrolled nothing.
fn machine(options: &str) -> (Machine, User) {
    let machine = Machine::new();
    let module = format!("required pam_mfa.so ssh_agent {options}");
    let rest = "account required pam_permit.so\nsession required pam_permit.so";
    machine.full_stack("sudo", &format!("auth {module}\n{rest}\naccount {module}\n"));
    sudoers(NO_TIMESTAMP);
    let alice = machine.user("alice");
    (machine, alice)
}

/// What sudo is told, and these lines first.
fn sudoers(first: &str) {
    fs::write("/etc/sudoers", format!("{first}{SUDOERS}")).expect("our own /etc");
    fs::set_permissions("/etc/sudoers", Permissions::from_mode(0o440)).expect("just written");
}

/// sudo at a terminal, called with this agent at hand.
fn sudo(machine: &Machine, alice: &User, agent: Option<&Path>) -> Dialogue {
    let mut command = alice.command(&["sudo", "id", "-un"]);
    command.env_remove("SSH_AUTH_SOCK");
    machine.terminal(command.envs(agent.map(|path| ("SSH_AUTH_SOCK", path))))
}

/// Whether the key is enough.
#[track_caller]
fn is_enough(mut sudo: Dialogue) -> bool {
    let is_root = sudo.ends();
    assert!(!sudo.shows(CODE), "{}", sudo.screen());
    assert_eq!(sudo.shows("root\r\n"), is_root, "{}", sudo.screen());
    is_root
}

/// A code is asked for at once, and is enough.
#[track_caller]
fn takes_a_code(mut sudo: Dialogue, counter: u64) {
    let begun = Instant::now();
    sudo.expect(CODE);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    sudo.type_line(&Secret::new(SECRET).counted(counter));
    sudo.expect("root");
    assert!(sudo.ends());
}

/// Makes a key of alice's, which her agent has.
fn new_key(alice: &User, agent: &SshAgent, options: &[&str]) -> KeyFile {
    let key = alice.keygen("laptop", "ed25519-sk", options);
    agent.add(&key, &[]);
    key
}

#[test]
fn a_key_of_either_kind() {
    let (machine, alice) = machine("");
    let agent = SshAgent::start(&alice);
    let kinds = ["ed25519-sk", "ecdsa-sk"];
    let keys = kinds.map(|kind| alice.keygen(kind, kind, &[]));
    let enrolment = alice.enrolment().hotp("token", SECRET);
    let both = keys.iter().zip(kinds);
    both.fold(enrolment, |it, (key, kind)| it.ssh_key(kind, &key.line)).save();
    for (key, kind) in keys.iter().zip(kinds) {
        agent.add(key, &[]);
        let mut sudo = sudo(&machine, &alice, Some(agent.socket()));
        sudo.expect(CUE);
        assert!(is_enough(sudo), "{}", machine.log);
        let line = machine.log.expect(&format!(" factor=key credential={kind} tty=/dev/pts/"));
        assert!(line.contains("pam_mfa(sudo:auth): accepted user=alice "), "{line}");
        agent.empty();
    }
}

#[test]
fn keys_in_a_file_of_roots() {
    let (machine, alice) = machine("authorized_keys=/etc/keys/%u");
    alice.enrolment().hotp("token", SECRET).save();
    let agent = SshAgent::start(&alice);
    let key = new_key(&alice, &agent, &[]);
    fs::create_dir("/etc/keys").expect("our own /etc");
    let mut counter = 0;
    for (options, counts) in [
        ("", true),
        ("restrict ", true),
        ("expiry-time=\"20991231Z\" ", true),
        ("expiry-time=\"20200101Z\" ", false),
        ("from=\"127.0.0.1\" ", false),
        ("cert-authority ", false),
        ("#", false),
    ] {
        fs::write("/etc/keys/alice", format!("{options}{}\n", key.line)).expect("our own /etc");
        let sudo = sudo(&machine, &alice, Some(agent.socket()));
        if counts {
            assert!(is_enough(sudo), "{options}: {}", machine.log);
        } else {
            counter += 1;
            takes_a_code(sudo, counter);
        }
    }
    assert_eq!(machine.log.count(" factor=key credential=laptop "), 3, "{}", machine.log);

    // What alice can write herself is no file of root's.
    fs::write("/etc/keys/alice", &key.line).expect("our own /etc");
    chown("/etc/keys/alice", Some(alice.id), None).expect("root may");
    takes_a_code(sudo(&machine, &alice, Some(agent.socket())), counter + 1);
    machine.log.expect("warning user=alice reason=wrong_owner ");
}

#[test]
fn an_agent_that_was_forwarded() {
    let (machine, alice) = machine("authorized_keys=/etc/keys/%u");
    machine.stack("sshd", "auth required pam_deny.so");
    let sshd = Sshd::start(&machine, "AuthenticationMethods publickey");
    let agent = SshAgent::start(&alice);
    let at_hand = format!("IdentityAgent={}", agent.socket().display());
    let far = |options: &[&str]| {
        sshd.login("alice", &[&["-tt", "-o", &at_hand], options].concat(), "sudo id -un")
    };

    let recorded = alice.keygen("recorded", "ecdsa-sk", &[]);
    let listed = alice.keygen("listed", "ed25519-sk", &[]);
    alice.enrolment().hotp("token", SECRET).ssh_key("recorded", &recorded.line).save();
    fs::create_dir("/etc/keys").expect("our own /etc");
    fs::write("/etc/keys/alice", &listed.line).expect("our own /etc");
    for key in [&recorded, &listed] {
        agent.add(key, &[]);
        let mut sudo = far(&["-A"]);
        sudo.expect(CUE);
        assert!(is_enough(sudo), "{}", machine.log);
        agent.empty();
    }
    for name in ["recorded", "listed"] {
        machine.log.expect(&format!("accepted user=alice factor=key credential={name} "));
    }
    takes_a_code(far(&["-A"]), 1);
    takes_a_code(far(&[]), 2);
}

#[test]
fn what_was_enrolled_says_what_a_signature_needs() {
    let (machine, alice) = machine("authorized_keys=/etc/keys/%u");
    fs::create_dir("/etc/keys").expect("our own /etc");
    let agent = SshAgent::start(&alice);
    let untouched = alice.keygen("untouched", "ed25519-sk", &["-O", "no-touch-required"]);
    let verified = alice.keygen("verified", "ecdsa-sk", &["-O", "verify-required"]);
    let touched = alice.keygen("touched", "ecdsa-sk", &[]);
    for (key, touch, verification, denied) in [
        (&untouched, true, false, Some("key_untouched")),
        (&untouched, false, false, None),
        (&touched, false, false, None),
        (&touched, true, true, Some("key_unverified")),
        (&verified, true, true, None),
        (&verified, true, false, None),
    ] {
        let name = key.path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let options = match (touch, verification) {
            (true, true) => "verify-required ",
            (true, false) => "",
            (false, _) => "no-touch-required ",
        };
        agent.empty();
        agent.add(key, &[]);
        for is_in_record in [true, false] {
            let enrolment = alice.enrolment().hotp("token", SECRET);
            let (enrolment, line) = if is_in_record {
                let demands = |it: &mut Key| (it.touch, it.verification) = (touch, verification);
                (enrolment.ssh_key(name, &key.line).but(demands), String::new())
            } else {
                (enrolment, format!("{options}{}\n", key.line))
            };
            enrolment.save();
            fs::write("/etc/keys/alice", line).expect("our own /etc");
            let what = format!("{name} {options} {is_in_record}");
            let before = machine.log.count(&denied_for(denied.unwrap_or_default()));
            let sudo = sudo(&machine, &alice, Some(agent.socket()));
            assert_eq!(is_enough(sudo), denied.is_none(), "{what}: {}", machine.log);
            if let Some(reason) = denied {
                machine.log.expect_times(before + 1, &denied_for(reason));
            }
        }
    }
}

fn denied_for(reason: &str) -> String {
    format!("denied user=alice reason={reason} ")
}

#[test]
fn a_counter_that_stands_still() {
    let (machine, alice) = machine("");
    let agent = SshAgent::start(&alice);
    let key = new_key(&alice, &agent, &[]);
    let enrolment = || alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &key.line);
    let enter = || is_enough(sudo(&machine, &alice, Some(agent.socket())));
    enrolment().save();
    assert!(enter() && enter(), "{}", machine.log);
    enrolment().but(|key| key.counts = true).save();
    assert!(enter(), "{}", machine.log);
    assert!(!enter(), "{}", machine.log);
    machine.log.expect_denied("alice", "key_cloned");
}

#[test]
fn without_a_key_straight_to_the_code() {
    let (machine, alice) = machine("");
    let agent = SshAgent::start_asking(&alice, "exit 1");
    let agent = &agent;
    let key = alice.keygen("laptop", "ed25519-sk", &[]);
    alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &key.line).save();
    let with_agent = || sudo(&machine, &alice, Some(agent.socket()));
    let last = |reason: &str| machine.log.expect(&format!("warning user=alice reason={reason} "));

    agent.add(&alice.keygen("strange", "ed25519-sk", &[]), &[]);
    takes_a_code(with_agent(), 1);
    last("key_absent");
    takes_a_code(sudo(&machine, &alice, None), 2);
    takes_a_code(sudo(&machine, &alice, Some(&alice.path("nowhere"))), 3);
    last("no_agent");

    // It is asked, and says no.
    agent.add(&key, &["-c"]);
    let mut refused = with_agent();
    refused.expect(CUE);
    takes_a_code(refused, 4);
    last("agent_refused");

    agent.empty();
    agent.add(&key, &[]);
    agent.lock();
    takes_a_code(with_agent(), 5);
    machine.log.expect_times(2, "warning user=alice reason=key_absent ");

    let without_env_keep = SUDOERS.replace("Defaults env_keep", "#");
    fs::write("/etc/sudoers", without_env_keep).expect("our own /etc");
    takes_a_code(with_agent(), 6);
    assert_eq!(machine.log.count("factor=key"), 0, "{}", machine.log);
}

/// An agent with an enrolled key of alice's, which nobody touches.
fn untouched(alice: &User) -> SshAgent<'_> {
    let agent =
        SshAgent::start_asking(alice, "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done");
    let key = alice.keygen("laptop", "ed25519-sk", &[]);
    agent.add(&key, &["-c"]);
    alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &key.line).save();
    agent
}

#[test]
fn enter_instead_of_a_touch() {
    let (machine, alice) = machine("");
    let agent = untouched(&alice);
    let mut first = sudo(&machine, &alice, Some(agent.socket()));
    first.expect(CUE);
    first.press("\n");
    takes_a_code(first, 1);

    // It is busy with the first, and does not even say which keys it has.
    takes_a_code(sudo(&machine, &alice, Some(agent.socket())), 2);
    machine.log.expect("warning user=alice reason=key_timeout ");
    assert_eq!(machine.log.count("factor=key"), 0, "{}", machine.log);
}

#[test]
fn a_touch_that_never_comes() {
    let (machine, alice) = machine("key_timeout=1");
    let agent = untouched(&alice);
    let mut sudo = sudo(&machine, &alice, Some(agent.socket()));
    sudo.expect(CUE);
    takes_a_code(sudo, 1);
    machine.log.expect("warning user=alice reason=key_timeout ");
}

/// sudo ignores Ctrl-C but while it reads.
#[test]
fn leaving_instead_of_a_touch() {
    let (machine, alice) = machine("");
    let agent = untouched(&alice);
    let mut sudo = sudo(&machine, &alice, Some(agent.socket()));
    sudo.expect(CUE);
    sudo.press("\n");
    sudo.expect(CODE);
    let begun = Instant::now();
    assert!(!sudo.interrupt() && !sudo.shows("root"), "{}", sudo.screen());
    assert!(begun.elapsed() < AT_ONCE, "{:?}: {}", begun.elapsed(), sudo.screen());
}

#[test]
fn the_agent_is_reached_with_the_person_s_rights() {
    let (machine, alice) = machine("");
    let agent = SshAgent::start(&alice);
    let key = new_key(&alice, &agent, &[]);
    alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &key.line).save();
    let room = PathBuf::from("/run/room");
    fs::create_dir(&room).expect("our own /run");
    let socket = room.join("agent");
    let _bound = UnixListener::bind(&socket).expect("our own /run");
    chown(&socket, Some(alice.id), None).expect("root may");
    fs::set_permissions(&room, Permissions::from_mode(0o700)).expect("just made");
    takes_a_code(sudo(&machine, &alice, Some(&socket)), 1);
    let line = machine.log.expect("warning user=alice reason=no_agent ");
    assert!(line.contains("Permission denied"), "{line}");
}

/// The policy by which sudo asks again after so long.
fn recheck(fresh: &str) -> String {
    let rule = "[[rule]]\nname = \"sudo\"\nservices = [\"sudo\"]\nrequire = [\"otp\", \"key\"]";
    format!("recheck = [\"sudo\"]\n{rule}\n{fresh}\n")
}

#[test]
fn sudo_asks_for_the_key_again() {
    let (machine, alice) = machine("");
    sudoers("Defaults timestamp_timeout=60, timestamp_type=global\n");
    let agent = SshAgent::start(&alice);
    let key = new_key(&alice, &agent, &[]);
    let enrolment = || alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &key.line);
    enrolment().save();
    let mut command = alice.command(&["sh"]);
    let mut shell = machine.terminal(command.env("SSH_AUTH_SOCK", agent.socket()));
    let mut enter = |asked: bool| {
        // The terminal shows what is typed, too.
        shell.type_line("sudo true; printf '\\145nded with %d\\n' $?");
        if asked {
            shell.expect(CUE);
        }
        shell.expect("ended with ");
        assert_eq!(shell.read_line(), "0", "{}", machine.log);
    };
    let times = |phase: &str, factor: &str| {
        machine.log.count(&format!("(sudo:{phase}): accepted user=alice factor={factor} "))
    };

    machine.policy(&recheck("fresh = \"5m\""));
    enter(true);
    enter(false);
    assert_eq!((times("auth", "key"), times("account", "fresh")), (1, 1), "{}", machine.log);

    machine.policy(&recheck(""));
    enter(true);
    enter(true);
    assert_eq!((times("auth", "key"), times("account", "key")), (1, 2), "{}", machine.log);

    machine.policy(&recheck("fresh = \"5m\""));
    enter(false);
    enrolment().but(|key| key.touch = false).save();
    enter(false);
    assert_eq!((times("account", "fresh"), times("account", "key")), (2, 3), "{}", machine.log);
    enter(false);
    assert_eq!((times("account", "fresh"), times("account", "key")), (3, 3), "{}", machine.log);
}
