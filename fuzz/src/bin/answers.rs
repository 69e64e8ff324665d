//! A state file of any bytes and logins one after the other: `FILE NUL TIME`, then for each login
//! `NUL TERMS NUL HOST NUL PASSWORD NUL REPLY`.
//!
//! TIME is decimal. TERMS are letters, and how many seconds the clock has gone on, or back, since the
//! login before. In PASSWORD and REPLY byte 1 and a letter stand for a code (`@` for the one of now, `A` for the next, `?` for the one
//! before), byte 2 and a letter for a scratch code (`a` for the first).

#![no_main]

use std::collections::HashSet;

use fuzz::has_lone_cr;
use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Account, Change, Hotp, Method, Progress, UsedSteps};
use mfa_core::gauth::{apply, parse};
use mfa_core::otp::{Otp, step};
use mfa_core::reason::Reason;
use mfa_core::verify::{
    Accepted, Answer, Denied, Factor, Input, Reply, Terms, Verdict, admits, is_fresh, verify,
};

fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|&byte| byte == 0);
    let mut text = pieces.next().unwrap_or_default().to_vec();
    // An empty file is refused before it is read.
    if text.is_empty() || has_lone_cr(&text) {
        return;
    }
    let mut now = pieces.next().map_or(0, number);
    let mut used = HashSet::new();
    for _ in 0..6 {
        let (Some(terms), Some(host)) = (pieces.next(), pieces.next()) else { return };
        let has = |letter| terms.contains(&letter);
        let passed = number(terms);
        now = if has(b'b') { now.saturating_sub(passed) } else { now.saturating_add(passed) };
        let host = String::from_utf8_lossy(host);
        let account = parse(&text);
        let mut typed = || pieces.next().map(|piece| with_codes(piece, &account, now));
        let (first_pass, reply) = (typed(), typed());
        let login = Login {
            answer: Answer {
                first_pass: first_pass.as_deref().filter(|_| has(b'f')),
                reply: match &reply {
                    _ if has(b'n') => Reply::NotAsked,
                    Some(text) => Reply::Given(text),
                    None => Reply::Missing(Reason::NoAnswer),
                },
                combined: has(b'c'),
            },
            terms: Terms {
                learn_skew: has(b's'),
                advance_hotp: has(b'h'),
                grace: if has(b'g') { 3600 } else { 0 },
                host: Some(&*host).filter(|host| !host.is_empty()),
                source: None,
                limits: None,
            },
            now,
        };
        // The same answer again: it may only be accepted for another code that it holds.
        while login.attempt(&mut text, &mut used) {}
    }
});

struct Login<'a> {
    answer: Answer<'a>,
    terms: Terms<'a>,
    now: u64,
}

