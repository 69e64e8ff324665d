//! What mfa-fido says.

use super::request::{public, write_public};
use super::{MAX_HANDLE, MAX_KEYS, bounded, flag};
use crate::key::Public;
use crate::wire::{Malformed, Reader, Writer};

/// More than a token says of an assertion that nothing was asked of but the signature, in bytes.
const MAX_DATA: usize = 1024;
/// More than a signature needs, in bytes.
const MAX_SIGNATURE: usize = 256;

/// What goes on, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No token that could help is plugged in: one is waited for.
    Insert,
    /// A token waits for a touch.
    Touch,
    /// A token wants its PIN, and waits for it without being held open.
    NeedPin {
        /// How many wrong ones are left until the token locks itself; `None` if it does not say.
        left: Option<u8>,
        /// The last one was wrong.
        wrong: bool,
    },
    /// The end: the message is signed.
    Assertion {
        /// By which candidate, from 0 on.
        candidate: usize,
        /// Authenticator data (WebAuthn section 6.1), at most 1024 bytes; 37 where a token says no more than
        /// it has to.
        data: Vec<u8>,
        /// As the token gave it, at most 256 bytes.
        signature: Vec<u8>,
    },
    /// The end: a key was made.
    Made(Made),
    /// The end: it did not work.
    Failed(Failure),
}

/// A key that a token has made, and proved to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// By what its token knows it, 1 to 1023 bytes.
    pub handle: Vec<u8>,
    /// Its public half.
    pub public: Public,
    /// What the token says of its user, as in an assertion.
    pub flags: u8,
    /// How often the token has signed.
    pub counter: u32,
}

/// Why it did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No token was plugged in in time.
    Absent,
    /// There are tokens, but none knows one of the keys.
    Unknown,
    /// A token waited in vain.
    Late,
    /// Three PINs were wrong.
    WrongPin,
    /// One wrong PIN more would lock the token, so that it is not asked for.
    LastPin,
    /// The token takes no PIN before it is plugged in anew, or at all.
    PinBlocked,
    /// The token has no PIN yet.
    NoPin,
    /// The token cannot do what is asked for.
    Unsupported,
    /// The token has a key that is not to have a second one.
    Enrolled,
    /// An error of libfido2 or of the token itself, by libfido2's number (fido/err.h).
    Other(i32),
}

impl Failure {
    /// The number of the kind, and that of an error.
    fn numbers(self) -> (u8, i32) {
        match self {
            Self::Absent => (1, 0),
            Self::Unknown => (2, 0),
            Self::Late => (3, 0),
            Self::WrongPin => (4, 0),
            Self::LastPin => (5, 0),
            Self::PinBlocked => (6, 0),
            Self::NoPin => (7, 0),
            Self::Unsupported => (8, 0),
            Self::Enrolled => (9, 0),
            Self::Other(error) => (10, error),
        }
    }

    fn of(numbers: (u8, i32)) -> Result<Self, Malformed> {
        Ok(match numbers {
            (1, 0) => Self::Absent,
            (2, 0) => Self::Unknown,
            (3, 0) => Self::Late,
            (4, 0) => Self::WrongPin,
            (5, 0) => Self::LastPin,
            (6, 0) => Self::PinBlocked,
            (7, 0) => Self::NoPin,
            (8, 0) => Self::Unsupported,
            (9, 0) => Self::Enrolled,
            (10, error) => Self::Other(error),
            _ => return Err(Malformed),
        })
    }
}

const INSERT: u8 = 1;
const TOUCH: u8 = 2;
const NEED_PIN: u8 = 3;
const ASSERTION: u8 = 4;
const MADE: u8 = 5;
const FAILED: u8 = 6;

