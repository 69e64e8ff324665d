//! What an agent answers: `FIRST REPLY`, the first byte for which of two keys is asked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::reason::Reason;
use mfa_core::ssh::SkKey;
use mfa_core::ssh::agent::{MAX_KEYS, assertion, keys, list, sign};
use mfa_core::wire::{Reader, Writer};

fuzz_target!(|input: &[u8]| {
    let [which, reply @ ..] = input else { return };
    match keys(reply) {
        Ok(keys) => {
            assert!(keys.len() <= MAX_KEYS);
            for (at, key) in keys.iter().enumerate() {
                assert!(!keys[..at].contains(key), "twice");
                assert_eq!(SkKey::of_blob(&key.to_blob()).as_ref(), Ok(key), "read back");
            }
            assert_eq!(mfa_core::ssh::agent::keys(&listed(&keys)).as_ref(), Ok(&keys));
            assert_eq!(
                assertion(reply, &key(*which)),
                Err(Reason::AgentFailed),
                "one or the other"
            );
        }
        Err(Reason::AgentRefused) => assert_eq!(reply, [5]),
        Err(reason) => assert_eq!(reason, Reason::AgentFailed),
    }

    let key = key(*which);
    if let Ok(assertion) = assertion(reply, &key) {
        let blob = Reader::new(&reply[1..]).string().unwrap();
        assert_eq!(reply.len(), blob.len() + 5, "nothing behind it");
        assert_eq!(Reader::new(blob).text(), Ok(key.kind()));
        let [.., flags, c0, c1, c2, c3] = blob else { panic!("too short") };
        assert_eq!(assertion.flags, *flags);
        assert_eq!(assertion.counter, u32::from_be_bytes([*c0, *c1, *c2, *c3]));
    }
    for request in [list(), sign(&key, reply)] {
        let mut reader = Reader::new(&request);
        assert!(reader.string().is_ok() && reader.is_empty());
    }
});

fn listed(keys: &[SkKey]) -> Vec<u8> {
    let reply = Writer::default().byte(12).number(keys.len().try_into().unwrap());
    keys.iter().fold(reply, |reply, key| reply.string(&key.to_blob()).string(b"")).done()
}

fn key(which: u8) -> SkKey {
    let line = match which % 2 {
        0 => include_str!("../../../core/src/ssh/vectors/red.pub"),
        _ => include_str!("../../../core/src/ssh/vectors/work.pub"),
    };
    SkKey::of_line(line).unwrap()
}
