//! PostgreSQL: a host that is not root, and people without an account.

use std::fs;
use std::os::unix::fs::MetadataExt;

use sandbox::{BY_COUNTER, BY_TIME, Machine, Postgres, User};

/// One login of this person's as this role; whether it went well.
#[track_caller]
fn enters(server: &Postgres, person: &User, role: &str, code: &str) -> bool {
    let mut psql = server.login(person, role);
    psql.answer(&format!("Password for user {role}: "), code);
    psql.ends() && psql.shows(&format!("in as {role}"))
}

/// A machine with this PAM line for PostgreSQL, and alice.
fn machine(line: &str) -> (Machine, User) {
    let machine = Machine::new();
    machine.stack("postgresql", line);
    let alice = machine.user("alice");
    (machine, alice)
}

#[test]
fn a_code_opens_the_database_once() {
    let (machine, alice) =
        machine("auth required pam_mfa.so user=postgres secret=/var/lib/postgresql/mfa/${USER}");
    let server = Postgres::start(&machine);
    for role in ["alice", "reports", "bare"] {
        server.add_role(role);
    }
    let secret = server.enrol("reports", BY_TIME);
    let code = secret.code();

    assert!(!enters(&server, &alice, "reports", &secret.wrong_code()));
    machine.log.expect_denied("reports", "wrong_code");
    assert!(enters(&server, &alice, "reports", &code), "{}", machine.log);
    let line = machine.log.expect("accepted user=reports");
    for part in ["pam_mfa(postgresql:auth): ", " factor=totp ", " source=127.0.0.1 "] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }
    assert!(!enters(&server, &alice, "reports", &code));
    machine.log.expect_denied("reports", "reused");

    let own = server.enrol("alice", BY_TIME).code();
    assert!(enters(&server, &alice, "alice", &own), "{}", machine.log);
    assert!(!enters(&server, &alice, "bare", &own));
    machine.log.expect_denied("bare", "no_file");
}

#[test]
fn a_counter_moves_without_root() {
    let (machine, alice) = machine(
        "auth required pam_mfa.so user=postgres secret=/var/lib/postgresql/mfa/${USER} retry=2",
    );
    let server = Postgres::start(&machine);
    server.add_role("alice");
    let secret = server.enrol("alice", BY_COUNTER);
    let before = fs::metadata(Postgres::file("alice")).expect("enrolled");
    let counter = || {
        Postgres::read_state("alice")
            .lines()
            .find_map(|line| line.strip_prefix("\" HOTP_COUNTER ")?.parse::<u64>().ok())
    };

    assert!(enters(&server, &alice, "alice", &secret.counted(1)), "{}", machine.log);
    assert_eq!(
        counter(),
        Some(2),
        "psql first asks the server whether it wants a password; that costs nothing"
    );
    assert!(!enters(&server, &alice, "alice", &secret.counted(1)));
    assert_eq!(counter(), Some(3), "the same password to both questions is one attempt");
    assert!(enters(&server, &alice, "alice", &secret.counted(4)), "{}", machine.log);
    assert_eq!(counter(), Some(5));

    let after = fs::metadata(Postgres::file("alice")).expect("still there");
    let identity = |file: &fs::Metadata| (file.uid(), file.gid(), file.mode());
    assert_eq!(identity(&after), identity(&before));
}

#[test]
fn a_policy_holds_where_nobody_is_root() {
    let (machine, alice) =
        machine("auth required pam_mfa.so user=postgres secret=/var/lib/postgresql/mfa/${USER}");
    machine.policy(
        r#"
[[rule]]
name = "dave"
users = ["dave"]
deny = "no more"

[[rule]]
name = "all"
require = ["otp"]
fresh = "5m"
"#,
    );
    let server = Postgres::start(&machine);
    for role in ["dave", "reports"] {
        server.add_role(role);
    }
    let code = server.enrol("reports", BY_TIME).code();

    assert!(enters(&server, &alice, "reports", &code), "{}", machine.log);
    assert!(machine.log.expect("accepted user=reports ").contains(" rule=all "));
    let line = machine.log.expect("warning user=reports reason=cannot_write ");
    assert!(line.contains("/run/pam_mfa/fresh"), "{line}");
    assert!(!enters(&server, &alice, "reports", &code), "no check is kept");
    machine.log.expect_denied("reports", "reused");
    assert!(!server.login(&alice, "dave").ends());
    machine.log.expect_denied("dave", "policy_denies");

    machine.bypass(
        r#"
[[bypass]]
id = "b7"
network = "127.0.0.1"
services = ["postgresql"]
reason = "the reports' own machine"
"#,
    );
    let mut psql = server.login(&alice, "reports");
    assert!(psql.ends() && psql.shows("in as reports"), "{}\n{}", psql.screen(), machine.log);
    machine.log.expect("skipped user=reports bypass=b7 ");
    assert!(!server.login(&alice, "dave").ends(), "a bypass is for the second factor alone");
}
