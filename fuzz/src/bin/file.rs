//! A state file of any bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Account, LoginSlot, Method};
use mfa_core::gauth::parse;

fuzz_target!(|text: &[u8]| {
    let account = parse(text);
    ranges(&account);
    // Or the list would have grown and left codes behind in memory.
    assert!(account.scratch_codes.len() <= text.len() / 9 + 1);

    if !text.contains(&b'\r') {
        let same = parse(&with_crlf(text));
        assert_eq!(account.credentials[0].secret, same.credentials[0].secret);
        assert_eq!(account.scratch_codes, same.scratch_codes);
        assert_eq!(format!("{account:?}"), format!("{same:?}"), "lines that end with CR LF");
    }
});

/// What the fields of an account promise.
fn ranges(account: &Account) {
    let [credential] = account.credentials.as_slice() else { panic!("not one credential") };
    assert!(credential.secret.as_ref().map_or(true, |secret| !secret.as_bytes().is_empty()));
    assert!(credential.window.map_or(true, |window| (1..=100).contains(&window)));
    match &credential.method {
        Method::Hotp(hotp) => assert!(hotp.counter.is_some_and(|counter| counter >= 1)),
        Method::Totp(totp) => {
            assert!(totp.period.map_or(true, |period| (1..=60).contains(&period)));
            assert!(totp.sightings.len() <= 3);
        }
        Method::None => {}
    }
    if let Some(Ok(limit)) = &account.rate_limit {
        assert!((1..=100).contains(&limit.attempts) && (1..=3600).contains(&limit.interval));
    }
    assert!(account.scratch_codes.iter().all(|code| (10_000_000..100_000_000).contains(code)));
    for slot in account.logins.iter().flatten() {
        if let LoginSlot::Login { host, .. } = slot {
            assert!((1..=255).contains(&host.len()) && !host.contains([' ', '\n', '"']));
        }
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    text.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])
}
