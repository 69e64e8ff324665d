//! Many logins at one moment: a code counts once, whatever runs at the same time.
//!
//! `make races` runs a hundred rounds of each, `make check` fewer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sandbox::{Enrolment, Machine, RECORDS, SECRET, Secret, User, run, rush, setting};

const OURS: &str = "pam_mfa.so";
const THEIRS: &str = "pam_google_authenticator.so";

/// As many processes as are released at once.
const CROWD: usize = 64;

/// How often each race is run.
fn rounds() -> usize {
    setting("ROUNDS").unwrap_or(5)
}

/// One race at a time: each has the disk to itself.
static ALONE: Mutex<()> = Mutex::new(());

/// Alice's logins through `module`, with a file or record that is made anew for each round.
struct Race {
    machine: Machine,
    alice: User,
    _alone: MutexGuard<'static, ()>,
}

impl Race {
    fn new(module: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = Machine::with_disk();
        let alice = machine.user("alice");
        machine.stack("race", &format!("auth required {module}"));
        Self { machine, alice, _alone: alone }
    }

    /// How many of the answers were accepted, in each round.
    fn run(&self, enrol: impl Fn(&User), answers: impl Fn() -> Vec<String>) -> Vec<usize> {
        (0..rounds()).map(|_| self.round(&enrol, &answers())).collect()
    }

    fn round(&self, enrol: impl Fn(&User), answers: &[String]) -> usize {
        enrol(&self.alice);
        let before = self.files();
        let accepted = rush("race", "alice", answers);
        assert_eq!(self.files(), before, "nothing else is left");
        accepted
    }

    /// The names of all that is kept of her.
    fn files(&self) -> Vec<String> {
        let kept = run(&["sh", "-c", &format!("ls {RECORDS}/* 2>/dev/null || :")]);
        self.alice.files().into_iter().chain(kept.lines().map(str::to_owned)).collect()
    }
}

fn secret() -> Secret {
    Secret::new(SECRET)
}

/// The google-authenticator file with this option.
fn file(option: &str) -> impl Fn(&User) + use<> {
    let state = format!("{SECRET}\n\" {option}\n");
    move |alice| alice.write_state(&state)
}

fn each(count: usize) -> Vec<usize> {
    vec![count; rounds()]
}

/// The same code of this moment from all.
fn one_by_time() -> Vec<String> {
    vec![secret().code(); CROWD]
}

fn one_by_counter() -> Vec<String> {
    vec![secret().counted(1); CROWD]
}

#[test]
fn one_code_by_time_lets_one_in() {
    let race = Race::new(OURS);
    let accepted = race.run(file("DISALLOW_REUSE\n\" TOTP_AUTH"), one_by_time);
    assert_eq!(accepted, each(1));
    let accepted = race.run(|alice| by_time(alice).save(), one_by_time);
    assert_eq!(accepted, each(1), "by a system record");
}

#[test]
fn one_code_by_counter_lets_one_in() {
    let race = Race::new(OURS);
    let accepted = race.run(file("HOTP_COUNTER 1"), one_by_counter);
    assert_eq!(accepted, each(1));
    let token = |alice: &User| alice.enrolment().hotp("token", SECRET).save();
    let accepted = race.run(token, one_by_counter);
    assert_eq!(accepted, each(1), "by a system record");
}

#[test]
fn one_scratch_code_lets_one_in() {
    let accepted = Race::new(OURS)
        .run(file("TOTP_AUTH\n12345678\n87654321"), || vec!["12345678".to_owned(); CROWD]);
    assert_eq!(accepted, each(1));
}

#[test]
fn ten_scratch_codes_let_ten_in_and_are_gone() {
    let codes: Vec<_> = (0..10).map(|digit| format!("1234567{digit}")).collect();
    let enrol = file(&format!("TOTP_AUTH\n{}", codes.join("\n")));
    let race = Race::new(OURS);
    for _ in 0..rounds() {
        assert_eq!(race.round(&enrol, &codes), 10, "{}", race.machine.log);
        assert_eq!(race.alice.scratch_codes(), [""; 0]);
    }
}

#[test]
fn one_recovery_code_lets_one_in() {
    let codes = recovery_codes(2);
    let accepted = Race::new(OURS).run(
        |alice| by_time(alice).recovery_codes(&codes).save(),
        || vec![codes[1].clone(); CROWD],
    );
    assert_eq!(accepted, each(1));
}

#[test]
fn ten_recovery_codes_let_ten_in_and_are_used() {
    let codes = recovery_codes(10);
    let race = Race::new(OURS);
    for _ in 0..rounds() {
        let enrol = |alice: &User| by_time(alice).recovery_codes(&codes).save();
        assert_eq!(race.round(enrol, &codes), 10, "{}", race.machine.log);
        assert!(race.alice.used().codes.iter().map(|(_, used)| *used).eq([0b11_1111_1111]));
    }
}

#[test]
fn a_rate_limit_of_three_lets_three_in() {
    let race = Race::new(OURS);
    let accepted = race.run(file("RATE_LIMIT 3 30\n\" TOTP_AUTH"), one_by_time);
    assert_eq!(accepted, each(3));
    let codes = recovery_codes(32);
    let enrol = |alice: &User| by_time(alice).limit(3, 30).recovery_codes(&codes).save();
    let accepted = race.run(enrol, || codes.clone());
    assert_eq!(accepted, each(3), "by a system record");
}

/// That the race is one: the original loses it, sooner or later.
#[test]
fn the_original_lets_many_in() {
    let race = Race::new(THEIRS);
    let enrol = file("DISALLOW_REUSE\n\" TOTP_AUTH");
    let lost = |_| race.round(&enrol, &one_by_time()) > 1;
    assert!((0..100).any(lost));
}

fn by_time(alice: &User) -> Enrolment {
    alice.enrolment().totp("phone", SECRET)
}

fn recovery_codes(count: u8) -> Vec<String> {
    (10..10 + count).map(|number| format!("k7qf-2m9x-hw{number}")).collect()
}
