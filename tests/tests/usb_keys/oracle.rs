//! The same mapping, the same token with the same fault: Debian's pam_u2f and ours give the same answer, but
//! for what is said here.

use std::fs;
use std::time::Duration;

use sandbox::fido::{Fault, Token};
use sandbox::{Answer, DENIED};

use crate::desk::{Desk, LINE, MAPPING, SHORTLY, UNTOUCHED, hex, key};

/// A module that says nothing of its own lets whoever comes next decide.
const REST: &str = "auth required pam_permit.so";

/// What pam_u2f returns for a file that it cannot use.
const AUTHINFO_UNAVAIL: i32 = 9;

/// One login by each of the two.
struct Case<'a> {
    what: &'a str,
    /// The machine's mapping; none: there is no file.
    mapping: Option<&'a str>,
    options: &'a str,
    faults: &'a [Fault],
    /// What is typed as the PIN.
    pin: Answer<'a>,
    /// What pam_u2f returns.
    theirs: i32,
    /// Why ours denies; empty if it does not.
    ours: &'a str,
    /// Why the answers differ; empty if they do not.
    why: &'a str,
}

impl<'a> Case<'a> {
    /// Both let in.
    fn good(what: &'a str, mapping: &'a str) -> Self {
        let mapping = Some(mapping);
        let pin = Answer::Text("1234");
        Self { what, mapping, options: "", faults: &[], pin, theirs: 0, ours: "", why: "" }
    }

    /// Both deny, ours for this reason.
    fn bad(what: &'a str, mapping: &'a str, reason: &'a str) -> Self {
        Self { theirs: DENIED, ours: reason, ..Self::good(what, mapping) }
    }

    fn with(self, options: &'a str) -> Self {
        Self { options, ..self }
    }

    fn faulty(self, faults: &'a [Fault]) -> Self {
        Self { faults, ..self }
    }

    fn typing(self, pin: Answer<'a>) -> Self {
        Self { pin, ..self }
    }

    /// Theirs returns this.
    fn theirs(self, code: i32) -> Self {
        Self { theirs: code, ..self }
    }

    /// The answers differ, and why.
    fn because(self, why: &'a str) -> Self {
        Self { why, ..self }
    }

    /// Ours denies for this reason where theirs lets in, and why.
    fn stricter(self, reason: &'a str, why: &'a str) -> Self {
        Self { ours: reason, why, ..self }
    }
}

/// Each of them, by both.
#[track_caller]
fn compare(desk: &Desk, token: &Token, cases: Vec<Case>) {
    for Case { what, mapping, options, faults, pin, theirs, ours: reason, why } in cases {
        match mapping {
            Some(mapping) => Desk::map(mapping),
            None => drop(fs::remove_file(MAPPING)),
        }
        assert_eq!((theirs == 0) != reason.is_empty(), !why.is_empty(), "{what}: why is it so?");
        let answers = [pin];
        // Wrong PINs are forgotten.
        token.set(&[Fault::Unplugged, Fault::PinRetries(8)]);
        token.set(faults);
        let line = format!("auth required pam_u2f.so authpending_file= {LINE} {options}\n{REST}");
        let said = desk.login(&line, &answers).said;
        assert_eq!(said.result, theirs, "pam_u2f, {what}: {}", said.errors);
        token.set(&[Fault::Unplugged, Fault::PinRetries(8)]);
        token.set(faults);
        let login = desk.ours(&format!("{options}\n{REST}"), &answers);
        assert_eq!(login.reason(), reason, "{what}: {:?}", login.log);
        assert_eq!(login.said.result, if reason.is_empty() { 0 } else { DENIED }, "{what}");
    }
}

const CUT_OFF: &str = "pam_u2f 1.1.0 reads no more of a line than max_devices usual keys take";
const BY_ORIGIN: &str = "pam_u2f 1.1.0 asks old keys by its origin, too";
const NOT_ENROLLED: &str =
    "pam_u2f 1.1.0 means a file that is not there, later ones whoever is not in it, too";
const NO_ONE_LOOKED: &str = "nobody else looks; what was not asked for is no answer";

