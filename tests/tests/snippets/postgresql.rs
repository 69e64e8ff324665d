//! PostgreSQL, for the roles of one group, by certificate and code.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use sandbox::{BY_TIME, Machine, PATIENCE, Postgres, Snippet, certificate, run};

use super::terminal::sudoers;
use super::{a_code_counts_once, doctor};

/// What an administrator has: everybody over the network, without a password to keep this short.
const ACCESS: &str = "local all postgres peer\nhost all all 127.0.0.1/32 trust\n";

#[test]
fn a_certificate_and_a_code() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    machine.stack("sudo", "auth required pam_permit.so");
    sudoers();
    let server = Postgres::start(&machine);
    fs::create_dir_all("/run/postgresql").expect("our own /run");
    symlink("/var/lib/postgresql/.s.PGSQL.5432", "/run/postgresql/.s.PGSQL.5432").expect("fresh");
    for role in ["reports", "program"] {
        server.add_role(role);
    }
    let tls = certificate(&["server", "reports", "program"], "postgres");
    let settings = format!(
        "ssl = on\nssl_ca_file = '{tls}/ca.crt'\nssl_cert_file = '{tls}/server.crt'\n\
         ssl_key_file = '{tls}/server.key'\n"
    );
    server.configure(ACCESS, &settings);
    let login = |role: &str, options: &str| server.login_with(&alice, role, options);
    run(&["cp", &format!("{tls}/reports.crt"), &format!("{tls}/reports.key"), "/home/alice"]);
    run(&["chown", "--recursive", "alice", "/home/alice"]);
    let own = "sslmode=require sslcert=reports.crt sslkey=reports.key";
    let foreign = "sslmode=require";

    let mut snippet = Snippet::of(&["postgresql"]);
    let mut secret = None;
    snippet.apply(|command| {
        let is_meant = command.contains(" mfa-enroll ");
        if is_meant {
            secret = Some(server.enrol("reports", BY_TIME));
        }
        is_meant
    });
    doctor("postgresql");
    let secret = secret.expect("the snippet says how");
    wait_until(|| !login("reports", "sslmode=disable").ends());
    a_code_counts_once(&machine, &secret, |code| {
        let mut psql = login("reports", own);
        psql.answer("Password for user reports: ", code);
        psql.ends() && psql.shows("in as reports")
    });
    assert!(!login("reports", foreign).ends(), "no certificate");
    assert!(login("program", "sslmode=disable").ends(), "as before");
    snippet.undo(|_| false);
    wait_until(|| login("reports", "sslmode=disable").ends());
}

/// PostgreSQL reads its configuration when it comes to it.
#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(20));
    }
}
