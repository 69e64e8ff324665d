//! Clocks that reach the ends of their numbers, and clocks that jump: no code works twice, and nobody
//! stays locked out beyond the window. A real sshd goes by a clock that the test sets.

use sandbox::{BY_COUNTER, BY_TIME, CODE, Clock, Machine, Sshd, User};

/// When the clocks begin, in 2030: the first second of a time step.
const NOW: i64 = 63_333_334 * 30;
const DAY: i64 = 24 * 60 * 60;

/// Where a signed number of 32 bits ends, on 2038-01-19, and an unsigned one, on 2106-02-07.
const ENDS: [i64; 2] = [i32::MAX as i64, u32::MAX as i64];

/// At most three attempts in 30 s.
const RATE_LIMITED: &[&str] = &["-t", "-C", "-f", "-d", "-w", "3", "-r", "3", "-R", "30", "-q"];

/// A machine where a key and a code are asked for by this PAM line, and alice with these flags of
/// mfa-enroll.
fn enrolled(line: &str, flags: &[&str]) -> (Machine, User) {
    let machine = Machine::new();
    machine.stack("sshd", line);
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", flags);
    (machine, alice)
}

/// An sshd with a clock of its own, which begins at [`NOW`].
fn sshd(machine: &Machine) -> (Clock<'_>, Sshd<'_>) {
    let clock = Clock::stopped(machine, NOW);
    let methods = "AuthenticationMethods publickey,keyboard-interactive";
    let sshd = Sshd::start_by(&clock, machine, methods);
    (clock, sshd)
}

/// One login of alice's with this code; whether she is in.
#[track_caller]
fn enters(sshd: &Sshd, code: &str) -> bool {
    let mut login = sshd.login("alice", &[], "echo in as $USER");
    login.answer(CODE, code);
    login.ends() && login.shows("in as alice")
}

/// One login of alice's in which she is not asked; whether she is in.
#[track_caller]
fn enters_unasked(sshd: &Sshd) -> bool {
    let mut login = sshd.login("alice", &[], "echo in as $USER");
    let is_in = login.ends() && login.shows("in as alice");
    assert!(!login.shows(CODE), "{}", login.screen());
    is_in
}

/// The value of a line of alice's file.
fn value(alice: &User, key: &str) -> Option<String> {
    let prefix = format!("\" {key} ");
    alice.read_state().lines().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
}

#[test]
fn codes_by_time_where_numbers_end() {
    let (machine, alice) = enrolled("auth required pam_mfa.so", BY_TIME);
    let (clock, sshd) = sshd(&machine);
    for end in ENDS {
        alice.enrol("mfa-enroll", BY_TIME);
        let secret = alice.secret();
        for time in [end - 30, end, end + 30] {
            clock.set(time);
            let code = secret.code_at(time);
            assert!(enters(&sshd, &code), "{time}: {}", machine.log);
            clock.set(time + 1);
            assert!(!enters(&sshd, &code), "{time}");
        }
        let step = end / 30;
        let used = format!("{} {step} {}", step - 1, step + 1);
        assert_eq!(value(&alice, "DISALLOW_REUSE"), Some(used));
        assert_eq!(value(&alice, "TIME_SKEW"), None, "no clock differs");
    }
    assert_eq!(machine.log.count("reason=reused"), 6, "{}", machine.log);
    assert_eq!(sshd.errors(), "");
}

#[test]
fn attempts_are_counted_where_numbers_end() {
    let (machine, alice) = enrolled("auth required pam_mfa.so", RATE_LIMITED);
    let (clock, sshd) = sshd(&machine);
    let secret = alice.secret();
    for (turn, end) in (1..).zip(ENDS) {
        clock.set(end);
        let code = secret.code_at(end);
        assert!(enters(&sshd, &code), "{}", machine.log);
        let now = end + 1;
        clock.set(now);
        assert!(!enters(&sshd, &code));
        assert!(!enters(&sshd, &code));
        assert!(!enters_unasked(&sshd));
        assert_eq!(machine.log.count("reason=rate_limited"), turn, "{}", machine.log);
        assert_eq!(value(&alice, "RATE_LIMIT"), Some(format!("3 30 {now} {now} {now}")));
        clock.set(now + 31);
        assert!(enters(&sshd, &secret.code_at(now + 31)), "{}", machine.log);
    }
}

