//! A sealed secret that somebody changed: `CONTEXT NUL SECRET NUL EDIT...`, each edit two bytes: where,
//! counted from the end, and what stands there instead.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::reason::Reason;
use mfa_core::seal::{HostKey, MAX_SECRET, open, seal};
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

fuzz_target!(|input: &[u8]| {
    // What is sealed below is compared, and so libFuzzer learns it: this key seals nothing.
    let other = HostKey::new(Zeroizing::new([8; 32]));
    let text = String::from_utf8_lossy(input);
    assert!(matches!(open(&text, &other, b""), Err(Reason::BadSeal | Reason::OtherKey)));

    let key = HostKey::new(Zeroizing::new([7; 32]));
    let mut pieces = input.splitn(3, |&byte| byte == 0);
    let context = pieces.next().unwrap_or_default();
    let secret = Secret::new(pieces.next().unwrap_or_default().to_vec());
    let random = |bytes: &mut [u8]| {
        bytes.fill(9);
        Ok::<_, ()>(())
    };
    let length = secret.as_bytes().len();
    let Ok(sealed) = seal(&secret, &key, context, &random) else {
        assert!(length == 0 || length > MAX_SECRET);
        return;
    };
    assert_eq!(open(&sealed, &key, context), Ok(secret.clone()));
    assert_eq!(open(&sealed, &key, &[context, b"x"].concat()), Err(Reason::OtherKey));

    let mut edited = sealed.clone().into_bytes();
    for edit in pieces.next().unwrap_or_default().chunks_exact(2) {
        let end = edited.len() - 1;
        edited[end - usize::from(edit[0]) % (end + 1)] = edit[1];
    }
    let edited = String::from_utf8_lossy(&edited);
    assert_eq!(open(&edited, &key, context).is_ok(), edited == sealed, "{edited}");
});
