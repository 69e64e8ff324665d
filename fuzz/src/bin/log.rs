//! What strangers choose, as it stands in a line of the log: `USER NUL HOST NUL TTY NUL INVOKER`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::audit::{Decision, Event, Subject};
use mfa_core::reason::Reason;
use mfa_core::source::address;
use mfa_core::verify::{Accepted, Denied, Factor, Input};

const WORDS: [&str; 2] = ["Accepted google_authenticator for", "Invalid verification code for"];

fuzz_target!(|text: &str| {
    let mut pieces = text.split('\0');
    let user = pieces.next().unwrap_or_default();
    let [host, tty, invoker] = [(); 3].map(|()| pieces.next());
    let subject = Subject { user, source: host.and_then(address), host, tty, invoker, rule: None };

    let accepted = &Accepted {
        credential: None,
        codes_left: None,
        factor: Factor::Totp,
        drift: 0,
        reusable: false,
        input: Input::Reply,
        prefix: 0,
        notices: vec![],
    };
    let denied = Denied::finally(Reason::WrongCode);
    let [good, bad] = [
        Decision::Accepted { accepted, unwritten: None },
        Decision::Denied { denied, detail: "", asked: true },
    ]
    .map(|decision| Event { subject, decision }.to_string());
    one_line(&good, "accepted user=", WORDS);
    one_line(&bad, "denied user=", [WORDS[1], WORDS[0]]);
    assert_eq!(good.matches(" factor=").count(), 1);
    assert_eq!(bad.matches(" reason=").count(), 1);
});

/// It begins as we say, and holds our words for log filters once and those for the opposite never.
fn one_line(line: &str, start: &str, [ours, others]: [&str; 2]) {
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
    assert!(line.starts_with(start) && line.len() < 8192, "{line}");
    assert_eq!((line.matches(ours).count(), line.matches(others).count()), (1, 0), "{line}");
    for key in [" user=", " source=", " host=", " tty=", " ruser="] {
        assert!(line.matches(key).count() <= 1, "{line}");
    }
}
