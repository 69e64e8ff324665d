//! Records in a directory of the test's own, which need not be root's.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use nix::unistd::Uid;
use tempfile::TempDir;

use super::*;
use crate::account::{CodeKind, Sighting};
use crate::codes::{self, Drawn};
use crate::otp::{Algorithm, Digits, Otp};
use crate::record::{Codes, Credential, Id, Kept, Limit, Method, Name};
use crate::secret::Secret;
use crate::state::Used;
use crate::verify::{Accepted, Answer, Factor, Reply, Terms, Verdict, verify};

const NOW: u64 = 1_700_000_010;

/// `/var/lib/pam_mfa` and one user, alice.
pub(super) struct Lab {
    pub(super) dir: TempDir,
}

impl Lab {
    pub(super) fn new() -> Self {
        let lab = Self { dir: TempDir::new().unwrap() };
        lab.base().create().unwrap();
        lab
    }

    pub(super) fn base(&self) -> Base {
        Base::new(&self.dir.path().join("lib"), &self.dir.path().join("run"))
    }

    pub(super) fn alice(&self) -> SystemRecord {
        SystemRecord::new(self.base(), "alice", Uid::from_raw(1000)).unwrap()
    }

    /// Enrols alice with these credentials, and nothing used.
    pub(super) fn enrol(&self, credentials: Vec<Credential>) -> SystemRecord {
        let alice = self.alice();
        let state = State {
            credentials: credentials
                .iter()
                .map(|credential| match credential.method {
                    Method::Totp { .. } => (credential.id, Used::totp(0)),
                    Method::Hotp => (credential.id, Used::hotp(Some(0))),
                })
                .collect(),
            ..State::default()
        };
        let record = Record { credentials, ..empty() };
        alice.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
        alice
    }
}

fn empty() -> Record {
    Record {
        user: "alice".to_owned(),
        uid: 1000,
        rate_limit: Limit { attempts: 100, seconds: 30 },
        credentials: vec![],
        keys: vec![],
        codes: vec![],
    }
}

fn secret(n: u8) -> Secret {
    Secret::new(vec![n; 20])
}

/// The credential number `n`.
pub(super) fn totp(n: u8, name: &str) -> Credential {
    Credential {
        id: Id::new([0, 0, 0, n]),
        name: Name::new(name).unwrap(),
        method: Method::Totp { period: 30 },
        secret: Kept::Plain(secret(n)),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        window: 3,
        created: None,
    }
}

fn hotp(n: u8, name: &str) -> Credential {
    Credential { method: Method::Hotp, ..totp(n, name) }
}

fn code(n: u8, counter: u64) -> String {
    Otp::new(&secret(n), Algorithm::Sha1, Digits::SIX).text(counter)
}

const TERMS: Terms = Terms {
    learn_skew: true,
    advance_hotp: true,
    grace: 0,
    host: None,
    source: None,
    limits: None,
};

pub(super) fn log_in_at(store: &SystemRecord, text: &str, now: u64) -> Result<Accepted, Reason> {
    let answer = Answer { first_pass: None, reply: Reply::Given(text.as_bytes()), combined: false };
    let outcome = store
        .transact(&mut |account| verify(account, &answer, &TERMS, now))
        .map_err(|trouble| trouble.reason)?;
    outcome.written.map_err(|trouble| trouble.reason)?;
    match outcome.verdict {
        Verdict::Accepted(accepted) => Ok(accepted),
        Verdict::Denied(denied) => Err(denied.reason),
    }
}

fn log_in(store: &SystemRecord, text: &str) -> Result<(Factor, Option<String>), Reason> {
    log_in_at(store, text, NOW).map(|accepted| (accepted.factor, accepted.credential))
}

#[test]
fn each_of_several_credentials_once() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![totp(1, "phone"), totp(2, "old phone"), hotp(3, "token")]);
    let step = NOW / 30;
    let phone = Ok((Factor::Totp, Some("phone".to_owned())));
    assert_eq!(log_in(&alice, &code(1, step)), phone);
    assert_eq!(log_in(&alice, &code(1, step)), Err(Reason::Reused));
    assert_eq!(log_in(&alice, &code(1, step - 1)), Err(Reason::Reused), "an earlier one");
    assert_eq!(log_in(&alice, &code(1, step + 1)), phone);
    assert_eq!(log_in(&alice, &code(2, step)), Ok((Factor::Totp, Some("old phone".to_owned()))));
    let token = Ok((Factor::Hotp, Some("token".to_owned())));
    assert_eq!(log_in(&alice, &code(3, 1)), token);
    assert_eq!(log_in(&alice, &code(3, 0)), Err(Reason::Reused));
    assert_eq!(log_in(&alice, &code(3, 2)), token);
}