impl Reply {
    /// The datagram; one that is beyond its bounds is refused by whoever reads it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::default();
        match self {
            Self::Insert => writer.byte(INSERT),
            Self::Touch => writer.byte(TOUCH),
            Self::NeedPin { left, wrong } => {
                let writer = writer.byte(NEED_PIN).byte((*wrong).into());
                left.iter().fold(writer, |writer, left| writer.byte(*left))
            }
            Self::Assertion { candidate, data, signature } => writer
                .byte(ASSERTION)
                .byte(u8::try_from(*candidate).unwrap_or(u8::MAX))
                .string(data)
                .string(signature),
            Self::Made(Made { handle, public, flags, counter }) => {
                let writer = writer.byte(MADE).string(handle);
                write_public(writer, public).byte(*flags).number(*counter)
            }
            Self::Failed(failure) => {
                let (kind, error) = failure.numbers();
                writer.byte(FAILED).byte(kind).bytes(&error.to_be_bytes())
            }
        }
        .done()
    }

    /// Reads the datagram.
    ///
    /// # Errors
    /// [`Malformed`] for what is no reply, or is beyond its bounds.
    pub fn decode(datagram: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(datagram);
        let reply = match reader.byte()? {
            INSERT => Self::Insert,
            TOUCH => Self::Touch,
            NEED_PIN => {
                let wrong = flag(&mut reader)?;
                let left = if reader.is_empty() { None } else { Some(reader.byte()?) };
                Self::NeedPin { left, wrong }
            }
            ASSERTION => Self::Assertion {
                candidate: match usize::from(reader.byte()?) {
                    candidate if candidate < MAX_KEYS => candidate,
                    _ => return Err(Malformed),
                },
                data: bounded(&mut reader, MAX_DATA)?.to_vec(),
                signature: bounded(&mut reader, MAX_SIGNATURE)?.to_vec(),
            },
            MADE => Self::Made(Made {
                handle: match bounded(&mut reader, MAX_HANDLE)? {
                    [] => return Err(Malformed),
                    handle => handle.to_vec(),
                },
                public: public(&mut reader)?,
                flags: reader.byte()?,
                counter: reader.number()?,
            }),
            FAILED => {
                let kind = reader.byte()?;
                let error = i32::from_be_bytes(reader.array()?);
                Self::Failed(Failure::of((kind, error))?)
            }
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helper::MAX_REPLY;

    fn assertion() -> Reply {
        Reply::Assertion { candidate: 23, data: vec![1; 37], signature: vec![2; 72] }
    }

    fn made(handle: Vec<u8>) -> Reply {
        let public = Public::es256(&[3; 64]).unwrap();
        Reply::Made(Made { handle, public, flags: 0x41, counter: u32::MAX })
    }

    fn replies() -> Vec<Reply> {
        let failures = [
            Failure::Absent,
            Failure::Unknown,
            Failure::Late,
            Failure::WrongPin,
            Failure::LastPin,
            Failure::PinBlocked,
            Failure::NoPin,
            Failure::Unsupported,
            Failure::Enrolled,
            Failure::Other(0x7f),
            Failure::Other(-9),
        ];
        let mut replies = vec![
            Reply::Insert,
            Reply::Touch,
            Reply::NeedPin { left: None, wrong: true },
            Reply::NeedPin { left: Some(0), wrong: false },
            Reply::NeedPin { left: Some(8), wrong: true },
            assertion(),
            Reply::Assertion {
                candidate: 0,
                data: vec![0; MAX_DATA],
                signature: vec![0; MAX_SIGNATURE],
            },
            made(vec![4; MAX_HANDLE]),
        ];
        replies.extend(failures.map(Reply::Failed));
        replies
    }

    #[test]
    fn what_is_written_is_read() {
        for reply in replies() {
            let datagram = reply.encode();
            assert!(datagram.len() <= MAX_REPLY);
            assert_eq!(Reply::decode(&datagram), Ok(reply));
        }
    }

    #[test]
    fn half_a_reply_is_none_and_neither_is_more_than_one() {
        for reply in replies() {
            let datagram = reply.encode();
            for end in 0..datagram.len() {
                let part = Reply::decode(&datagram[..end]);
                // How many PINs are left may lack.
                let other = matches!(reply, Reply::NeedPin { left: Some(_), .. }) && end == 2;
                assert_eq!(part.is_ok(), other, "{reply:?} until {end}");
            }
            let longer = [&datagram[..], b"x"].concat();
            let other = matches!(reply, Reply::NeedPin { left: None, .. });
            assert_eq!(Reply::decode(&longer).is_ok(), other, "{reply:?}");
        }
    }

    #[test]
    fn what_is_beyond_its_bounds() {
        let Reply::Assertion { data, signature, .. } = assertion() else { unreachable!() };
        for bad in [
            Reply::Assertion {
                candidate: MAX_KEYS,
                data: data.clone(),
                signature: signature.clone(),
            },
            Reply::Assertion { candidate: 0, data: vec![0; MAX_DATA + 1], signature },
            Reply::Assertion { candidate: 0, data, signature: vec![0; MAX_SIGNATURE + 1] },
            made(vec![]),
            made(vec![0; MAX_HANDLE + 1]),
        ] {
            assert_eq!(Reply::decode(&bad.encode()), Err(Malformed), "{bad:?}");
        }
    }

    #[test]
    fn words_that_do_not_exist() {
        for bad in [
            &[][..],
            &[0],
            &[7],
            &[255],
            &[NEED_PIN, 2],
            &[FAILED, 0, 0, 0, 0, 0],
            &[FAILED, 11, 0, 0, 0, 0],
            &[FAILED, 1, 0, 0, 0, 1],
        ] {
            assert_eq!(Reply::decode(bad), Err(Malformed), "{bad:?}");
        }
    }
}