impl Login<'_> {
    /// Whether it was accepted for a code that counts once; `used` holds all such codes.
    fn attempt(&self, text: &mut Vec<u8>, used: &mut HashSet<(&'static str, i64)>) -> bool {
        let was = parse(text);
        let (verdict, changes) = verify(&was, &self.answer, &self.terms, self.now);
        for change in &changes {
            *text = apply(text, change).to_vec();
        }
        let is = parse(text);
        let attempt = matches!(changes.first(), Some(Change::Attempts(_)));
        assert_eq!(attempt, matches!(was.rate_limit, Some(Ok(_))), "every attempt counts");
        match &verdict {
            Verdict::Denied(denied) => {
                self.denied(*denied, &was, &is, &changes);
                false
            }
            Verdict::Accepted(accepted) => {
                assert!(admits(&was, &self.terms, self.now).is_ok());
                self.within_the_input(accepted);
                self.remembered(&is, &changes);
                let code = self.cost(accepted, &was, &is, &changes);
                let counts_once = code.is_some();
                assert!(
                    code.is_none_or(|code| used.insert((accepted.factor.name(), code))),
                    "twice"
                );
                counts_once
            }
        }
    }

    fn denied(&self, denied: Denied, was: &Account, is: &Account, changes: &[Change]) {
        let limited = matches!(denied.reason, Reason::RateLimited | Reason::BadRateLimit);
        assert_eq!(admits(was, &self.terms, self.now), if limited { Err(denied) } else { Ok(()) });
        if limited {
            assert!(changes.iter().all(|change| matches!(change, Change::Attempts(_))));
        }
        let timed = matches!(denied.reason, Reason::RateLimited | Reason::Reused);
        assert!(timed || denied.wait.is_none());
        for change in changes {
            match change {
                Change::Attempts(_) => {}
                Change::Credential(_, Progress::Sightings(_)) => assert!(self.terms.learn_skew),
                Change::Credential(_, Progress::Counter(next)) => {
                    assert!(self.terms.advance_hotp);
                    assert!(counter(was).is_some_and(|counter| *next == counter.saturating_add(1)));
                }
                costly => panic!("denied, and yet {costly:?}"),
            }
        }
        assert_eq!(was.scratch_codes, is.scratch_codes);
    }

    /// The code is where it is said to be, and what comes before it is a part of the answer.
    fn within_the_input(&self, accepted: &Accepted) {
        let input = match (accepted.input, self.answer.reply) {
            (Input::FirstPass, _) => self.answer.first_pass,
            (Input::Reply, Reply::Given(text)) => Some(text),
            (Input::Reply, Reply::NotAsked | Reply::Missing(_)) => None,
        };
        let code = &input.expect("an input")[accepted.prefix..];
        assert!(code.iter().all(|byte| byte.is_ascii_digit() || *byte == b' '));
        assert!((6..=8).contains(&code.iter().filter(|byte| byte.is_ascii_digit()).count()));
        let may_hold_password = accepted.input == Input::FirstPass || self.answer.combined;
        assert!(accepted.prefix == 0 || may_hold_password);
        assert!(code.len() <= 8 || !may_hold_password, "blanks only in a code alone");
    }

    /// What marks the code as used: its number, or its step; `None` if it may be used again.
    fn cost(
        &self,
        accepted: &Accepted,
        was: &Account,
        is: &Account,
        changes: &[Change],
    ) -> Option<i64> {
        let code = match (accepted.factor, &was.credentials[0].method) {
            (Factor::Scratch, _) => changes.iter().find_map(|change| match change {
                Change::ScratchUsed(code) => {
                    assert!(was.scratch_codes.contains(code) && !is.scratch_codes.contains(code));
                    Some(i64::from(*code))
                }
                _ => None,
            }),
            (Factor::Hotp, Method::Hotp(Hotp { counter: Some(before), .. })) => {
                assert!((0..was.credentials[0].window.unwrap_or(0)).contains(&accepted.drift));
                let after = before + accepted.drift + 1;
                assert_eq!(counter(is), Some(after));
                Some(after - 1)
            }
            (Factor::Totp, Method::Totp(totp)) => {
                let base = self.now / totp.period.expect("a period");
                let hit = accepted.drift.wrapping_add_unsigned(base);
                if let (Some(used), Method::Totp(after)) = (&totp.used, &is.credentials[0].method) {
                    let holds = |used: &UsedSteps| match used {
                        UsedSteps::List(steps) => steps.contains(&hit),
                        UsedSteps::UpTo(_) => panic!("a file has a list"),
                    };
                    assert!(used.as_ref().is_ok_and(|used| !holds(used)));
                    assert!(matches!(&after.used, Some(Ok(used)) if holds(used)));
                }
                totp.used.is_some().then_some(hit)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(accepted.reusable, code.is_none());
        code
    }

    /// A login is remembered where there is a grace period, and then counts at once.
    fn remembered(&self, is: &Account, changes: &[Change]) {
        if changes.iter().any(|change| matches!(change, Change::Login { .. })) {
            assert!(self.terms.grace > 0 && self.terms.host.is_some());
            let end_of_time = self.now > u64::MAX / 4;
            assert!(end_of_time || is_fresh(is, &self.terms, self.now));
        }
    }
}

fn counter(account: &Account) -> Option<i64> {
    match &account.credentials[0].method {
        Method::Hotp(hotp) => hotp.counter,
        Method::Totp(_) | Method::None => None,
    }
}

/// The digits of a text, whatever stands between them.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| {
        number.saturating_mul(10).saturating_add((digit - b'0').into())
    })
}

/// What a person with the right app and the right list would type.
fn with_codes(piece: &[u8], account: &Account, now: u64) -> Vec<u8> {
    let mut typed = Vec::new();
    let mut bytes = piece.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            1 => {
                let ahead = i64::from(bytes.next().copied().unwrap_or(b'@')) - i64::from(b'@');
                typed.extend(code(account, now, ahead).unwrap_or_default().bytes());
            }
            2 => {
                let index = bytes.next().copied().unwrap_or(b'a').wrapping_sub(b'a');
                let code = account.scratch_codes.get(usize::from(index));
                typed.extend(code.map(u32::to_string).unwrap_or_default().bytes());
            }
            _ => typed.push(byte),
        }
    }
    typed
}

fn code(account: &Account, now: u64, ahead: i64) -> Option<String> {
    let credential = &account.credentials[0];
    let base = match &credential.method {
        Method::Hotp(hotp) => 0_u64.wrapping_add_signed(hotp.counter?),
        Method::Totp(totp) => step(now, totp.period.ok()?),
        Method::None => return None,
    };
    let otp = Otp::new(
        credential.secret.as_ref().ok()?,
        credential.algorithm.ok()?,
        credential.digits.ok()?,
    );
    Some(otp.text(base.wrapping_add_signed(ahead)))
}
