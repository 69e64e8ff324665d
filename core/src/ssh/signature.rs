//! What a security key signs by way of OpenSSH.

use super::SkKey;
use crate::key::{Assertion, Public, Signature, hash};
use crate::reason::Reason;
use crate::wire::{Malformed, Reader};

/// A signature of `key` (PROTOCOL.u2f, SSH U2F signatures): its type, the signature, flags and counter, and
/// nothing behind them. The application is not in it; the key's own was signed, or the signature is wrong.
///
/// # Errors
/// [`Reason::KeyType`] if it is of another type than the key, [`Reason::KeyMalformed`].
pub fn assertion(blob: &[u8], key: &SkKey) -> Result<Assertion, Reason> {
    let mut reader = Reader::new(blob);
    if reader.string()? != key.kind().as_bytes() {
        return Err(Reason::KeyType);
    }
    let signature = reader.string()?;
    let signature = match key.public {
        Public::Es256(_) => Signature::Fixed(ecdsa(signature)?),
        Public::Eddsa(_) => Signature::Eddsa(signature.try_into().map_err(|_| Malformed)?),
    };
    let (flags, counter) = (reader.byte()?, reader.number()?);
    reader.end()?;
    Ok(Assertion { rp_hash: hash(key.application.as_bytes()), flags, counter, signature })
}

/// Two numbers of at most 32 bytes, filled up to that.
fn ecdsa(signature: &[u8]) -> Result<[u8; 64], Malformed> {
    let mut reader = Reader::new(signature);
    let mut fixed = [0; 64];
    for half in fixed.chunks_exact_mut(32) {
        let number = natural(reader.string()?)?;
        let start = half.len().checked_sub(number.len()).ok_or(Malformed)?;
        let (_, place) = half.split_at_mut(start);
        place.copy_from_slice(number);
    }
    reader.end()?;
    Ok(fixed)
}

/// The bytes of a number that is not negative, written in the one way there is (RFC 4251 section 5,
/// mpint).
fn natural(mpint: &[u8]) -> Result<&[u8], Malformed> {
    let is_high = |bytes: &[u8]| bytes.first().is_some_and(|byte| *byte >= 0x80);
    match mpint {
        [0, number @ ..] if is_high(number) => Ok(number),
        number if is_high(number) || number.first() == Some(&0) => Err(Malformed),
        number => Ok(number),
    }
}

impl From<Malformed> for Reason {
    fn from(_: Malformed) -> Self {
        Self::KeyMalformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::vectors::{self, key};
    use crate::wire::Writer;

    #[test]
    fn of_both_kinds_touched_or_not() {
        for (line, file, flags) in vectors::SIGNED {
            let assertion = assertion(&vectors::signature(file), &key(line)).unwrap();
            assert_eq!((assertion.flags, assertion.counter), (flags, 0x1234_5678));
            let application: &[u8] = if line == vectors::WORK { b"ssh:work" } else { b"ssh:" };
            assert_eq!(assertion.rp_hash, hash(application));
        }
    }

    #[test]
    fn of_the_key_s_own_type_only() {
        let [(red, red_file, _), (work, work_file, _), ..] = vectors::SIGNED;
        for (file, line) in [(red_file, work), (work_file, red)] {
            assert_eq!(assertion(&vectors::signature(file), &key(line)), Err(Reason::KeyType));
        }
        // What browsers sign is of the same key, but another thing is signed.
        let blob = vectors::signature(work_file);
        let web = Writer::default().string(b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com");
        let web = web.bytes(&blob[38..]).done();
        assert_eq!(assertion(&web, &key(work)), Err(Reason::KeyType));
    }

    #[test]
    fn every_length_is_exact() {
        for (line, file, _) in vectors::SIGNED {
            let (blob, key) = (vectors::signature(file), key(line));
            for end in 0..blob.len() {
                assert_eq!(assertion(&blob[..end], &key), Err(Reason::KeyMalformed), "{end}");
            }
            let more = [&blob[..], b"\0"].concat();
            assert_eq!(assertion(&more, &key), Err(Reason::KeyMalformed));
        }
        for length in [0, 63, 65] {
            let red = key(vectors::RED);
            let blob = Writer::default().string(red.kind().as_bytes()).string(&vec![7; length]);
            let blob = blob.byte(1).number(2).done();
            assert_eq!(assertion(&blob, &red), Err(Reason::KeyMalformed), "{length}");
        }
    }

    #[test]
    fn numbers_are_filled_up_and_written_in_one_way() {
        let read = |r: &[u8], s: &[u8]| ecdsa(&Writer::default().string(r).string(s).done());
        let high = [&[0][..], &[0x80; 32]].concat();
        let whole = read(&high, &[1, 2]).unwrap();
        assert_eq!(whole, *[&[0x80; 32][..], &[0; 30], &[1, 2]].concat());
        assert_eq!(read(&[], &[0x7f; 32]).unwrap()[..32], [0; 32]);
        let long = [&[0][..], &[0x80; 33]].concat();
        for bad in
            [&[0][..], &[0, 1], &[0, 0x7f], &[0x80], &[0xff; 32], &[1; 33], &long, &[0, 0, 0x80]]
        {
            assert_eq!(read(bad, &[1]), Err(Malformed), "{bad:?}");
            assert_eq!(read(&[1], bad), Err(Malformed), "{bad:?}");
        }
        let three = Writer::default().string(&[1]).string(&[1]).string(&[1]).done();
        assert_eq!(ecdsa(&three), Err(Malformed));
    }
}
