//! OpenVPN: a real server and real clients, over tun devices.

use std::cell::RefCell;

use sandbox::{Machine, OpenVpn, PASSWORD, Secret, Snippet, run};

use super::doctor;

/// How a client asks for the code in a field of its own.
const CHALLENGE: &str = "CHALLENGE: Verification code: ";

const IN: &str = "Initialization Sequence Completed";
const REFUSED: &str = "AUTH_FAILED";

/// The secret of a credential that the administrator has added.
fn enrolled(machine: &Machine) -> Secret {
    machine.user("alice");
    let said = run(&["mfactl", "credential", "add", "alice", "--no-confirm", "--json"]);
    let (_, secret) = said.split_once("\"secret\":\"").expect("the object has it");
    Secret::new(secret.split('"').next().expect("a text"))
}

#[track_caller]
fn a_code_opens_the_tunnel_once(words: &[&str], has_field: bool) {
    let machine = Machine::with_stacks();
    let secret = enrolled(&machine);
    OpenVpn::prepare();
    let server = RefCell::new(None);
    let restarts = |command: &str| {
        let is_meant = command == "systemctl restart openvpn-server@server";
        if is_meant {
            server.take();
            server.replace(Some(OpenVpn::start(&machine)));
        }
        is_meant
    };
    let mut snippet = Snippet::of(&[&["openvpn"], words].concat());
    snippet.apply(restarts);
    doctor("openvpn");

    let connect = || OpenVpn::connect(&machine);
    let is_in = |client: &mut sandbox::Dialogue, password: &str, code: &str| {
        client.answer("Enter Auth Username:", "alice");
        if has_field {
            client.answer("Enter Auth Password:", password);
            client.answer(CHALLENGE, code);
        } else {
            client.answer("Enter Auth Password:", &format!("{password}{code}"));
        }
        client.expect_one_of(&[REFUSED, IN]) == 1
    };
    let mut client = connect();
    assert!(!is_in(&mut client, PASSWORD, &secret.wrong_code()), "{}", machine.log);
    machine.log.expect_denied("alice", "wrong_code");
    let code = secret.code();
    assert!(is_in(&mut client, PASSWORD, &code), "asked again: {}", machine.log);
    assert!(machine.log.expect("accepted user=alice").contains(" source=127.0.0.1 "));
    // Its keys are renewed without a code.
    server.borrow().as_ref().expect("restarted").expect("auth-token authentication succeeded");

    let mut other = connect();
    assert!(!is_in(&mut other, PASSWORD, &code), "{}", machine.log);
    machine.log.expect_denied("alice", "reused");
    assert_eq!(client.screen().matches(REFUSED).count(), 1, "{}", client.screen());
    assert_eq!(machine.log.count("accepted user=alice"), 1, "{}", machine.log);
    snippet.undo(|command| command.starts_with("systemctl "));
}

#[test]
fn a_code_behind_the_password() {
    a_code_opens_the_tunnel_once(&[], false);
}

#[test]
fn a_code_in_a_field_of_its_own() {
    a_code_opens_the_tunnel_once(&["--challenge"], true);
}
