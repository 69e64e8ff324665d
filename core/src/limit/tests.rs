//! Whole attempts, and the file that they leave.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv6Addr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use super::table::SIZE;
use super::*;

const NOW: u64 = 1_700_000_000;
const PAUSES: Pauses = Pauses { failures: 5, max: 900 };

struct Lab {
    dir: TempDir,
}

impl Lab {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("pam_mfa")
    }

    fn file(&self) -> PathBuf {
        self.run_dir().join("failures")
    }

    /// How many of so many attempts are let through, all of them wrong.
    fn guesses(&self, user: &str, source: SourceKey, attempts: usize, now: u64) -> usize {
        let run_dir = &self.run_dir();
        let attempt = Attempts { run_dir, user, source, is_exempt: false, pauses: PAUSES };
        (0..attempts).filter(|_| attempt.admit(now).unwrap().is_ok()).count()
    }

    /// The failures of a user from a source.
    fn counter(&self, user: &str, source: SourceKey) -> Counter {
        let run_dir = &self.run_dir();
        let attempt = Attempts { run_dir, user, source, is_exempt: false, pauses: PAUSES };
        let opened = attempt.open().unwrap();
        let own = opened.bucket.0.iter().find(|entry| entry.tags == opened.tags);
        own.map(|entry| entry.counter).unwrap_or_default()
    }
}

fn source(number: i64) -> SourceKey {
    SourceKey::from_number(number)
}

fn refusal<T>(refused: Result<T, Denied>) -> Option<(Reason, u64)> {
    refused.err().map(|denied| (denied.reason, denied.wait.unwrap()))
}

#[test]
fn who_fails_has_to_wait_and_longer_each_time() {
    let lab = Lab::new();
    let run_dir = &lab.run_dir();
    let attempts =
        Attempts { run_dir, user: "alice", source: source(1), is_exempt: false, pauses: PAUSES };
    assert_eq!(lab.guesses("alice", source(1), 20, NOW), 5);
    let too_many = |wait| Some((Reason::TooManyFailures, wait));
    assert_eq!(refusal(attempts.look(NOW + 1).unwrap()), too_many(29));
    assert_eq!(refusal(attempts.admit(NOW + 29).unwrap()), too_many(1));
    assert_eq!(lab.guesses("alice", source(1), 20, NOW + 30), 1);
    assert_eq!(refusal(attempts.look(NOW + 31).unwrap()), too_many(59));
    attempts.succeeded().unwrap();
    assert_eq!(lab.guesses("alice", source(1), 20, NOW + 31), 5);
}

#[test]
fn a_stranger_holds_nobody_else_up() {
    let lab = Lab::new();
    assert_eq!(lab.guesses("alice", source(1), 20, NOW), 5);
    assert_eq!(lab.guesses("alice", source(2), 20, NOW), 5);
    assert_eq!(lab.guesses("bob", source(1), 20, NOW), 5);
}

#[test]
fn what_was_no_guess_does_not_count() {
    let lab = Lab::new();
    let run_dir = &lab.run_dir();
    let attempts =
        Attempts { run_dir, user: "alice", source: source(1), is_exempt: false, pauses: PAUSES };
    for now in NOW..NOW + 40 {
        let counted = attempts.admit(now).unwrap().unwrap();
        attempts.not_an_attempt(counted).unwrap();
    }
    assert_eq!(lab.guesses("alice", source(1), 20, NOW + 40), 5);
    // Nor does it make a pause begin again that was over.
    let counted = attempts.admit(NOW + 70).unwrap().unwrap();
    attempts.not_an_attempt(counted).unwrap();
    assert_eq!(attempts.look(NOW + 71).unwrap(), Ok(()));
    assert!(is_guess(Reason::WrongCode) && is_guess(Reason::UnknownUser));
    assert!(!is_guess(Reason::ConversationFailed) && !is_guess(Reason::RateLimited));
}