#[test]
fn wrong_codes_do_not_move_a_counter_and_two_in_a_row_do() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![hotp(3, "token")]);
    assert_eq!(log_in(&alice, "000000"), Err(Reason::WrongCode));
    assert_eq!(
        alice.read().unwrap().1.credentials.get(&Id::new([0, 0, 0, 3])),
        Some(&Used::hotp(Some(0)))
    );
    assert_eq!(log_in(&alice, &code(3, 500)), Err(Reason::FurtherAhead));
    assert_eq!(log_in(&alice, &code(3, 502)), Err(Reason::FurtherAhead), "not the next");
    assert_eq!(log_in(&alice, &code(3, 502)), Err(Reason::FurtherAhead), "the same again");
    assert_eq!(log_in(&alice, &code(3, 503)).unwrap().0, Factor::Hotp);
    assert_eq!(log_in(&alice, &code(3, 503)), Err(Reason::Reused));
    assert!(log_in(&alice, &code(3, 504)).is_ok());
    assert_eq!(log_in(&alice, &code(3, 508 + 1000)), Err(Reason::WrongCode), "too far");
}

#[test]
fn a_code_further_ahead_waits_for_the_next_only_until_another_is_accepted() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![hotp(3, "token")]);
    assert_eq!(log_in(&alice, &code(3, 500)), Err(Reason::FurtherAhead));
    assert!(log_in(&alice, &code(3, 0)).is_ok());
    assert_eq!(log_in(&alice, &code(3, 501)), Err(Reason::FurtherAhead));

    let (record, mut state) = alice.read().unwrap();
    let behind = Used { ahead: Some(1), ..Used::hotp(Some(5)) };
    state.credentials.insert(Id::new([0, 0, 0, 3]), behind);
    alice.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    assert_eq!(log_in(&alice, &code(3, 2)), Err(Reason::Reused), "not even if it is waited for");
}

/// What comes of the code `text`, if this happens between look and lock, and how often it was judged.
fn disturbed(
    alice: &SystemRecord,
    text: &str,
    disturb: impl Fn(),
) -> (Result<Verdict, Reason>, usize) {
    let answer = Answer { first_pass: None, reply: Reply::Given(text.as_bytes()), combined: false };
    let mut times = 0;
    let outcome = alice.transact(&mut |account| {
        times += 1;
        if times == 1 {
            disturb();
        }
        verify(account, &answer, &TERMS, NOW)
    });
    (outcome.map(|outcome| outcome.verdict).map_err(|trouble| trouble.reason), times)
}

#[test]
fn what_changed_before_the_lock_is_judged_anew() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![hotp(3, "token")]);
    let first = code(3, 0);
    let (verdict, times) = disturbed(&alice, &first, || drop(log_in(&alice, &first).unwrap()));
    assert!(matches!(verdict, Ok(Verdict::Denied(denied)) if denied.reason == Reason::Reused));
    assert_eq!(times, 2);

    let second = code(3, 1);
    let (verdict, times) = disturbed(&alice, &second, || {
        let copy = lab.dir.path().join("state");
        fs::copy(alice.state_path(), &copy).unwrap();
        fs::rename(copy, alice.state_path()).unwrap();
    });
    assert!(matches!(verdict, Ok(Verdict::Accepted(_))));
    assert_eq!(times, 2);
    assert_eq!(
        log_in(&alice, &second),
        Err(Reason::Reused),
        "it is noted in the file of that name"
    );

    let (verdict, _) = disturbed(&alice, &code(3, 2), || {
        let record = fs::read_to_string(alice.path()).unwrap();
        fs::write(alice.path(), record.replace("uid = 1000", "uid = 1001")).unwrap();
    });
    assert_eq!(verdict, Err(Reason::UidChanged));
}