#[test]
fn every_field_of_an_answer() {
    let desk = Desk::new();
    let token = desk.plug_in("fingerprint");
    let key = desk.register("--user-verification", None);
    let good = |what| Case::good(what, &key);
    let bad = |what, reason| Case::bad(what, &key, reason);
    compare(
        &desk,
        &token,
        vec![
            good("as it should be"),
            good("a token without a counter").faulty(&[Fault::Counter(0)]),
            good("a counter that moves on").faulty(&[Fault::CountFrom(7)]),
            good("a slow token").faulty(&[Fault::Slow(Duration::from_millis(1))]),
            good("a slow person").faulty(&[Fault::TouchedAfter(SHORTLY)]),
            bad("no touch in the flags", "key_untouched").faulty(&[Fault::WithoutUp]),
            bad("no verification in the flags", "key_unverified").faulty(&[Fault::WithoutUv]),
            bad("another bit in the signature", "key_signature").faulty(&[Fault::BadSignature]),
            bad("another relying party", "key_party").faulty(&[Fault::OtherParty]),
            bad("another key's signature", "key_signature").faulty(&[Fault::OtherKey]),
            bad("extensions in the flags only", "key_absent").faulty(&[Fault::ExtensionFlag]),
            bad("nobody touches it", "key_timeout").faulty(UNTOUCHED),
            bad("it is not there", "key_absent").faulty(&[Fault::Unplugged]),
            bad("pulled out", "key_absent").faulty(&[Fault::PulledAfter(SHORTLY)]),
            good("a public key in the flags")
                .faulty(&[Fault::AttestedFlag])
                .stricter("key_malformed", NO_ONE_LOOKED),
            good("a byte too many")
                .faulty(&[Fault::TrailingByte])
                .stricter("key_malformed", NO_ONE_LOOKED),
        ],
    );
}

#[test]
fn touch() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let key = desk.register("", None);
    let lax = desk.register("--no-user-presence", None);
    assert!(key.ends_with("+presence") && lax.ends_with(','), "{key} {lax}");
    let good = |what| Case::good(what, &key);
    compare(
        &desk,
        &token,
        vec![
            good("as it should be"),
            good("demanded by both").with("userpresence=1"),
            good("demanded by the file alone").with("userpresence=0"),
            Case::bad("and not given", &key, "key_timeout")
                .with("userpresence=0")
                .faulty(UNTOUCHED),
            Case::good("demanded by nobody", &lax).with("userpresence=0").faulty(UNTOUCHED),
            Case::good("demanded by the line alone", &lax).with("userpresence=1"),
            Case::bad("and not given", &lax, "key_untouched")
                .with("userpresence=1")
                .faulty(&[Fault::WithoutUp]),
            Case::bad("not spoken of, and not given", &lax, "key_timeout").faulty(UNTOUCHED),
            Case::good("not spoken of, and denied by the flags", &lax)
                .faulty(&[Fault::WithoutUp])
                .stricter("key_untouched", "malware can ask a token, too"),
        ],
    );
}

#[test]
fn verification() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let key = desk.register("", None);
    compare(
        &desk,
        &token,
        vec![
            Case::good("not demanded", &key).with("userverification=0"),
            Case::bad("the token cannot", &key, "key_unverified").with("userverification=1"),
        ],
    );
    drop(token);
    let token = desk.plug_in("fingerprint");
    let key = desk.register("", None);
    compare(
        &desk,
        &token,
        vec![
            Case::good("demanded by the line", &key).with("userverification=1"),
            Case::bad("and not given", &key, "key_unverified")
                .with("userverification=1")
                .faulty(&[Fault::WithoutUv]),
        ],
    );
}

#[test]
fn pins() {
    let desk = Desk::new();
    let token = desk.plug_in("pin=1234");
    let key = desk.register("--pin-verification", Some("1234"));
    let lax = key.replace("+pin", "");
    let resident = desk.register("--resident --pin-verification", Some("1234"));
    assert!(resident.contains(":*,"), "{resident}");
    let bad = |what, reason| Case::bad(what, &key, reason);
    compare(
        &desk,
        &token,
        vec![
            Case::good("the right one", &key),
            Case::good("of a resident key", &resident),
            Case::good("demanded by the line", &lax).with("pinverification=1"),
            Case::good("demanded by the file alone", &key).with("pinverification=0"),
            Case::good("not demanded", &lax).typing(Answer::Error),
            bad("a wrong one", "key_pin_blocked").typing(Answer::Text("4321")),
            Case::bad("a wrong one for a resident key", &resident, "key_pin_blocked")
                .typing(Answer::Text("4321")),
            bad("one that no token can have", "key_pin").typing(Answer::Long(64)),
            bad("the last one", "key_pin_blocked")
                .typing(Answer::Text("4321"))
                .faulty(&[Fault::PinRetries(1)]),
            bad("none left", "key_pin_blocked").faulty(&[Fault::PinRetries(0)]),
            bad("an error", "key_pin").typing(Answer::Error),
            bad("no answer", "key_pin").typing(Answer::Null),
            bad("an empty answer", "key_pin").typing(Answer::Text("")),
            Case::good("the token has not looked at it", &key)
                .faulty(&[Fault::WithoutUv])
                .stricter("key_unverified", "pam_u2f 1.1.0 does not look, later ones do"),
        ],
    );
    drop(token);
    let token = desk.plug_in("");
    let none = desk.register("", None) + "+pin";
    compare(&desk, &token, vec![Case::bad("the token has none", &none, "key_pin")]);
}

