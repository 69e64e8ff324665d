//! What sshd has verified: `SSH_AUTH_INFO_0`, and a certificate without base64 around it.

#![no_main]

use std::slice;

use data_encoding::BASE64;
use libfuzzer_sys::fuzz_target;
use mfa_core::ssh::auth_info::{MAX_SIZE, Verified, read};
use mfa_core::ssh::{Authority, Certificate, SkKey};
use mfa_core::wire::Reader;

const NOW: u64 = 1_800_000_000;

fuzz_target!(|input: &[u8]| {
    certificate(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(keys) = read(text) else { return };
    assert!(text.len() <= MAX_SIZE);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("publickey ")).collect();
    assert_eq!(keys.len(), lines.len(), "one for each line");
    for (key, line) in keys.iter().zip(&lines) {
        assert_eq!(read(line).as_deref(), Ok(slice::from_ref(key)), "by itself");
        match key {
            Verified::Key(key) => {
                let line = format!("publickey {}", key.to_line());
                assert_eq!(read(&line), Ok(vec![Verified::Key(key.clone())]), "read back");
            }
            Verified::Certificate(certificate) => assert!(!certificate.authority.is_empty()),
            Verified::Plain => {
                let kind = line.split_ascii_whitespace().nth(1);
                assert!(kind.is_some_and(|kind| !kind.contains("-cert-v")), "{line}");
            }
        }
    }
    assert_eq!(read(&format!("password\n{text}\nhostbased x")).as_ref(), Ok(&keys), "others");
});

fn certificate(blob: &[u8]) {
    let Ok(certificate) = Certificate::read(blob) else { return };
    assert!(SkKey::of_blob(blob).is_err());
    let kind = Reader::new(blob).text().unwrap();
    let line = format!("publickey {kind} {}", BASE64.encode(blob));
    if line.len() <= MAX_SIZE {
        assert_eq!(read(&line), Ok(vec![Verified::Certificate(certificate.clone())]));
    }
    assert!(!certificate.demands_touch() || kind.starts_with("sk-"));

    let Ok(kind) = Reader::new(&certificate.authority).text() else { return };
    let line = format!("{kind} {}", BASE64.encode(&certificate.authority));
    let Some(authority) = Authority::of_line(&line) else { return };
    let counts =
        |user: &str, now| certificate.counts_for(user, now, slice::from_ref(&authority)).is_ok();
    assert!(certificate.counts_for("alice", NOW, &[]).is_err());
    for user in ["alice", "bob"] {
        let is_named = blob.windows(user.len()).any(|part| part == user.as_bytes());
        assert!(!counts(user, NOW) || is_named, "whom it does not name");
        assert!(!counts(user, u64::MAX), "for ever");
    }
}
