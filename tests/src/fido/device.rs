//! A token on its bus: its channels, and waiting for a touch.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::authenticator::Authenticator;
use super::ctap::status;
use super::fault::Faults;
use super::hid::{self, Message, Packet};
use super::{Fault, Model, Refusal, Report, u2f};

/// How often it says that it waits for a touch.
const EVERY: Duration = Duration::from_millis(100);

/// A token: reports in, reports out, and when to look again. It knows nothing of what carries them.
pub(crate) struct Device {
    pub(super) authenticator: Authenticator,
    /// The last channel that was given out.
    channels: u32,
    /// A message that is not there as a whole.
    incoming: Option<Message>,
    /// A CTAP2 command that waits for a touch, and when that was last said.
    waiting: Option<(Message, Instant)>,
    /// When a touch was asked for.
    asked: Option<Instant>,
    pulled: bool,
    outgoing: VecDeque<(Instant, Report)>,
}

impl Device {
    pub(crate) fn new(model: Model) -> Self {
        Self {
            authenticator: Authenticator::new(model),
            channels: 0,
            incoming: None,
            waiting: None,
            asked: None,
            pulled: false,
            outgoing: VecDeque::new(),
        }
    }

    /// These faults and no others from here on.
    pub(crate) fn set_faults(&mut self, faults: &[Fault]) {
        self.authenticator.set_faults(faults);
        self.pulled = false;
        self.replug();
    }

    /// Whether it is in its port.
    pub(crate) fn is_plugged(&self) -> bool {
        !self.pulled && !self.faults().has(Fault::Unplugged)
    }

    /// Takes what a program sent.
    pub(crate) fn receive(&mut self, report: &Report, now: Instant) {
        if self.faults().has(Fault::Silent) || !self.is_plugged() {
            return;
        }
        match hid::packet(report) {
            (_, Packet::First(message)) => self.first(message, now),
            (channel, Packet::Further(number, data)) => self.further(channel, number, &data, now),
        }
    }

    /// What a program is to be sent now, if there is anything.
    pub(crate) fn send(&mut self, now: Instant) -> Option<Report> {
        self.wait_for_a_touch(now);
        let is_due = self.outgoing.front().is_some_and(|&(due, _)| due <= now);
        is_due.then(|| self.outgoing.pop_front()).flatten().map(|(_, report)| report)
    }

    /// When there may be more to be sent, or it is pulled out.
    pub(crate) fn due(&self) -> Option<Instant> {
        let faults = self.faults();
        let after = |time: Option<Duration>| Some(self.asked? + time?);
        let report = self.outgoing.front().map(|&(due, _)| due);
        let pulled = after(faults.pulled_after());
        let waiting = self.waiting.as_ref().and_then(|&(_, told)| {
            let ends = [after(faults.touched_after()), after(Some(faults.gives_up_after()))];
            ends.into_iter().flatten().chain([told + EVERY]).min()
        });
        [report, pulled, waiting].into_iter().flatten().min()
    }

    fn first(&mut self, message: Message, now: Instant) {
        let Message { channel, command, length, .. } = message;
        let is_busy = self.waiting.is_some() || self.incoming.is_some();
        match command {
            hid::INIT => self.init(channel, &message.data, now),
            _ if channel == 0 || channel > self.channels => {
                self.error(channel, hid::INVALID_CHANNEL, now);
            }
            hid::CANCEL => self.cancel(channel, now),
            _ if is_busy => self.error(channel, hid::CHANNEL_BUSY, now),
            _ if length > hid::MOST => self.error(channel, hid::INVALID_LENGTH, now),
            _ => self.take(message, now),
        }
    }

    /// What belongs to no message is passed over, as the specification has it.
    fn further(&mut self, channel: u32, number: u8, data: &[u8], now: Instant) {
        if let Some(message) = self.incoming.take_if(|message| message.channel == channel) {
            match message.with(number, data) {
                Some(message) => self.take(message, now),
                None => self.error(channel, hid::INVALID_SEQUENCE, now),
            }
        }
    }

    fn take(&mut self, message: Message, now: Instant) {
        if message.is_whole() {
            self.handle(message, now);
        } else {
            self.incoming = Some(message);
        }
    }