#[test]
fn each_record_finds_its_own_in_the_state() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![totp(1, "phone")]);
    let set = |n| Codes {
        id: Id::new([1, 0, 0, n]),
        kind: CodeKind::Recovery,
        salt: codes::Hex::new([n; 16]),
        hashes: vec![codes::Hex::new([n; 32])],
        created: None,
        expires: None,
    };
    let save = |credential: Credential, codes: Codes| {
        let state = State {
            credentials: [(credential.id, Used::totp(0))].into(),
            codes: [(codes.id, 0)].into(),
            ..State::default()
        };
        let record = Record { credentials: vec![credential], codes: vec![codes], ..empty() };
        alice.edit(Lost::Refuse).unwrap().save(record, state)
    };
    let known = || {
        let (_, state) = alice.read().unwrap();
        let codes = state.codes.iter().map(|(id, _)| *id);
        state.credentials.iter().map(|(id, _)| *id).chain(codes).collect::<Vec<_>>()
    };
    save(totp(1, "phone"), set(1)).unwrap();
    let own = |n| [Id::new([0, 0, 0, n]), Id::new([1, 0, 0, n])];
    assert_eq!(known(), own(1));

    // Where the new record would be written.
    let hindrance = alice.path().with_extension("toml~mfa");
    fs::create_dir(&hindrance).unwrap();
    assert_eq!(save(totp(2, "phone"), set(2)).unwrap_err().reason, Reason::CannotWrite);
    let mut found = known();
    found.sort_unstable();
    assert_eq!(found, [own(1)[0], own(2)[0], own(1)[1], own(2)[1]]);
    assert!(log_in(&alice, &code(1, NOW / 30)).is_ok());

    fs::remove_dir(hindrance).unwrap();
    save(totp(2, "phone"), set(2)).unwrap();
    assert_eq!(known(), own(2));
    let slots = fs::read(alice.state_path()).unwrap();
    let is_there = |text: &[u8]| slots.windows(text.len()).any(|window| window == text);
    assert!(is_there(b"[credential.00000001]"), "the slot before stays what it was");
}

#[test]
fn two_states_that_do_not_fit_together_take_turns() {
    let lab = Lab::new();
    let alice = lab.alice();
    let sightings = vec![Sighting { step: 999_999_999_999, skew: -1_499 }; 3];
    for from in [0, 16] {
        let all = (from..from + 16).map(|n| totp(n, &format!("phone {n}")));
        let credentials: Vec<_> = all.collect();
        let used =
            Used { skew: -1_499, sightings: sightings.clone(), ..Used::totp(999_999_999_999) };
        let state = State {
            attempts: (0..100).map(|n| NOW + 36 * n).collect(),
            credentials: credentials.iter().map(|one| (one.id, used.clone())).collect(),
            ..State::default()
        };
        let record = Record { credentials, ..empty() };
        alice.edit(Lost::Refuse).unwrap().save(record, state.clone()).unwrap();
        assert_eq!(alice.read().unwrap().1, state);
    }
}

#[test]
fn a_counter_that_nobody_knows_is_found_by_two_codes() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![hotp(3, "token")]);
    let (record, mut state) = alice.read().unwrap();
    state.credentials.insert(Id::new([0, 0, 0, 3]), Used::hotp(None));
    alice.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    assert_eq!(log_in(&alice, &code(3, 7)), Err(Reason::FurtherAhead));
    assert!(log_in(&alice, &code(3, 8)).is_ok());
    assert!(log_in(&alice, &code(3, 9)).is_ok());
}

#[test]
fn paper_codes_count_once_and_the_rest_is_counted() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![totp(1, "phone")]);
    let random = |bytes: &mut [u8]| {
        let n = fs::read_dir(lab.dir.path()).map_err(|_| ())?.count();
        bytes.iter_mut().zip(n..).for_each(|(byte, n)| *byte = u8::try_from(n * 37 % 251).unwrap());
        fs::write(lab.dir.path().join(n.to_string()), "").map_err(|_| ())
    };
    let Drawn { codes, salt, hashes } = codes::draw(&random, 3).unwrap();
    let bypass = codes::draw(&random, 1).unwrap();
    let (mut record, mut state) = alice.read().unwrap();
    let set = |n, kind, salt, hashes, expires| Codes {
        id: Id::new([1, 0, 0, n]),
        kind,
        salt,
        hashes,
        created: None,
        expires,
    };
    record.codes = vec![
        set(1, CodeKind::Recovery, salt, hashes, None),
        set(2, CodeKind::Bypass, bypass.salt, bypass.hashes, Some(NOW + 60)),
    ];
    state.codes = record.codes.iter().map(|codes| (codes.id, 0)).collect();
    alice.edit(Lost::Refuse).unwrap().save(record.clone(), state).unwrap();

    let typed = codes[1].grouped().to_uppercase();
    let accepted = log_in_at(&alice, &typed, NOW).unwrap();
    assert_eq!((accepted.factor, accepted.codes_left), (Factor::Recovery, Some(2)));
    assert_eq!(log_in(&alice, &typed), Err(Reason::Reused));
    let help = bypass.codes[0].grouped();
    assert_eq!(log_in_at(&alice, &help, NOW + 60).unwrap_err(), Reason::Expired);
    let accepted = log_in_at(&alice, &help, NOW + 59).unwrap();
    assert_eq!((accepted.factor, accepted.codes_left), (Factor::Bypass, Some(2)));
    assert_eq!(log_in(&alice, &help), Err(Reason::Reused));
    assert_eq!(log_in(&alice, "k7qf-2m9x-hw4d"), Err(Reason::WrongCode));

    // Codes that the state does not know are dead.
    let (_, mut state) = alice.read().unwrap();
    state.codes.retain(|_| false);
    record.codes[0].id = Id::new([9, 0, 0, 0]);
    alice.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    assert_eq!(log_in(&alice, &codes[0].grouped()), Err(Reason::NoState));
}

