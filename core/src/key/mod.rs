//! Signatures of security keys: U2F, FIDO2 and OpenSSH's sk keys, which all sign alike.
//!
//! What was enrolled decides; nothing that a token or an agent claims does.

mod assertion;
mod public;

use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::account::{Counter, Key};
use crate::random::{NoRandomness, Random};
use crate::reason::Reason;
use crate::wire::Writer;
pub use assertion::{Assertion, Signature};
use assertion::{BACKUP, TOUCHED, VERIFIED};
pub use public::Public;

/// A hash (FIPS 180-4).
pub type Sha256 = [u8; 32];

/// What a token is to sign: FIDO2's client data hash, U2F's challenge, or the hash of what an agent is
/// asked to sign.
pub type Message = Sha256;

/// The hash of `text`, as tokens know a relying party.
#[must_use]
pub fn hash(text: &[u8]) -> Sha256 {
    let mut hash = [0; 32];
    for (byte, of) in hash.iter_mut().zip(digest(&SHA256, text).as_ref()) {
        *byte = *of;
    }
    hash
}

/// What a token in a port of this machine is to sign: good for this login alone, by service, user and
/// machine.
///
/// # Errors
/// [`NoRandomness`].
pub fn message(login: [&[u8]; 3], random: &Random) -> Result<Message, NoRandomness> {
    let mut nonce = [0; 32];
    random(&mut nonce)?;
    let start = Writer::default().string(b"pam_mfa key 1");
    let parts = login.iter().fold(start, |writer, part| writer.string(part));
    Ok(hash(&parts.string(&nonce).done()))
}

/// Whether `key` has signed the message as was enrolled, and has not been copied: the counter to keep
/// from now on, if its counter is compared.
///
/// # Errors
/// The first of these: [`Reason::KeyType`], [`Reason::KeyParty`], [`Reason::KeyMalformed`] for flags
/// that no assertion has, [`Reason::KeyUntouched`], [`Reason::KeyUnverified`],
/// [`Reason::KeySignature`], [`Reason::KeyCloned`]; or why the last counter is not known.
pub fn verify(key: &Key, assertion: &Assertion, message: &Message) -> Result<Option<u32>, Reason> {
    let Assertion { rp_hash, flags, counter, signature } = assertion;
    let is_of_its_kind = matches!(
        (&key.public, signature),
        (Public::Es256(_), Signature::Asn1(_) | Signature::Fixed(_))
            | (Public::Eddsa(_), Signature::Eddsa(_))
    );
    let must = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    must(is_of_its_kind, Reason::KeyType)?;
    must(*rp_hash == hash(key.application.as_bytes()), Reason::KeyParty)?;
    must(flags & !(TOUCHED | VERIFIED | BACKUP) == 0, Reason::KeyMalformed)?;
    must(!key.touch || flags & TOUCHED != 0, Reason::KeyUntouched)?;
    must(!key.verification || flags & VERIFIED != 0, Reason::KeyUnverified)?;
    let signed = [&rp_hash[..], &[*flags], &counter.to_be_bytes(), message].concat();
    must(is_genuine(&key.public, &signed, signature), Reason::KeySignature)?;
    match key.counter {
        Counter::Unchecked => Ok(None),
        Counter::Last(Err(reason)) => Err(reason),
        // Tokens without a counter say 0 for ever.
        Counter::Last(Ok(last)) if *counter > last || (*counter, last) == (0, 0) => {
            Ok(Some(*counter))
        }
        Counter::Last(Ok(_)) => Err(Reason::KeyCloned),
    }
}

/// Whether the signature is of these bytes.
fn is_genuine(public: &Public, signed: &[u8], signature: &Signature) -> bool {
    match (public, signature) {
        (Public::Es256(point), Signature::Asn1(der)) => {
            is_es256(point, signed, p256::ecdsa::Signature::from_der(der).ok())
        }
        (Public::Es256(point), Signature::Fixed(r_s)) => {
            is_es256(point, signed, p256::ecdsa::Signature::from_slice(r_s).ok())
        }
        (Public::Eddsa(point), Signature::Eddsa(signature)) => {
            UnparsedPublicKey::new(&ED25519, point).verify(signed, signature).is_ok()
        }
        _ => false,
    }
}

fn is_es256(point: &[u8; 65], signed: &[u8], signature: Option<p256::ecdsa::Signature>) -> bool {
    let key = VerifyingKey::from_sec1_bytes(point).ok();
    key.zip(signature)
        .is_some_and(|(key, signature)| key.verify_prehash(&hash(signed), &signature).is_ok())
}

#[cfg(test)]
mod tests;
