//! A file of /etc/pam.d, cut into rules.

#![no_main]

#[path = "../../../admin/src/pam_d/rule.rs"]
mod rule;

use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use rule::{Rule, rules};

fuzz_target!(|text: &[u8]| {
    let lines = text.split(|&byte| byte == b'\n').count();
    let mut last = 0;
    for rule in rules(text) {
        assert!(rule.line > last && rule.line <= lines, "in order, each once");
        last = rule.line;
        assert!(!rule.words.is_empty());
        if let Some(text) = bracketed(&rule) {
            let again = rules(&text);
            assert_eq!(again, [Rule { line: 1, words: rule.words }]);
        }
    }
});

/// The rule on one line, every word in brackets. There is no way to write a backslash before the
/// bracket that ends a word.
fn bracketed(rule: &Rule) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for word in &rule.words {
        let word = word.as_bytes();
        assert!(!word.iter().any(|byte| b"#\n\0".contains(byte)));
        if word.ends_with(b"\\") {
            return None;
        }
        text.push(b'[');
        for &byte in word {
            text.extend_from_slice(if byte == b']' { b"\\]" } else { std::slice::from_ref(&byte) });
        }
        text.push(b']');
    }
    Some(text)
}
