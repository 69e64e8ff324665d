//! A state file of any bytes, and changes to it: `FILE NUL CHANGE NUL CHANGE ...`, each change a
//! letter and its values as the file writes them.

#![no_main]

use fuzz::has_lone_cr;
use libfuzzer_sys::fuzz_target;
use mfa_core::account::{
    Account, Change, LoginSlot, Method, Progress, REMEMBERED, RateLimit, Sighting, UsedSteps,
};
use mfa_core::gauth::{apply, parse};

fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|&byte| byte == 0);
    let mut text = pieces.next().unwrap_or_default().to_vec();
    // An empty file is refused before it is read.
    if text.is_empty() {
        return;
    }
    for change in pieces.take(16).filter_map(change) {
        let after = apply(&text, &change).to_vec();
        let (was, is) = (parse(&text), parse(&after));
        meant(&change, &was, &is);
        match key(&change) {
            Some(key) => only_line_of(&key, &text, &after),
            None => only_codes(&text, &after),
        }
        untouched(&change, &text, &was, &is);
        if !matches!(change, Change::Credential(_, Progress::StepUsed { .. })) {
            assert_eq!(*apply(&after, &change), after, "once is enough");
        }
        text = after;
    }
});

/// The changes that logins make; `None` for others.
fn change(piece: &[u8]) -> Option<Change> {
    let (kind, values) = std::str::from_utf8(piece).ok()?.split_at_checked(1)?;
    let mut words = values.split(' ').filter(|word| !word.is_empty());
    let mut number = || words.next()?.parse::<i64>().ok();
    Some(match kind {
        "A" => Change::Attempts(RateLimit {
            attempts: usize::try_from(number()?).ok().filter(|n| (1..=100).contains(n))?,
            interval: u64::try_from(number()?).ok().filter(|n| (1..=3600).contains(n))?,
            times: words.map_while(|word| u64::try_from(word.parse::<i64>().ok()?).ok()).collect(),
        }),
        "C" => of_the_credential(Progress::Counter(number().filter(|&counter| counter >= 1)?)),
        "U" => of_the_credential(Progress::StepUsed {
            step: number()?,
            window: number().filter(|window| (1..=100).contains(window))?,
        }),
        "X" => Change::ScratchUsed(
            u32::try_from(number()?)
                .ok()
                .filter(|code| (10_000_000..100_000_000).contains(code))?,
        ),
        "K" => of_the_credential(Progress::Skew(number()?)),
        "R" => of_the_credential(Progress::Sightings(words.take(3).map_while(sighting).collect())),
        "L" => Change::Login {
            slot: usize::try_from(number()?).ok().filter(|&slot| slot < 10)?,
            at: number()?,
            host: words.next().filter(|host| is_host(host))?.to_owned(),
        },
        _ => return None,
    })
}

fn of_the_credential(progress: Progress) -> Change {
    Change::Credential(0, progress)
}

fn sighting(pair: &str) -> Option<Sighting> {
    let (step, skew) = pair.split_at(pair.rfind(['+', '-'])?);
    // No code is looked for further away.
    let skew = skew.parse().ok().filter(|skew| (-1500..=1500).contains(skew))?;
    Some(Sighting { step: step.parse().ok()?, skew })
}

fn is_host(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b":%.-_".contains(&byte);
    host.len() <= 255 && host.bytes().all(fits)
}

/// The key of the line that a change is written on; a scratch code's line has none.
fn key(change: &Change) -> Option<String> {
    let key = match change {
        Change::Attempts(_) => "RATE_LIMIT",
        Change::Credential(_, Progress::Counter(_)) => "HOTP_COUNTER",
        Change::Credential(_, Progress::StepUsed { .. }) => "DISALLOW_REUSE",
        Change::Credential(_, Progress::Skew(_)) => "TIME_SKEW",
        Change::Credential(_, Progress::Sightings(_)) => "RESETTING_TIME_SKEW",
        Change::Login { slot, .. } => return Some(format!("LAST{slot}")),
        Change::ScratchUsed(_) => return None,
        other => panic!("{other:?} is none of a file's"),
    };
    Some(key.to_owned())
}

