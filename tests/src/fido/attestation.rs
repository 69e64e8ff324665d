//! What says who made the token: a certificate that nobody trusts.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

/// What `openssl req -x509` made of a key on P-256.
pub(super) const CERTIFICATE: &[u8] = include_bytes!("attestation.der");

/// Signs `message`, as DER has it.
pub(super) fn attest(message: &[u8]) -> Vec<u8> {
    let key = include_bytes!("attestation.p8");
    let random = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key, &random)
        .expect("made by openssl pkcs8")
        .sign(&random, message)
        .expect("ring signs")
        .as_ref()
        .to_vec()
}