#[test]
fn kinds_of_keys() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let resident = desk.register("--resident", None);
    let own = desk.register("", None);
    token.set(&[Fault::Unplugged]);
    let other = {
        let _other = desk.plug_in("seed=1");
        desk.register("", None)
    };
    let key_of = |line: &str| line.split_once(':').expect("a user").1.to_owned();
    let both = format!("{other}:{}", key_of(&own));
    let third = format!("{other}:{}:{}", key_of(&other), key_of(&own));
    let absent = |what, mapping| Case::bad(what, mapping, "key_absent");
    compare(
        &desk,
        &token,
        vec![
            Case::good("resident", &resident),
            absent("resident, signed by another", &resident).faulty(&[Fault::OtherKey]),
            absent("another token's", &other),
            Case::good("the second of two", &both),
            absent("the second of two, and one counts", &both).with("max_devices=1"),
            Case::good("the third of three", &third)
                .theirs(DENIED)
                .because(CUT_OFF)
                .with("max_devices=3"),
            absent("for another relying party", &own).with("origin=pam://elsewhere"),
        ],
    );
}

#[test]
fn tokens_as_old_as_u2f() {
    let desk = Desk::new();
    let token = desk.plug_in("u2f");
    let line = desk.register("", None);
    let base64 = line.split([':', ',']).nth(1).expect("a handle");
    let handle = base64.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let old = format!("alice:{handle},04{}", hex(key(&line).public.as_bytes()));
    let elsewhere = "origin=pam://elsewhere appid=pam://sandbox";
    compare(
        &desk,
        &token,
        vec![
            Case::good("in today's format", &line),
            Case::good("in the format of then", &old),
            Case::good("in the format of then, by its appid", &old)
                .with(elsewhere)
                .theirs(DENIED)
                .because(BY_ORIGIN),
            Case::bad("in today's format, by its origin", &line, "key_absent").with(elsewhere),
            Case::bad("no touch in the flags", &old, "key_untouched").faulty(&[Fault::WithoutUp]),
            Case::bad("another bit", &old, "key_signature").faulty(&[Fault::BadSignature]),
            Case::bad("it takes no PIN", &line, "key_unverified").with("pinverification=1"),
        ],
    );
}

#[test]
fn files() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let key = desk.register("", None);
    let bob = key.replace("alice:", "bob:");
    let again = format!("alice:{}\n{bob}\n{key}", "x,y,es256,+presence");
    let worse = format!("{key}\nalice:nonsense");
    let half = &key[..key.len() / 2];
    let unknown = key.replace("+presence", "+presence+pi");
    let strangers = format!("nonsense\n\n#\nbob\n{key}\nbob:x,y");
    let windows = format!("{key}\r");
    let malformed =
        |what, mapping| Case::bad(what, mapping, "bad_mapping").theirs(AUTHINFO_UNAVAIL);
    compare(
        &desk,
        &token,
        vec![
            Case::good("lines of others, in any state", &strangers),
            Case::good("a line end of Windows", &windows),
            malformed("half a line", half),
            malformed("the last line is nonsense", &worse),
            malformed("no key", "alice:").theirs(DENIED),
            Case::bad("somebody else's", &bob, "no_file"),
            Case::bad("empty", "", "no_file"),
            Case::good("somebody else's, and nouserok", &bob)
                .with("nouserok")
                .theirs(DENIED)
                .because(NOT_ENROLLED),
            Case::good("empty, and nouserok", "")
                .with("nouserok")
                .theirs(DENIED)
                .because(NOT_ENROLLED),
            malformed("half a line, and nouserok", half).with("nouserok"),
            Case { mapping: None, ..Case::bad("none", "", "no_file").theirs(AUTHINFO_UNAVAIL) },
            Case { mapping: None, ..Case::good("none, and nouserok", "").with("nouserok") },
            Case::good("an attribute of half a word", &unknown)
                .stricter("bad_mapping", "half a line would lose its PIN"),
            Case::good("a line that another one takes the place of", &again)
                .stricter("bad_mapping", "one mistake is one too many"),
        ],
    );
}
