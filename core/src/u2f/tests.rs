use super::*;
use crate::account::{Counter, Port};
use crate::key::Public;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXUPPER};
use proptest::prelude::*;

const HANDLE: [u8; 64] = [0xfb; 64];
const POINT: [u8; 64] = [7; 64];

fn options() -> Options {
    Options {
        origin: "pam://host".to_owned(),
        appid: "pam://old".to_owned(),
        max_devices: MAX_DEVICES,
        touch: true,
        verification: false,
        pin: false,
    }
}

/// As pamu2fcfg writes it, with these attributes.
fn credential(attributes: &str) -> String {
    format!("{},{},es256,{attributes}", BASE64.encode(&HANDLE), BASE64.encode(&POINT))
}

fn keys(text: &str) -> Result<Vec<Key>, String> {
    read(text.as_bytes(), "alice", &options()).map_err(|mistake| mistake.to_string())
}

/// Touch, verification, PIN.
fn demands(key: &Key) -> (bool, bool, bool) {
    let Port::Usb { pin, .. } = key.port else { panic!("no USB key") };
    (key.touch, key.verification, pin)
}

#[test]
fn both_formats() {
    let key = Key {
        name: None,
        port: Port::Usb { handle: HANDLE.to_vec(), pin: false },
        public: Public::es256(&POINT).unwrap(),
        application: "pam://host".to_owned(),
        touch: true,
        verification: false,
        counter: Counter::Unchecked,
    };
    assert_eq!(keys(&format!("alice:{}\n", credential("+presence"))), Ok(vec![key.clone()]));
    let point = HEXUPPER.encode(&[&[4], &POINT[..]].concat());
    let old = Key { application: "pam://old".to_owned(), ..key.clone() };
    for handle in [BASE64URL_NOPAD.encode(&HANDLE), BASE64.encode(&HANDLE)] {
        assert_eq!(keys(&format!("alice:{handle},{point}")), Ok(vec![old.clone()]));
    }
    let eddsa = format!("alice:*,{},EdDSA,+presence", BASE64.encode(&[7; 32]));
    let port = Port::Usb { handle: vec![], pin: false };
    assert_eq!(
        keys(&eddsa),
        Ok(vec![Key { port, public: Public::eddsa(&[7; 32]).unwrap(), ..key }])
    );
}

#[test]
fn attributes_and_the_line_demand() {
    for (attributes, expected) in [
        ("", (true, false, false)),
        ("+presence", (true, false, false)),
        ("+presence+verification", (true, true, false)),
        ("+pin", (true, true, true)),
        ("+presence+verification+pin", (true, true, true)),
        ("+pin+presence", (true, true, true)),
    ] {
        let line = format!("alice:{}", credential(attributes));
        assert_eq!(demands(&keys(&line).unwrap()[0]), expected, "{attributes}");
    }
    let read_with = |attributes: &str, options: &Options| {
        let line = format!("alice:{}", credential(attributes));
        demands(&read(line.as_bytes(), "alice", options).unwrap()[0])
    };
    let untouched = Options { touch: false, ..options() };
    assert_eq!(read_with("", &untouched), (false, false, false));
    assert_eq!(read_with("+presence", &untouched), (true, false, false), "the file demands it");
    let verified = Options { verification: true, ..options() };
    assert_eq!(read_with("+presence", &verified), (true, true, false));
    let pin = Options { pin: true, ..untouched };
    assert_eq!(read_with("", &pin), (false, true, true));
}

