//! What mfa-fido is asked to do.

use std::time::Duration;

use super::{MAX_HANDLE, MAX_KEYS, bounded, flag};
use crate::account::{Counter, Key, Port};
use crate::key::{Assertion, Message, Public, verify};
use crate::wire::{Malformed, Reader, Writer};

/// The longest name of a relying party, in bytes: `pam://` and a host name of 255 fit.
const MAX_PARTY: usize = 512;
/// What a token keeps of a user, in bytes (WebAuthn section 5.4.3).
const MAX_USER: usize = 64;

/// One task, and the time for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// From the moment when the request is read, in whole milliseconds: at least 1, at most 49 days.
    pub patience: Duration,
    /// What the token signs: FIDO2's client data hash, U2F's challenge.
    pub message: Message,
    /// What is to be done.
    pub task: Task,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Have the message signed by one of these keys, at most 24; the first that a token knows is preferred.
    Assert(Vec<Candidate>),
    /// Have a token make a key.
    Enrol(Subject),
}

/// A key that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// For whom it signs.
    pub relying_party: String,
    /// By what its token knows it, at most 1023 bytes; empty for a key that the token keeps itself.
    pub handle: Vec<u8>,
    /// Tells keys apart that one token keeps for the same relying party.
    pub public: Public,
    /// The token waits for a touch.
    pub touch: bool,
    /// The token is to know its user by itself, a finger for example.
    pub verification: bool,
    /// The token is to know its user by PIN.
    pub pin: bool,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// For whom it signs.
    pub relying_party: String,
    /// Whom a token with a display calls its owner; at most 64 bytes.
    pub user: String,
    /// What it knows the owner by, 1 to 64 bytes. A key that it keeps itself replaces the one of the same
    /// owner and relying party.
    pub user_id: Vec<u8>,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The token keeps the key itself.
    pub resident: bool,
    /// As for a candidate.
    pub verification: bool,
    /// As for a candidate.
    pub pin: bool,
    /// Handles of keys whose token does not get another; at most 24, each of 1 to 1023 bytes.
    pub exclude: Vec<Vec<u8>>,
}

/// What a key signs with (COSE algorithms -7 and -8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    Eddsa,
}

const ASSERT: u8 = 1;
const ENROL: u8 = 2;

impl Request {
    /// The datagram; one that is beyond its bounds is refused by whoever reads it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.task {
            Task::Assert(_) => ASSERT,
            Task::Enrol(_) => ENROL,
        };
        let patience = u32::try_from(self.patience.as_millis()).unwrap_or(u32::MAX);
        let start = Writer::default().byte(kind).number(patience).bytes(&self.message);
        match &self.task {
            Task::Assert(candidates) => {
                candidates.iter().fold(start, |writer, candidate| candidate.write(writer))
            }
            Task::Enrol(subject) => subject.write(start),
        }
        .done()
    }

    /// Reads the datagram.
    ///
    /// # Errors
    /// [`Malformed`] for what is no request, or is beyond its bounds.
    pub fn decode(datagram: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(datagram);
        let kind = reader.byte()?;
        let patience = match reader.number()? {
            0 => return Err(Malformed),
            milliseconds => Duration::from_millis(milliseconds.into()),
        };
        let message = reader.array()?;
        let task = match kind {
            ASSERT => Task::Assert(list(&mut reader, Candidate::read)?),
            ENROL => Task::Enrol(Subject::read(&mut reader)?),
            _ => return Err(Malformed),
        };
        reader.end()?;
        match &task {
            Task::Assert(candidates) if candidates.is_empty() => Err(Malformed),
            _ => Ok(Self { patience, message, task }),
        }
    }
}