#[test]
fn many_at_once_are_no_more_guesses() {
    const LOGINS: usize = 64;
    for round in 0..5 {
        let lab = Lab::new();
        let (barrier, admitted) = (Barrier::new(LOGINS), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..LOGINS {
                scope.spawn(|| {
                    barrier.wait();
                    admitted.fetch_add(lab.guesses("alice", source(1), 2, NOW), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(admitted.into_inner(), 5, "round {round}");
    }
}

#[test]
fn a_source_that_tries_everybody_is_stopped() {
    let lab = Lab::new();
    let spray = |from, now| {
        let users: Vec<_> = (0..1000)
            .map(|n| format!("user{n}"))
            .filter(|user| lab.guesses(user, source(from), 1, now) == 1)
            .collect();
        users.len()
    };
    assert_eq!(spray(1, NOW), 10);
    let run_dir = &lab.run_dir();
    let at = |user, from, is_exempt| Attempts {
        run_dir,
        user,
        source: source(from),
        is_exempt,
        pauses: PAUSES,
    };
    let limited = |wait| Some((Reason::SourceLimited, wait));
    assert_eq!(refusal(at("user3", 1, false).look(NOW + 10).unwrap()), limited(890));
    assert_eq!(at("user3", 2, false).look(NOW).unwrap(), Ok(()), "from elsewhere");
    // One guess more each quarter of an hour, and all of it again once the first are an hour old.
    assert_eq!(spray(1, NOW + 899), 0);
    assert_eq!(spray(1, NOW + 900), 1);
    assert_eq!(spray(1, NOW + 1_799), 0);
    assert_eq!(spray(1, NOW + 3_600), 10);

    // Whoever succeeds did not fail.
    assert_eq!(spray(2, NOW), 10);
    at("user7", 2, false).succeeded().unwrap();
    assert_eq!(at("user7", 2, false).look(NOW).unwrap(), Ok(()));
}

#[test]
fn a_source_that_is_exempt_may_have_any_number_of_users() {
    let lab = Lab::new();
    let run_dir = &lab.run_dir();
    for n in 0..300 {
        let user = &format!("user{n}");
        let attempts =
            Attempts { run_dir, user, source: source(1), is_exempt: true, pauses: PAUSES };
        let admitted = (0..7).filter(|_| attempts.admit(NOW).unwrap().is_ok()).count();
        assert_eq!(admitted, 5, "{user}");
    }
    // And none of them makes room for another.
    for n in 0..300 {
        let user = &format!("user{n}");
        let attempts =
            Attempts { run_dir, user, source: source(1), is_exempt: true, pauses: PAUSES };
        assert!(attempts.look(NOW).unwrap().is_err(), "{user}");
    }
}

#[test]
fn a_flood_of_sources_takes_no_more_room() {
    let lab = Lab::new();
    assert_eq!(lab.guesses("alice", source(-1), 5, NOW), 5);
    for n in 0..100_000_u32 {
        let address =
            Ipv6Addr::from_bits(u128::from(0x2001_0db8_0000_0000_u64 + u64::from(n)) << 64);
        let source = SourceKey::new(Some(address.into()), None);
        assert_eq!(lab.guesses("alice", source, 1, NOW + u64::from(n / 100)), 1);
    }
    assert_eq!(fs::metadata(lab.file()).unwrap().len(), 1 << 20);
    let names: Vec<_> = fs::read_dir(lab.run_dir()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    // The latest are remembered.
    let last = Ipv6Addr::from_bits(u128::from(0x2001_0db8_0000_0000_u64 + 99_999) << 64);
    let last = SourceKey::new(Some(last.into()), None);
    assert_eq!(lab.guesses("alice", last, 20, NOW + 1_000), 4);
}

#[test]
fn a_file_that_is_not_like_this_is_made_anew() {
    let lab = Lab::new();
    let file = lab.file();
    let victim = lab.dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let spoil: [(&str, &dyn Fn()); 6] = [
        ("gone", &|| fs::remove_file(&file).unwrap()),
        ("empty", &|| fs::write(&file, "").unwrap()),
        ("short", &|| fs::write(&file, &fs::read(&file).unwrap()[..SIZE - 1]).unwrap()),
        ("long", &|| fs::write(&file, vec![0; SIZE + 1]).unwrap()),
        ("foreign", &|| fs::write(&file, vec![7; SIZE]).unwrap()),
        ("a link", &|| {
            fs::remove_file(&file).unwrap();
            symlink(&victim, &file).unwrap();
        }),
    ];
    assert_eq!(lab.guesses("alice", source(1), 20, NOW), 5);
    for (what, spoil) in spoil {
        spoil();
        assert_eq!(lab.guesses("alice", source(1), 20, NOW), 5, "{what}");
        assert_eq!(lab.guesses("alice", source(1), 20, NOW), 0, "{what}: kept");
        let found = fs::symlink_metadata(&file).unwrap();
        assert!(found.is_file() && found.len() == SIZE as u64, "{what}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn where_nothing_can_be_counted_it_says_so() {
    let lab = Lab::new();
    fs::create_dir(lab.run_dir()).unwrap();
    fs::set_permissions(lab.run_dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let run_dir = &lab.run_dir();
    let attempts =
        Attempts { run_dir, user: "alice", source: source(1), is_exempt: false, pauses: PAUSES };
    let trouble = attempts.admit(NOW).unwrap_err();
    assert_eq!(trouble.reason, Reason::Unreadable);
    assert!(trouble.detail.contains("pam_mfa/failures"), "{trouble}");
    assert!(!lab.file().exists());
}

#[test]
fn no_file_tells_who_failed_from_where() {
    let lab = Lab::new();
    let from = SourceKey::new(Some("192.0.2.7".parse().unwrap()), None);
    lab.guesses("alice", from, 5, NOW);
    let bytes = fs::read(lab.file()).unwrap();
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(&NOW.to_le_bytes()));
    assert!(!holds(b"alice") && !holds(&from.number().to_le_bytes()));
}

#[test]
fn administrators_see_and_clear_what_there_is() {
    let lab = Lab::new();
    let run_dir = &lab.run_dir();
    lab.guesses("alice", source(1), 5, NOW);
    lab.guesses("alice", source(2), 1, NOW);
    lab.guesses("bob", source(1), 5, NOW);
    for n in 0..20 {
        lab.guesses(&format!("user{n}"), source(3), 1, NOW);
    }
    let until = |whose| Failures::read(run_dir).unwrap().until(whose, PAUSES, NOW + 1);
    assert_eq!(until(Whose::User("alice")), Some(NOW + 30));
    assert_eq!(until(Whose::Source(source(2))), None);
    assert_eq!(until(Whose::Source(source(3))), Some(NOW + 900));
    assert_eq!(until(Whose::User("user3")), None, "it is the source that has to wait");

    let clear = |whose| clear(run_dir, whose, PAUSES, NOW + 1).unwrap();
    let cleared = |counters, until| Cleared { counters, until };
    assert_eq!(clear(Whose::User("alice")), cleared(2, Some(NOW + 30)));
    assert_eq!(clear(Whose::User("alice")), Cleared::default());
    assert_eq!(clear(Whose::Source(source(3))), cleared(10, Some(NOW + 900)));
    assert_eq!(clear(Whose::Source(source(1))), cleared(1, Some(NOW + 30)), "bob's");
    assert_eq!(lab.guesses("bob", source(1), 20, NOW + 1), 5);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Whatever the clock does, each waits as long as it is told and is let through then, and nobody
    /// is told to wait for longer than the longest pause.
    #[test]
    fn no_clock_locks_anybody_out(
        jumps in proptest::collection::vec((0_u64..3, 0_u64..2 * NOW, 0_u8..3, 0_i64..3), 1..60),
    ) {
        let lab = Lab::new();
        let run_dir = &lab.run_dir();
        let mut now = NOW;
        for (kind, jump, user, from) in jumps {
            now = if kind == 0 { jump } else { now + jump % 100 };
            let user = &format!("user{user}");
            let attempts =
                Attempts { run_dir, user, source: source(from), is_exempt: false, pauses: PAUSES };
            if let Err(denied) = attempts.look(now).unwrap() {
                let wait = denied.wait.unwrap();
                proptest::prop_assert!((1..=900).contains(&wait));
                proptest::prop_assert_eq!(attempts.look(now + wait).unwrap(), Ok(()));
            } else {
                proptest::prop_assert!(attempts.admit(now).unwrap().is_ok());
            }
        }
    }

    /// Each pair of user and source is as if there were no others.
    #[test]
    fn nobody_is_held_up_by_others(
        tries in proptest::collection::vec((0_u8..4, 0_i64..4, 0_u64..20, 0_u8..4), 1..120),
    ) {
        let lab = Lab::new();
        let run_dir = &lab.run_dir();
        let mut counters = std::collections::HashMap::new();
        let mut now = NOW;
        for (user, from, later, outcome) in tries {
            now += later;
            let counter: &mut Counter = counters.entry((user, from)).or_default();
            let user = &format!("user{user}");
            let attempts =
                Attempts { run_dir, user, source: source(from), is_exempt: false, pauses: PAUSES };
            let expected = counter.wait(PAUSES, now).map(|wait| (Reason::TooManyFailures, wait));
            let admitted = attempts.admit(now).unwrap();
            proptest::prop_assert_eq!(refusal(admitted), expected);
            if let Ok(counted) = admitted {
                match outcome {
                    0 => { attempts.succeeded().unwrap(); *counter = Counter::default(); }
                    1 => attempts.not_an_attempt(counted).unwrap(),
                    _ => *counter = counter.count(now),
                }
            }
        }
    }

    #[test]
    fn what_is_put_is_read_back(entries in proptest::collection::vec((0_u64.., 0_u64.., 0_u32.., 0_u64..), 32)) {
        let bucket = Bucket(entries.into_iter().map(|(source, user, failures, last)| bucket::Entry {
            tags: Tags { source, user },
            counter: Counter { failures, last },
        }).collect());
        let bytes = bucket.to_bytes();
        proptest::prop_assert_eq!(bytes.len(), table::BLOCK);
        proptest::prop_assert_eq!(Bucket::read(&bytes).0, bucket.0);
    }
}

#[test]
fn buckets_are_all_used() {
    let lab = Lab::new();
    let run_dir = lab.run_dir();
    let table = Table::open(&run_dir).unwrap();
    for exempt in [false, true] {
        let places: BTreeSet<_> = (0..20_000)
            .map(|n| Tags {
                source: table.hasher.source(source(n)),
                user: table.hasher.user("alice"),
            })
            .map(|tags| Table::place(tags, exempt))
            .collect();
        assert_eq!(places.len(), SIZE / table::BLOCK - 1);
    }
}

/// Guesses hide in no crowd of answers that are none: what is taken back is itself alone.
#[test]
fn what_is_taken_back_takes_no_guess_along() {
    let lab = Lab::new();
    let run_dir = &lab.run_dir();
    let attempts =
        Attempts { run_dir, user: "alice", source: source(1), is_exempt: false, pauses: PAUSES };
    let mut guesses = 0;
    for _ in 0..20 {
        let admit = || attempts.admit(NOW).unwrap().ok();
        let [one, guess, other] = [admit(), admit(), admit()];
        guesses += u32::from(guess.is_some());
        for empty in [one, other].into_iter().flatten() {
            attempts.not_an_attempt(empty).unwrap();
        }
    }
    assert_eq!(guesses, 4, "the fifth is that of the empty one beside it");
    let expected = Counter { failures: 4, last: NOW };
    assert_eq!(lab.counter("alice", source(1)), expected);
}
