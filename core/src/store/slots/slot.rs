//! One slot: a header line, the body, zeros, and in the last byte the mark.
//!
//! The header is `pam_mfa-state VERSION SEQUENCE LENGTH CHECKSUM`, numbers in decimal, the checksum
//! SHA-256 (FIPS 180-4) in hexadecimal of the line before it, the blank included, and the body. Later
//! versions keep this frame and change what is in the body.

use std::io;

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};

use super::Newest;

/// In bytes: a whole page of most kernels, and whole sectors of every disk.
pub(super) const SIZE: usize = 4096;
/// Where the mark is.
pub(super) const MARK: usize = SIZE - 1;
/// What this program writes.
pub(super) const VERSION: u32 = 1;

/// What is behind the body.
const EMPTY: [u8; SIZE] = [0; SIZE];

/// The largest body in bytes, whatever the sequence.
pub const MAX_BODY: usize =
    MARK - "pam_mfa-state 1 18446744073709551615 3988 ".len() - 2 * 32 - "\n".len();

/// The bytes of a slot, not marked.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] for a body of more than [`MAX_BODY`] bytes.
pub(super) fn write(version: u32, sequence: u64, body: &[u8]) -> io::Result<Vec<u8>> {
    if body.len() > MAX_BODY {
        let why = format!("a state of {} bytes, and a slot holds {MAX_BODY}", body.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    let fields = format!("pam_mfa-state {version} {sequence} {} ", body.len());
    let mut checksum = Context::new(&SHA256);
    checksum.update(fields.as_bytes());
    checksum.update(body);
    let header = fields + &HEXLOWER.encode(checksum.finish().as_ref()) + "\n";

    let mut slot = Vec::with_capacity(SIZE);
    slot.extend_from_slice(header.as_bytes());
    slot.extend_from_slice(body);
    slot.extend_from_slice(EMPTY.get(slot.len()..).unwrap_or_default());
    Ok(slot)
}

/// Version and content of a slot, if it is what [`write()`] makes of them, byte for byte but the mark.
pub(super) fn read(slot: &[u8]) -> Option<(u32, Newest<'_>)> {
    let (&last, slot) = slot.split_last()?;
    let end = slot.iter().position(|&byte| byte == b'\n')?;
    let (header, rest) = slot.split_at_checked(end)?;
    let mut fields = std::str::from_utf8(header).ok()?.split(' ').skip(1);
    let version = fields.next()?.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    let length = fields.next()?.parse().ok()?;
    let body = rest.get(1..)?.get(..length)?;

    let written = write(version, sequence, body).ok()?;
    let is_valid = version >= VERSION && written.starts_with(slot);
    is_valid.then_some((version, Newest { body, sequence, is_marked: last == mark(sequence) }))
}

/// What the last byte is once the slot is known to be durable: 0x80 and the lower seven bits of the
/// sequence.
pub(super) fn mark(sequence: u64) -> u8 {
    let [.., low] = sequence.to_be_bytes();
    0x80 | low
}