impl Candidate {
    /// A key that can be in a port of this machine, or `None`.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        let Port::Usb { handle, pin } = &key.port else { return None };
        Some(Self {
            relying_party: key.application.clone(),
            handle: handle.clone(),
            public: key.public.clone(),
            touch: key.touch,
            verification: key.verification,
            pin: *pin,
        })
    }

    /// Whether an assertion is by this very key; nothing else of it is looked at.
    #[must_use]
    pub fn has_signed(&self, data: &[u8], signature: &[u8], message: &Message) -> bool {
        let key = Key {
            name: None,
            port: Port::Ssh,
            public: self.public.clone(),
            application: self.relying_party.clone(),
            touch: false,
            verification: false,
            counter: Counter::Unchecked,
        };
        Assertion::of_token(data, signature, &self.public)
            .is_ok_and(|assertion| verify(&key, &assertion, message).is_ok())
    }

    fn write(&self, writer: Writer) -> Writer {
        let writer = writer.string(self.relying_party.as_bytes()).string(&self.handle);
        write_public(writer, &self.public)
            .byte(self.touch.into())
            .byte(self.verification.into())
            .byte(self.pin.into())
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(Self {
            relying_party: party(reader)?,
            handle: bounded(reader, MAX_HANDLE)?.to_vec(),
            public: public(reader)?,
            touch: flag(reader)?,
            verification: flag(reader)?,
            pin: flag(reader)?,
        })
    }
}

impl Subject {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer
            .string(self.relying_party.as_bytes())
            .string(self.user.as_bytes())
            .string(&self.user_id)
            .byte(self.algorithm.number())
            .byte(self.resident.into())
            .byte(self.verification.into())
            .byte(self.pin.into());
        self.exclude.iter().fold(writer, |writer, handle| writer.string(handle))
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(Self {
            relying_party: party(reader)?,
            user: text(reader, MAX_USER)?,
            user_id: filled(reader, MAX_USER)?,
            algorithm: Algorithm::read(reader)?,
            resident: flag(reader)?,
            verification: flag(reader)?,
            pin: flag(reader)?,
            exclude: list(reader, |reader| filled(reader, MAX_HANDLE))?,
        })
    }
}

