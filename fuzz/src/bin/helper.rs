//! A datagram between mfa-fido and whoever starts it, in either direction.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::helper::{
    Candidate, MAX_HANDLE, MAX_KEYS, MAX_REPLY, MAX_REQUEST, Pin, Reply, Request, Task,
};

fuzz_target!(|datagram: &[u8]| {
    if let Ok(request) = Request::decode(datagram) {
        let again = request.encode();
        assert!(again.len() <= MAX_REQUEST && again.len() <= datagram.len());
        assert!(request.patience.as_millis() > 0);
        let (handles, party): (Vec<&Vec<u8>>, _) = match &request.task {
            Task::Assert(candidates) => {
                assert!(!candidates.is_empty());
                let party = |candidate: &Candidate| candidate.relying_party.clone();
                (candidates.iter().map(|one| &one.handle).collect(), candidates.first().map(party))
            }
            Task::Enrol(subject) => {
                assert!((1..=64).contains(&subject.user_id.len()) && !subject.user.contains('\0'));
                (subject.exclude.iter().collect(), Some(subject.relying_party.clone()))
            }
        };
        assert!(handles.len() <= MAX_KEYS);
        assert!(handles.iter().all(|handle| handle.len() <= MAX_HANDLE));
        assert!(party.is_some_and(|party| !party.is_empty() && !party.contains('\0')));
        assert_eq!(Request::decode(&again), Ok(request));
    }
    if let Ok(reply) = Reply::decode(datagram) {
        let again = reply.encode();
        assert!(again.len() <= MAX_REPLY);
        if let Reply::Assertion { candidate, .. } = &reply {
            assert!(*candidate < MAX_KEYS);
        }
        assert_eq!(Reply::decode(&again), Ok(reply));
    }
    let is_pin = (1..=63).contains(&datagram.len()) && !datagram.contains(&0);
    match Pin::decode(datagram) {
        Ok(pin) => assert!(is_pin && pin.encode() == datagram),
        Err(_) => assert!(!is_pin),
    }
});
