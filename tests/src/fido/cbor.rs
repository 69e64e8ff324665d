//! CBOR (RFC 8949) as CTAP2 has it: maps with small numbers or names as keys.

use std::convert::Infallible;

use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encoder};

/// What `write` writes.
pub(super) fn written(
    write: impl FnOnce(
        &mut Encoder<Vec<u8>>,
    ) -> Result<&mut Encoder<Vec<u8>>, encode::Error<Infallible>>,
) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).expect("a Vec takes everything");
    encoder.into_writer()
}

/// Hands each key of the next map to `entry`, which reads what belongs to it.
///
/// # Errors
/// There is no map; or those of `entry`.
pub(super) fn entries<'b, Key: Decode<'b, ()>>(
    decoder: &mut Decoder<'b>,
    mut entry: impl FnMut(Key, &mut Decoder<'b>) -> Result<(), decode::Error>,
) -> Result<(), decode::Error> {
    let count = decoder.map()?.ok_or_else(|| decode::Error::message("no length"))?;
    (0..count).try_for_each(|_| entry(decoder.decode()?, decoder))
}
