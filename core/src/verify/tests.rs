//! Whole attempts against whole files, and what they write.

use super::*;
use crate::account::REMEMBERED;
use crate::gauth::{apply, parse};
use crate::secret::Secret;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const NOW: u64 = 1_700_000_010; // 20 s into its step
const STEP: u64 = NOW / 30;

/// A file that remembers what happened to it.
struct Login {
    text: String,
    now: u64,
    terms: Terms<'static>,
    combined: bool,
}

impl Login {
    fn new(options: &str) -> Self {
        let terms = Terms {
            learn_skew: true,
            advance_hotp: true,
            grace: 0,
            host: None,
            source: None,
            limits: None,
        };
        Self { text: format!("{SECRET}\n{options}\n"), now: NOW, terms, combined: false }
    }

    fn with(&mut self, first_pass: Option<&str>, reply: Reply) -> Verdict {
        let answer =
            Answer { first_pass: first_pass.map(str::as_bytes), reply, combined: self.combined };
        let account = parse(self.text.as_bytes());
        let (verdict, changes) = verify(&account, &answer, &self.terms, self.now);
        for change in &changes {
            self.text = String::from_utf8(apply(self.text.as_bytes(), change).to_vec()).unwrap();
        }
        verdict
    }

    fn enter(&mut self, reply: &str) -> Result<(Factor, i64), Reason> {
        match self.with(None, Reply::Given(reply.as_bytes())) {
            Verdict::Accepted(accepted) => Ok((accepted.factor, accepted.drift)),
            Verdict::Denied(denied) => Err(denied.reason),
        }
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(&format!("\" {key} ")))
    }
}

fn code(counter: u64) -> String {
    Otp::new(
        &Secret::new(b"12345678901234567890".to_vec()),
        crate::otp::Algorithm::Sha1,
        Digits::SIX,
    )
    .text(counter)
}

#[test]
fn the_window_is_that_of_the_original() {
    for (window, from, to) in
        [(1, 0, 0), (2, 0, 1), (3, -1, 1), (4, -1, 2), (6, -2, 3), (17, -8, 8)]
    {
        let mut login = Login::new(&format!("\" TOTP_AUTH\n\" WINDOW_SIZE {window}"));
        login.terms.learn_skew = false;
        for drift in -10..=10 {
            let expected = if (from..=to).contains(&drift) {
                Ok((Factor::Totp, drift))
            } else {
                Err(Reason::WrongCode)
            };
            assert_eq!(
                login.enter(&code(STEP.wrapping_add_signed(drift))),
                expected,
                "{window} {drift}"
            );
        }
    }
}

#[test]
fn a_code_counts_once_where_reuse_is_disallowed() {
    let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    assert_eq!(login.enter(&code(STEP)), Ok((Factor::Totp, 0)));
    assert_eq!(login.value("DISALLOW_REUSE"), Some(STEP.to_string().as_str()));
    let verdict = login.with(None, Reply::Given(code(STEP).as_bytes()));
    let until_next = (STEP + 1) * 30 - NOW;
    let wait = Some(until_next);
    let denied = Denied { wait, ..Denied::finally(Reason::Reused) };
    assert_eq!(verdict, Verdict::Denied(denied));
    assert_eq!(login.enter(&code(STEP + 1)), Ok((Factor::Totp, 1)));
    assert_eq!(login.enter(&code(STEP - 1)), Ok((Factor::Totp, -1)));
    assert_eq!(login.enter(&code(STEP + 1)), Err(Reason::Reused));
}

/// Enters the code of the step that is `steps` away, when the clock is there, too.
fn at(login: &mut Login, steps: i64) -> Result<(Factor, i64), Reason> {
    let step = STEP.wrapping_add_signed(steps);
    login.now = step * 30;
    login.enter(&code(step))
}

#[test]
fn a_clock_that_jumps_brings_no_used_code_back() {
    const DAY: i64 = 24 * 60 * 2;
    for jump in [DAY, -DAY] {
        let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
        assert!(at(&mut login, 0).is_ok());
        assert!(at(&mut login, jump).is_ok());
        assert_eq!(at(&mut login, 0), Err(Reason::Reused), "{jump}");
        assert!(at(&mut login, 1).is_ok(), "{jump}: nobody waits for the clock to come round");
        assert_eq!(at(&mut login, jump), Err(Reason::Reused), "{jump}");
    }
}

