//! No secret is in the host's memory while a person types, nor afterwards.

use sandbox::{Answer, BY_TIME, Circumstances, Host, Machine, Then, run};

#[test]
fn no_secret_stays_in_the_host() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    alice.enrol("mfa-enroll", BY_TIME);
    let secret = alice.secret();
    let [key, text] = secret.hex();
    // What an HMAC makes of its key at first (RFC 2104): as good as the key.
    let padded = [0x36, 0x5c].map(|pad| masked(&key, pad));
    let sought = [key.as_str(), &text, &padded[0], &padded[1]];
    let answers = [secret.wrong_code(), secret.code()];
    let answers = answers.each_ref().map(|answer| Answer::Text(answer));

    let host = Host::new(&machine, "auth required pam_mfa.so retry=2");
    let seen = host.authenticate_and_seek("alice", &answers, &sought);
    assert_eq!((seen.result, seen.prompts.len()), (0, 2), "{}", machine.log);
    assert!(seen.found.is_empty(), "{:?}", seen.found);

    // The original does keep it, which shows that what is there is found.
    let host = Host::new(&machine, "auth required pam_google_authenticator.so");
    let seen = host.authenticate_and_seek("alice", &answers[..1], &sought);
    assert!(!seen.found.is_empty());
}

/// Bytes in hexadecimal, each with this mask over it.
fn masked(bytes: &str, mask: u8) -> String {
    let digits: Vec<_> = bytes.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    let masked = digits.chunks(2).map(|pair| byte(pair).expect("hexadecimal") ^ mask);
    masked.fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Who enrols at login has to see the secret. As text it is in memory nowhere but in what was shown,
/// and that is the application's own.
#[test]
fn no_text_of_a_new_secret_stays_in_the_host() {
    let machine = Machine::new();
    machine.user("alice");
    run(&["mkdir", "-p", "-m", "755", "/var/lib/pam_mfa/users", "/var/lib/pam_mfa/state"]);
    let line = "auth required pam_mfa.so enroll account=yes\naccount required pam_mfa.so";
    let host = Host::new(&machine, line);
    let circumstances = Circumstances::default().then(&[Then::Account]).seeking(&["key", "shown"]);
    let seen = host.begin_under("alice", &[Answer::Text(""), Answer::App], &circumstances).end();
    assert_eq!((seen.account, seen.prompts.len()), (vec![0], 2), "{}", machine.log);
    // What the application saw is found, at both prompts and in the end.
    assert!(seen.found.iter().filter(|line| line.starts_with("shown ")).count() >= 3);
    assert!(!seen.found.iter().any(|line| line.starts_with("key ")), "{:?}", seen.found);
}
