//! A whole users.oath.

#![no_main]

#[path = "../../../admin/src/import/oath.rs"]
mod oath;

use libfuzzer_sys::fuzz_target;
use mfa_core::otp::{Algorithm, Otp};
use oath::{Entry, Method, Mistake, read};

const NOW: u64 = 1_700_000_000;

fuzz_target!(|text: &[u8]| {
    let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
    let read_lines = read(text, NOW);
    let mut last = 0;
    for result in &read_lines {
        let line = result.as_ref().map_or_else(|refusal| refusal.line, |entry| entry.line);
        assert!(line > last, "in order, each once");
        last = line;
        let alone = read(lines[line - 1], NOW);
        match (result, alone.as_slice()) {
            (Ok(entry), [Ok(alone)]) => {
                assert_eq!(facts(entry), facts(alone));
                written_out(entry);
            }
            (Err(refusal), [Err(alone)]) => assert_eq!(refusal.mistake, alone.mistake),
            (Err(refusal), [Ok(_)]) => {
                let Mistake::Twice { other } = refusal.mistake else { panic!("good by itself") };
                assert_ne!(other, line);
            }
            _ => panic!("line {line} is another by itself"),
        }
    }
    let entries: Vec<_> = read_lines.iter().flatten().collect();
    for (nth, entry) in entries.iter().enumerate() {
        let twin = |other: &&Entry| other.user == entry.user && other.secret == entry.secret;
        assert!(!entries[..nth].iter().any(twin), "a code would be good twice");
    }
});

fn facts(entry: &Entry) -> (&str, &[u8], usize, Method) {
    (&entry.user, entry.secret.as_bytes(), entry.digits.count(), entry.method)
}

/// As pam_oath would have written it after the last code that must not be good again.
fn written_out(entry: &Entry) {
    let digits = entry.digits.count();
    let secret = data_encoding::HEXLOWER.encode(entry.secret.as_bytes());
    let otp = Otp::new(&entry.secret, Algorithm::Sha1, entry.digits);
    let (kind, counter, last) = match entry.method {
        Method::Hotp { counter: 0 } => ("E".to_owned(), 0, "-".to_owned()),
        Method::Hotp { counter } => ("E".to_owned(), counter - 1, otp.text(counter - 1)),
        Method::Totp { period, step } => (format!("T{period}"), 0, otp.text(step)),
    };
    let line = format!("HOTP/{kind}/{digits} {} - {secret} {counter} {last}", entry.user);
    let again = read(line.as_bytes(), NOW).remove(0).expect("as good as it was");
    match (entry.method, again.method) {
        // The same code may come a second time within reach.
        (Method::Totp { step, .. }, Method::Totp { step: again, .. }) => assert!(again >= step),
        _ => assert_eq!(facts(&again), facts(entry)),
    }
}