#[test]
fn what_may_be_forgotten_counts_as_used() {
    let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    let remembered = i64::try_from(REMEMBERED).unwrap();
    for login_of_a_day in 0..=remembered + 3 {
        assert!(at(&mut login, 10 * login_of_a_day).is_ok());
    }
    let listed = login.value("DISALLOW_REUSE").unwrap().split(' ').count();
    assert_eq!(listed, REMEMBERED + 1, "the latest, and the one of the moment");
    for forgotten in [0, 10, 20, 25] {
        assert_eq!(at(&mut login, forgotten), Err(Reason::Reused), "{forgotten}");
    }
    assert_eq!(at(&mut login, 30), Err(Reason::Reused), "listed");
    assert!(at(&mut login, 35).is_ok());
}

#[test]
fn nothing_is_forgotten_between_what_is_remembered() {
    let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    for steps in (0..=310).step_by(10).chain(311..=313) {
        assert!(at(&mut login, steps).is_ok());
    }
    // The clock is back among the first, and more are used there.
    assert!(at(&mut login, 5).is_ok());
    for used in [0, 5, 10, 20, 310, 313] {
        assert_eq!(at(&mut login, used), Err(Reason::Reused), "{used}");
    }
}

proptest::proptest! {
    #[test]
    fn no_code_counts_twice_wherever_the_clock_jumps(
        window in proptest::sample::select(&[1, 2, 3, 5, 17][..]),
        jumps in proptest::collection::vec((0_i64..4, -60_i64..60), 1..150),
    ) {
        let mut login = Login::new(&format!("\" TOTP_AUTH\n\" DISALLOW_REUSE\n\" WINDOW_SIZE {window}"));
        let mut used = std::collections::HashSet::new();
        let mut steps = 0;
        for (kind, by) in jumps {
            // Mostly it goes on.
            steps += if kind == 0 { by } else { kind };
            if at(&mut login, steps).is_ok() {
                proptest::prop_assert!(used.insert(steps), "{steps}");
            }
        }
    }
}

#[test]
fn a_list_of_nonsense_takes_no_time() {
    let far = [i64::MAX.to_string(), (i64::MAX - 1).to_string()].join(" ");
    let mut login =
        Login::new(&format!("\" TOTP_AUTH\n\" DISALLOW_REUSE{}", [" "].repeat(20).join(&far)));
    assert_eq!(login.enter(&code(STEP)), Err(Reason::Reused));
}

#[test]
fn a_code_counts_again_where_the_file_does_not_forbid_it() {
    let mut login = Login::new("\" TOTP_AUTH");
    let before = login.text.clone();
    for _ in 0..2 {
        let verdict = login.with(None, Reply::Given(code(STEP).as_bytes()));
        assert!(matches!(verdict, Verdict::Accepted(Accepted { reusable: true, .. })));
    }
    assert_eq!(login.text, before, "nothing to write");
}

#[test]
fn hotp_looks_ahead_and_counts_once() {
    let mut login = Login::new("\" HOTP_COUNTER 5");
    assert_eq!(login.enter(&code(7)), Ok((Factor::Hotp, 2)));
    assert_eq!(login.value("HOTP_COUNTER"), Some("8"));
    assert_eq!(login.enter(&code(7)), Err(Reason::Reused));
    assert_eq!(login.value("HOTP_COUNTER"), Some("9"), "the penalty, as in the original");
    login.terms.advance_hotp = false;
    assert_eq!(login.enter("000000"), Err(Reason::WrongCode));
    assert_eq!(login.enter("12345678"), Err(Reason::WrongCode), "no scratch code");
    assert_eq!(login.value("HOTP_COUNTER"), Some("9"));
}

#[test]
fn only_a_code_of_the_right_form_moves_hotp_on() {
    let mut login = Login::new("\" HOTP_COUNTER 5");
    for (reply, reason) in
        [("", Reason::EmptyAnswer), ("12345", Reason::NotACode), ("12345678", Reason::WrongCode)]
    {
        assert_eq!(login.enter(reply), Err(reason));
        assert_eq!(login.value("HOTP_COUNTER"), Some("5"), "{reply:?}");
    }
}

