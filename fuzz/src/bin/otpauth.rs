//! otpauth URIs, from whatever program wrote them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::otpauth::{Method, Mistake, Parameter, Uri};

fuzz_target!(|text: &str| {
    let uri = match Uri::read(text) {
        Ok(uri) => uri,
        Err(mistake) => {
            let migration = text.to_ascii_lowercase().starts_with("otpauth-migration:");
            assert_eq!(mistake == Mistake::Migration, migration);
            assert!(!mistake.to_string().is_empty());
            return;
        }
    };
    assert!(!uri.secret.as_bytes().is_empty());
    if let Method::Totp { period } = uri.method {
        assert!((1..=86_400).contains(&period));
    }
    let plain = uri.text();
    assert!(plain.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(Uri::read(&plain), Ok(uri.clone()), "read back");

    // What nobody knows changes nothing, what is there twice is not guessed at.
    assert_eq!(Uri::read(&format!("{text}&image=%zz")), Ok(uri), "another parameter");
    let twice = format!("{text}&SECRET=GE");
    assert_eq!(Uri::read(&twice), Err(Mistake::Twice(Parameter::Secret)), "another secret");
});
