//! The messages between an agent and who asks it (draft-miller-ssh-agent).

use super::{SkKey, signature};
use crate::key::Assertion;
use crate::reason::Reason;
use crate::wire::{Malformed, Reader, Writer};

/// The longest answer that is read, in bytes behind its length; agents themselves take no longer
/// messages than a quarter of it.
pub const MAX_REPLY: usize = 1 << 20;

/// How many keys of an agent are looked at.
pub const MAX_KEYS: usize = 64;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Asks for the agent's keys. Like every request it has its length in front.
#[must_use]
pub fn list() -> Vec<u8> {
    Writer::default().string(&[REQUEST_IDENTITIES]).done()
}

/// Asks `key` to sign `data`.
#[must_use]
pub fn sign(key: &SkKey, data: &[u8]) -> Vec<u8> {
    let flags = 0; // they are for RSA
    let request =
        Writer::default().byte(SIGN_REQUEST).string(&key.to_blob()).string(data).number(flags);
    Writer::default().string(&request.done()).done()
}

/// The security keys in an answer to [`list`], each once, at most [`MAX_KEYS`]. Other keys, and
/// certificates, whose key is listed as well, do not matter.
///
/// # Errors
/// [`Reason::AgentRefused`], or [`Reason::AgentFailed`] if it is no such answer.
pub fn keys(reply: &[u8]) -> Result<Vec<SkKey>, Reason> {
    let mut reader = opened(reply, IDENTITIES_ANSWER)?;
    let no_answer = |_: Malformed| Reason::AgentFailed;
    let mut keys = Vec::new();
    for _ in 0..reader.number().map_err(no_answer)? {
        let blob = reader.string().map_err(no_answer)?;
        let _comment = reader.string().map_err(no_answer)?;
        if keys.len() < MAX_KEYS {
            keys.extend(SkKey::of_blob(blob).ok().filter(|key| !keys.contains(key)));
        }
    }
    reader.end().map_err(no_answer)?;
    Ok(keys)
}

/// The signature in an answer to [`sign`].
///
/// # Errors
/// [`Reason::AgentRefused`], as when the person does not touch the key; [`Reason::AgentFailed`] if it is
/// no such answer; [`Reason::KeyType`] or [`Reason::KeyMalformed`] if the signature is not one of `key`'s
/// type.
pub fn assertion(reply: &[u8], key: &SkKey) -> Result<Assertion, Reason> {
    let mut reader = opened(reply, SIGN_RESPONSE)?;
    let blob = reader.string().and_then(|blob| reader.end().map(|()| blob));
    signature::assertion(blob.map_err(|Malformed| Reason::AgentFailed)?, key)
}

/// Begins behind the type of the message, if it is the right one.
fn opened(reply: &[u8], wanted: u8) -> Result<Reader<'_>, Reason> {
    match reply.split_first() {
        Some((kind, rest)) if *kind == wanted => Ok(Reader::new(rest)),
        Some((&FAILURE, [])) => Err(Reason::AgentRefused),
        _ => Err(Reason::AgentFailed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::vectors::{self, blob, key};

    fn listed<'a>(blobs: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
        let count = u32::try_from(blobs.len()).unwrap();
        let reply = Writer::default().byte(IDENTITIES_ANSWER).number(count);
        blobs.fold(reply, |reply, blob| reply.string(blob).string(b"")).done()
    }

    #[test]
    fn what_ssh_agent_says() {
        assert_eq!(keys(vectors::LIST), Ok(vec![key(vectors::RED), key(vectors::WORK)]));
        for (line, reply) in vectors::SIGNATURES {
            assert_eq!(assertion(reply, &key(line)).unwrap().flags, 1);
        }
        assert_eq!(keys(&[FAILURE]), Err(Reason::AgentRefused));
        assert_eq!(assertion(&[FAILURE], &key(vectors::RED)), Err(Reason::AgentRefused));
    }

    #[test]
    fn what_it_is_asked() {
        assert_eq!(list(), b"\0\0\0\x01\x0b");
        let red = key(vectors::RED);
        let request = sign(&red, b"data");
        let (length, body) = request.split_at(4);
        assert_eq!(usize::try_from(u32::from_be_bytes(length.try_into().unwrap())), Ok(body.len()));
        assert_eq!(body[0], 13);
        let mut reader = Reader::new(&body[1..]);
        assert_eq!(reader.string(), Ok(&red.to_blob()[..]));
        assert_eq!(reader.string(), Ok(&b"data"[..]));
        assert_eq!((reader.number(), reader.end()), (Ok(0), Ok(())));
    }

    #[test]
    fn one_key_is_not_taken_for_another() {
        let [(red, red_reply), (work, work_reply)] = vectors::SIGNATURES;
        assert_eq!(assertion(red_reply, &key(work)), Err(Reason::KeyType));
        assert_eq!(assertion(work_reply, &key(red)), Err(Reason::KeyType));
    }

    #[test]
    fn every_length_is_exact() {
        let red = key(vectors::RED);
        for reply in [vectors::LIST, vectors::SIGNATURES[0].1] {
            for end in 0..reply.len() {
                assert_eq!(keys(&reply[..end]), Err(Reason::AgentFailed), "{end}");
                assert_eq!(assertion(&reply[..end], &red), Err(Reason::AgentFailed), "{end}");
            }
            let more = [reply, b"\0"].concat();
            assert_eq!(keys(&more), Err(Reason::AgentFailed));
            assert_eq!(assertion(&more, &red), Err(Reason::AgentFailed));
        }
        for reply in
            [&b""[..], b"\x05\0", b"\x06", b"\x0c\xff\xff\xff\xff", b"\x0e\xff\xff\xff\xff"]
        {
            assert_eq!(keys(reply), Err(Reason::AgentFailed));
            assert_eq!(assertion(reply, &red), Err(Reason::AgentFailed));
        }
        let short = Writer::default().byte(SIGN_RESPONSE).string(b"\0\0\0\x1ask").done();
        assert_eq!(assertion(&short, &red), Err(Reason::KeyMalformed), "inside of the signature");
    }

    #[test]
    fn of_many_keys_the_first_count_each_once() {
        let named = |name: usize| SkKey { application: name.to_string(), ..key(vectors::RED) };
        let blobs: Vec<_> = (0..100).map(|name| named(name).to_blob()).collect();
        let expected: Vec<_> = (0..MAX_KEYS).map(named).collect();
        assert_eq!(keys(&listed(blobs.iter().map(|blob| &blob[..]))), Ok(expected));
        let work = blob(vectors::WORK);
        let (rsa, certificate) = (blob(vectors::RSA), blob(vectors::RED_CERT));
        let blobs = [&rsa[..], b"", &work, &certificate, &work[1..], &work];
        let reply = listed(blobs.into_iter());
        assert_eq!(keys(&reply), Ok(vec![key(vectors::WORK)]));
    }
}
