//! A system record and its state, each of any bytes, and logins one after the other: `RECORD NUL STATE
//! NUL TIME`, then for each login `NUL SECONDS NUL REPLY`.
//!
//! TIME and SECONDS are decimal; with `@` in SECONDS the login has a source, and limits. In REPLY byte 1 and two letters stand for a code: of which credential
//! (`a` for the first), and which of its codes (`@` for the one of now, `A` for the next, `?` for the
//! one before).

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Account, Change, Method, Progress};
use mfa_core::limit::{Pauses, SourceKey};
use mfa_core::otp::{Otp, step};
use mfa_core::reason::Reason;
use mfa_core::record::{Record, account};
use mfa_core::state::State;
use mfa_core::store::slots::MAX_BODY;
use mfa_core::verify::{Accepted, Answer, Factor, Reply, Terms, Verdict, verify};

fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|&byte| byte == 0);
    let Ok(record) = Record::read(pieces.next().unwrap_or_default()) else { return };
    assert_eq!(Record::read(record.to_text().as_bytes()).as_ref(), Ok(&record));
    let Ok(mut state) = State::read(pieces.next().unwrap_or_default()) else { return };
    assert_eq!(State::read(state.to_text().as_bytes()).as_ref(), Ok(&state));
    state.retain(&record);
    let was_small = state.to_text().len() <= MAX_BODY;

    let mut now = pieces.next().map_or(0, number);
    let mut used = HashSet::new();
    for _ in 0..8 {
        let (Some(passed), Some(reply)) = (pieces.next(), pieces.next()) else { return };
        now = now.saturating_add(number(passed));
        let was = open(&record, &state);
        let reply = with_codes(reply, &was, now);
        let answer = Answer { first_pass: None, reply: Reply::Given(&reply), combined: false };
        let limits = passed.contains(&b'@').then_some(Pauses { failures: 1, max: 900 });
        let terms = Terms {
            learn_skew: true,
            advance_hotp: true,
            grace: 3600,
            host: Some("h"),
            source: limits.map(|_| SourceKey::new(None, None)),
            limits,
        };
        let (verdict, changes) = verify(&was, &answer, &terms, now);
        let is_counted = matches!(changes.first(), Some(Change::Attempts(_)));
        let is_known = terms.source.is_some_and(|source| state.sources.knows(source, now));
        assert!(is_counted != is_known, "every attempt counts, and in one place");
        let before = state.clone();
        for change in &changes {
            state.apply(&record, change);
        }
        only_forward(&before, &state);
        match &verdict {
            Verdict::Denied(_) => assert!(!changes.iter().any(is_costly), "{changes:?}"),
            Verdict::Accepted(accepted) => {
                assert!(!accepted.reusable);
                assert!(used.insert(code(accepted, &changes)), "twice");
            }
        }
        assert_eq!(State::read(state.to_text().as_bytes()).as_ref(), Ok(&state));
        // What no login has written may be longer than what one would.
        assert!(!was_small || now > 1 << 40 || state.to_text().len() <= MAX_BODY);
    }
});

fn open(record: &Record, state: &State) -> Account {
    account(record, state, &|_, _| Err(Reason::Sealed))
}

/// What a denial must not do.
fn is_costly(change: &Change) -> bool {
    match change {
        Change::Attempts(_) | Change::Sources(_) => false,
        Change::Credential(_, progress) => {
            !matches!(progress, Progress::Ahead(_) | Progress::Sightings(_))
        }
        _ => true,
    }
}

/// Where the code that was accepted is: of what, and which.
fn code(accepted: &Accepted, changes: &[Change]) -> (&'static str, usize, i64) {
    let place = changes.iter().find_map(|change| match (accepted.factor, change) {
        (Factor::Totp, Change::Credential(at, Progress::StepUsed { step, .. })) => {
            Some((*at, *step))
        }
        (Factor::Hotp, Change::Credential(at, Progress::Counter(next))) => Some((*at, *next)),
        (Factor::Recovery | Factor::Bypass, Change::CodeUsed { set, code }) => {
            Some((*set, i64::try_from(*code).expect("at most 32")))
        }
        _ => None,
    });
    let (at, which) = place.expect("what is accepted is used up");
    let kind = if accepted.factor == Factor::Bypass { Factor::Recovery } else { accepted.factor };
    (kind.name(), at, which)
}

/// What has been used stays used.
fn only_forward(before: &State, after: &State) {
    for (id, was) in &before.credentials {
        let is = after.credentials.get(id).expect("it stays");
        assert!(is.step >= was.step && (is.counter >= was.counter));
        assert!(is.sightings.len() <= was.sightings.len().max(3));
    }
    for (id, was) in &before.codes {
        assert!(after.codes.get(id).is_some_and(|is| is & was == *was));
    }
    assert!(before.credentials.len() == after.credentials.len());
}

/// The digits of a text, whatever stands between them.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| {
        number.saturating_mul(10).saturating_add((digit - b'0').into())
    })
}

/// What a person with the right apps would type.
fn with_codes(piece: &[u8], account: &Account, now: u64) -> Vec<u8> {
    let mut typed = Vec::new();
    let mut bytes = piece.iter();
    while let Some(&byte) = bytes.next() {
        if byte != 1 {
            typed.push(byte);
            continue;
        }
        let which = usize::from(bytes.next().copied().unwrap_or(b'a').wrapping_sub(b'a'));
        let ahead = i64::from(bytes.next().copied().unwrap_or(b'@')) - i64::from(b'@');
        typed.extend(generated(account, which, now, ahead).unwrap_or_default().bytes());
    }
    typed
}

fn generated(account: &Account, which: usize, now: u64, ahead: i64) -> Option<String> {
    let credential = account.credentials.get(which)?;
    let base = match &credential.method {
        Method::Hotp(hotp) => 0_u64.wrapping_add_signed(hotp.counter.unwrap_or(0)),
        Method::Totp(totp) => step(now, totp.period.ok()?),
        Method::None => return None,
    };
    let secret = credential.secret.as_ref().ok()?;
    let otp = Otp::new(secret, credential.algorithm.ok()?, credential.digits.ok()?);
    Some(otp.text(base.wrapping_add_signed(ahead)))
}
