//! Secrets that are sealed with the host's key: logins by them, without the key, and while they are
//! sealed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sandbox::strace::{Call, calls, inject};
use sandbox::{Answer, Host, Machine, SECRET, Secret, User, run};

const RECORDS: &str = "/var/lib/pam_mfa";
const KEY: &str = "/var/lib/pam_mfa/host.key";
const FAULTS: [&str; 2] = ["signal=SIGKILL", "error=ENOSPC"];
const SCRATCH: [&str; 2] = ["12345678", "87654321"];

/// A user with a system record by counter, the next one 7.
fn enrolled(machine: &Machine, name: &str) -> User {
    let user = machine.user(name);
    let codes = SCRATCH.join("\n");
    user.write_state(format!("{SECRET}\n\" RATE_LIMIT 100 1\n\" HOTP_COUNTER 7\n{codes}\n"));
    run(&["mfactl", "import", name]);
    user
}

fn code(counter: u64) -> String {
    Secret::new(SECRET).counted(counter)
}

fn is_sealed(user: &User) -> bool {
    fs::read_to_string(user.system_record()).expect("enrolled").contains("\nsealed = ")
}

#[test]
fn a_sealed_record_and_its_key() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let alice = enrolled(&machine, "alice");
    let enters = |answer: &str| host.authenticate("alice", &[Answer::Text(answer)]).result == 0;

    run(&["mfactl", "seal"]);
    assert!(is_sealed(&alice));
    assert!(enters(&code(7)), "{}", machine.log);
    assert!(!enters(&code(7)));

    run(&["mv", KEY, "/root/key"]);
    assert!(!enters(&code(8)));
    machine.log.expect_denied("alice", "sealed");
    assert!(enters(SCRATCH[0]), "{}", machine.log);

    fs::write(KEY, [7; 32]).expect("our own /var/lib");
    run(&["chmod", "600", KEY]);
    assert!(!enters(&code(8)));
    machine.log.expect_denied("alice", "other_key");
    assert!(enters(SCRATCH[1]), "{}", machine.log);

    run(&["mv", "/root/key", KEY]);
    assert!(enters(&code(8)), "{}", machine.log);
    run(&["mfactl", "unseal"]);
    assert!(!is_sealed(&alice) && Path::new(KEY).exists());
    assert!(enters(&code(9)), "{}", machine.log);
}

#[test]
fn killed_or_out_of_room_at_every_step() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    let users = ["alice", "bob"].map(|name| enrolled(&machine, name));
    run(&["cp", "--archive", RECORDS, "/root/plain"]);
    run(&["mfactl", "seal"]);
    run(&["cp", "--archive", RECORDS, "/root/sealed"]);

    for (command, before) in [("seal", "/root/plain"), ("unseal", "/root/sealed")] {
        let argv = ["mfactl", command].map(str::to_owned);
        let reset = || {
            run(&["rm", "-r", RECORDS]);
            run(&["cp", "--archive", before, RECORDS]);
        };
        reset();
        let lasting = |call: &Call| {
            let names =
                ["write", "pwrite64", "fsync", "fdatasync", "renameat", "unlinkat", "fchmod"];
            names.contains(&call.name.as_str())
        };
        let calls = calls(&argv, RECORDS, "Records ");
        let calls: Vec<_> = calls.into_iter().filter(lasting).collect();
        assert!(calls.len() > 10, "{calls:?}");
        for (call, fault) in calls.iter().flat_map(|call| FAULTS.map(|fault| (call, fault))) {
            reset();
            inject(&argv, call, fault);
            let case = format!("{command}, {fault} at {call:?}");
            let enter = |counter| {
                for user in &users {
                    let login = host.authenticate(&user.name, &[Answer::Text(&code(counter))]);
                    assert_eq!(login.result, 0, "{case}: {}", machine.log);
                }
            };
            enter(7);
            let again = Command::new("mfactl").arg(command).output().expect("it is installed");
            assert!(again.status.success(), "{case}: {again:?}");
            let sealed = users.iter().filter(|user| is_sealed(user)).count();
            assert_eq!(sealed, if command == "seal" { 2 } else { 0 }, "{case}");
            enter(8);
            let left = run(&["ls", RECORDS, "/var/lib/pam_mfa/users"]);
            assert!(!left.contains('~'), "{case} leaves {left}");
        }
    }
}

#[test]
fn logins_go_on_meanwhile() {
    let machine = Machine::new();
    let host = Host::new(&machine, "auth required pam_mfa.so");
    enrolled(&machine, "alice");
    let forth_and_back = "for n in $(seq 20); do mfactl seal && mfactl unseal || exit; done";
    let mut busy = Command::new("sh")
        .args(["-c", forth_and_back])
        .stdout(Stdio::null())
        .spawn()
        .expect("there is a shell");
    let mut meanwhile = 0;
    for counter in 7.. {
        let login = host.authenticate("alice", &[Answer::Text(&code(counter))]);
        assert_eq!(login.result, 0, "{}", machine.log);
        if let Some(status) = busy.try_wait().expect("our own child") {
            assert!(status.success());
            break;
        }
        meanwhile += 1;
    }
    assert!(meanwhile > 2, "{meanwhile} logins are no test");
}
