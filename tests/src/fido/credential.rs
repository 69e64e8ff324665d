//! Keys, and the handles that tokens give out for them.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use super::cbor::written;

/// SHA-256 of a relying party's name.
pub(super) type Party = [u8; 32];

/// The hash of `bytes`, SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("32 bytes")
}

/// As many random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("Linux has a generator");
    bytes
}

/// How a key signs (RFC 9053); the number is COSE's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Es256 = -7,
    Eddsa = -8,
}

impl Algorithm {
    /// The one that COSE gives this number, if a token knows it.
    pub(super) fn of(number: i32) -> Option<Self> {
        [Self::Es256, Self::Eddsa].into_iter().find(|&algorithm| algorithm as i32 == number)
    }
}

/// A key pair.
pub(super) struct Credential {
    pub(super) algorithm: Algorithm,
    private: [u8; 32],
    /// 04|X|Y, or the 32 bytes of Ed25519.
    pub(super) public: Vec<u8>,
}

impl Credential {
    /// A fresh one.
    pub(super) fn make(algorithm: Algorithm) -> Self {
        let (private, public) = match algorithm {
            Algorithm::Eddsa => {
                let seed = random();
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes");
                (seed, pair.public_key().as_ref().to_vec())
            }
            Algorithm::Es256 => {
                let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
                let file = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new())
                    .expect("ring makes keys");
                // Where RFC 5958 and RFC 5915 have them in ring's files, which are all alike.
                let (private, public) = (&file.as_ref()[36..68], &file.as_ref()[73..138]);
                (private.try_into().expect("32 bytes"), public.to_vec())
            }
        };
        Self { algorithm, private, public }
    }

    /// Its name for whoever is not that token: the key itself, sealed for it and the relying party.
    pub(super) fn handle(&self, seed: u8, party: &Party) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed =
            [&[u8::from(self.algorithm == Algorithm::Eddsa)][..], &self.private, &self.public]
                .concat();
        seal(seed)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(party),
                &mut sealed,
            )
            .expect("it is short");
        [&nonce[..], &sealed].concat()
    }

    /// The one of this handle, if the token gave it out for this relying party.
    pub(super) fn of_handle(handle: &[u8], seed: u8, party: &Party) -> Option<Self> {
        let (nonce, sealed) = handle.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = seal(seed).open_in_place(nonce, Aad::from(party), &mut sealed).ok()?;
        let (&is_eddsa, pair) = opened.split_first()?;
        let algorithm = if is_eddsa == 1 { Algorithm::Eddsa } else { Algorithm::Es256 };
        let (private, public) = pair.split_first_chunk()?;
        Some(Self { algorithm, private: *private, public: public.to_vec() })
    }

    /// Signs `message`: in DER for ES256.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.algorithm {
            Algorithm::Es256 => {
                let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
                let (private, public) = (&self.private, &self.public);
                EcdsaKeyPair::from_private_key_and_public_key(kind, private, public, &random)
                    .expect("made by ring")
                    .sign(&random, message)
                    .expect("ring signs")
                    .as_ref()
                    .to_vec()
            }
            Algorithm::Eddsa => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&self.private).expect("32 bytes");
                pair.sign(message).as_ref().to_vec()
            }
        }
    }

    /// Its public key as COSE has it (RFC 9053, section 7).
    pub(super) fn cose(&self) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Es256 => cose_of_point(self.algorithm as i32, &self.public),
            Algorithm::Eddsa => written(|cose| {
                cose.map(4)?.i8(1)?.i8(1)?.i8(3)?.i8(-8)?;
                cose.i8(-1)?.i8(6)?.i8(-2)?.bytes(&self.public)
            }),
        }
    }
}

/// A point 04|X|Y as COSE has it, for this algorithm.
pub(super) fn cose_of_point(algorithm: i32, point: &[u8]) -> Vec<u8> {
    written(|cose| {
        cose.map(5)?.i8(1)?.i8(2)?.i8(3)?.i32(algorithm)?.i8(-1)?.i8(1)?;
        cose.i8(-2)?.bytes(&point[1..33])?.i8(-3)?.bytes(&point[33..])
    })
}

/// What only the token of this seed can open.
fn seal(seed: u8) -> LessSafeKey {
    let key = sha256(&[b"handles of token ".as_slice(), &[seed]].concat());
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"))
}
