//! A security key of ssh and what it is said to have signed, in an answer of the agent: `LENGTH KEY
//! SIGNATURE`, the length in one byte.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Counter, Key, Port};
use mfa_core::key::{Signature, hash, verify};
use mfa_core::reason::Reason;
use mfa_core::ssh::SkKey;
use mfa_core::ssh::agent::assertion;
use mfa_core::ssh::sshsig::blob;
use mfa_core::wire::{Reader, Writer};

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.split_first() else { return };
    let (key, signature) = rest.split_at(usize::from(*length).min(rest.len()));
    let Ok(sk) = SkKey::of_blob(key) else { return };
    assert_eq!(sk.to_blob(), key, "there is one way to write a key");
    assert_eq!(SkKey::of_line(&sk.to_line()).as_ref(), Ok(&sk));

    let reply = Writer::default().byte(14).string(signature).done();
    let assertion = match assertion(&reply, &sk) {
        Ok(assertion) => assertion,
        Err(reason) => {
            let is_other =
                Reader::new(signature).string().is_ok_and(|it| it != sk.kind().as_bytes());
            let expected = if is_other { Reason::KeyType } else { Reason::KeyMalformed };
            assert_eq!(reason, expected);
            return;
        }
    };
    let parts = match &assertion.signature {
        Signature::Eddsa(signature) => signature.to_vec(),
        Signature::Fixed(r_s) => {
            let (r, s) = r_s.split_at(32);
            Writer::default().string(&mpint(r)).string(&mpint(s)).done()
        }
        Signature::Asn1(_) => panic!("not of ssh"),
    };
    let written = Writer::default().string(sk.kind().as_bytes()).string(&parts);
    let written = written.byte(assertion.flags).number(assertion.counter).done();
    assert_eq!(written, signature, "there is one way to write a signature");

    let mut key = Key {
        name: None,
        port: Port::Ssh,
        public: sk.public,
        application: sk.application,
        touch: true,
        verification: true,
        counter: Counter::Unchecked,
    };
    let message = hash(&blob("test@pam_mfa", b"hello\n"));
    let strict = verify(&key, &assertion, &message);
    (key.touch, key.verification) = (false, false);
    let lax = verify(&key, &assertion, &message);
    assert!(strict.is_err() || lax.is_ok());
    assert_eq!(strict.is_ok(), lax.is_ok() && assertion.flags & 5 == 5, "what it says of its user");
    if lax.is_ok() {
        let other = hash(&blob("login@pam_mfa", b"hello\n"));
        assert_eq!(
            verify(&key, &assertion, &other),
            Err(Reason::KeySignature),
            "for another thing"
        );
    }
});

/// A number that is not negative, as RFC 4251 section 5 has it.
fn mpint(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    let sign: &[u8] = if number.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    [sign, number].concat()
}