impl Algorithm {
    fn of(public: &Public) -> Self {
        match public {
            Public::Es256(_) => Self::Es256,
            Public::Eddsa(_) => Self::Eddsa,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Es256 => 7,
            Self::Eddsa => 8,
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        match reader.byte()? {
            7 => Ok(Self::Es256),
            8 => Ok(Self::Eddsa),
            _ => Err(Malformed),
        }
    }
}

/// Likewise.
pub(super) fn write_public(writer: Writer, public: &Public) -> Writer {
    writer.byte(Algorithm::of(public).number()).string(public.as_bytes())
}

/// A public key behind its algorithm.
pub(super) fn public(reader: &mut Reader) -> Result<Public, Malformed> {
    let algorithm = Algorithm::read(reader)?;
    let bytes = reader.string()?;
    match algorithm {
        Algorithm::Es256 => Public::es256(bytes),
        Algorithm::Eddsa => Public::eddsa(bytes),
    }
    .ok_or(Malformed)
}

fn party(reader: &mut Reader) -> Result<String, Malformed> {
    let party = text(reader, MAX_PARTY)?;
    if party.is_empty() { Err(Malformed) } else { Ok(party) }
}

/// Text that C can hold.
fn text(reader: &mut Reader, longest: usize) -> Result<String, Malformed> {
    let text = std::str::from_utf8(bounded(reader, longest)?).map_err(|_| Malformed)?;
    if text.contains('\0') { Err(Malformed) } else { Ok(text.to_owned()) }
}

/// At least one byte.
fn filled(reader: &mut Reader, longest: usize) -> Result<Vec<u8>, Malformed> {
    let bytes = bounded(reader, longest)?;
    if bytes.is_empty() { Err(Malformed) } else { Ok(bytes.to_vec()) }
}

/// All that is left, at most 24 of them.
fn list<T>(
    reader: &mut Reader,
    read: impl Fn(&mut Reader) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut list = vec![];
    while !reader.is_empty() {
        if list.len() == MAX_KEYS {
            return Err(Malformed);
        }
        list.push(read(reader)?);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helper::MAX_REQUEST;

    fn candidate() -> Candidate {
        Candidate {
            relying_party: "pam://host".into(),
            handle: vec![7; 64],
            public: Public::es256(&[1; 64]).unwrap(),
            touch: true,
            verification: false,
            pin: false,
        }
    }

    fn subject() -> Subject {
        Subject {
            relying_party: "pam://host".into(),
            user: "alice".into(),
            user_id: vec![1, 2],
            algorithm: Algorithm::Es256,
            resident: false,
            verification: true,
            pin: false,
            exclude: vec![vec![1], vec![2; MAX_HANDLE]],
        }
    }

    fn request(task: Task) -> Request {
        Request { patience: Duration::from_secs(30), message: [9; 32], task }
    }

    fn requests() -> [Request; 4] {
        let resident = Candidate {
            handle: vec![],
            public: Public::eddsa(&[5; 32]).unwrap(),
            touch: false,
            verification: true,
            pin: true,
            ..candidate()
        };
        let eddsa = Subject {
            algorithm: Algorithm::Eddsa,
            resident: true,
            exclude: vec![],
            user: String::new(),
            ..subject()
        };
        [
            request(Task::Assert(vec![candidate()])),
            request(Task::Assert(vec![candidate(), resident])),
            request(Task::Enrol(subject())),
            request(Task::Enrol(eddsa)),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for request in requests() {
            assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
    }

    #[test]
    fn half_a_request_is_none_and_neither_is_more_than_one() {
        for request in requests() {
            let datagram = request.encode();
            for end in 0..datagram.len() {
                let part = Request::decode(&datagram[..end]);
                // A list may end sooner.
                assert!(part.as_ref().map_or(true, |part| part.encode() == datagram[..end]));
            }
            assert_eq!(Request::decode(&[&datagram[..], b"x"].concat()), Err(Malformed));
        }
    }

    #[test]
    fn what_is_beyond_its_bounds() {
        let assert = |change: fn(&mut Candidate)| {
            let mut candidate = candidate();
            change(&mut candidate);
            request(Task::Assert(vec![candidate]))
        };
        let enrol = |change: fn(&mut Subject)| {
            let mut subject = subject();
            change(&mut subject);
            request(Task::Enrol(subject))
        };
        let mut soon = assert(|_| {});
        soon.patience = Duration::from_micros(999);
        for bad in [
            soon,
            request(Task::Assert(vec![])),
            request(Task::Assert(vec![candidate(); MAX_KEYS + 1])),
            assert(|candidate| candidate.relying_party.clear()),
            assert(|candidate| candidate.relying_party = "a\0b".into()),
            assert(|candidate| candidate.relying_party = "x".repeat(MAX_PARTY + 1)),
            assert(|candidate| candidate.handle = vec![0; MAX_HANDLE + 1]),
            enrol(|subject| subject.user = "x".repeat(MAX_USER + 1)),
            enrol(|subject| subject.user_id.clear()),
            enrol(|subject| subject.user_id = vec![0; MAX_USER + 1]),
            enrol(|subject| subject.exclude = vec![vec![]]),
            enrol(|subject| subject.exclude = vec![vec![0; MAX_HANDLE + 1]]),
            enrol(|subject| subject.exclude = vec![vec![0]; MAX_KEYS + 1]),
        ] {
            assert_eq!(Request::decode(&bad.encode()), Err(Malformed), "{bad:?}");
        }
    }

    #[test]
    fn words_that_do_not_exist() {
        let datagram = request(Task::Assert(vec![candidate()])).encode();
        let last = datagram.len() - 1;
        let algorithm = 1 + 4 + 32 + 4 + 10 + 4 + 64;
        for (at, value) in [(0, 0), (0, 3), (last, 2), (last - 1, 255), (algorithm, 6)] {
            let mut other = datagram.clone();
            other[at] = value;
            assert_eq!(Request::decode(&other), Err(Malformed), "{at}");
        }
    }

    #[test]
    fn the_largest_fits() {
        let largest = Candidate {
            relying_party: "x".repeat(MAX_PARTY),
            handle: vec![0; MAX_HANDLE],
            ..candidate()
        };
        let request = request(Task::Assert(vec![largest; MAX_KEYS]));
        assert!(request.encode().len() <= MAX_REQUEST);
        assert_eq!(Request::decode(&request.encode()), Ok(request));
    }
}
