//! Recovery codes as people type them, alone and behind a password.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::codes::{canonical, suffixes};

fuzz_target!(|text: &[u8]| {
    let code = canonical(text);
    let read = code.as_ref().map(|code| String::from_utf8_lossy(code.as_bytes()).into_owned());
    assert_eq!(read, meant(text));
    if let Some(code) = code {
        assert_eq!(canonical(code.grouped().as_bytes()), Some(code.clone()), "as it is shown");
        assert_eq!(canonical(&text.to_ascii_uppercase()), Some(code), "in any case");
    }

    let found: Vec<_> = suffixes(text).collect();
    assert!(found.len() <= 2);
    for suffix in &found {
        let end = &text[suffix.prefix..];
        let symbols = end.iter().filter(|&&byte| byte != b'-').collect::<Vec<_>>();
        assert_eq!(canonical(end).as_ref(), Some(&suffix.code));
        assert_eq!(symbols.len(), suffix.code.as_bytes().len());
        assert!(end.is_ascii() && !end.contains(&b' '));
    }
    let is_plain = text.iter().all(u8::is_ascii_alphanumeric);
    if let Some(code) = canonical(text).filter(|_| is_plain) {
        assert!(found.iter().any(|suffix| suffix.prefix == 0 && suffix.code == code));
    }
});

/// The code by its definition, in several passes.
fn meant(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    if text.trim_matches([' ', '-']) != text {
        return None;
    }
    let code = text.replace([' ', '-'], "").to_ascii_lowercase();
    let code = code.replace('o', "0").replace(['i', 'l'], "1");
    let is_number = code.chars().all(|symbol| symbol.is_ascii_digit());
    let is_code = match code.len() {
        8 => is_number && !code.starts_with('0'),
        12 => {
            let is_symbol = |symbol: char| symbol.is_ascii_alphanumeric() && symbol != 'u';
            !is_number && code.chars().all(is_symbol)
        }
        _ => false,
    };
    is_code.then_some(code)
}
