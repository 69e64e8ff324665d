//! Scenarios that nobody thought of: any file, line, clock and answers.
//!
//! `make compliance CASES=20000 SEED=7` tries others than the usual.

use std::thread;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use sandbox::{SECRET, setting};

use crate::compare::compare;
use crate::lab::Lab;
use crate::scenario::{Scenario, scenario};

/// How many scenarios there are, unless `CASES` says otherwise.
const CASES: u32 = 2400;

/// So many at a time, each on a machine of its own.
const LABS: u32 = 4;

#[test]
fn both_do_the_same() {
    let cases: u32 = setting("CASES").unwrap_or(CASES);
    let seed: u64 = setting("SEED").unwrap_or(0);
    thread::scope(|scope| {
        let labs: Vec<_> = (0..LABS)
            .map(|nth| scope.spawn(move || explore(cases.div_ceil(LABS), [seed, nth.into(), 0, 0])))
            .collect();
        let found: Vec<_> =
            labs.into_iter().filter_map(|lab| lab.join().expect("it tells").err()).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    });
}

/// Tries so many scenarios; the shortest that differs without a reason, if one does.
fn explore(cases: u32, seed: [u64; 4]) -> Result<(), String> {
    let lab = Lab::new();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seed: Vec<u8> = seed.iter().flat_map(|word| word.to_le_bytes()).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let outcome = TestRunner::new_with_rng(config, rng)
        .run(&scenarios(), |scenario| compare(&lab, &scenario).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, _) | TestError::Abort(why)) => Err(why.to_string()),
    }
}

prop_compose! {
    fn scenarios()(
        period in select(&[30, 30, 30, 60, 15][..]),
        method in select(&["TOTP_AUTH", "TOTP_AUTH", "TOTP_AUTHentic", "HOTP", "HOTP", ""][..]),
        counter in 1_i64..50,
        // How many steps the person's clock is ahead.
        ahead in prop_oneof![3 => Just(0), 1 => -9_i64..9, 1 => -1600_i64..1600],
        sightings in weighted(0.3, vec((0_i64..2, -1_i64..2), 0..4)),
        lines in vec(line(), 0..7),
        method_at in any::<Index>(),
        codes in vec(10_000_000_u32..100_000_000, 0..4),
        newline in select(&["\n", "\n", "\n", "\r\n", "\n\n"][..]),
        ends in prop::bool::weighted(0.9),
        options in vec(option(), 0..4),
        logins in vec(login(), 1..4),
    ) -> Scenario {
        let mut lines = lines;
        if period != 30 {
            lines.push(format!("\" STEP_SIZE {period}"));
        }
        if let Some(sightings) = sightings {
            let pairs = (-3..).zip(sightings).map(|(step, (later, skew))| {
                format!(" {}{:+}", mark("step", step + later), ahead + skew)
            });
            lines.push(format!("\" RESETTING_TIME_SKEW{}", pairs.collect::<String>()));
        }
        let at = method_at.index(lines.len() + 1);
        match method {
            "" => {}
            "HOTP" => lines.insert(at, format!("\" HOTP_COUNTER {counter}")),
            by_time => lines.insert(at, format!("\" {by_time}")),
        }
        lines.insert(0, SECRET.to_owned());
        lines.extend(codes.iter().map(u32::to_string));
        let file = lines.join(newline) + if ends { newline } else { "" };

        let text = |input: Input| {
            let code = match input.code {
                Code::Near(steps) if method == "HOTP" => mark("hotp", (counter + steps).max(0)),
                Code::Near(steps) => mark("totp", ahead + steps),
                Code::Far(steps) => mark("totp", steps),
                Code::Scratch(nth) if codes.is_empty() => nth.index(100_000_000).to_string(),
                Code::Scratch(nth) => nth.get(&codes).to_string(),
                Code::Else(text) => text.to_owned(),
            };
            format!("{}{code}", input.before)
        };
        let mut random = scenario("a random one", &options.join(" "), "").raw(&file).period(period);
        for Login { later, from, token, replies } in logins {
            random = random.later(later).token(token.map(text).as_deref()).from(from);
            random = random.shows_the_same(replies.into_iter().map(text).collect::<Vec<_>>());
        }
        random
    }
}

