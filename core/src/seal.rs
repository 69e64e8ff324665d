//! Secrets at rest: encrypted with a key of the host, so that a copy of the records is not enough.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use ring::aead::chacha20_poly1305_openssh::{
    KEY_LEN, OpeningKey, PACKET_LENGTH_LEN, SealingKey, TAG_LEN,
};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::reason::Reason;
use crate::secret::Secret;
use crate::wipe;

/// The length in bytes of a host's key.
pub const KEY_BYTES: usize = 32;

/// The longest secret that is sealed, in bytes: many times what any app or hash takes.
pub const MAX_SECRET: usize = 1024;

/// The first byte of a seal, and of what its key is bound to.
const VERSION: u8 = 1;

const SALT_LEN: usize = 32;
const OVERHEAD: usize = 1 + SALT_LEN + PACKET_LENGTH_LEN + TAG_LEN;

/// The key of one host. Wiped when dropped and never shown by `Debug`.
#[derive(Clone)]
pub struct HostKey(Zeroizing<[u8; KEY_BYTES]>);

impl HostKey {
    /// Takes the bytes over; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// A key for one secret alone.
    fn derive(
        &self,
        salt: &[u8; SALT_LEN],
        context: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_LEN]>, Unspecified> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        let extracted = Salt::new(HKDF_SHA256, salt).extract(self.0.as_slice());
        extracted.expand(&[&[VERSION], context], Length)?.fill(key.as_mut())?;
        Ok(key)
    }
}

/// How much key is derived.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey(..)")
    }
}

/// Why a secret was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsealable<E> {
    /// It is empty or longer than [`MAX_SECRET`].
    Length,
    /// There is no randomness.
    Random(E),
}

/// Encrypts `secret`: base32 of a version, a random salt, and what chacha20-poly1305@openssh.com (ssh's
/// PROTOCOL.chacha20poly1305) makes of the secret as packet number 0, with a key of its own by
/// HKDF-SHA-256 (RFC 5869) from the host's key, the salt and the context.
///
/// `context` says whose secret it is: only who says the same can open it, so that it cannot be moved
/// to another record. `random` fills bytes with random ones.
///
/// # Errors
/// See [`Unsealable`].
pub fn seal<E>(
    secret: &Secret,
    key: &HostKey,
    context: &[u8],
    random: &dyn Fn(&mut [u8]) -> Result<(), E>,
) -> Result<String, Unsealable<E>> {
    let secret = secret.as_bytes();
    if !(1..=MAX_SECRET).contains(&secret.len()) {
        return Err(Unsealable::Length);
    }
    let mut salt = [0; SALT_LEN];
    random(&mut salt).map_err(Unsealable::Random)?;
    let sealed = encrypt(secret, key, context, &salt);
    wipe::stack();
    sealed.map_err(|Unspecified| Unsealable::Length)
}

#[inline(never)]
fn encrypt(
    secret: &[u8],
    key: &HostKey,
    context: &[u8],
    salt: &[u8; SALT_LEN],
) -> Result<String, Unspecified> {
    let length = u32::try_from(secret.len()).map_err(|_| Unspecified)?;
    let mut sealed = Zeroizing::new(Vec::with_capacity(OVERHEAD + secret.len()));
    sealed.push(VERSION);
    sealed.extend(salt);
    sealed.extend(length.to_be_bytes());
    sealed.extend(secret);
    let (_, packet) = sealed.split_at_mut(1 + SALT_LEN);
    let mut tag = [0; TAG_LEN];
    SealingKey::new(&*key.derive(salt, context)?).seal_in_place(0, packet, &mut tag);
    sealed.extend(tag);
    Ok(BASE32_NOPAD.encode(&sealed))
}

/// Decrypts what [`seal`] made with the same key and context.
///
/// # Errors
/// [`Reason::BadSeal`] for what no [`seal`] of this version makes, [`Reason::OtherKey`] if it was made
/// with another key or for another context, or changed.
pub fn open(sealed: &str, key: &HostKey, context: &[u8]) -> Result<Secret, Reason> {
    // Before any room is made for it.
    if sealed.len() > BASE32_NOPAD.encode_len(OVERHEAD + MAX_SECRET) {
        return Err(Reason::BadSeal);
    }
    let read = Secret::from_own_base32(sealed).ok_or(Reason::BadSeal)?;
    let mut bytes = Zeroizing::new(read.as_bytes().to_vec());
    let Some((&mut [VERSION], rest)) = bytes.split_first_chunk_mut() else {
        return Err(Reason::BadSeal);
    };
    let Some((salt, rest)) = rest.split_first_chunk_mut() else { return Err(Reason::BadSeal) };
    let Some((packet, tag)) = rest.split_last_chunk_mut() else { return Err(Reason::BadSeal) };
    if !(1..=MAX_SECRET).contains(&packet.len().saturating_sub(PACKET_LENGTH_LEN)) {
        return Err(Reason::BadSeal);
    }
    let secret = decrypt(salt, packet, tag, key, context);
    wipe::stack();
    secret.map_err(|Unspecified| Reason::OtherKey)
}

