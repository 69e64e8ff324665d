//! Signatures of security keys: U2F, FIDO2 and OpenSSH's sk keys, which all sign alike.
//!
//! What was enrolled decides; nothing that a token or an agent claims does.

mod assertion;
mod public;

use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::account::{Counter, Key};
use crate::reason::Reason;
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

/// Whether `key` has signed the message as was enrolled, and has not been copied: the counter to keep
/// from now on, if its counter is compared.
///
/// # Errors
/// The first of these: [`Reason::KeyType`], [`Reason::KeyParty`], [`Reason::KeyMalformed`] for flags
/// that no assertion has, [`Reason::KeyUntouched`], [`Reason::KeyUnverified`],
/// [`Reason::KeySignature`], [`Reason::KeyCloned`]; or why the last counter is not known.
pub fn verify(key: &Key, assertion: &Assertion, message: &Message) -> Result<Option<u32>, Reason> {
    let (algorithm, signature): (&dyn VerificationAlgorithm, &[u8]) =
        match (&key.public, &assertion.signature) {
            (Public::Es256(_), Signature::Asn1(der)) => (&ECDSA_P256_SHA256_ASN1, der),
            (Public::Es256(_), Signature::Fixed(r_s)) => (&ECDSA_P256_SHA256_FIXED, r_s),
            (Public::Eddsa(_), Signature::Eddsa(signature)) => (&ED25519, signature),
            _ => return Err(Reason::KeyType),
        };
    let Assertion { rp_hash, flags, counter, .. } = assertion;
    let must = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    must(*rp_hash == hash(key.application.as_bytes()), Reason::KeyParty)?;
    must(flags & !(TOUCHED | VERIFIED | BACKUP) == 0, Reason::KeyMalformed)?;
    must(!key.touch || flags & TOUCHED != 0, Reason::KeyUntouched)?;
    must(!key.verification || flags & VERIFIED != 0, Reason::KeyUnverified)?;
    let public: &[u8] = match &key.public {
        Public::Es256(point) => point,
        Public::Eddsa(point) => point,
    };
    let signed = [&rp_hash[..], &[*flags], &counter.to_be_bytes(), message].concat();
    let genuine = UnparsedPublicKey::new(algorithm, public).verify(&signed, signature);
    must(genuine.is_ok(), Reason::KeySignature)?;
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

#[cfg(test)]
mod tests;
