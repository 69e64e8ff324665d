//! Two slots of fixed size in one file: a full disk cannot hinder an update, and a power cut cannot
//! undo one.
//!
//! The sequence of a slot tells the newer one, and its place: even ones are in the first slot, odd
//! ones in the second. An update writes the other slot, flushes, and then sets a mark in it.
//!
//! Why nothing that was acknowledged is ever lost:
//! - Acknowledged means flushed. Only the other slot is written then, until it is flushed itself.
//! - So at any time at most one slot is on its way to the disk, and the other is durable. A power cut
//!   tears at most the one on its way: its checksum fails, and the other one counts.
//! - A process may be killed before its flush, and a flush may fail. Then readers see a slot that the
//!   disk may not hold, and flushing again would not help: after a failure Linux takes the pages for
//!   clean (fsync(2)). The mark tells such a slot, because it is set after the flush only.
//! - A newest slot without its mark is therefore written again, byte for byte, and flushed, before the
//!   other one is touched. If the disk did hold it, a tear does no harm: old and new are the same.
//! - The mark itself need not be durable. After a power cut all that is read is on the disk, and a
//!   mark that was lost costs one flush more.
//! - A write that stops half way may leave the mark of the slot's last sequence behind the new body.
//!   It does not fit: the mark is made of the sequence.
//! - The checksum covers version, sequence and length as well as the body, and all else in a slot is
//!   zero: no mixture of two writes is valid, and no old body looks newer.
//!
//! It takes a disk that does what a flush asks for, and one writer at a time: whoever calls this
//! holds the file's lock from [`Device::read`] on.

mod device;
mod slot;

use std::{fmt, io};

pub use device::Device;
pub use slot::MAX_BODY;

/// The size of the file in bytes, always.
pub const SIZE: usize = 2 * slot::SIZE;

/// What counts: the valid slot with the higher sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest<'a> {
    /// As it was given to [`initial`] or [`commit`].
    pub body: &'a [u8],
    sequence: u64,
    /// Whether it is known to be durable.
    is_marked: bool,
}

/// Why there is nothing that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The file is shorter or longer than [`SIZE`].
    Size,
    /// Both slots are torn, or were never written.
    NoSlot,
    /// A slot is of this version, which a newer pam_mfa wrote. What the other one says is older.
    Newer(u32),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => write!(f, "not {SIZE} bytes"),
            Self::NoSlot => f.write_str("neither slot is valid"),
            Self::Newer(version) => write!(f, "version {version}, of a newer pam_mfa"),
        }
    }
}

impl std::error::Error for Damage {}

/// Finds what counts in a whole file.
///
/// # Errors
/// What is wrong with the file. One slot that is not valid is not an error: a power cut leaves it so.
pub fn load(file: &[u8]) -> Result<Newest<'_>, Damage> {
    if file.len() != SIZE {
        return Err(Damage::Size);
    }
    let mut newest: Option<Newest> = None;
    for (place, bytes) in (0..).zip(file.chunks(slot::SIZE)) {
        let Some((version, slot)) = slot::read(bytes) else { continue };
        if version > slot::VERSION {
            return Err(Damage::Newer(version));
        }
        let is_in_place = slot.sequence % 2 == place;
        if is_in_place && newest.is_none_or(|other| slot.sequence > other.sequence) {
            newest = Some(slot);
        }
    }
    newest.ok_or(Damage::NoSlot)
}

/// A new file: `body` in both slots, so that either alone will do. Without a mark, so that it need
/// not be believed that whoever made the file has flushed it.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] for a body of more than [`MAX_BODY`] bytes.
pub fn initial(body: &[u8]) -> io::Result<Vec<u8>> {
    Ok([slot::write(slot::VERSION, 0, body)?, slot::write(slot::VERSION, 1, body)?].concat())
}

/// Puts `body` in the place of `newest`, which was read from this device. Durable when this returns
/// without an error; after one, either may be what counts.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] for a body of more than [`MAX_BODY`] bytes, and an error when the
/// sequence is at its end; nothing has been written then. Else what the device says.
pub fn commit(device: &mut impl Device, newest: Newest, body: &[u8]) -> io::Result<()> {
    let end = || io::Error::other("the sequence is at its end");
    let sequence = newest.sequence.checked_add(1).ok_or_else(end)?;
    let slot = slot::write(slot::VERSION, sequence, body)?;
    settle(device, newest)?;
    put(device, sequence, &slot)
}

/// Makes durable what was read, for those who rely on it without a change of their own, as when a
/// record is about to be written that refers to it.
///
/// A denial need not: nobody was let in by a state that is not durable.
///
/// # Errors
/// What the device says.
pub fn settle(device: &mut impl Device, newest: Newest) -> io::Result<()> {
    if newest.is_marked {
        return Ok(());
    }
    put(device, newest.sequence, &slot::write(slot::VERSION, newest.sequence, newest.body)?)
}

fn put(device: &mut impl Device, sequence: u64, slot: &[u8]) -> io::Result<()> {
    let start = if sequence % 2 == 0 { 0 } else { slot::SIZE };
    device.write(start, slot)?;
    device.flush()?;
    // The slot is durable with or without it. Without, the next update writes the slot again.
    let _ = device.write(start + slot::MARK, &[slot::mark(sequence)]);
    Ok(())
}

#[cfg(test)]
mod tests;