#[test]
fn a_scratch_code_counts_once() {
    for options in ["\" TOTP_AUTH", "\" HOTP_COUNTER 1", "\" X"] {
        let mut login = Login::new(&format!("{options}\n11111111\n22222222"));
        assert_eq!(login.enter("2222 2222"), Ok((Factor::Scratch, 0)));
        assert_eq!(login.text, format!("{SECRET}\n{options}\n11111111\n"));
        assert!(login.enter("22222222").is_err());
    }
}

#[test]
fn a_bad_line_denies_only_what_needs_it() {
    for (line, reason) in [
        ("\" WINDOW_SIZE 0", Reason::BadWindow),
        ("\" STEP_SIZE 0", Reason::BadStep),
        ("\" DISALLOW_REUSE x", Reason::BadReuseList),
    ] {
        let mut login = Login::new(&format!("\" TOTP_AUTH\n{line}\n11111111"));
        assert_eq!(login.enter(&code(STEP)), Err(reason));
        assert_eq!(login.enter("11111111"), Ok((Factor::Scratch, 0)));
    }
    for (line, reason) in [
        ("\" DIGITS 5", Reason::BadDigits),
        ("\" ALGORITHM x", Reason::BadAlgorithm),
        ("\" RATE_LIMIT x", Reason::BadRateLimit),
    ] {
        let mut login = Login::new(&format!("\" TOTP_AUTH\n{line}\n11111111"));
        let before = login.text.clone();
        assert_eq!(login.enter("11111111"), Err(reason));
        assert_eq!(login.text, before);
    }
    assert_eq!(Login::new("").enter(&code(STEP)), Err(Reason::NoMethod));
    let mut login = Login::new("\" TOTP_AUTH");
    login.text = login.text.replace(SECRET, "not base32!");
    assert_eq!(login.enter(&code(STEP)), Err(Reason::BadSecret));
}

#[test]
fn more_digits() {
    let long = |digits, counter| {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        Otp::new(&secret, crate::otp::Algorithm::Sha256, Digits::new(digits).unwrap()).text(counter)
    };
    for digits in [7, 8] {
        let mut login = Login::new(&format!(
            "\" TOTP_AUTH\n\" ALGORITHM SHA256\n\" DIGITS {digits}\n\" DISALLOW_REUSE\n11111111"
        ));
        assert_eq!(login.enter(&long(digits, STEP)), Ok((Factor::Totp, 0)));
        assert_eq!(login.enter(&long(digits, STEP)), Err(Reason::Reused));
        assert_eq!(login.enter(&long(digits, STEP)[1..]), Err(Reason::NotACode), "too short");
        assert_eq!(login.enter("11111111"), Ok((Factor::Scratch, 0)));
    }
    // Eight digits may be either; a scratch code costs no counter, and is none a second time.
    let counted = "\" HOTP_COUNTER 5\n\" ALGORITHM SHA256\n\" DIGITS 8\n11111111";
    let mut login = Login::new(counted);
    assert_eq!(login.enter("11111111"), Ok((Factor::Scratch, 0)));
    assert_eq!(login.value("HOTP_COUNTER"), Some("5"));
    assert_eq!(login.enter("11111111"), Err(Reason::WrongCode));
    assert_eq!(login.value("HOTP_COUNTER"), Some("6"));
    assert_eq!(login.enter(&long(8, 6)), Ok((Factor::Hotp, 0)));
    // A leading zero does not matter: RFC 6238 has one at 1111111109 s.
    let mut login = Login::new("\" TOTP_AUTH\n\" DIGITS 8");
    login.now = 1_111_111_109;
    assert_eq!(login.enter("07081804"), Ok((Factor::Totp, 0)));
}