#[test]
fn who_may_log_in_by_a_record() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![totp(1, "phone")]);
    let other = SystemRecord::new(lab.base(), "alice", Uid::from_raw(1001)).unwrap();
    assert_eq!(log_in(&other, &code(1, NOW / 30)), Err(Reason::UidChanged));
    let bob = SystemRecord::new(lab.base(), "bob", Uid::from_raw(1000)).unwrap();
    assert_eq!(bob.look(), Ok(Presence::Absent));
    fs::copy(alice.path(), bob.path()).unwrap();
    assert_eq!(log_in(&bob, &code(1, NOW / 30)), Err(Reason::BadRecord));
    fs::remove_file(alice.state_path()).unwrap();
    assert_eq!(log_in(&alice, &code(1, NOW / 30)), Err(Reason::NoState));
    assert_eq!(alice.edit(Lost::Refuse).err().unwrap().reason, Reason::NoState);
    fs::set_permissions(alice.path(), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(log_in(&alice, &code(1, NOW / 30)), Err(Reason::WrongMode));
}

#[test]
fn a_sealed_secret_is_the_reason_also_beside_paper_codes() {
    let lab = Lab::new();
    let phone = Credential { secret: Kept::Sealed("AAAA".to_owned()), ..totp(1, "phone") };
    let alice = lab.enrol(vec![phone]);
    assert_eq!(log_in(&alice, &code(1, NOW / 30)), Err(Reason::Sealed));
    let (mut record, mut state) = alice.read().unwrap();
    let Drawn { codes, salt, hashes } = codes::draw(&crate::random::system, 1).unwrap();
    let id = Id::new([9; 4]);
    let kind = CodeKind::Recovery;
    record.codes = vec![Codes { id, kind, salt, hashes, created: None, expires: None }];
    state.codes.insert(id, 0);
    alice.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    assert_eq!(log_in(&alice, &code(1, NOW / 30)), Err(Reason::Sealed));
    assert!(log_in(&alice, &codes[0].grouped()).is_ok());
}

#[test]
fn one_secret_under_two_names_is_refused() {
    let lab = Lab::new();
    let twin = Credential { secret: totp(1, "phone").secret, ..totp(2, "old phone") };
    let alice = lab.enrol(vec![totp(1, "phone")]);
    let (mut record, mut state) = alice.read().unwrap();
    state.credentials.insert(twin.id, Used::totp(0));
    record.credentials.push(twin);
    // Its codes would be good once for each.
    let saved = alice.edit(Lost::Refuse).unwrap().save(record, state);
    assert_eq!(saved.map_err(|trouble| trouble.reason), Err(Reason::BadRecord));
    assert!(log_in(&alice, &code(1, NOW / 30)).is_ok());
    assert_eq!(log_in(&alice, &code(1, NOW / 30)), Err(Reason::Reused));
}

#[test]
fn what_a_crash_left_beside_a_record_goes_with_the_next_login_or_edit() {
    let lab = Lab::new();
    let alice = lab.enrol(vec![totp(1, "phone")]);
    let beside = alice.path().with_extension("toml~mfa");
    fs::write(&beside, "a secret").unwrap();
    let _ = log_in(&alice, "000000");
    assert!(!beside.exists(), "login");
    fs::write(&beside, "a secret").unwrap();
    drop(alice.edit(Lost::Refuse).unwrap());
    assert!(!beside.exists(), "edit");
}
