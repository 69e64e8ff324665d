//! PINs: authenticatorClientPIN with protocol one (CTAP 2.1, sections 6.5.5 and 6.5.6).

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use minicbor::decode::{self, Decoder};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hmac;
use ring::rand::SystemRandom;

use super::cbor::{entries, written};
use super::credential::{cose_of_point, random, sha256};
use super::ctap::status;
use super::{Refusal, request};

/// The wrong PINs that a token takes before it wants to be reset.
const RETRIES: u8 = 8;

/// The wrong PINs in a row that it takes before it wants to be plugged in anew.
const IN_A_ROW: u8 = 3;

/// ECDH on P-256 with HKDF, as COSE numbers it, though there is no HKDF.
const ECDH_ES_HKDF_256: i32 = -25;

/// What a token knows about its PIN.
pub(super) struct Pin {
    /// The left half of the PIN's hash.
    hash: Option<[u8; 16]>,
    pub(super) retries: u8,
    in_a_row: u8,
    /// What whoever knows the PIN gets, until the token is plugged in anew.
    token: [u8; 32],
    /// The token's half of the next agreement.
    agreement: Option<EphemeralPrivateKey>,
}

/// A request's members.
#[derive(Default)]
struct Request {
    command: u8,
    point: Vec<u8>,
    auth: Vec<u8>,
    new_pin: Vec<u8>,
    pin_hash: Vec<u8>,
}

impl Pin {
    pub(super) fn new(pin: Option<&str>) -> Self {
        let hash = pin.map(|pin| left(&sha256(pin.as_bytes())));
        Self { hash, retries: RETRIES, in_a_row: 0, token: random(), agreement: None }
    }

    pub(super) fn is_set(&self) -> bool {
        self.hash.is_some()
    }

    /// It is plugged in anew.
    pub(super) fn restart(&mut self) {
        (self.in_a_row, self.token, self.agreement) = (0, random(), None);
    }

    /// Whether `auth` shows that whoever wants `message` signed knows the PIN.
    pub(super) fn allows(&self, message: &[u8], auth: &[u8]) -> bool {
        self.is_set() && mac(&self.token, message) == auth
    }

    /// What it answers to this request.
    pub(super) fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request = Request::parse(request).map_err(|_| status::INVALID_CBOR)?;
        match request.command {
            1 => Ok(written(|reply| reply.map(1)?.u8(3)?.u8(self.retries))),
            2 => Ok(self.agree()),
            3 => {
                let key = self.shared(&request.point)?;
                if self.is_set() || mac(&key, &request.new_pin) != *request.auth {
                    return Err(status::PIN_AUTH_INVALID);
                }
                self.set(&key, &request.new_pin)
            }
            4 => {
                let key = self.shared(&request.point)?;
                let signed = [&request.new_pin[..], &request.pin_hash].concat();
                if mac(&key, &signed) != *request.auth {
                    return Err(status::PIN_AUTH_INVALID);
                }
                self.check(&key, &request.pin_hash)?;
                self.set(&key, &request.new_pin)
            }
            5 => {
                let key = self.shared(&request.point)?;
                self.check(&key, &request.pin_hash)?;
                let token = encrypt(&key, &self.token);
                Ok(written(|reply| reply.map(1)?.u8(2)?.bytes(&token)))
            }
            _ => Err(status::INVALID_SUBCOMMAND),
        }
    }

    fn agree(&mut self) -> Vec<u8> {
        let private = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())
            .expect("Linux has a generator");
        let public = private.compute_public_key().expect("it is on the curve");
        self.agreement = Some(private);
        let mut reply = written(|reply| reply.map(1)?.u8(1));
        reply.extend(cose_of_point(ECDH_ES_HKDF_256, public.as_ref()));
        reply
    }

    fn shared(&mut self, point: &[u8]) -> Result<[u8; 32], Refusal> {
        let private = self.agreement.take().ok_or(status::INVALID_PARAMETER)?;
        let theirs = UnparsedPublicKey::new(&ECDH_P256, point);
        agree_ephemeral(private, &theirs, sha256).map_err(|_| status::INVALID_PARAMETER)
    }

    fn set(&mut self, key: &[u8; 32], new_pin: &[u8]) -> Result<Vec<u8>, Refusal> {
        let padded = decrypt(key, new_pin)?;
        let pin = padded.split(|&byte| byte == 0).next().unwrap_or_default();
        if padded.len() < 64 || pin.len() < 4 {
            return Err(status::PIN_POLICY_VIOLATION);
        }
        (self.hash, self.retries, self.in_a_row) = (Some(left(&sha256(pin))), RETRIES, 0);
        Ok(vec![])
    }

    fn check(&mut self, key: &[u8; 32], pin_hash: &[u8]) -> Result<(), Refusal> {
        let right = self.hash.ok_or(status::PIN_NOT_SET)?;
        if self.retries == 0 {
            return Err(status::PIN_BLOCKED);
        }
        if self.in_a_row == IN_A_ROW {
            return Err(status::PIN_AUTH_BLOCKED);
        }
        if decrypt(key, pin_hash)? == right {
            (self.retries, self.in_a_row) = (RETRIES, 0);
            return Ok(());
        }
        (self.retries, self.in_a_row) = (self.retries - 1, self.in_a_row + 1);
        Err(match (self.retries, self.in_a_row) {
            (0, _) => status::PIN_BLOCKED,
            (_, IN_A_ROW) => status::PIN_AUTH_BLOCKED,
            _ => status::PIN_INVALID,
        })
    }

    /// The wrong PINs in a row.
    pub(super) fn in_a_row(&self) -> u8 {
        self.in_a_row
    }
}

impl Request {
    fn parse(request: &[u8]) -> Result<Self, decode::Error> {
        let mut members = Self::default();
        entries(&mut Decoder::new(request), |key: u8, value| {
            match key {
                2 => members.command = value.u8()?,
                3 => members.point = request::point(value)?,
                4 => members.auth = value.bytes()?.to_vec(),
                5 => members.new_pin = value.bytes()?.to_vec(),
                6 => members.pin_hash = value.bytes()?.to_vec(),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }
}

/// HMAC-SHA-256, half of it.
fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    left(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

fn left(bytes: &[u8]) -> [u8; 16] {
    *bytes.first_chunk().expect("a hash has 32 bytes")
}

/// AES-256-CBC from zeros, without padding.
fn encrypt(key: &[u8; 32], plain: &[u8; 32]) -> Vec<u8> {
    let cipher = Aes256::new(&Array(*key));
    let mut last = Array([0; 16]);
    let blocks = plain.chunks(16).map(|block| {
        last.iter_mut().zip(block).for_each(|(last, byte)| *last ^= byte);
        cipher.encrypt_block(&mut last);
        last.to_vec()
    });
    blocks.flatten().collect()
}

fn decrypt(key: &[u8; 32], sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
    let cipher = Aes256::new(&Array(*key));
    let mut last = [0; 16];
    let mut plain = vec![];
    for block in sealed.chunks(16) {
        let block: [u8; 16] = block.try_into().map_err(|_| status::INVALID_PARAMETER)?;
        let mut open = Array(block);
        cipher.decrypt_block(&mut open);
        plain.extend(open.iter().zip(last).map(|(byte, last)| byte ^ last));
        last = block;
    }
    Ok(plain)
}