#[inline(never)]
fn decrypt(
    salt: &[u8; SALT_LEN],
    packet: &mut [u8],
    tag: &[u8; TAG_LEN],
    key: &HostKey,
    context: &[u8],
) -> Result<Secret, Unspecified> {
    let key = OpeningKey::new(&*key.derive(salt, context)?);
    Ok(Secret::new(key.open_in_place(0, packet, tag)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::rand::{SecureRandom, SystemRandom};

    const CONTEXT: &[u8] = b"uid 1000 credential 1f0c9a7e";

    fn key(byte: u8) -> HostKey {
        HostKey::new(Zeroizing::new([byte; KEY_BYTES]))
    }

    fn secret() -> Secret {
        Secret::new(b"12345678901234567890".to_vec())
    }

    fn system(bytes: &mut [u8]) -> Result<(), Unspecified> {
        SystemRandom::new().fill(bytes)
    }

    fn sealed() -> String {
        seal(&secret(), &key(7), CONTEXT, &system).unwrap()
    }

    /// Files out there hold such seals. The value was computed by a separate program that reproduces
    /// the example of RFC 8439 section 2.8.2.
    #[test]
    fn what_is_sealed_stays_readable() {
        let key = HostKey::new(Zeroizing::new(std::array::from_fn(|n| u8::try_from(n).unwrap())));
        let salt = |bytes: &mut [u8]| {
            bytes.copy_from_slice(b"thirty-two bytes for every seal.");
            Ok::<_, ()>(())
        };
        let sealed = seal(&secret(), &key, CONTEXT, &salt).unwrap();
        assert_eq!(
            sealed,
            "AF2GQ2LSOR4S25DXN4QGE6LUMVZSAZTPOIQGK5TFOJ4SA43FMFWC535IJLWY44MVAGDYSYTOIVVKODRTQC6766V7KY5EITIR23CNANVKJYO4XUBQOT4JS"
        );
        assert_eq!(open(&sealed, &key, CONTEXT), Ok(secret()));
    }

    #[test]
    fn another_key_another_context() {
        let sealed = sealed();
        assert_eq!(open(&sealed, &key(7), CONTEXT), Ok(secret()));
        assert_eq!(open(&sealed, &key(8), CONTEXT), Err(Reason::OtherKey));
        for context in ["", "uid 1000 credential 1f0c9a7", "uid 1001 credential 1f0c9a7e"] {
            assert_eq!(open(&sealed, &key(7), context.as_bytes()), Err(Reason::OtherKey));
        }
    }

    #[test]
    fn every_bit_counts() {
        let whole = BASE32_NOPAD.decode(sealed().as_bytes()).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let reason = if bit < 8 { Reason::BadSeal } else { Reason::OtherKey };
            assert_eq!(
                open(&BASE32_NOPAD.encode(&bytes), &key(7), CONTEXT),
                Err(reason),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn every_byte_counts() {
        let sealed = sealed();
        for length in 0..sealed.len() {
            assert!(open(&sealed[..length], &key(7), CONTEXT).is_err(), "{length} characters");
        }
        let whole = BASE32_NOPAD.decode(sealed.as_bytes()).unwrap();
        for length in 0..whole.len() {
            let reason = if length < OVERHEAD + 1 { Reason::BadSeal } else { Reason::OtherKey };
            let prefix = BASE32_NOPAD.encode(&whole[..length]);
            assert_eq!(open(&prefix, &key(7), CONTEXT), Err(reason), "{length} bytes");
        }
        for text in [format!("{sealed}\n"), format!(" {sealed}"), format!("{sealed}AAAA")] {
            assert!(open(&text, &key(7), CONTEXT).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_secrets_of_some_length() {
        let of = |length| seal(&Secret::new(vec![7; length]), &key(7), CONTEXT, &system);
        assert_eq!(of(0), Err(Unsealable::Length));
        let longest = open(&of(MAX_SECRET).unwrap(), &key(7), CONTEXT).unwrap();
        assert_eq!(longest.as_bytes(), [7; MAX_SECRET]);
        assert_eq!(of(MAX_SECRET + 1), Err(Unsealable::Length));
        let sealed = "A".repeat(1 << 20);
        assert_eq!(open(&sealed, &key(7), CONTEXT), Err(Reason::BadSeal));
    }

    #[test]
    fn no_two_are_alike() {
        let all: std::collections::BTreeSet<_> = (0..200).map(|_| sealed()).collect();
        assert_eq!(all.len(), 200);
    }

    #[test]
    fn no_randomness_no_seal() {
        let none = |_: &mut [u8]| Err(());
        assert_eq!(seal(&secret(), &key(7), CONTEXT, &none), Err(Unsealable::Random(())));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", key(7)), "HostKey(..)");
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(
            bytes in proptest::collection::vec(any::<u8>(), 1..100),
            key: [u8; KEY_BYTES],
            context: Vec<u8>,
        ) {
            let key = HostKey::new(Zeroizing::new(key));
            let secret = Secret::new(bytes);
            let sealed = seal(&secret, &key, &context, &system).unwrap();
            prop_assert_eq!(open(&sealed, &key, &context), Ok(secret));
        }

        #[test]
        fn any_text_is_refused(text: String) {
            prop_assert!(open(&text, &key(7), CONTEXT).is_err());
        }
    }
}
