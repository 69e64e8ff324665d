//! Records as text.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq};

use super::*;
use crate::account::{Counter, Port};
use crate::key::Public;
use crate::reason::Reason;
use crate::state::{State, Used};

const TEXT: &str = r#"version = 1
user = "alice"
uid = 1000
rate_limit = { attempts = 5, seconds = 60 }

[[credential]]
id = "1f0c9a7e"
name = "phone"
type = "totp"
secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
created = 1700000000

[[credential]]
id = "00000002"
name = "Jörg's \"token\""
type = "hotp"
sealed = "AXR3"
algorithm = "SHA256"
digits = 8
window = 17

[[codes]]
id = "9b1d2c3e"
kind = "bypass"
salt = "000102030405060708090a0b0c0d0e0f"
hashes = [
  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
]
created = 1700000000
expires = 1700003600
"#;

#[test]
fn the_text_is_read_and_written_the_same() {
    let record = Record::read(TEXT.as_bytes()).unwrap();
    assert_eq!(*record.to_text(), TEXT);
    assert_eq!((record.user.as_str(), record.uid), ("alice", 1000));
    let [phone, token] = record.credentials.as_slice() else { panic!("two") };
    assert_eq!(phone.method, Method::Totp { period: 30 });
    assert_eq!((phone.algorithm, phone.digits, phone.window), (Algorithm::Sha1, Digits::SIX, 3));
    assert_eq!(phone.secret, Kept::Plain(Secret::new(b"12345678901234567890".to_vec())));
    assert_eq!((token.method, token.window), (Method::Hotp, 17));
    assert_eq!(record.credential("phone"), Some(phone));
    assert_eq!(record.ids().count(), 3);
}

#[test]
fn what_is_left_out_is_usual() {
    let text = "version = 1\nuser = \"a\"\nuid = 1\n[[credential]]\nid = \"00000001\"\nname = \"p\"\n\
                type = \"totp\"\nsecret = \"GEZDGNBVGY3TQOJQ\"\n";
    let record = Record::read(text.as_bytes()).unwrap();
    assert_eq!(record.rate_limit, Limit { attempts: 3, seconds: 30 });
    assert_eq!(record.codes, []);
    assert_eq!(Record::read(record.to_text().as_bytes()), Ok(record));
}

/// [`TEXT`] with one thing changed, and what is said of it.
#[track_caller]
fn mistake(from: &str, to: &str, said: &str) {
    assert!(TEXT.contains(from), "{from}");
    let mistake = Record::read(TEXT.replacen(from, to, 1).as_bytes()).unwrap_err();
    assert_eq!(mistake.to_string(), said);
    assert_eq!(mistake.reason(), Reason::BadRecord);
}

