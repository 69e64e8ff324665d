//! An agent with one key of its own, which does what no real agent does.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mfa_core::key::{Public, hash};
use mfa_core::ssh::SkKey;
use mfa_core::ssh::agent::{MAX_KEYS, MAX_REPLY};
use mfa_core::wire::{Malformed, Reader, Writer};
use ring::signature::{Ed25519KeyPair, KeyPair};

/// draft-miller-ssh-agent, section 5.1.
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;

/// What an agent is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Its keys.
    Keys,
    /// A signature.
    Signature,
}

/// What is wrong with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It says that 4 GiB follow, and goes on without an end.
    Endless,
    /// It is as long as an answer can be, and holds as many parts as fit.
    Long,
    /// Only half of it comes, and the agent is gone.
    CutOff,
    /// A byte follows that belongs to nothing.
    TrailingByte,
    /// It is the answer to the other question.
    OtherAnswer,
    /// None comes.
    Silence,
    /// It comes a byte a second.
    Drip,
    /// Of keys: many others come first.
    Crowd,
    /// Of a signature: it says that it is one of another type.
    OtherType,
    /// Of a signature: another key has made it.
    OtherKey,
    /// Of a signature: it is the first that this agent made.
    Replay,
    /// Of a signature: it is for another application.
    OtherApplication,
    /// Of a signature: these are its flags.
    Flags(u8),
    /// Of a signature: the counter stands there.
    Counter(u32),
}

/// The agent, listening until this is dropped.
pub struct FakeAgent {
    path: PathBuf,
    inner: Arc<Mutex<Inner>>,
    listener: Option<JoinHandle<()>>,
}

struct Inner {
    pair: Ed25519KeyPair,
    key: SkKey,
    counter: u32,
    first: Option<Vec<u8>>,
    fault: Option<(Question, Fault)>,
    connections: usize,
    is_over: bool,
}

impl FakeAgent {
    /// Begins to listen there, as the user of this process, with the key of this seed.
    pub fn start(path: impl AsRef<Path>, seed: u8) -> Self {
        let path = path.as_ref().to_owned();
        let socket = UnixListener::bind(&path).expect("nothing has this name");
        let inner = Arc::new(Mutex::new(Inner::new(seed)));
        let theirs = Arc::clone(&inner);
        let listener = thread::spawn(move || {
            for connection in socket.incoming().flatten() {
                let mut inner = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                if inner.is_over {
                    break;
                }
                inner.connections += 1;
                drop(inner);
                // Whoever asks goes away at some time.
                let _ = serve(&theirs, connection);
            }
        });
        Self { path, inner, listener: Some(listener) }
    }

    /// From here on it answers this question so.
    pub fn set(&self, question: Question, fault: Fault) {
        self.inner().fault = Some((question, fault));
    }

    /// Its key, as in a `.pub` file.
    pub fn line(&self) -> String {
        self.inner().key.to_line()
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How often somebody has connected to it.
    pub fn connections(&self) -> usize {
        self.inner().connections
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakeAgent {
    fn drop(&mut self) {
        self.inner().is_over = true;
        if UnixStream::connect(&self.path).is_ok() {
            let _ = self.listener.take().map(JoinHandle::join);
        }
    }
}

impl Inner {
    fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes");
        let public = Public::eddsa(pair.public_key().as_ref()).expect("a point");
        let key = SkKey { public, application: "ssh:".to_owned() };
        let (counter, first, fault, connections, is_over) = (0, None, None, 0, false);
        Self { pair, key, counter, first, fault, connections, is_over }
    }

    /// What it has to say, without the length in front, to `request`.
    fn answer(&mut self, request: &[u8]) -> Result<(Question, Vec<u8>), Malformed> {
        let mut reader = Reader::new(request);
        match reader.byte()? {
            11 => Ok((Question::Keys, self.keys())),
            13 => {
                let (_key, data) = (reader.string()?, reader.string()?);
                Ok((Question::Signature, self.sign(data)))
            }
            _ => Err(Malformed),
        }
    }

    fn keys(&self) -> Vec<u8> {
        let others = match self.fault {
            Some((_, Fault::Crowd)) => MAX_KEYS,
            Some((Question::Keys, Fault::Long)) => MAX_REPLY / 100,
            _ => 0,
        };
        let named = |number: usize| SkKey { application: number.to_string(), ..self.key.clone() };
        let all = (0..others).map(named).chain([self.key.clone()]);
        let count = u32::try_from(others + 1).expect("not so many");
        let answer = Writer::default().byte(IDENTITIES_ANSWER).number(count);
        all.fold(answer, |answer, key| answer.string(&key.to_blob()).string(b"a comment")).done()
    }

    fn sign(&mut self, data: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let (mut flags, mut counter, mut kind) = (1, self.counter, self.key.kind());
        let mut application = self.key.application.clone();
        let mut other = None;
        match self.fault {
            Some((_, Fault::Flags(given))) => flags = given,
            Some((_, Fault::Counter(given))) => counter = given,
            Some((_, Fault::OtherType)) => kind = "ssh-ed25519",
            Some((_, Fault::OtherKey)) => other = Some(Self::new(255).pair),
            Some((_, Fault::OtherApplication)) => application.push('x'),
            _ => {}
        }
        let party = hash(application.as_bytes());
        let signed = [&party[..], &[flags], &counter.to_be_bytes(), &hash(data)].concat();
        let signature = other.as_ref().unwrap_or(&self.pair).sign(&signed);
        let blob = Writer::default().string(kind.as_bytes()).string(signature.as_ref());
        let blob = blob.byte(flags).number(counter).done();
        let first = self.first.get_or_insert_with(|| blob.clone());
        let blob = if matches!(self.fault, Some((_, Fault::Replay))) { first } else { &blob };
        Writer::default().byte(SIGN_RESPONSE).string(blob).done()
    }
}

/// Answers until whoever asks is gone, or it is.
fn serve(inner: &Mutex<Inner>, mut connection: UnixStream) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        connection.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length).try_into().unwrap_or(0)];
        connection.read_exact(&mut request)?;
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (question, mut answer) = inner.answer(&request).map_err(|Malformed| invalid())?;
        let fault = inner.fault.filter(|(of, _)| *of == question).map(|(_, fault)| fault);
        drop(inner);
        match fault {
            Some(Fault::TrailingByte) => answer.push(0),
            Some(Fault::OtherAnswer) => answer[0] ^= IDENTITIES_ANSWER ^ SIGN_RESPONSE,
            Some(Fault::Long) => answer.resize(MAX_REPLY, 0),
            _ => {}
        }
        let framed = Writer::default().string(&answer).done();
        match fault {
            Some(Fault::Silence) => return connection.read_exact(&mut length),
            Some(Fault::CutOff) => return connection.write_all(&framed[..framed.len() / 2]),
            Some(Fault::Endless) => loop {
                connection.write_all(&[0xff; 4096])?;
            },
            Some(Fault::Drip) => {
                for byte in framed {
                    connection.write_all(&[byte])?;
                    thread::sleep(Duration::from_secs(1));
                }
            }
            _ => connection.write_all(&framed)?,
        }
    }
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
