//! Many logins at one moment: a code counts once, whatever runs at the same time.
//!
//! `make races` runs a hundred rounds of each, `make check` fewer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sandbox::{Machine, SECRET, Secret, User, rush, setting};

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

/// Alice's logins through `module`, with a file that is made anew for each round.
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
    fn run(&self, state: &str, answers: impl Fn() -> Vec<String>) -> Vec<usize> {
        (0..rounds()).map(|_| self.round(state, &answers())).collect()
    }

    fn round(&self, state: &str, answers: &[String]) -> usize {
        self.alice.write_state(state);
        let accepted = rush("race", "alice", answers);
        assert_eq!(self.alice.files(), [".google_authenticator"], "nothing else is left");
        accepted
    }
}

fn secret() -> Secret {
    Secret::new(SECRET)
}

fn by_time() -> String {
    format!("{SECRET}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n")
}

fn each(count: usize) -> Vec<usize> {
    vec![count; rounds()]
}

#[test]
fn one_code_by_time_lets_one_in() {
    let accepted = Race::new(OURS).run(&by_time(), || vec![secret().code(); CROWD]);
    assert_eq!(accepted, each(1));
}

#[test]
fn one_code_by_counter_lets_one_in() {
    let state = format!("{SECRET}\n\" HOTP_COUNTER 1\n");
    let accepted = Race::new(OURS).run(&state, || vec![secret().counted(1); CROWD]);
    assert_eq!(accepted, each(1));
}

#[test]
fn one_scratch_code_lets_one_in() {
    let state = format!("{SECRET}\n\" TOTP_AUTH\n12345678\n87654321\n");
    let accepted = Race::new(OURS).run(&state, || vec!["12345678".to_owned(); CROWD]);
    assert_eq!(accepted, each(1));
}

#[test]
fn ten_scratch_codes_let_ten_in_and_are_gone() {
    let codes: Vec<_> = (0..10).map(|digit| format!("1234567{digit}")).collect();
    let state = format!("{SECRET}\n\" TOTP_AUTH\n{}\n", codes.join("\n"));
    let race = Race::new(OURS);
    for _ in 0..rounds() {
        assert_eq!(race.round(&state, &codes), 10, "{}", race.machine.log);
        assert_eq!(race.alice.scratch_codes(), [""; 0]);
    }
}

#[test]
fn a_rate_limit_of_three_lets_three_in() {
    let state = format!("{SECRET}\n\" RATE_LIMIT 3 30\n\" TOTP_AUTH\n");
    let accepted = Race::new(OURS).run(&state, || vec![secret().code(); CROWD]);
    assert_eq!(accepted, each(3));
}

/// That the race is one: the original loses it, sooner or later.
#[test]
fn the_original_lets_many_in() {
    let race = Race::new(THEIRS);
    let lost = |_| race.round(&by_time(), &vec![secret().code(); CROWD]) > 1;
    assert!((0..100).any(lost));
}
