//! A file of keys that root keeps.

#![no_main]

use std::slice;

use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Counter, Port};
use mfa_core::ssh::SkKey;
use mfa_core::ssh::authorized_keys::read;

const NOW: u64 = 1_800_000_000;

fuzz_target!(|text: &[u8]| {
    let text = String::from_utf8_lossy(text);
    let keys = read(&text, NOW);
    assert_eq!(text.lines().flat_map(|line| read(line, NOW)).collect::<Vec<_>>(), keys);
    assert!(text.lines().count() >= keys.len());
    for key in &keys {
        assert_eq!((&key.port, key.counter), (&Port::Ssh, Counter::Unchecked));
        let sk = SkKey { public: key.public.clone(), application: key.application.clone() };
        let name = key.name.as_deref().unwrap_or_default();
        let mut options = vec!["restrict"];
        options.extend((!key.touch).then_some("no-touch-required"));
        options.extend(key.verification.then_some("verify-required"));
        let (options, line) = (options.join(","), format!("{} {name}", sk.to_line()));
        assert_eq!(read(&format!("{options} {line}"), NOW), slice::from_ref(key), "read back");
        for other in ["cert-authority", "from=\"*\"", "command=\"true, or not\"", "colour"] {
            assert_eq!(read(&format!("{options},{other} {line}"), NOW), [], "{other}");
        }
        let dated = |date: &str| read(&format!("expiry-time=\"{date}\" {line}"), NOW).len();
        assert_eq!((dated("20270115Z"), dated("20270116Z"), dated("x")), (0, 1, 0));
    }
    // With time no key begins to count.
    let later = read(&text, NOW + 86_400);
    assert!(later.iter().all(|key| keys.contains(key)));
});