fn mark(name: &str, offset: i64) -> String {
    format!("{{{name}{offset:+}}}")
}

fn option() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "try_first_pass",
            "use_first_pass",
            "forward_pass",
            "forward_pass",
            "noskewadj",
            "noskewadj",
            "no_increment_hotp",
            "echo_verification_code",
            "allowed_perm=0400",
            "debug",
            "nullok",
            "allow_readonly",
            "grace_period=10",
            "grace_period=50",
        ][..],
    )
}

/// A line of a file that says something, mostly something valid.
fn line() -> impl Strategy<Value = String> {
    let offsets = |name: &'static str, range: std::ops::Range<i64>| {
        let entry = (select(&[" ", " ", "  ", "\t"][..]), range);
        let entry = entry.prop_map(move |(blank, offset)| blank.to_owned() + &mark(name, offset));
        vec(entry, 0..6).prop_map(|entries| entries.concat())
    };
    let end = select(&["", "", "", "", "", "", "", "", "", " ", " x"][..]);
    let rate = (1..5, select(&[10, 30, 60][..]), offsets("now", -70..6), end.clone()).prop_map(
        |(attempts, seconds, times, end)| format!("\" RATE_LIMIT {attempts} {seconds}{times}{end}"),
    );
    let used = (offsets("step", -6..7), end)
        .prop_map(|(steps, end)| format!("\" DISALLOW_REUSE{steps}{end}"));
    let window =
        select(&[1, 2, 3, 4, 6, 10, 17][..]).prop_map(|size| format!("\" WINDOW_SIZE {size}"));
    let record = (0..10, select(HOSTS), -100_i64..3)
        .prop_map(|(n, host, when)| format!("\" LAST{n} {host} {}", mark("now", when)));
    prop_oneof![
        12 => rate,
        16 => used,
        12 => window,
        1 => select(&["0", "x", "", "3 x"][..]).prop_map(|size| format!("\" WINDOW_SIZE {size}")),
        4 => (-8..9).prop_map(|skew| format!("\" TIME_SKEW {skew}")),
        8 => record,
        3 => select(&["\" X y", "# a remark", "\"", ""][..]).prop_map(str::to_owned),
    ]
}

const HOSTS: &[&str] = &["192.0.2.7", "192.0.2.7", "2001:db8::1", "h", "a_b", "a,b"];

#[derive(Clone, Debug)]
struct Login {
    later: u64,
    from: Option<&'static str>,
    token: Option<Input>,
    replies: Vec<Input>,
}

/// What is typed.
#[derive(Clone, Debug)]
struct Input {
    before: &'static str,
    code: Code,
}

#[derive(Clone, Debug)]
enum Code {
    /// So many steps or counts beside the one that is due.
    Near(i64),
    /// So many steps beside this moment's.
    Far(i64),
    Scratch(Index),
    Else(&'static str),
}

fn login() -> impl Strategy<Value = Login> {
    let later = select(&[0, 0, 1, 15, 30, 30, 31, 60, 90][..]);
    let from = weighted(0.9, select(HOSTS));
    let reply = prop_oneof![
        20 => input(&["", "", "", "pw", "pw12"]),
        1 => select(&["null", "error", "none"][..])
            .prop_map(|text| Input { before: "", code: Code::Else(text) }),
    ];
    (later, from, weighted(0.4, input(&["", "pw", "pw12"])), vec(reply, 1..3))
        .prop_map(|(later, from, token, replies)| Login { later, from, token, replies })
}

const NO_CODES: &[&str] = &[
    "000000",
    "12345",
    "",
    "abcdef",
    "1234567",
    "12345678",
    "01234567",
    " 123456",
    "123456 ",
    "{0xff}{0xfe}",
];

fn input(before: &'static [&'static str]) -> impl Strategy<Value = Input> {
    let code = prop_oneof![
        12 => (-3_i64..4).prop_map(Code::Near),
        2 => (-1600_i64..1600).prop_map(Code::Far),
        3 => any::<Index>().prop_map(Code::Scratch),
        3 => select(NO_CODES).prop_map(Code::Else),
    ];
    (select(before), code).prop_map(|(before, code)| Input { before, code })
}
