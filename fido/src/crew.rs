//! The tokens that are plugged in, and what whoever started us is told of them.

use std::ffi::CString;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use mfa_core::helper::{Failure, Pin, Reply};
use zeroize::Zeroizing;

use crate::ffi::{Device, tokens};
use crate::job::{Job, Obstacle};
use crate::worker::{News, Worker};

/// How often is looked for tokens that were plugged in or out.
const LOOK: Duration = Duration::from_millis(300);
/// How long a token may take to see that a PIN is wrong, before its owner is told to touch it.
const PIN_CHECK: Duration = Duration::from_millis(500);
/// How often, and how long, tokens are told to wait no more: one may not yet have heard what to wait for.
const CANCEL: Duration = Duration::from_millis(20);
const CANCELS: usize = 15;

/// What the main thread hears.
enum Event {
    /// A PIN was typed.
    Pin(Pin),
    /// Whoever started us is gone, or makes no sense.
    GivenUp,
    /// Of the token of this number.
    Token(usize, News),
}

/// What is known of a token.
enum State {
    /// Its thread is at it.
    Busy,
    /// It wants its PIN, to be put there.
    NeedsPin { left: Option<u8>, wrong: bool, place: Sender<Pin> },
    /// It was asked; from then on somebody should be told to touch it.
    Asked { device: Weak<Device>, cue: Option<Instant> },
    /// Its thread has ended.
    Ended(Obstacle),
}

struct Token {
    number: usize,
    path: CString,
    state: State,
}

struct Crew<'a> {
    socket: &'a UnixDatagram,
    job: Arc<Job>,
    deadline: Instant,
    sender: Sender<Event>,
    events: Receiver<Event>,
    tokens: Vec<Token>,
    /// How many tokens there were in all.
    count: usize,
    /// What was last said.
    said: Option<Reply>,
    /// The token whose PIN is being typed.
    asked: Option<usize>,
}

/// Has the job done by one of the tokens and says how it ended; `None` if nobody listens any more.
pub fn run(socket: &UnixDatagram, job: Job, deadline: Instant) -> Option<()> {
    let (sender, events) = channel();
    let listener = sender.clone();
    let ear = socket.try_clone().ok()?;
    thread::spawn(move || listen(&ear, &listener));
    let mut crew = Crew {
        socket,
        job: Arc::new(job),
        deadline,
        sender,
        events,
        tokens: vec![],
        count: 0,
        said: None,
        asked: None,
    };
    let end = crew.serve();
    let said = end.and_then(|reply| crew.say(reply));
    crew.dismiss();
    said
}

/// Hands on what comes in.
fn listen(socket: &UnixDatagram, events: &Sender<Event>) {
    loop {
        // With room to see that a datagram is too long.
        let mut datagram = Zeroizing::new([0; 64]);
        let length = socket.recv(&mut datagram[..]).unwrap_or(0);
        let pin = datagram.get(..length).and_then(|datagram| Pin::decode(datagram).ok());
        let event = pin.map_or(Event::GivenUp, Event::Pin);
        let is_end = matches!(event, Event::GivenUp);
        if events.send(event).is_err() || is_end {
            return;
        }
    }
}