#[test]
fn mistakes() {
    mistake("uid = 1000\n", "", "line 1: uid is missing");
    mistake("uid = 1000", "uid = -1", "line 3: uid: not a whole number from 0 to 4294967295");
    mistake("attempts = 5", "attempts = 0", "line 4: attempts: not a whole number from 1 to 100");
    mistake(", seconds = 60", "", "line 4: seconds is missing");
    mistake("\"1f0c9a7e\"", "\"1F0C9A7E\"", "line 7: id: not eight digits of 0-9 and a-f");
    mistake("\"00000002\"", "\"1f0c9a7e\"", "two parts have the id 1f0c9a7e");
    mistake("\"9b1d2c3e\"", "\"1f0c9a7e\"", "two parts have the id 1f0c9a7e");
    mistake(
        "\"Jörg's \\\"token\\\"\"",
        "\"phone\"",
        "two credentials or keys have the name \"phone\"",
    );
    mistake(
        "name = \"phone\"",
        "name = \" phone\"",
        "line 8: name: a name has 1 to 32 printable characters and no blank at its ends",
    );
    mistake("\"totp\"", "\"TOTP\"", "line 9: type: neither \"totp\" nor \"hotp\"");
    mistake("NBVGY3TQ", "NBVGY31Q", "line 10: secret: not base32: A-Z and 2-7 without `=`");
    mistake(
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "GEZDG",
        "the secret of \"phone\" has 3 bytes; it must have 10 to 128",
    );
    mistake("secret = ", "sekret = ", "line 6: the credential has neither secret nor sealed");
    mistake(
        "created = 1700000000\n\n[[cred",
        "color = 1\n\n[[cred",
        "line 11: no key color here; there are id, name, type, secret, sealed, algorithm, digits, period, \
         window, created",
    );
    mistake(
        "sealed = ",
        "secret = \"GEZDGNBVGY3TQOJQ\"\nsealed = ",
        "line 13: the credential has both secret and sealed",
    );
    mistake(
        "SHA256",
        "sha256",
        "line 18: algorithm: neither \"SHA1\" nor \"SHA256\" nor \"SHA512\"",
    );
    mistake("digits = 8", "digits = 9", "line 19: digits: not a whole number from 6 to 8");
    mistake(
        "digits = 8",
        "digits = 8\nperiod = 30",
        "line 13: the credential has type hotp and a period",
    );
    mistake("window = 17", "window = 101", "line 20: window: not a whole number from 1 to 100");
    mistake(
        "created = 1700000000\n\n",
        "period = 0\n\n",
        "line 11: period: not a whole number from 1 to 86400",
    );
    mistake("0e0f\"\n", "0E0F\"\n", "line 25: salt: not 32 digits of 0-9 and a-f");
    mistake("1e1f", "1e", "line 26: hashes: not 64 digits of 0-9 and a-f");
    mistake("expires = 1700003600\n", "", "the codes 9b1d2c3e: bypass codes and only they expire");
    mistake("\"bypass\"", "\"recovery\"", "the codes 9b1d2c3e: bypass codes and only they expire");
    mistake("version = 1\n", "", "version: not 1");
    let newer = Record::read(TEXT.replacen("version = 1", "version = 2", 1).as_bytes());
    assert_eq!(newer.unwrap_err().reason(), Reason::NewerRecord);
}

#[test]
fn as_many_as_there_may_be() {
    let one = Record::read(TEXT.as_bytes()).unwrap();
    let of = |credentials: usize, sets: usize, codes: usize| {
        let mut record = Record { codes: vec![], credentials: vec![], ..one.clone() };
        for n in 0..credentials {
            record.credentials.push(Credential {
                id: Id::new([0, 0, 0, u8::try_from(n).unwrap()]),
                name: Name::new(&format!("{n}")).unwrap(),
                secret: Kept::Plain(Secret::new(vec![u8::try_from(n).unwrap(); MIN_SECRET])),
                ..one.credentials[0].clone()
            });
        }
        for n in 0..sets {
            record.codes.push(Codes {
                id: Id::new([1, 0, 0, u8::try_from(n).unwrap()]),
                hashes: vec![one.codes[0].hashes[0]; codes],
                ..one.codes[0].clone()
            });
        }
        record.check().is_ok()
    };
    assert!(of(MAX_CREDENTIALS, MAX_CODE_SETS, MAX_CODES) && of(1, 0, 0));
    assert!(!of(0, 1, 1) && !of(MAX_CREDENTIALS + 1, 0, 0));
    assert!(!of(1, MAX_CODE_SETS + 1, 1) && !of(1, 1, 0) && !of(1, 1, MAX_CODES + 1));
}

#[test]
fn names() {
    for name in ["a", "old phone", "Jörg", "\u{1f4f1}", &"x".repeat(32)] {
        assert!(Name::new(name).is_some(), "{name}");
    }
    for name in ["", " ", "a ", "\ta", "a\nb", "a\u{202e}b", "a\u{a0}b", "a\0", &"x".repeat(33)] {
        assert!(Name::new(name).is_none(), "{name:?}");
    }
}