#[test]
fn every_attempt_counts_and_too_many_are_not_looked_at() {
    let mut login = Login::new("\" TOTP_AUTH\n\" RATE_LIMIT 3 30\n11111111");
    assert_eq!(login.enter("000000"), Err(Reason::WrongCode));
    let verdict = login.with(None, Reply::Missing(Reason::ConversationFailed));
    assert!(matches!(verdict, Verdict::Denied(Denied { reason: Reason::ConversationFailed, .. })));
    assert_eq!(login.enter(""), Err(Reason::EmptyAnswer));
    assert_eq!(login.value("RATE_LIMIT"), Some(format!("3 30 {NOW} {NOW} {NOW}").as_str()));
    assert_eq!(login.enter("11111111"), Err(Reason::RateLimited));
    assert!(login.text.contains("11111111"));
    login.now += 31;
    assert_eq!(login.enter("11111111"), Ok((Factor::Scratch, 0)));
}

#[test]
fn three_codes_in_a_row_teach_a_clock_that_differs() {
    let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    for round in 0..3 {
        let expected = if round < 2 { Err(Reason::OtherTime) } else { Ok((Factor::Totp, 40)) };
        assert_eq!(login.enter(&code(STEP + round + 40)), expected);
        if round == 0 {
            let before = login.text.clone();
            assert_eq!(login.enter(&code(STEP + 40)), Err(Reason::OtherTime), "the same again");
            assert_eq!(login.text, before, "teaches nothing");
        }
        login.now += 30;
    }
    assert_eq!(login.value("TIME_SKEW"), Some("40"));
    assert_eq!(login.value("RESETTING_TIME_SKEW"), Some(""));
    login.now -= 30;
    assert_eq!(login.enter(&code(STEP + 42)), Err(Reason::Reused), "the third code is used up");
    assert_eq!(login.enter(&code(STEP + 43)), Ok((Factor::Totp, 41)));
}

#[test]
fn old_codes_in_their_old_order_are_no_lesson() {
    let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    for round in 0..3 {
        login.now = NOW + round * 30;
        assert_eq!(login.enter(&code(STEP + round)), Ok((Factor::Totp, 0)));
    }
    login.now = NOW + 3000;
    assert_eq!(login.enter(&code(STEP + 100)), Ok((Factor::Totp, 0)));
    let replayed: Vec<_> = (0..3)
        .map(|round| {
            login.now = NOW + 6000 + round * 30;
            login.enter(&code(STEP + round))
        })
        .collect();
    assert_eq!(replayed, [Err(Reason::OtherTime), Err(Reason::OtherTime), Err(Reason::Reused)]);
    assert_eq!(login.value("TIME_SKEW"), None);
}

#[test]
fn a_rounded_skew_does_not_bring_a_used_code_back() {
    let mut login =
        Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE\n\" WINDOW_SIZE 1\n\" TIME_SKEW 41");
    let said: Vec<_> = [(0, 41), (0, 41), (0, 39), (30, 40), (60, 42), (60, 41)]
        .map(|(later, ahead)| {
            login.now = NOW + later;
            login.enter(&code(STEP + ahead)).err()
        })
        .into();
    let (reused, other) = (Some(Reason::Reused), Some(Reason::OtherTime));
    assert_eq!(said, [None, reused, other, other, None, reused]);
}

#[test]
fn a_counter_at_its_end_lets_nobody_in() {
    let mut login = Login::new("\" HOTP_COUNTER 9223372036854775807");
    assert_eq!(login.enter(&code(i64::MAX.unsigned_abs())), Err(Reason::WrongCode));
}

#[test]
fn what_sshd_says_for_those_it_refuses() {
    let mut login = Login::new("\" TOTP_AUTH");
    assert_eq!(login.enter("\x08\n\r\x7fINCORRECT"), Err(Reason::DummyPassword));
}

#[test]
fn without_learning_another_time_is_just_wrong() {
    let mut login = Login::new("\" TOTP_AUTH");
    login.terms.learn_skew = false;
    let before = login.text.clone();
    assert_eq!(login.enter(&code(STEP + 40)), Err(Reason::WrongCode));
    assert_eq!(login.text, before);
}

