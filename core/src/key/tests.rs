use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};

use super::*;
use crate::account::Port;

const PARTY: &str = "pam://sandbox";
const MESSAGE: Message = [9; 32];

/// A token that does as it is told.
enum Token {
    Usb(EcdsaKeyPair),
    Ssh(EcdsaKeyPair),
    Eddsa(Ed25519KeyPair),
}

impl Token {
    fn all() -> [Self; 3] {
        let pair = |algorithm: &'static EcdsaSigningAlgorithm| {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
        };
        [
            Self::Usb(pair(&ECDSA_P256_SHA256_ASN1_SIGNING)),
            Self::Ssh(pair(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            Self::Eddsa(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()),
        ]
    }

    fn key(&self) -> Key {
        let public = match self {
            Self::Usb(pair) | Self::Ssh(pair) => Public::es256(pair.public_key().as_ref()),
            Self::Eddsa(pair) => Public::eddsa(pair.public_key().as_ref()),
        };
        Key {
            name: Some("blue".to_owned()),
            port: Port::Ssh,
            public: public.unwrap(),
            application: PARTY.to_owned(),
            touch: true,
            verification: false,
            counter: Counter::Last(Ok(41)),
        }
    }

    fn sign(&self, flags: u8, counter: u32) -> Assertion {
        let rp_hash = hash(PARTY.as_bytes());
        let data = [&rp_hash[..], &[flags], &counter.to_be_bytes(), &MESSAGE].concat();
        let random = SystemRandom::new();
        let ecdsa = |pair: &EcdsaKeyPair| pair.sign(&random, &data).unwrap().as_ref().to_vec();
        let signature = match self {
            Self::Usb(pair) => Signature::Asn1(ecdsa(pair)),
            Self::Ssh(pair) => Signature::Fixed(ecdsa(pair).try_into().unwrap()),
            Self::Eddsa(pair) => Signature::Eddsa(pair.sign(&data).as_ref().try_into().unwrap()),
        };
        Assertion { rp_hash, flags, counter, signature }
    }
}

#[test]
fn a_touched_key_that_counts_on() {
    for token in Token::all() {
        let key = token.key();
        for counter in [42, 1000, u32::MAX] {
            for flags in [0x01, 0x05, 0x09, 0x19, 0x1d] {
                let judged = verify(&key, &token.sign(flags, counter), &MESSAGE);
                assert_eq!(judged, Ok(Some(counter)), "{flags:#x}");
            }
        }
    }
}

/// The data, the challenge and the signature are those of the example in FIDO's "U2F Raw Message
/// Formats" 1.2, section 8.2.
#[test]
fn the_example_of_u2f() {
    let bytes = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let public = Public::es256(&bytes(
        "04d368f1b665bade3c33a20f1e429c7750d5033660c019119d29aa4ba7abc04aa7\
         c80a46bbe11ca8cb5674d74f31f8a903f6bad105fb6ab74aefef4db8b0025e1d",
    ));
    let public = public.unwrap();
    let signature = bytes(
        "304402204b5f0cd17534cedd8c34ee09570ef542a353df4436030ce43d406de870b84778\
         0220267bb998fac9b7266eb60e7cb0b5eabdfd5ba9614f53c7b22272ec10047a923f",
    );
    let data = bytes("4b0be934baebb5d12d26011b69227fa5e86df94e7d94aa2949a89f2d493992ca0100000001");
    let challenge = bytes("ccd6ee2e47baef244d49a222db496bad0ef5b6f93aa7cc4d30c4821b3b9dbc57");
    let key = Key {
        application: "https://gstatic.com/securitykey/a/example.com".to_owned(),
        public: public.clone(),
        counter: Counter::Last(Ok(0)),
        ..Token::all()[0].key()
    };
    let assertion = Assertion::of_token(&data, &signature, &public).unwrap();
    let challenge: Message = challenge.try_into().unwrap();
    assert_eq!(verify(&key, &assertion, &challenge), Ok(Some(1)));
    for length in 0..data.len() {
        let cut = Assertion::of_token(&data[..length], &signature, &public);
        assert_eq!(cut, Err(Reason::KeyMalformed), "{length}");
    }
    let longer = [&data[..], b"\xa0"].concat();
    assert_eq!(Assertion::of_token(&longer, &signature, &public), Err(Reason::KeyMalformed));
}

#[test]
fn every_field_is_refused_for_its_own_reason() {
    for token in Token::all() {
        let key = token.key();
        let good = token.sign(1, 42);
        let refused = |assertion: &Assertion| verify(&key, assertion, &MESSAGE).unwrap_err();

        let rp_hash = hash(b"pam://another");
        assert_eq!(refused(&Assertion { rp_hash, ..good.clone() }), Reason::KeyParty);
        for flags in [0x03, 0x21, 0x41, 0x81, 0xff] {
            assert_eq!(refused(&token.sign(flags, 42)), Reason::KeyMalformed, "{flags:#x}");
        }
        assert_eq!(refused(&token.sign(0, 42)), Reason::KeyUntouched);
        assert_eq!(refused(&token.sign(4, 42)), Reason::KeyUntouched);
        assert_eq!(refused(&Assertion { counter: 43, ..good.clone() }), Reason::KeySignature);
        assert_eq!(refused(&Assertion { flags: 5, ..good.clone() }), Reason::KeySignature);
        let other = verify(&key, &good, &[8; 32]);
        assert_eq!(other, Err(Reason::KeySignature), "a signature of another time");
        for counter in [0, 40, 41] {
            assert_eq!(refused(&token.sign(1, counter)), Reason::KeyCloned, "{counter}");
        }

        let strict = Key { verification: true, ..key.clone() };
        assert_eq!(verify(&strict, &good, &MESSAGE), Err(Reason::KeyUnverified));
        assert_eq!(verify(&strict, &token.sign(5, 42), &MESSAGE), Ok(Some(42)));
        let lax = Key { touch: false, ..key.clone() };
        assert_eq!(verify(&lax, &token.sign(0, 42), &MESSAGE), Ok(Some(42)));
        let lost = Key { counter: Counter::Last(Err(Reason::NoState)), ..key.clone() };
        assert_eq!(verify(&lost, &good, &MESSAGE), Err(Reason::NoState));
        let unchecked = Key { counter: Counter::Unchecked, ..key.clone() };
        assert_eq!(verify(&unchecked, &token.sign(1, 41), &MESSAGE), Ok(None));
    }
}

#[test]
fn a_token_without_a_counter_counts() {
    for token in Token::all() {
        let never = Key { counter: Counter::Last(Ok(0)), ..token.key() };
        assert_eq!(verify(&never, &token.sign(1, 0), &MESSAGE), Ok(Some(0)));
        assert_eq!(verify(&never, &token.sign(1, 1), &MESSAGE), Ok(Some(1)));
    }
}

#[test]
fn another_keys_signature_and_another_kind() {
    let [usb, ssh, eddsa] = Token::all();
    for (key, signer, reason) in [
        (&usb, &ssh, Reason::KeySignature),
        (&ssh, &usb, Reason::KeySignature),
        (&usb, &eddsa, Reason::KeyType),
        (&eddsa, &usb, Reason::KeyType),
        (&eddsa, &ssh, Reason::KeyType),
    ] {
        assert_eq!(verify(&key.key(), &signer.sign(1, 42), &MESSAGE), Err(reason));
    }
    let eddsa = eddsa.key().public;
    let data = [0; 37];
    for length in [0, 63, 65] {
        let short = Assertion::of_token(&data, &vec![0; length], &eddsa);
        assert_eq!(short, Err(Reason::KeyMalformed), "{length}");
    }
}

#[test]
fn no_byte_of_a_signature_may_be_another() {
    for token in Token::all() {
        let (key, good) = (token.key(), token.sign(1, 42));
        let bytes = match &good.signature {
            Signature::Asn1(der) => der.clone(),
            Signature::Fixed(bytes) | Signature::Eddsa(bytes) => bytes.to_vec(),
        };
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1 << (place % 8);
            let signature = match &good.signature {
                Signature::Asn1(_) => Signature::Asn1(bytes),
                Signature::Fixed(_) => Signature::Fixed(bytes.try_into().unwrap()),
                Signature::Eddsa(_) => Signature::Eddsa(bytes.try_into().unwrap()),
            };
            let flipped = Assertion { signature, ..good.clone() };
            assert_eq!(verify(&key, &flipped, &MESSAGE), Err(Reason::KeySignature), "{place}");
        }
    }
}

#[test]
fn a_message_is_for_one_login() {
    let of = |parts: [&str; 3], nonce: u8| {
        message(parts.map(str::as_bytes), &|bytes| {
            bytes.fill(nonce);
            Ok(())
        })
    };
    let one = of(["sudo", "alice", "web"], 1).unwrap();
    assert_eq!(of(["sudo", "alice", "web"], 1), Ok(one));
    for (parts, nonce) in [
        (["sudo", "alice", "web"], 2),
        (["su", "alice", "web"], 1),
        (["sudo", "alic", "eweb"], 1),
        (["sudo", "alice", "we"], 1),
    ] {
        assert_ne!(of(parts, nonce), Ok(one), "{parts:?}");
    }
}
