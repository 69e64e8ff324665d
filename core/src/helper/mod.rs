//! What is said between mfa-fido, which asks the security keys in this machine's USB ports, and whoever
//! starts it: the module, mfa-enroll or mfactl.
//!
//! Each message is one datagram of a pair of SOCK_SEQPACKET sockets: a byte that says which it is, and its
//! parts in ssh's wire format. One [`Request`] goes in. [`Reply`] after reply comes out; the last of them is
//! an assertion, an enrolled key or a failure. Where a reply asks for it, a [`Pin`] goes in. Whoever closes
//! its end gives up: mfa-fido then cancels what a token waits for, and ends.
//!
//! The one who reads believes nothing: what is malformed, too long or unasked for is an error.

mod pin;
mod reply;
mod request;

pub use pin::Pin;
pub use reply::{Failure, Made, Reply};
pub use request::{Algorithm, Candidate, Request, Subject, Task};

use crate::wire::{Malformed, Reader};

/// Where packages put mfa-fido: fixed, since what a setuid program runs is not for its caller to say.
pub const PATH: &str = "/usr/libexec/mfa-fido";

/// The longest request, in bytes.
pub const MAX_REQUEST: usize = 40 * 1024;

/// The longest reply, in bytes.
pub const MAX_REPLY: usize = 2 * 1024;

/// The longest handle that a token gives out, in bytes (WebAuthn section 4, "credential ID").
pub const MAX_HANDLE: usize = 1023;

/// How many keys one request may name: as many as pam_u2f looks at.
pub const MAX_KEYS: usize = 24;

/// What can only be no or yes.
fn flag(reader: &mut Reader) -> Result<bool, Malformed> {
    match reader.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

/// At most `longest` bytes behind their length.
fn bounded<'a>(reader: &mut Reader<'a>, longest: usize) -> Result<&'a [u8], Malformed> {
    let bytes = reader.string()?;
    if bytes.len() > longest { Err(Malformed) } else { Ok(bytes) }
}
