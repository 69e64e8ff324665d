//! What a token signs, field by field, where its counter is kept: each is refused for its own reason, and
//! the next login is as if nothing had been.

use sandbox::fido::Fault;
use sandbox::{Answer, SECRET};

use crate::desk::Desk;

/// A record counts, and mappings do not: nothing of /etc is asked here.
const LINE: &str = "authfile=/nowhere";

#[test]
fn a_copy_is_noticed() {
    let desk = Desk::new();
    for model in ["", "u2f"] {
        let token = desk.plug_in(model);
        let key = desk.enrol("", None);
        desk.alice.enrolment().key("blue", &key).totp("phone", SECRET).save();
        let login = || desk.ours(LINE, &[Answer::Error]);
        token.set(&[Fault::CountFrom(100)]);
        assert!(login().is_in());
        for (count, reason) in [
            (100, "key_cloned"),
            (0, "key_cloned"),
            (101, ""),
            (99, "key_cloned"),
            (102, ""),
            (u32::MAX - 2, ""),
        ] {
            token.set(&[Fault::CountFrom(count)]);
            let login = login();
            assert_eq!(login.reason(), reason, "{model} {count}: {:?}", login.log);
            assert_eq!(login.is_in(), reason.is_empty());
            assert_eq!(login.said.prompts, [""; 0], "a copy gets no second chance");
        }
        token.set(&[Fault::Counter(0)]);
        assert_eq!(login().reason(), "key_cloned", "a token that counted goes on counting");
    }
}

#[test]
fn a_token_without_a_counter() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let key = desk.enrol("", None);
    desk.alice.enrolment().key("blue", &key).save();
    token.set(&[Fault::Counter(0)]);
    for _ in 0..2 {
        assert!(desk.ours(LINE, &[]).is_in());
    }
}

#[test]
fn each_for_its_own_reason() {
    let desk = Desk::new();
    let token = desk.plug_in("fingerprint");
    let key = desk.enrol("--user-verification", None);
    desk.alice.enrolment().key("blue", &key).save();
    for (faults, reason) in [
        (&[Fault::WithoutUp][..], "key_untouched"),
        (&[Fault::WithoutUv], "key_unverified"),
        (&[Fault::WithoutUp, Fault::WithoutUv], "key_untouched"),
        (&[Fault::BadSignature], "key_signature"),
        (&[Fault::OtherKey], "key_signature"),
        (&[Fault::OtherParty], "key_party"),
        (&[Fault::AttestedFlag], "key_malformed"),
        // To libfido2 it is no answer, not even to whether the token knows the key.
        (&[Fault::ExtensionFlag], "key_absent"),
        (&[Fault::TrailingByte], "key_malformed"),
        (&[Fault::Counter(0)], "key_cloned"),
        (&[Fault::OtherParty, Fault::BadSignature], "key_party"),
    ] {
        token.set(&[]);
        let login = desk.ours(LINE, &[]);
        assert!(login.is_in(), "before {faults:?}: {:?}", login.log);
        assert!(login.log.iter().any(|line| line.contains(" factor=key credential=blue ")));
        token.set(faults);
        let login = desk.ours(LINE, &[]);
        assert_eq!(login.reason(), reason, "{faults:?}: {:?}", login.log);
        assert!(!login.is_in());
    }
}
