//! Base32 as people and old files write it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::secret::Secret;

fuzz_target!(|text: &[u8]| {
    let symbols: Option<String> =
        text.iter().copied().filter(|byte| !b" \t\r\n-".contains(byte)).map(symbol).collect();
    let secret = Secret::from_lenient_base32(text);
    let Some(symbols) = symbols.filter(|symbols| symbols.len() >= 2) else {
        assert_eq!(secret, None, "refused");
        return;
    };
    let secret = secret.expect("two symbols are a byte");
    assert_eq!(secret.as_bytes().len(), symbols.len() * 5 / 8);

    let strict = secret.to_base32();
    let whole = secret.as_bytes().len() * 8 / 5;
    assert_eq!(strict[..whole], symbols[..whole], "what an encoder makes of it");
    assert_eq!(Secret::from_lenient_base32(strict.as_bytes()), Some(secret));
});

/// What a byte stands for, if it is a symbol at all.
fn symbol(byte: u8) -> Option<char> {
    match byte.to_ascii_uppercase() {
        b'0' => Some('O'),
        b'1' => Some('L'),
        b'8' => Some('B'),
        letter @ (b'A'..=b'Z' | b'2'..=b'7') => Some(letter.into()),
        _ => None,
    }
}
