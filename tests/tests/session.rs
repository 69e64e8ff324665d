//! The session line of sshd: whoever got in by a key alone, where the policy demands a second factor, is
//! turned away, whatever their own files say.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use sandbox::{
    Answer, CODE, Circumstances, Dialogue, Host, Machine, Neighbour, PATIENCE, SECRET, Secret,
    Sshd, Then, User,
};

/// What Debian's sshd asks, and this module where it must be asked last: after what the user's own
/// files have set.
const STACK: &str = "
auth     required  pam_mfa.so
account  required  pam_unix.so
account  required  pam_mfa.so
session  required  pam_unix.so
session  required  pam_env.so
session  required  pam_env.so user_readenv=1
session  required  pam_mfa.so
";

/// Either will do for sshd.
const KEY_OR_CODE: &str = "AuthenticationMethods publickey keyboard-interactive";

const KEY_THEN_CODE: &str = "AuthenticationMethods publickey,keyboard-interactive";

/// What makes ssh choose the code.
const BY_CODE: [&str; 2] = ["-o", "PubkeyAuthentication=no"];

/// What a session does.
const ENTER: &str = "echo in as $USER";

/// Where tokens wait for their session.
const CHECKS: &str = "/run/pam_mfa/checks";

/// A machine with a policy of these rules, and alice, who has a token.
fn enrolled(rules: &str) -> (Machine, User) {
    let machine = Machine::new();
    machine.full_stack("sshd", STACK);
    machine.policy(rules);
    let alice = machine.user("alice");
    alice.enrolment().hotp("token", SECRET).save();
    (machine, alice)
}

/// Whether a login is turned away as one by a key alone.
#[track_caller]
fn is_turned_away(login: &mut Dialogue) -> bool {
    // sshd ends a session that was not opened so.
    let is_turned_away = login.exit_code() == Some(254);
    assert_eq!(login.shows("access requires MFA: "), is_turned_away, "{}", login.screen());
    is_turned_away
}

/// Whether somebody gets in who answers this.
#[track_caller]
fn enters(mut login: Dialogue, code: &str) -> bool {
    login.answer(CODE, code);
    login.ends() && login.shows("in as ")
}

/// The tokens that nobody has come for.
fn tokens() -> Vec<String> {
    let entries = fs::read_dir(CHECKS).into_iter().flatten();
    entries.map(|entry| entry.expect("readable").file_name().into_string().unwrap()).collect()
}

#[test]
fn a_key_alone_opens_nothing() {
    let (machine, _alice) = enrolled("");
    let sshd = Sshd::start(&machine, &format!("{KEY_OR_CODE}\nSubsystem sftp internal-sftp"));

    let mut login = sshd.login("alice", &[], ENTER);
    login.expect("access requires MFA: this login was by a key alone; ask the administrator for ");
    assert!(is_turned_away(&mut login) && !login.shows("in as"), "{}", login.screen());
    let line = machine.log.expect_denied("alice", "no_check");
    assert!(line.contains("pam_mfa(sshd:session): ") && line.contains(" source=127.0.0.1 "));
    for (options, command) in [("-tt", ""), ("-s", "sftp")] {
        assert!(is_turned_away(&mut sshd.login("alice", &[options], command)), "{options}");
    }
    assert_eq!(machine.log.count("denied user=alice reason=no_check "), 3, "{}", machine.log);

    let code = Secret::new(SECRET).counted(1);
    assert!(enters(sshd.login("alice", &BY_CODE, ENTER), &code), "{}", machine.log);
    assert!(tokens().is_empty(), "a token is gone with its session");
}

#[test]
fn a_key_alone_forwards_nothing() {
    let (machine, _alice) = enrolled("");
    let sshd = Sshd::start(&machine, KEY_OR_CODE);
    let forward = |port: u16, options: &[&str]| {
        let way = format!("127.0.0.1:{port}:127.0.0.1:22");
        sshd.login("alice", &[&["-N", "-L", &way], options].concat(), "")
    };
    let _by_key = forward(8022, &[]);
    let mut by_code = forward(8023, &BY_CODE);
    by_code.answer(CODE, &Secret::new(SECRET).counted(1));

    assert_eq!(greeting(8023), b"SSH-", "{}", machine.log);
    assert_eq!(greeting(8022), b"", "{}", machine.log);
    machine.log.expect_denied("alice", "no_check");
}