#[test]
fn lines_as_strtok_takes_them() {
    let (one, two) = (credential("+presence"), credential("+pin"));
    assert_eq!(keys(""), Ok(vec![]));
    assert_eq!(keys(&format!("bob:{one}\nalicex:{one}\n alice:{one}\n# alice:{one}")), Ok(vec![]));
    for line in [
        format!("alice:{one}:{two}"),
        format!("::alice:::{one}::{two}:\r\n"),
        format!("alice:{two}:{two}:{two}\nbob:nonsense\nalice:{one}:{two}\n\n"),
        format!("alice:,{}:{two},,more,", one.replace(',', ",,")),
    ] {
        let pins: Vec<_> = keys(&line).unwrap().iter().map(|key| demands(key).2).collect();
        assert_eq!(pins, [false, true], "{line}");
    }
    let few = Options { max_devices: 1, ..options() };
    let line = format!("alice:{two}:nonsense");
    assert_eq!(read(line.as_bytes(), "alice", &few).unwrap().len(), 1, "not looked at");
    assert_eq!(read(format!(":{one}").as_bytes(), "", &options()), Ok(vec![]));
}

#[test]
fn one_mistake_is_one_too_many() {
    let good = credential("+presence");
    let (handle, point) = (BASE64.encode(&HANDLE), BASE64.encode(&POINT));
    let hex = HEXUPPER.encode(&[&[4], &POINT[..]].concat());
    let long = BASE64.encode(&[1; 1024]);
    for (line, cause) in [
        ("alice".to_owned(), "no key behind the user"),
        ("alice::".to_owned(), "no key behind the user"),
        ("alice:,".to_owned(), "key 1: no key handle"),
        (format!("alice:{handle}"), "key 1: no public key"),
        (format!("alice:{good}:x,{point},es256,"), "key 2: its key handle is not base64"),
        (
            format!("alice:{long},{point},es256,"),
            "key 1: its key handle is not 1 to 1023 bytes long",
        ),
        (format!("alice:{handle},x,es256,"), "key 1: its public key is not base64"),
        (format!("alice:{handle},{point},eddsa,"), "key 1: its public key is none of its type"),
        (format!("alice:{handle},{point},es25"), "key 1: its type is neither es256 nor eddsa"),
        (
            format!("alice:{handle},{point},RS256,+presence"),
            "key 1: keys of the type rs256 are not supported",
        ),
        (
            format!("alice:{}", credential("+presence+pi")),
            "key 1: its attributes are not of +presence, +verification and +pin",
        ),
        (
            format!("alice:{handle},{point}"),
            "key 1: its public key is no point in hexadecimal digits",
        ),
        (
            format!("alice:{handle},{}", &hex[2..]),
            "key 1: its public key is no point in hexadecimal digits",
        ),
        (format!("alice:*,{hex}"), "key 1: its key handle is not base64"),
    ] {
        assert_eq!(
            keys(&format!("\n{line}\nalice:{good}")),
            Err(format!("line 2: {cause}")),
            "{line}"
        );
        assert_eq!(read(line.as_bytes(), "bob", &options()), Ok(vec![]), "{line}");
    }
}

/// A file that was written half. Where the cut is between two keys or two attributes, what is left is a line
/// of its own, and nobody can tell.
#[test]
fn what_is_cut_off_is_no_line() {
    let whole = format!("alice:{}:{}", credential("+presence+verification"), credential("+pin"));
    let first = "alice:".len() + credential("+presence+verification").len();
    let attributes = "alice:".len() + credential("").len();
    let second = first + ":".len() + credential("").len();
    let read_at = |end: usize| read(&whole.as_bytes()[..end], "alice", &options());
    for end in "alice".len()..whole.len() {
        let expected = match end - attributes.min(end) {
            // With nothing behind the type, or a part of what the first key demands.
            _ if end == attributes - 1 || end == attributes => Some(vec![(true, false, false)]),
            _ if end == attributes + 1 => Some(vec![(true, false, false)]),
            9 | 10 => Some(vec![(true, false, false)]),
            _ if end == first || end == first + 1 => Some(vec![(true, true, false)]),
            _ if (second - 1..=second + 1).contains(&end) => {
                Some(vec![(true, true, false), (true, false, false)])
            }
            _ => None,
        };
        let left = read_at(end).ok().map(|keys| keys.iter().map(demands).collect::<Vec<_>>());
        assert_eq!(left, expected, "{}", &whole[..end]);
    }
}

