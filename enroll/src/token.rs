//! Asking the security keys in this machine's ports, and telling their owner what to do.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use mfa_core::account::{Key, Port};
use mfa_core::helper::{Candidate, MAX_KEYS, Made, PATH, Pin, Reply, Request, Subject, Task};
use mfa_core::key::{Assertion, Message};
use mfa_core::random::{NoRandomness, Random};

use crate::failure::{Failure, KeyFailure};
use crate::helper::Helper;
use crate::silent::Silence;
use crate::talk::Talk;

/// How long a key is waited for, with the time to type its PIN.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much later than it should a reply may come.
const GRACE: Duration = Duration::from_secs(5);

/// One run of mfa-fido, which gives up when this goes.
pub trait Conversation {
    /// Its next reply.
    ///
    /// # Errors
    /// It has ended, or said something else.
    fn reply(&mut self) -> io::Result<Reply>;

    /// Gives it the PIN that it asked for.
    ///
    /// # Errors
    /// It has ended.
    fn give(&mut self, pin: &Pin) -> io::Result<()>;
}

/// Starts mfa-fido with a request.
pub type Start<'a> = dyn Fn(&Request) -> io::Result<Box<dyn Conversation>> + 'a;

/// Starts the mfa-fido that packages install.
///
/// # Errors
/// Why it cannot be run.
pub fn start(request: &Request) -> io::Result<Box<dyn Conversation>> {
    let helper = Helper::start(Path::new(PATH))?;
    helper.send(&request.encode())?;
    let until = Instant::now() + request.patience + GRACE;
    Ok(Box::new(Started { helper, until }))
}

struct Started {
    helper: Helper,
    until: Instant,
}

impl Conversation for Started {
    fn reply(&mut self) -> io::Result<Reply> {
        self.helper.receive(self.until)
    }

    fn give(&mut self, pin: &Pin) -> io::Result<()> {
        self.helper.send(pin.encode())
    }
}

/// The security keys in this machine's ports, as one run of a command asks them.
pub struct Tokens<'a> {
    start: &'a Start<'a>,
    random: &'a Random<'a>,
    /// What was typed last and was right.
    pin: Option<Pin>,
}

impl<'a> Tokens<'a> {
    /// None of them has been asked yet.
    pub fn new(start: &'a Start<'a>, random: &'a Random<'a>) -> Self {
        Self { start, random, pin: None }
    }

    /// Has a token make a key.
    ///
    /// # Errors
    /// [`Failure::Key`], or as [`Talk::ask`].
    pub fn make<R: BufRead, W: Write>(
        &mut self,
        talk: &mut Talk<R, W>,
        subject: Subject,
    ) -> Result<Made, Failure> {
        match self.run(talk, Task::Enrol(subject))? {
            (Reply::Made(made), _) => Ok(made),
            _ => Err(nonsense()),
        }
    }

    /// Has one of the keys sign something: its place among them, what came of it, and what it was asked to
    /// sign. Only keys that are reached by USB are asked, the first 24 of them.
    ///
    /// # Errors
    /// As [`Tokens::make`]; [`KeyFailure::NoUsb`] if there is none to ask.
    pub fn assert<R: BufRead, W: Write>(
        &mut self,
        talk: &mut Talk<R, W>,
        keys: &[Key],
    ) -> Result<(usize, Assertion, Message), Failure> {
        let asked =
            keys.iter().enumerate().filter_map(|(place, key)| Some((place, candidate(key)?)));
        let (places, candidates): (Vec<_>, Vec<_>) = asked.take(MAX_KEYS).unzip();
        if candidates.is_empty() {
            return Err(KeyFailure::NoUsb.into());
        }
        let (Reply::Assertion { candidate, data, signature }, message) =
            self.run(talk, Task::Assert(candidates))?
        else {
            return Err(nonsense());
        };
        let place = *places.get(candidate).ok_or_else(nonsense)?;
        let key = keys.get(place).ok_or_else(nonsense)?;
        let assertion = Assertion::of_token(&data, &signature, &key.public);
        Ok((place, assertion.map_err(KeyFailure::Unproven)?, message))
    }

    fn run<R: BufRead, W: Write>(
        &mut self,
        talk: &mut Talk<R, W>,
        wanted: Task,
    ) -> Result<(Reply, Message), Failure> {
        let mut message = Message::default();
        (self.random)(&mut message)?;
        let gone = |error| Failure::from(KeyFailure::Helper(error));
        let request = Request { patience: PATIENCE, message, task: wanted };
        let mut helper = (self.start)(&request).map_err(gone)?;
        loop {
            match helper.reply().map_err(gone)? {
                Reply::Insert => talk.say("Insert your key.\n")?,
                Reply::Touch => talk.say("Touch your key.\n")?,
                Reply::NeedPin { left, wrong } => {
                    if wrong {
                        self.pin = None;
                        talk.say(&wrong_pin(left))?;
                    }
                    let pin = match self.pin.take() {
                        Some(pin) => pin,
                        None => ask_pin(talk)?,
                    };
                    helper.give(&pin).map_err(gone)?;
                    self.pin = Some(pin);
                }
                Reply::Failed(failure) => return Err(KeyFailure::Token(failure).into()),
                end @ (Reply::Made(_) | Reply::Assertion { .. }) => return Ok((end, message)),
            }
        }
    }
}

/// Bytes that nobody has seen, such as what a token knows an owner by.
///
/// # Errors
/// [`NoRandomness`].
pub fn fresh(random: &Random) -> Result<[u8; 32], NoRandomness> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(bytes)
}

fn candidate(key: &Key) -> Option<Candidate> {
    let Port::Usb { handle, pin } = &key.port else { return None };
    Some(Candidate {
        relying_party: key.application.clone(),
        handle: handle.clone(),
        public: key.public.clone(),
        touch: key.touch,
        // With its PIN the token knows its user.
        verification: key.verification && !pin,
        pin: *pin,
    })
}

fn nonsense() -> Failure {
    KeyFailure::Helper(io::ErrorKind::InvalidData.into()).into()
}

fn wrong_pin(left: Option<u8>) -> String {
    match left {
        None => "That PIN is wrong.\n".to_owned(),
        Some(1) => "That PIN is wrong; one more, and the key locks itself.\n".to_owned(),
        Some(left) => format!("That PIN is wrong; after {left} more the key locks itself.\n"),
    }
}

/// # Errors
/// [`KeyFailure::GivenUp`] for an empty answer.
fn ask_pin<R: BufRead, W: Write>(talk: &mut Talk<R, W>) -> Result<Pin, Failure> {
    loop {
        let typed = {
            let _silence = Silence::of_terminal();
            talk.ask("PIN of the key: ")?
        };
        match typed.trim_end_matches(['\r', '\n']) {
            "" => return Err(KeyFailure::GivenUp.into()),
            typed => match Pin::new(typed.as_bytes()) {
                Some(pin) => return Ok(pin),
                None => talk.say("A PIN has at most 63 bytes. Try again.\n")?,
            },
        }
    }
}
