//! A system record.

use std::fs;
use std::path::PathBuf;

use mfa_core::state::State;
use sandbox::{Answer, Enrolment, Host, Machine, RECORDS, SECRET, Secret, User, run};

use crate::{Kept, Login};

const CODE: &str = "k7qf-2m9x-hw4d";

/// A record and its state, whose newest slot is known to be durable or not.
struct System<const SETTLED: bool> {
    alice: User,
    first: Vec<(PathBuf, Vec<u8>)>,
}

impl<const SETTLED: bool> Kept for System<SETTLED> {
    const PATH: &str = RECORDS;
    // A slot, on disk, its mark; the newest one first where it is not known to be on disk.
    const DURABLE: &[&str] = if SETTLED {
        &["pwrite64", "fdatasync", "pwrite64"]
    } else {
        &["pwrite64", "fdatasync", "pwrite64", "pwrite64", "fdatasync", "pwrite64"]
    };
    const SPARE: &str = "k7qf-2m9x-hw4e";

    fn reset(&self) {
        for (path, bytes) in &self.first {
            fs::write(path, bytes).expect("our own /var/lib");
        }
    }

    /// All but the times of attempts.
    fn used(&self) -> String {
        let used = State { attempts: vec![], ..self.alice.used() };
        format!("{used:?}")
    }

    fn is_spare_used(&self) -> bool {
        self.alice.used().codes.iter().all(|(_, used)| used & 0b10 != 0)
    }

    fn files(&self) -> Vec<String> {
        let listed = run(&["find", RECORDS]);
        listed.lines().map(str::to_owned).collect()
    }
}

/// A login with this answer, by what `enrol` makes of a record with two recovery codes.
fn login<'a, const SETTLED: bool>(
    machine: &'a Machine,
    enrol: impl Fn(Enrolment) -> Enrolment,
    answer: &str,
) -> Login<'a, System<SETTLED>> {
    let alice = machine.user("alice");
    let codes = [CODE, System::<SETTLED>::SPARE].map(str::to_owned);
    enrol(alice.enrolment()).recovery_codes(&codes).save();
    if SETTLED {
        let host = Host::new(machine, "auth required pam_mfa.so");
        let wrong = Secret::new(SECRET).wrong_code();
        host.authenticate("alice", &[Answer::Text(&wrong)]);
        machine.log.expect_denied("alice", "wrong_code");
    }
    let system = alice.system();
    let paths = [system.path(), system.state_path()];
    let first = paths.map(|path| (path.clone(), fs::read(path).expect("saved"))).to_vec();
    Login::new(machine, System { alice, first }, answer)
}

fn token(enrolment: Enrolment) -> Enrolment {
    enrolment.hotp("token", SECRET)
}

#[test]
fn the_first_code_by_counter() {
    let machine = Machine::new();
    login::<false>(&machine, token, &Secret::new(SECRET).counted(1)).suffers();
}

#[test]
fn a_code_by_time() {
    let machine = Machine::new();
    let phone = |enrolment: Enrolment| enrolment.totp("phone", SECRET).window(100);
    // Good for half an hour: longer than this takes.
    login::<true>(&machine, phone, &Secret::new(SECRET).code_beside(20)).suffers();
}

#[test]
fn a_recovery_code() {
    let machine = Machine::new();
    login::<true>(&machine, token, CODE).suffers();
}