/// The first bytes that come through this port, once ssh listens there; none if the other end closes it.
#[track_caller]
fn greeting(port: u16) -> Vec<u8> {
    let deadline = Instant::now() + PATIENCE;
    let through = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(through) => break through,
            Err(error) => assert!(Instant::now() < deadline, "ssh does not listen: {error}"),
        }
        thread::sleep(Duration::from_millis(5));
    };
    through.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
    let mut bytes = Vec::new();
    through.take(4).read_to_end(&mut bytes).expect("an end or a greeting");
    bytes
}

#[test]
fn a_key_and_a_code_open_everything() {
    let (machine, _alice) = enrolled("");
    let sshd = Sshd::start(
        &machine,
        &format!("{KEY_THEN_CODE}\nSubsystem sftp internal-sftp\nForceCommand env; {ENTER}"),
    );
    let secret = Secret::new(SECRET);
    for (counter, options, command) in [(1, &[][..], "ignored"), (2, &["-tt"], "")] {
        let mut login = sshd.login("alice", options, command);
        login.answer(CODE, &secret.counted(counter));
        login.expect("in as alice");
        assert!(login.ends());
        assert!(!login.shows("PAM_MFA"), "in the environment: {}", login.screen());
    }
    assert!(tokens().is_empty(), "{:?}", tokens());
    assert_eq!(sshd.errors(), "");
}

#[test]
fn nothing_that_a_user_writes_is_a_check() {
    let spared = "[[rule]]\nname = \"carol\"\nusers = [\"carol\"]\nskip = \"OPS-12\"\n";
    let (machine, alice) = enrolled(spared);
    machine.bypass("[[bypass]]\nid = \"b7\"\nnetwork = \"203.0.113.0/28\"\nreason = \"VPN\"\n");
    let bob = machine.user("bob");
    bob.enrolment().hotp("token", SECRET).save();
    let carol = machine.user("carol");
    // Where PAM_RHOST is a name the address would have to come from elsewhere.
    let config = format!("{KEY_OR_CODE}\nUseDNS yes\nForceCommand env; {ENTER}");
    let sshd = Sshd::start(&machine, &config);

    // Bob has a token that waits for its session; alice's had one.
    let host = Host::new(&machine, "");
    let here = Circumstances { service: "sshd", ..Circumstances::default() }.from("localhost");
    let code = Secret::new(SECRET).counted(1);
    let of_bob = leave(&host, &bob, &code, &here);
    let session = here.clone().then(&[Then::Until("/run/go".to_owned()), Then::Session]);
    let with_session = host.begin_under("alice", &[Answer::Text(&code)], &session);
    let of_alice = new_token(&[of_bob.as_str()]);
    fs::write("/run/go", "").expect("our own /run");
    let seen = with_session.end();
    assert_eq!((seen.result, &seen.session[..]), (0, &[0][..]), "{}", machine.log);
    assert_eq!(tokens(), [of_bob.as_str()], "alice's is used");

    let any = "0123456789abcdef0123456789abcdef";
    for token in [any, &of_bob, &of_alice, &format!("../checks/{of_bob}"), ""] {
        let forged = format!(
            "SSH_CONNECTION OVERRIDE=\"203.0.113.5 50000 127.0.0.1 22\"\n\
             SSH_AUTH_INFO_0 OVERRIDE=\"publickey x keyboard-interactive/pam\"\n\
             PAM_MFA_CHECK OVERRIDE=\"{token}\"\n\
             FORGED OVERRIDE=yes\n"
        );
        for person in [&alice, &carol] {
            fs::write(person.path(".pam_environment"), &forged).expect("the home is there");
        }
        let mut login = sshd.login("alice", &[], ENTER);
        assert!(is_turned_away(&mut login), "{token}: {}", machine.log);
        assert_eq!(tokens(), [of_bob.as_str()], "{token}: bob's is still his");
    }
    assert!(machine.log.expect_denied("alice", "no_check").contains(" host=localhost "));
    assert_eq!(machine.log.count("bypass=b7"), 0, "{}", machine.log);

    let mut control = sshd.login("carol", &[], ENTER);
    assert!(control.ends(), "{}", machine.log);
    assert!(control.shows("FORGED=yes"), "such a file is read: {}", control.screen());
}