#[test]
fn a_first_pass_may_hold_a_password_and_decides_alone_if_it_can() {
    let mut login = Login::new("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    let first = format!("password{}", code(STEP));
    let Verdict::Accepted(accepted) = login.with(Some(&first), Reply::NotAsked) else {
        panic!("denied")
    };
    assert_eq!((accepted.input, accepted.prefix), (Input::FirstPass, 8));
    let denied = |verdict| match verdict {
        Verdict::Denied(denied) => (denied.reason, denied.is_final),
        Verdict::Accepted(accepted) => panic!("{accepted:?}"),
    };
    let next = code(STEP + 1);
    let reply = Reply::Given(next.as_bytes());
    assert_eq!(denied(login.with(Some(&first), reply)), (Reason::Reused, true));
    assert_eq!(denied(login.with(Some("password"), Reply::NotAsked)), (Reason::NotACode, false));
    assert_eq!(denied(login.with(Some("000000"), Reply::NotAsked)), (Reason::WrongCode, false));
    assert_eq!(denied(login.with(None, Reply::NotAsked)), (Reason::NoAnswer, false));
    assert!(matches!(login.with(Some("password"), reply), Verdict::Accepted(_)));
}

#[test]
fn a_password_before_the_code_is_told_apart() {
    let mut login = Login::new("\" TOTP_AUTH\n11111111");
    login.combined = true;
    for (reply, prefix) in [(format!("pass12{}", code(STEP)), 6), ("pass11111111".to_owned(), 4)] {
        match login.with(None, Reply::Given(reply.as_bytes())) {
            Verdict::Accepted(accepted) => assert_eq!(accepted.prefix, prefix),
            Verdict::Denied(denied) => panic!("{denied:?}"),
        }
    }
}

#[test]
fn answers_of_any_length_and_bytes_are_only_denied() {
    let mut login = Login::new("\" TOTP_AUTH\n11111111");
    let long = "1".repeat(1 << 20);
    assert_eq!(login.enter(&long), Err(Reason::AnswerTooLong));
    let verdict = login.with(None, Reply::Given(b"\xff\xfe\x00\x0123456"));
    assert!(matches!(verdict, Verdict::Denied(Denied { reason: Reason::NotACode, .. })));
}

#[test]
fn a_login_is_remembered_only_with_a_grace_period() {
    let mut login = Login::new("\" TOTP_AUTH");
    login.terms.host = Some("192.0.2.7");
    assert!(login.enter(&code(STEP)).is_ok());
    assert_eq!(login.value("LAST0"), None);
    login.terms.grace = 60;
    assert!(login.enter("000000").is_err());
    assert_eq!(login.value("LAST0"), None);
    assert!(login.enter(&code(STEP)).is_ok());
    assert_eq!(login.value("LAST0"), Some(format!("192.0.2.7 {NOW}").as_str()));
}

/// Enters codes around the time of each try and counts how often each is accepted.
fn no_code_twice(window: u8, learn_skew: bool, tries: &[(u64, i64)]) {
    let options = format!("\" TOTP_AUTH\n\" DISALLOW_REUSE\n\" WINDOW_SIZE {window}");
    let mut login = Login::new(&options);
    login.terms.learn_skew = learn_skew;
    let mut accepted = std::collections::BTreeSet::new();
    for (wait, drift) in tries {
        login.now += wait;
        let step = (login.now / 30).wrapping_add_signed(*drift);
        if login.enter(&code(step)).is_ok() {
            assert!(accepted.insert(step), "step {step} twice\n{}", login.text);
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_code_is_accepted_twice_in_any_order(
        tries in proptest::collection::vec((0_u64..60, -8_i64..=8), 1..60),
        window in 1_u8..=8,
    ) {
        no_code_twice(window, false, &tries);
    }

    #[test]
    fn hotp_codes_are_accepted_in_order_and_once(tries in proptest::collection::vec(0_u64..30, 1..60)) {
        let mut login = Login::new("\" HOTP_COUNTER 1\n\" WINDOW_SIZE 4");
        let mut last = 0;
        for counter in tries {
            if login.enter(&code(counter)).is_ok() {
                proptest::prop_assert!(counter > last);
                last = counter;
            }
        }
    }
}

proptest::proptest! {
    // Each try searches 3,000 codes.
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn no_code_is_accepted_twice_while_a_clock_is_learnt(
        tries in proptest::collection::vec((proptest::sample::select(vec![0_u64, 30, 60]), -3_i64..=3), 1..20),
    ) {
        no_code_twice(1, true, &tries);
    }
}