    /// A new channel, or an old one anew: what was under way on it is no more.
    fn init(&mut self, channel: u32, nonce: &[u8], now: Instant) {
        self.authenticator.seen.inits += 1;
        self.incoming.take_if(|message| message.channel == channel);
        self.waiting.take_if(|(message, _)| message.channel == channel);
        self.asked = self.asked.filter(|_| self.waiting.is_some());
        let given = if channel == hid::BROADCAST {
            self.channels += 1;
            self.channels
        } else {
            channel
        };
        // Version 2 of the protocol, no version of its own; it winks, and knows CTAP2 unless it is old.
        let able = if self.authenticator.model.u2f { 0x01 } else { 0x05 };
        let reply = [nonce, &given.to_be_bytes(), &[2, 0, 0, 0, able]].concat();
        self.reply(channel, hid::INIT, &reply, now);
    }

    fn cancel(&mut self, channel: u32, now: Instant) {
        if self.waiting.take_if(|(message, _)| message.channel == channel).is_some() {
            self.authenticator.seen.cancels += 1;
            self.end_of_wait(channel, Err(status::KEEPALIVE_CANCEL), now);
        }
    }

    fn handle(&mut self, message: Message, now: Instant) {
        let (channel, data) = (message.channel, &message.data);
        match message.command {
            hid::PING => self.reply(channel, hid::PING, data, now),
            hid::WINK => {
                self.authenticator.seen.winks += 1;
                self.reply(channel, hid::WINK, &[], now);
            }
            hid::MSG => {
                let is_touched = self.touched(now);
                let result = self.authenticator.u2f(data, is_touched);
                match result {
                    Err(Refusal::Untouched) if self.asked.is_none() => self.ask(now),
                    Err(_) => {}
                    Ok(_) => self.asked = None,
                }
                self.reply(channel, hid::MSG, &u2f::response(result), now);
            }
            hid::CBOR if !self.authenticator.model.u2f => {
                match self.authenticator.ctap2(data, false) {
                    Err(Refusal::Untouched) => {
                        self.ask(now);
                        self.reply(channel, hid::KEEPALIVE, &[2], now);
                        self.waiting = Some((message, now));
                    }
                    result => self.end_of_wait(channel, result, now),
                }
            }
            _ => self.error(channel, hid::INVALID_COMMAND, now),
        }
    }

    fn ask(&mut self, now: Instant) {
        self.authenticator.seen.waits += 1;
        self.asked = Some(now);
    }

    fn wait_for_a_touch(&mut self, now: Instant) {
        let Some(asked) = self.asked else { return };
        if self.faults().pulled_after().is_some_and(|after| now >= asked + after) {
            self.pulled = true;
            return self.replug();
        }
        let Some((message, told)) = self.waiting.take() else { return };
        if self.touched(now) {
            let result = self.authenticator.ctap2(&message.data, true);
            self.end_of_wait(message.channel, result, now);
        } else if now >= asked + self.faults().gives_up_after() {
            self.authenticator.seen.untouched += 1;
            self.end_of_wait(message.channel, Err(status::USER_ACTION_TIMEOUT), now);
        } else if now >= told + EVERY {
            self.reply(message.channel, hid::KEEPALIVE, &[2], now);
            self.waiting = Some((message, now));
        } else {
            self.waiting = Some((message, told));
        }
    }

    fn end_of_wait(&mut self, channel: u32, result: Result<Vec<u8>, Refusal>, now: Instant) {
        self.asked = None;
        let (status, body) = match result {
            Ok(body) => (0, body),
            Err(Refusal::Untouched) => unreachable!("it was touched"),
            Err(Refusal::Status(status)) => (status.to_be_bytes()[1], vec![]),
        };
        self.reply(channel, hid::CBOR, &[&[status], &body[..]].concat(), now);
    }

    fn touched(&self, now: Instant) -> bool {
        let touch = self.faults().touched_after().map(|after| self.asked.unwrap_or(now) + after);
        touch.is_some_and(|touch| touch <= now)
    }

    /// Without power it forgets whom it talks to.
    fn replug(&mut self) {
        if !self.is_plugged() {
            self.authenticator.seen.untouched += u32::from(self.asked.is_some());
            (self.incoming, self.waiting, self.asked) = (None, None, None);
            self.outgoing.clear();
            self.authenticator.pin.restart();
        }
    }

    fn error(&mut self, channel: u32, error: u8, now: Instant) {
        self.reply(channel, hid::ERROR, &[error], now);
    }

    fn reply(&mut self, channel: u32, command: u8, data: &[u8], now: Instant) {
        let time = self.faults().report_takes();
        let mut due = self.outgoing.back().map_or(now, |&(due, _)| due.max(now));
        for report in hid::reports(channel, command, data) {
            due += time;
            self.outgoing.push_back((due, report));
        }
    }

    fn faults(&self) -> &Faults {
        &self.authenticator.faults
    }
}