impl Crew<'_> {
    fn serve(&mut self) -> Option<Reply> {
        let mut next_look = Instant::now();
        loop {
            let now = Instant::now();
            if now >= self.deadline {
                return Some(Reply::Failed(self.why_late()));
            }
            if now >= next_look {
                self.look();
                next_look = now + LOOK;
            }
            if let Some(reply) = self.due(now) {
                match reply {
                    Reply::Failed(_) => return Some(reply),
                    _ => self.say(reply)?,
                }
            }
            let until = next_look.min(self.deadline).saturating_duration_since(Instant::now());
            match self.events.recv_timeout(until) {
                Ok(Event::Token(number, news)) => {
                    if let Some(reply) = self.hear(number, news) {
                        return Some(reply);
                    }
                }
                Ok(Event::Pin(pin)) => self.hand_over(pin)?,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::GivenUp) | Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Forgets tokens that are gone, and starts with those that are new or may have changed.
    fn look(&mut self) {
        let mut paths = tokens();
        self.tokens.retain(|token| {
            let may_change = matches!(token.state, State::Ended(Obstacle::Passing));
            paths.contains(&token.path) && !may_change
        });
        paths.retain(|path| self.tokens.iter().all(|token| token.path != *path));
        for path in paths {
            let number = self.count;
            self.count += 1;
            let sender = self.sender.clone();
            let worker = Worker {
                path: path.clone(),
                job: Arc::clone(&self.job),
                deadline: self.deadline,
                tell: move |news| {
                    // Nobody listens any more when the process ends.
                    let _ = sender.send(Event::Token(number, news));
                },
            };
            thread::spawn(move || worker.run());
            self.tokens.push(Token { number, path, state: State::Busy });
        }
    }

    /// Takes in what a token's thread tells; the end, if it is that.
    fn hear(&mut self, number: usize, news: News) -> Option<Reply> {
        let state = match news {
            News::NeedPin { left, wrong, place } => State::NeedsPin { left, wrong, place },
            News::Asked { device, touch, pin } => {
                let cue = Instant::now() + if pin { PIN_CHECK } else { Duration::ZERO };
                State::Asked { device, cue: touch.then_some(cue) }
            }
            News::End(Ok(reply)) => return Some(reply),
            News::End(Err(obstacle)) => State::Ended(obstacle),
        };
        // One that was unplugged is forgotten.
        if let Some(token) = self.tokens.iter_mut().find(|token| token.number == number) {
            token.state = state;
        }
        None
    }

    /// What has to be said now, if anything.
    fn due(&mut self, now: Instant) -> Option<Reply> {
        let mut touch = false;
        let mut is_idle = true;
        let mut lasting = None;
        for token in &self.tokens {
            match &token.state {
                State::NeedsPin { left, wrong, .. } if self.asked.is_none() => {
                    self.asked = Some(token.number);
                    return Some(Reply::NeedPin { left: *left, wrong: *wrong });
                }
                State::Asked { cue, .. } => {
                    touch |= cue.is_some_and(|cue| now >= cue);
                    is_idle = false;
                }
                State::Busy | State::NeedsPin { .. } | State::Ended(Obstacle::Passing) => {
                    is_idle = false;
                }
                State::Ended(Obstacle::Lasting(failure)) => lasting = Some(*failure),
                State::Ended(Obstacle::Unknown | Obstacle::WrongPin) => {}
            }
        }
        let reply = match (touch, is_idle, lasting) {
            (true, ..) => Reply::Touch,
            (false, true, Some(failure)) => Reply::Failed(failure),
            (false, true, None) => Reply::Insert,
            (false, false, _) => return None,
        };
        (self.said.as_ref() != Some(&reply)).then_some(reply)
    }

    fn say(&mut self, reply: Reply) -> Option<()> {
        self.socket.send(&reply.encode()).ok()?;
        self.said = Some(reply);
        Some(())
    }

    /// Gives the PIN to the token for which it was typed, if that is still there.
    fn hand_over(&mut self, pin: Pin) -> Option<()> {
        let asked = self.asked.take()?;
        let token = self.tokens.iter_mut().find(|token| token.number == asked);
        if let Some(Token { state: state @ State::NeedsPin { .. }, .. }) = token {
            if let State::NeedsPin { place, .. } = std::mem::replace(state, State::Busy) {
                let _ = place.send(pin);
            }
        }
        Some(())
    }

    fn why_late(&self) -> Failure {
        let waits = |token: &Token| !matches!(token.state, State::Ended(Obstacle::Unknown));
        if self.tokens.iter().any(waits) {
            Failure::Late
        } else if self.tokens.is_empty() {
            Failure::Absent
        } else {
            Failure::Unknown
        }
    }

    /// Tells all tokens to wait no more: one would blink on, and refuse whoever comes next.
    fn dismiss(&self) {
        for _ in 0..CANCELS {
            let held = self.tokens.iter().filter_map(|token| match &token.state {
                State::Asked { device, .. } => device.upgrade(),
                _ => None,
            });
            // One for U2F cannot be told; it waits only while it is asked again and again.
            if held.filter(|device| device.cancel()).count() == 0 {
                return;
            }
            thread::sleep(CANCEL);
        }
    }
}