/// A token that this person's login leaves.
#[track_caller]
fn leave(host: &Host, person: &User, code: &str, circumstances: &Circumstances) -> String {
    let before = tokens();
    let seen = host.begin_under(&person.name, &[Answer::Text(code)], circumstances).end();
    assert_eq!(seen.result, 0);
    new_token(&before.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The token that is not one of these, once it is there.
#[track_caller]
fn new_token(old: &[&str]) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(new) =
            tokens().into_iter().find(|token| token.len() == 32 && !old.contains(&token.as_str()))
        {
            return new;
        }
        assert!(Instant::now() < deadline, "nobody left a token");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_bypassed_address_needs_a_key_alone() {
    let (machine, _alice) = enrolled("");
    machine.bypass("[[bypass]]\nid = \"b7\"\nnetwork = \"203.0.113.0/28\"\nreason = \"VPN\"\n");
    let sshd = Sshd::start(&machine, KEY_OR_CODE);
    let inside = Neighbour::at(&machine, "203.0.113.5");
    let mut login = sshd.login_from(&inside, "alice", &[], ENTER);
    assert!(login.ends() && login.shows("in as alice"), "{}", machine.log);
    let line = machine.log.expect("pam_mfa(sshd:session): skipped user=alice bypass=b7 ");
    assert!(line.contains(" source=203.0.113.5 "), "{line}");

    let outside = Neighbour::at(&machine, "203.0.113.77");
    assert!(is_turned_away(&mut sshd.login_from(&outside, "alice", &[], ENTER)));
}

#[test]
fn a_name_needs_a_code_wherever_it_is() {
    let (machine, _alice) = enrolled("");
    machine.bypass("[[bypass]]\nid = \"b7\"\nnetwork = \"203.0.113.0/28\"\nreason = \"VPN\"\n");
    fs::write("/etc/hosts", "203.0.113.5 office.example\n203.0.113.77 home.example\n")
        .expect("our own /etc");
    let sshd = Sshd::start(&machine, &format!("{KEY_OR_CODE}\nUseDNS yes"));
    let inside = Neighbour::at(&machine, "203.0.113.5");
    assert!(is_turned_away(&mut sshd.login_from(&inside, "alice", &[], ENTER)));
    assert!(machine.log.expect_denied("alice", "no_check").contains(" host=office.example "));

    // What auth knows of it is the address; its token tells the session.
    let mut login = sshd.login_from(&inside, "alice", &BY_CODE, ENTER);
    assert!(login.ends() && login.shows("in as alice"), "{}", machine.log);
    assert!(
        machine
            .log
            .expect("(sshd:auth): skipped user=alice bypass=b7 ")
            .contains(" source=203.0.113.5 host=office.example ")
    );

    let outside = Neighbour::at(&machine, "203.0.113.77");
    let login = sshd.login_from(&outside, "alice", &BY_CODE, ENTER);
    assert!(enters(login, &Secret::new(SECRET).counted(1)), "{}", machine.log);
}

#[test]
fn who_has_time_to_enrol_is_told_so() {
    let (machine, _alice) =
        enrolled("[[rule]]\nname = \"wave 2\"\nrequire = [\"otp\"]\nenrolled_by = 2099-01-15\n");
    machine.user("carol");
    let sshd = Sshd::start(&machine, KEY_OR_CODE);
    // sshd shows what a session phase says where it shows the message of the day.
    let mut carol = sshd.login("carol", &["-tt"], "");
    carol.expect("From 2099-01-15 on access requires MFA: enrol with mfa-enroll");
    carol.type_line(&format!("{ENTER}; exit"));
    carol.expect("in as carol");
    assert!(carol.ends());
    assert!(is_turned_away(&mut sshd.login("alice", &[], ENTER)), "who is enrolled is due");
}
