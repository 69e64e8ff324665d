//! CTAPHID: messages in reports (CTAP 2.1, section 11.2).

use super::Report;

/// Commands (section 11.2.9), with the bit of a first packet.
pub(super) const PING: u8 = 0x81;
pub(super) const MSG: u8 = 0x83;
pub(super) const INIT: u8 = 0x86;
pub(super) const WINK: u8 = 0x88;
pub(super) const CBOR: u8 = 0x90;
pub(super) const CANCEL: u8 = 0x91;
pub(super) const KEEPALIVE: u8 = 0xbb;
pub(super) const ERROR: u8 = 0xbf;

/// Errors (section 11.2.9.1.6).
pub(super) const INVALID_COMMAND: u8 = 0x01;
pub(super) const INVALID_LENGTH: u8 = 0x03;
pub(super) const INVALID_SEQUENCE: u8 = 0x04;
pub(super) const CHANNEL_BUSY: u8 = 0x06;
pub(super) const INVALID_CHANNEL: u8 = 0x0b;

/// Whoever has no channel yet.
pub(super) const BROADCAST: u32 = 0xffff_ffff;

/// The data of a first packet and of each further one, bytes.
const FIRST: usize = 57;
const FURTHER: usize = 59;

/// The longest message, bytes: with 128 further packets.
pub(super) const MOST: usize = FIRST + 128 * FURTHER;

/// A packet.
pub(super) enum Packet {
    /// The first of a message, with what it holds of it.
    First(Message),
    /// A further one: its sequence number and what it holds.
    Further(u8, [u8; FURTHER]),
}

/// A message, as far as it is there.
pub(super) struct Message {
    pub(super) channel: u32,
    pub(super) command: u8,
    pub(super) data: Vec<u8>,
    /// How long it is to be, bytes.
    pub(super) length: usize,
    /// The number of the next packet.
    next: u8,
}

/// The packet in `report`, and its channel.
pub(super) fn packet(report: &Report) -> (u32, Packet) {
    let (channel, rest) = report.split_first_chunk().expect("64 bytes");
    let channel = u32::from_be_bytes(*channel);
    let packet = match *rest.first_chunk().expect("60 bytes") {
        [command @ 0x80..=0xff, high, low] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let data = rest[3..][..length.min(FIRST)].to_vec();
            Packet::First(Message { channel, command, data, length, next: 0 })
        }
        [sequence, ..] => Packet::Further(sequence, *rest.last_chunk().expect("60 bytes")),
    };
    (channel, packet)
}

impl Message {
    /// Whether all of it is there.
    pub(super) fn is_whole(&self) -> bool {
        self.data.len() == self.length
    }

    /// The message with what a further packet holds; `None`, if it is not the next one.
    pub(super) fn with(mut self, sequence: u8, data: &[u8]) -> Option<Self> {
        let missing = self.length - self.data.len();
        self.data.extend(&data[..missing.min(FURTHER)]);
        self.next += 1;
        (sequence + 1 == self.next).then_some(self)
    }
}

/// A message, at most [`MOST`] bytes, in reports.
pub(super) fn reports(channel: u32, command: u8, data: &[u8]) -> Vec<Report> {
    let report = |head: &[u8], data: &[u8]| {
        let mut report = [0; 64];
        let packet = [&channel.to_be_bytes(), head, data].concat();
        report[..packet.len()].copy_from_slice(&packet);
        report
    };
    let [.., high, low] = data.len().to_be_bytes();
    let (start, rest) = data.split_at(data.len().min(FIRST));
    let further = (0..128).zip(rest.chunks(FURTHER)).map(|(number, data)| report(&[number], data));
    [report(&[command, high, low], start)].into_iter().chain(further).collect()
}