#[test]
fn only_what_the_state_knows_is_good() {
    let record = Record::read(TEXT.as_bytes()).unwrap();
    let unseal = |_: &str, context: &str| {
        assert_eq!(context, "user alice credential 00000002");
        Err(Reason::Sealed)
    };
    let lost = account(&record, &State::default(), &unseal);
    assert!(lost.credentials.iter().all(|one| one.secret == Err(Reason::NoState)));
    assert_eq!(lost.code_sets[0].used, Err(Reason::NoState));
    let state = State {
        credentials: [
            (record.credentials[0].id, Used::totp(7)),
            (record.credentials[1].id, Used::hotp(None)),
        ]
        .into(),
        codes: [(record.codes[0].id, 1)].into(),
        attempts: vec![5],
        ..State::default()
    };
    let account = account(&record, &state, &unseal);
    assert!(account.credentials[0].secret.is_ok());
    assert_eq!(account.credentials[1].secret, Err(Reason::Sealed));
    assert_eq!((account.code_sets[0].used, account.code_sets[0].left()), (Ok(1), 0));
    assert_eq!(account.rate_limit.unwrap().unwrap().times, [5]);
}

fn record() -> impl Strategy<Value = Record> {
    let method = prop_oneof![
        (1..=MAX_PERIOD).prop_map(|period| Method::Totp { period }),
        Just(Method::Hotp),
    ];
    let secret = prop_oneof![
        vec(any::<u8>(), MIN_SECRET..=MAX_SECRET).prop_map(|bytes| Kept::Plain(Secret::new(bytes))),
        "[A-Za-z0-9+/=]{0,80}".prop_map(Kept::Sealed),
    ];
    let algorithm =
        prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)];
    let credential = (
        any::<[u8; 4]>(),
        "[^\\p{C}\\p{Z}]{1,32}",
        method,
        secret,
        algorithm,
        6_u8..=8,
        1_u8..=100,
        any::<Option<u32>>(),
    );
    let codes = (
        any::<[u8; 4]>(),
        any::<[u8; 16]>(),
        vec(any::<[u8; 32]>(), 1..=MAX_CODES),
        any::<Option<u32>>(),
    );
    (
        ".{1,20}",
        any::<u32>(),
        1_u8..=100,
        1_u16..=3600,
        vec(credential, 0..=MAX_CREDENTIALS),
        vec(key(), 0..=3),
        vec(codes, 0..=MAX_CODE_SETS),
    )
        .prop_map(|(user, uid, attempts, seconds, credentials, keys, codes)| Record {
            user,
            uid,
            rate_limit: Limit { attempts, seconds },
            credentials: credentials
                .into_iter()
                .map(|(id, name, method, secret, algorithm, digits, window, created)| Credential {
                    id: Id::new(id),
                    name: Name::new(&name).expect("printable"),
                    method,
                    secret,
                    algorithm,
                    digits: Digits::new(digits).expect("6 to 8"),
                    window,
                    created: created.map(u64::from),
                })
                .collect(),
            keys,
            codes: codes
                .into_iter()
                .map(|(id, salt, hashes, expires)| Codes {
                    id: Id::new(id),
                    kind: if expires.is_some() { CodeKind::Bypass } else { CodeKind::Recovery },
                    salt: Salt::new(salt),
                    hashes: hashes.into_iter().map(Hash::new).collect(),
                    created: None,
                    expires: expires.map(u64::from),
                })
                .collect(),
        })
}

fn key() -> impl Strategy<Value = Key> {
    let public = prop_oneof![
        vec(any::<u8>(), 64).prop_filter_map("", |point| Public::es256(&point)),
        vec(any::<u8>(), 32).prop_filter_map("", |point| Public::eddsa(&point)),
    ];
    let usb = (vec(any::<u8>(), 0..80), any::<bool>())
        .prop_map(|(handle, pin)| Port::Usb { handle, pin });
    (
        any::<[u8; 4]>(),
        "[^\\p{C}\\p{Z}]{1,32}",
        prop_oneof![usb, Just(Port::Ssh)],
        public,
        "[a-z:/]{1,60}",
        any::<[bool; 3]>(),
        any::<Option<u32>>(),
    )
        .prop_map(|(id, name, port, public, application, flags, created)| Key {
            id: Id::new(id),
            name: Name::new(&name).expect("printable"),
            port,
            public,
            application,
            touch: flags[0],
            verification: flags[1],
            counts: flags[2],
            created: created.map(u64::from),
        })
}

