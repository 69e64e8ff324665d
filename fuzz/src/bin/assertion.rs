//! What a token in a port of this machine gives: `WHICH DEMANDS LAST LENGTH DATA SIGNATURE`, each but the
//! last two in one byte.

#![no_main]

use data_encoding::HEXLOWER;
use libfuzzer_sys::fuzz_target;
use mfa_core::account::{Counter, Key, Port};
use mfa_core::key::{Assertion, Message, Public, hash, verify};
use mfa_core::reason::Reason;
use ring::signature::{Ed25519KeyPair, KeyPair};

const PARTY: &str = "https://gstatic.com/securitykey/a/example.com";

/// The challenge, the key and the data of the example in FIDO's "U2F Raw Message Formats" 1.2, section 8.2.
const MESSAGE: &[u8] = b"ccd6ee2e47baef244d49a222db496bad0ef5b6f93aa7cc4d30c4821b3b9dbc57";
const POINT: &[u8] = b"04d368f1b665bade3c33a20f1e429c7750d5033660c019119d29aa4ba7abc04aa7\
    c80a46bbe11ca8cb5674d74f31f8a903f6bad105fb6ab74aefef4db8b0025e1d";
const SIGNED: &[u8] = b"4b0be934baebb5d12d26011b69227fa5e86df94e7d94aa2949a89f2d493992ca0100000001";

fuzz_target!(|input: &[u8]| {
    let [which, demands, last, length, rest @ ..] = input else { return };
    let (data, signature) = rest.split_at(usize::from(*length).min(rest.len()));
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes");
    let public = match which & 1 {
        0 => Public::es256(&hex(POINT)),
        _ => Public::eddsa(pair.public_key().as_ref()),
    };
    let public = public.expect("a key");
    let message: Message = hex(MESSAGE).try_into().expect("32 bytes");
    let assertion = match Assertion::of_token(data, signature, &public) {
        Ok(assertion) => assertion,
        Err(reason) => {
            let is_es256 = matches!(public, Public::Es256(_));
            assert!(data.len() != 37 || (!is_es256 && signature.len() != 64));
            assert_eq!(reason, Reason::KeyMalformed);
            return;
        }
    };
    let counter = match demands & 4 {
        0 => Counter::Last(Ok((*last).into())),
        _ => Counter::Unchecked,
    };
    let key = Key {
        name: None,
        port: Port::Usb { handle: vec![], pin: false },
        public,
        application: PARTY.to_owned(),
        touch: demands & 1 == 0,
        verification: demands & 2 != 0,
        counter,
    };
    let Ok(next) = verify(&key, &assertion, &message) else { return };

    assert_eq!(data[..32], hash(PARTY.as_bytes()));
    assert_eq!(data[32] & !0x1d, 0, "no flag that nobody asked for");
    assert!(data[32] & 1 != 0 || !key.touch);
    assert!(data[32] & 4 != 0 || !key.verification);
    let count = u32::from_be_bytes(data[33..].try_into().expect("4 bytes"));
    if counter == Counter::Unchecked {
        assert_eq!(next, None);
    } else {
        assert_eq!(next, Some(count));
        assert!(count > u32::from(*last) || (count, *last) == (0, 0));
    }
    match key.public {
        Public::Es256(_) => assert_eq!(data, hex(SIGNED), "nobody here can sign anything else"),
        Public::Eddsa(_) => {
            let own = pair.sign(&[data, &message[..]].concat());
            assert_eq!(signature, own.as_ref());
        }
    }
});

fn hex(digits: &[u8]) -> Vec<u8> {
    HEXLOWER.decode(digits).expect("hexadecimal digits")
}
