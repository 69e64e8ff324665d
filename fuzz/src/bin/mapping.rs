//! A mapping of pam_u2f: a byte of options, then the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Counter, Key, Port};
use mfa_core::key::Public;
use mfa_core::u2f::{Options, add, read, remove};

const USER: &str = "alice";

fuzz_target!(|input: &[u8]| {
    let Some((&bits, text)) = input.split_first() else { return };
    let options = options(bits);
    let theirs: Vec<_> = text.split(|&byte| byte == b'\n').filter(|line| is_near(line)).collect();
    let alone = read(&theirs.join(&b'\n'), USER, &options);
    let keys = match read(text, USER, &options) {
        Err(mistake) => {
            let line = mistake.line.expect("a line of the user");
            assert!(is_near(text.split(|&byte| byte == b'\n').nth(line - 1).expect("it is there")));
            assert_eq!(alone.unwrap_err().cause, mistake.cause);
            return;
        }
        Ok(keys) => keys,
    };
    assert_eq!(alone.as_ref(), Ok(&keys), "lines of others do not matter");
    assert!(keys.len() <= options.max_devices);
    for key in &keys {
        as_demanded(key, &options);
        let written = add(b"", USER, key).expect("a USB key");
        let lenient = Options { origin: key.application.clone(), ..self::options(0) };
        assert_eq!(read(&written, USER, &lenient).as_deref(), Ok(std::slice::from_ref(key)));
    }
    if keys.len() < options.max_devices {
        there_and_back(text, &keys, &options);
    }
});

fn options(bits: u8) -> Options {
    let is_set = |bit: u32| bits & (1 << bit) != 0;
    Options {
        origin: "pam://new".to_owned(),
        appid: "pam://old".to_owned(),
        max_devices: usize::from(bits >> 3) + 1,
        touch: is_set(0),
        verification: is_set(1),
        pin: is_set(2),
    }
}

fn is_near(line: &[u8]) -> bool {
    line.windows(USER.len()).any(|window| window == USER.as_bytes())
}

fn as_demanded(key: &Key, options: &Options) {
    let Port::Usb { handle, pin } = &key.port else { panic!("no USB key") };
    assert!(handle.len() <= 1024);
    assert!(key.touch || !options.touch);
    assert!(key.verification || !(options.verification || *pin));
    assert!(*pin || !options.pin);
    assert!([&options.origin, &options.appid].contains(&&key.application));
    assert_eq!((&key.name, key.counter), (&None, Counter::Unchecked));
}

/// A key that is added is behind the others, and removed it leaves what was there.
fn there_and_back(text: &[u8], keys: &[Key], options: &Options) {
    let new = Key {
        name: None,
        port: Port::Usb { handle: vec![1], pin: true },
        public: Public::es256(&[7; 64]).expect("a point"),
        application: options.origin.clone(),
        touch: true,
        verification: true,
        counter: Counter::Unchecked,
    };
    let added = add(text, USER, &new).expect("a USB key");
    let more = [keys, &[new]].concat();
    assert_eq!(read(&added, USER, options).as_ref(), Ok(&more));
    let removed = remove(&added, USER, keys.len()).expect("it is there");
    if keys.is_empty() && !text.is_empty() && !text.ends_with(b"\n") {
        assert_eq!(removed, [text, b"\n"].concat());
    } else {
        assert_eq!(removed, text);
    }
    assert_eq!(remove(text, USER, keys.len()), None);
}