proptest::proptest! {
    #[test]
    fn any_record_is_read_back(record in record()) {
        if record.check().is_ok() {
            prop_assert_eq!(Record::read(record.to_text().as_bytes()), Ok(record));
        }
    }

    #[test]
    fn no_mistake_shows_a_secret(at in 0..TEXT.len(), byte: u8) {
        let mut text = TEXT.as_bytes().to_vec();
        text[at] = byte;
        if let Err(mistake) = Record::read(&text) {
            prop_assert!(!mistake.to_string().contains("DGNBVGY3"), "{}", mistake);
        }
    }
}

const KEYS: &str = r#"version = 1
user = "alice"
uid = 1000

[[key]]
id = "00000001"
name = "blue"
relying_party = "pam://host"
type = "es256"
public = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=="
handle = "aGFuZGxl"
pin = true
verification = true
created = 1700000000

[[key]]
id = "00000002"
name = "laptop"
ssh = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHAAAABHNzaDo="
touch = false
counter = false
"#;

#[test]
fn keys() {
    let record = Record::read(KEYS.as_bytes()).unwrap();
    let [blue, laptop] = &record.keys[..] else { panic!() };
    let usb = Port::Usb { handle: b"handle".to_vec(), pin: true };
    assert_eq!((&blue.port, &*blue.application), (&usb, "pam://host"));
    assert_eq!((&laptop.port, &*laptop.application), (&Port::Ssh, "ssh:"));
    assert_eq!(laptop.public, Public::eddsa(&[7; 32]).unwrap());
    assert!(blue.touch && blue.verification && blue.counts);
    assert!(!laptop.touch && !laptop.verification && !laptop.counts);
    assert_eq!(*record.to_text(), KEYS);

    let state = State { keys: [(blue.id, 7)].into(), ..State::default() };
    let of = |state: &State| account(&record, state, &|_, _| Err(Reason::Sealed)).keys;
    let counters = |state| of(state).iter().map(|key| key.counter).collect::<Vec<_>>();
    assert_eq!(counters(&state), [Counter::Last(Ok(7)), Counter::Unchecked]);
    let lost = Counter::Last(Err(Reason::NoState));
    assert_eq!(counters(&State::default()), [lost, Counter::Unchecked]);
}

#[test]
fn what_is_wrong_with_keys() {
    for (from, to, cause) in [
        ("\"es256\"", "\"rs256\"", "neither \"es256\" nor \"eddsa\""),
        ("\"es256\"", "\"eddsa\"", "not a public key of that type"),
        ("BwcHBwcHBwcHBwcH", "!", "public: not base64"),
        ("aGFuZGxl", "", "handle: not 1 to 1023 bytes"),
        ("pam://host", "", "relying_party: not 1 to 255 bytes"),
        ("AAAAGnNr", "BAAAGnNr", "ssh: not an sk key"),
        ("sk-ssh-ed25519@", "sk-ecdsa-sha2-nistp256@", "ssh: not an sk key"),
        ("\"laptop\"", "\"blue\"", "two credentials or keys have the name \"blue\""),
        ("00000002", "00000001", "two parts have the id 00000001"),
        ("touch = false", "pin = true", "no key pin here"),
        ("touch = false", "touch = 1", "touch: not true or false"),
    ] {
        let mistake = Record::read(KEYS.replace(from, to).as_bytes()).unwrap_err();
        assert!(mistake.to_string().contains(cause), "{to}: {mistake}");
    }
    let mut record = Record::read(KEYS.as_bytes()).unwrap();
    record.keys[1].public = record.keys[0].public.clone();
    assert_eq!(record.check(), Ok(()), "one key by two ways");
    record.keys[1].port = record.keys[0].port.clone();
    assert!(record.check().unwrap_err().to_string().contains("is the same as"));
    record.keys.clear();
    assert!(record.check().unwrap_err().to_string().contains("neither a [[credential]]"));
}