#[test]
fn a_day_forth_and_back() {
    let (machine, alice) = enrolled("auth required pam_mfa.so", BY_TIME);
    let (clock, sshd) = sshd(&machine);
    let secret = alice.secret();
    let code = |time| secret.code_at(time);

    assert!(enters(&sshd, &code(NOW)), "{}", machine.log);
    clock.set(NOW + DAY);
    assert!(enters(&sshd, &code(NOW + DAY)), "{}", machine.log);

    clock.set(NOW + 40);
    let mut used = sshd.login("alice", &[], "echo in as $USER");
    used.answer(CODE, &code(NOW));
    assert!(!used.ends(), "used before the jump: {}", machine.log);
    assert!(enters(&sshd, &code(NOW + 30)), "{}", machine.log);
    assert!(enters(&sshd, &code(NOW + 60)), "the window reaches one step ahead: {}", machine.log);

    clock.set(NOW + DAY + 40);
    assert!(!enters(&sshd, &code(NOW + DAY)), "used between the jumps: {}", machine.log);
    assert!(enters(&sshd, &code(NOW + DAY + 30)), "{}", machine.log);
    assert_eq!(machine.log.count("reason=reused"), 2, "{}", machine.log);
    // Nobody is told to wait until tomorrow.
    assert!(used.shows("That code has been used; enter the one shown now"), "{}", used.screen());
}

#[test]
fn a_day_back_and_forth() {
    let (machine, alice) = enrolled("auth required pam_mfa.so", BY_TIME);
    let (clock, sshd) = sshd(&machine);
    let secret = alice.secret();
    let code = |time| secret.code_at(time);

    assert!(enters(&sshd, &code(NOW)), "{}", machine.log);
    clock.set(NOW - DAY);
    assert!(enters(&sshd, &code(NOW - DAY)), "never used: {}", machine.log);
    assert!(!enters(&sshd, &code(NOW - DAY)));

    clock.set(NOW + 40);
    assert!(!enters(&sshd, &code(NOW)), "used before the jump: {}", machine.log);
    assert!(enters(&sshd, &code(NOW + 30)), "{}", machine.log);
    assert_eq!(machine.log.count("reason=reused"), 2, "{}", machine.log);
}

#[test]
fn a_counter_knows_no_clock() {
    let (machine, alice) = enrolled("auth required pam_mfa.so", BY_COUNTER);
    let (clock, sshd) = sshd(&machine);
    let secret = alice.secret();
    let times = [NOW, NOW + DAY, NOW - DAY, ENDS[0], ENDS[1]];
    // A failed attempt costs a step.
    for (time, counter) in times.into_iter().zip((1..).step_by(2)) {
        clock.set(time);
        assert!(enters(&sshd, &secret.counted(counter)), "{time}: {}", machine.log);
        assert!(!enters(&sshd, &secret.counted(counter)), "{time}");
        assert_eq!(value(&alice, "HOTP_COUNTER"), Some((counter + 2).to_string()));
    }
}

#[test]
fn a_rate_limit_neither_stays_nor_goes_for_ever() {
    let (machine, alice) = enrolled("auth required pam_mfa.so", RATE_LIMITED);
    let (clock, sshd) = sshd(&machine);
    let secret = alice.secret();
    for (turn, time) in (1..).zip([NOW, NOW + DAY, NOW + 30, NOW - DAY]) {
        clock.set(time);
        let code = secret.code_at(time);
        assert!(enters(&sshd, &code), "{time}: {}", machine.log);
        assert!(!enters(&sshd, &code));
        assert!(!enters(&sshd, &code));
        assert!(!enters_unasked(&sshd), "{time}: a fourth attempt");
        assert_eq!(machine.log.count("reason=rate_limited"), turn, "{}", machine.log);
    }
}

#[test]
fn a_grace_period_lasts_no_longer_for_a_jump() {
    let (machine, alice) = enrolled("auth required pam_mfa.so grace_period=60", BY_TIME);
    let (clock, sshd) = sshd(&machine);
    let secret = alice.secret();
    // Wherever the last login lies, in the past or in the future, she is asked at first.
    for time in [NOW, NOW + DAY, NOW + 30, NOW - DAY, ENDS[0], ENDS[1], NOW + 60] {
        clock.set(time);
        assert!(enters(&sshd, &secret.code_at(time)), "{time}: {}", machine.log);
        assert_eq!(value(&alice, "LAST0"), Some(format!("127.0.0.1 {time}")));
        clock.set(time + 20);
        assert!(enters_unasked(&sshd), "{time}: {}", machine.log);
    }
}