/// What was changed reads back as meant.
fn meant(change: &Change, was: &Account, is: &Account) {
    let totp = |account: &Account| match &account.credentials[0].method {
        Method::Totp(totp) => Some(totp.clone()),
        Method::Hotp(_) | Method::None => None,
    };
    match change {
        Change::Attempts(limit) => assert_eq!(is.rate_limit.as_ref(), Some(&Ok(limit.clone()))),
        Change::Credential(_, Progress::Counter(next)) => {
            let Method::Hotp(hotp) = &is.credentials[0].method else { panic!("no counter") };
            assert_eq!(hotp.counter, Some(*next));
        }
        Change::Credential(_, Progress::StepUsed { step, window }) => {
            let (Some(before), Some(after)) = (totp(was), totp(is)) else { return };
            let Some(Ok(UsedSteps::List(after))) = after.used else { panic!("a list") };
            assert_eq!(after.last(), Some(step));
            // What was no number is forgotten.
            let before = before.used.unwrap_or(Ok(UsedSteps::List(Vec::new())));
            let Ok(UsedSteps::List(before)) = before else { return };
            let is_near = |used: &i64| used.abs_diff(*step) < window.unsigned_abs();
            let (near, mut far): (Vec<i64>, Vec<i64>) =
                before.iter().partition(|used| is_near(used));
            far.sort_unstable();
            let latest = far.len().saturating_sub(REMEMBERED);
            let since = near.iter().chain(far.get(latest)).chain([step]).min();
            // Only the earliest are forgotten.
            let kept = before.iter().filter(|used| Some(used) >= since.as_ref());
            let mut expected: Vec<i64> = kept.chain([step]).copied().collect();
            let mut after = after.clone();
            after.sort_unstable();
            expected.sort_unstable();
            after.dedup();
            expected.dedup();
            assert_eq!(after, expected);
        }
        Change::ScratchUsed(code) => {
            let others: Vec<_> =
                was.scratch_codes.iter().filter(|other| *other != code).copied().collect();
            assert_eq!(*is.scratch_codes, others);
        }
        Change::Credential(_, Progress::Skew(steps)) => {
            assert!(totp(is).is_none_or(|totp| totp.skew == *steps));
        }
        Change::Credential(_, Progress::Sightings(seen)) => {
            assert!(totp(is).is_none_or(|totp| totp.sightings == *seen));
        }
        Change::Login { slot, host, at } => {
            let login = LoginSlot::Login { host: host.clone(), at: *at };
            assert_eq!(is.logins.as_ref().expect("ten slots")[*slot], login);
        }
        other => panic!("{other:?} is none of a file's"),
    }
}

/// Every other line stays, and where it was; the first is never lost.
fn only_line_of(key: &str, before: &[u8], after: &[u8]) {
    let (before, after) = (lines(before), lines(after));
    let is_other = |line: &&&[u8]| !has_key(line, key);
    let place = |lines: &[&[u8]]| lines.iter().position(|line| has_key(line, key));
    assert!(before.iter().filter(is_other).eq(after.iter().filter(is_other)), "other lines");
    assert_eq!(place(&after), place(&before).or(Some(1)), "in its old place or below the secret");
    assert_eq!(after.len() - after.iter().filter(is_other).count(), 1, "one line");
}

/// Nothing goes but lines of digits, and blanks before them.
fn only_codes(before: &[u8], after: &[u8]) {
    let mut kept = lines(after).into_iter().peekable();
    for line in lines(before) {
        if kept.next_if_eq(&line).is_none() {
            assert!(line.iter().all(|byte| b"0123456789+ \t\x0b\x0c".contains(byte)));
        }
    }
    assert_eq!(kept.next(), None, "nothing new");
}

/// The secret and the scratch codes stay.
fn untouched(change: &Change, text: &[u8], was: &Account, is: &Account) {
    if has_lone_cr(text) {
        return;
    }
    let (secret, used) = (&was.credentials[0].secret, matches!(change, Change::ScratchUsed(_)));
    assert!(secret.is_err() || *secret == is.credentials[0].secret, "the secret");
    assert!(used || was.scratch_codes == is.scratch_codes, "the scratch codes");
}

/// The first line, and all others that are not empty.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = text.split(|byte| b"\r\n".contains(byte)).collect();
    let mut first = true;
    lines.retain(|line| std::mem::take(&mut first) || !line.is_empty());
    lines
}

fn has_key(line: &[u8], key: &str) -> bool {
    let value = line.strip_prefix(b"\" ").and_then(|rest| rest.strip_prefix(key.as_bytes()));
    value.is_some_and(|value| matches!(value.first(), None | Some(b' ' | b'\t')))
}
