//! A security key in software: CTAPHID, U2F and CTAP2 (CTAP 2.1, fidoalliance.org), with real
//! cryptography, and every fault that a [`Token`] can have by switch.
//!
//! Programs find it as the kernel's /dev/hidraw0: on a [`Machine`](crate::Machine) by hidraw.c, which is
//! preloaded into all of them, setuid ones too; where there is a /dev/uhid, by the kernel itself.

mod attestation;
mod authenticator;
mod bus;
mod cbor;
mod credential;
mod ctap;
mod device;
mod fault;
mod hid;
mod model;
mod pin;
mod request;
mod socket;
mod token;
mod u2f;
mod uhid;

pub use authenticator::Seen;
pub use fault::Fault;
pub use model::Model;
pub use token::Token;

/// What crosses the bus at once, in either direction.
pub(crate) type Report = [u8; 64];

/// What does not do as it is asked.
pub(crate) enum Refusal {
    /// Nobody has touched it yet.
    Untouched,
    /// With this status: of CTAP2 (CTAP 2.1, section 8.2), or the status word of U2F.
    Status(u16),
}