#[test]
fn what_is_added_goes_behind_what_is_there() {
    let key = keys(&format!("alice:{}", credential("+presence"))).unwrap().remove(0);
    let (new, old) = (credential("+presence"), credential("+pin"));
    let added =
        |text: &str| String::from_utf8(add(text.as_bytes(), "alice", &key).unwrap()).unwrap();
    assert_eq!(added(""), format!("alice:{new}\n"));
    assert_eq!(added("bob:x"), format!("bob:x\nalice:{new}\n"));
    assert_eq!(added("\nbob:x\n\n"), format!("\nbob:x\n\nalice:{new}\n"));
    assert_eq!(added(&format!("alice:{old}")), format!("alice:{old}:{new}"));
    assert_eq!(
        added(&format!("alice:1\r\nalice:{old} \r\n::bob:x")),
        format!("alice:1\r\nalice:{old}:{new} \r\n::bob:x"),
    );
    assert_eq!(add(b"", "alice", &Key { port: Port::Ssh, ..key }), None);
}

#[test]
fn with_the_last_key_all_lines_go() {
    let removed = |text: &str, place: usize| {
        remove(text.as_bytes(), "alice", place).map(|text| String::from_utf8(text).unwrap())
    };
    let text = "alice:9\nbob:1:2\n:alice::1::2,x \r\nbob:3";
    assert_eq!(removed(text, 0).unwrap(), "alice:9\nbob:1:2\n:alice:::2,x \r\nbob:3");
    assert_eq!(removed(text, 1).unwrap(), "alice:9\nbob:1:2\n:alice::1: \r\nbob:3");
    assert_eq!(removed(text, 2), None);
    assert_eq!(removed(text, usize::MAX), None);
    assert_eq!(removed("alice:9\nbob:1\nalice:1\n", 0).unwrap(), "bob:1\n");
    assert_eq!(removed("alice:1", 0).unwrap(), "");
    assert_eq!(removed("bob:1", 0), None);
}

fn any_key() -> impl Strategy<Value = Key> {
    let handle = prop_oneof![Just(vec![]), prop::collection::vec(any::<u8>(), 1..100)];
    (handle, any::<[u8; 32]>(), any::<(bool, bool, bool, bool)>()).prop_map(
        |(handle, seed, (touch, verification, pin, is_eddsa))| {
            let es256 = || Public::es256(&[seed, seed].concat()).unwrap();
            Key {
                name: None,
                port: Port::Usb { handle, pin },
                public: Some(seed)
                    .filter(|_| is_eddsa)
                    .and_then(|it| Public::eddsa(&it))
                    .unwrap_or_else(es256),
                application: "pam://host".to_owned(),
                touch,
                verification: verification || pin,
                counter: Counter::Unchecked,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        before in "(bob:[a-z,:]{0,9}\n|\n|#[ -~]{0,9}\r\n){0,4}(bob:[a-z,:]{0,9})?",
        keys in prop::collection::vec(any_key(), 1..6),
        gone in any::<prop::sample::Index>(),
    ) {
        let options = Options { touch: false, ..options() };
        let mut text = before.clone().into_bytes();
        for (count, key) in (1..).zip(&keys) {
            text = add(&text, "alice", key).unwrap();
            prop_assert_eq!(read(&text, "alice", &options).unwrap(), &keys[..count]);
        }
        prop_assert!(text.starts_with(before.as_bytes()));
        let mut left = keys.clone();
        let gone = gone.index(keys.len());
        left.remove(gone);
        text = remove(&text, "alice", gone).unwrap();
        prop_assert_eq!(read(&text, "alice", &options).unwrap(), left.clone());
        for place in (0..left.len()).rev() {
            text = remove(&text, "alice", place).unwrap();
        }
        let is_ended = before.is_empty() || before.ends_with('\n');
        let whole = if is_ended { before } else { before + "\n" };
        prop_assert_eq!(String::from_utf8(text).unwrap(), whole);
    }
}
