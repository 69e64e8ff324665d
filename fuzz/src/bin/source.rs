//! Where a login comes from: `PAM_RHOST` and `SSH_CONNECTION`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::source::{address, of_ssh_connection};

fuzz_target!(|text: &str| {
    let found = address(text);
    if let Some(ip) = found {
        assert_eq!(ip, ip.to_canonical());
        assert_eq!(address(&ip.to_string()), Some(ip), "read back");
        let (number, _) = text.split_once('%').unwrap_or((text, ""));
        let numeric = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
        assert!(number.bytes().all(numeric), "a name");
        assert_eq!(address(&format!("{number}%eth0")), found, "whatever the zone");
    }
    let first = text.split(' ').next().unwrap_or_default();
    assert_eq!(of_ssh_connection(text), address(first), "the client, and nobody behind it");
});
