//! A host with threads, and people who stand in each other's way.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Answer, DENIED, Host, Machine, SECRET, Secret, serve_in_threads};

#[test]
fn a_server_with_threads_survives_a_hundred_rounds() {
    let machine = Machine::new();
    machine.stack("threads", "auth required pam_mfa.so");
    for name in ["alice", "bob", "carol"] {
        machine.user(name).write_state(format!("{SECRET}\n\" TOTP_AUTH\n\" WINDOW_SIZE 17\n"));
    }
    machine
        .user("dave")
        .write_state(format!("{SECRET}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n12345678\n"));
    let secret = Secret::new(SECRET);
    let (code, wrong) = (secret.code(), secret.wrong_code());
    let clients = [
        ("alice", code.as_str(), 0),
        ("bob", &code, 0),
        ("carol", &wrong, DENIED),
        ("dave", &wrong, DENIED),
        ("nobody_knows", &code, DENIED),
    ];
    serve_in_threads("threads", 100, &clients);
    assert_eq!(machine.log.count("accepted user="), 200, "{}", machine.log);
}

#[test]
fn one_who_holds_the_lock_of_his_own_file_delays_nobody_else() {
    let machine = Machine::new();
    let [alice, bob] = ["alice", "bob"].map(|name| machine.user(name));
    let state = format!("{SECRET}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n");
    alice.write_state(&state);
    bob.write_state(&state);
    let path = bob.state();
    let held = ["flock", path.to_str().expect("ASCII"), "sh", "-c", "echo held; cat"];
    let mut lock: Command = bob.command(&held);
    let mut lock =
        lock.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("flock is there");
    let mut said = [0; 4];
    std::io::Read::read_exact(lock.stdout.as_mut().expect("piped"), &mut said).expect("it is held");

    let host = Host::new(&machine, "auth required pam_mfa.so");
    let code = Secret::new(SECRET).code();
    let answers = [Answer::Text(&code)];
    let locked_out = host.begin("bob", &answers);
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        alice.write_state(&state);
        let other = host.authenticate("alice", &answers);
        assert_eq!(other.result, 0, "{}", machine.log);
        assert!(other.took < Duration::from_secs(1), "{:?}", other.took);
    }
    let locked_out = locked_out.end();
    assert_eq!(locked_out.result, DENIED);
    assert!(locked_out.took < Duration::from_secs(5), "{:?}", locked_out.took);
    machine.log.expect_denied("bob", "locked");

    drop(lock.stdin.take());
    lock.wait().expect("our own child");
    assert_eq!(host.authenticate("bob", &answers).result, 0, "{}", machine.log);
}
