//! What a token has signed.

use super::{Public, Sha256};
use crate::reason::Reason;

/// The user touched the token (WebAuthn section 6.1, UP).
pub(super) const TOUCHED: u8 = 0x01;
/// The token knows its user, by PIN or finger (UV).
pub(super) const VERIFIED: u8 = 0x04;
/// What says how a key is backed up (BE and BS), which does not matter here.
pub(super) const BACKUP: u8 = 0x08 | 0x10;

/// What a token signed, and its signature. U2F, FIDO2 and OpenSSH's sk keys all sign the same 69 bytes:
/// these three and a [`super::Message`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// SHA-256 of the relying party, or of OpenSSH's application.
    pub rp_hash: Sha256,
    /// What the token says of its user.
    pub flags: u8,
    /// How often the token has signed; 0 for one that does not count.
    pub counter: u32,
    /// Over all that, and the message.
    pub signature: Signature,
}

/// A signature, in the form in which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// ECDSA in DER, as tokens give it (RFC 3279 section 2.2.3).
    Asn1(Vec<u8>),
    /// ECDSA as r and s, as ssh has it.
    Fixed([u8; 64]),
    /// Ed25519.
    Eddsa([u8; 64]),
}

impl Assertion {
    /// What a token gave for a key of the kind of `public`: its authenticator data (WebAuthn section
    /// 6.1) without anything that nobody asked for, and the signature.
    ///
    /// # Errors
    /// [`Reason::KeyMalformed`].
    pub fn of_token(data: &[u8], signature: &[u8], public: &Public) -> Result<Self, Reason> {
        let [rp_hash @ .., flags, c0, c1, c2, c3] =
            <[u8; 37]>::try_from(data).map_err(|_| Reason::KeyMalformed)?;
        let signature = match public {
            Public::Es256(_) => Signature::Asn1(signature.to_vec()),
            Public::Eddsa(_) => {
                Signature::Eddsa(signature.try_into().map_err(|_| Reason::KeyMalformed)?)
            }
        };
        Ok(Self { rp_hash, flags, counter: u32::from_be_bytes([c0, c1, c2, c3]), signature })
    }
}
