//! Everything that `pam_mfa` decides, and nothing of how it is asked.
//!
//! No PAM, no printing and no clock but the one that ends the wait for a lock: the time, the person's
//! answer and the paths are arguments.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod account;
pub mod audit;
pub mod codes;
pub mod confirm;
mod digest;
#[cfg(test)]
mod docs;
pub mod document;
pub mod fresh;
pub mod gauth;
pub mod helper;
pub mod key;
mod latest;
pub mod limit;
pub mod notice;
pub mod options;
pub mod otp;
pub mod otpauth;
pub mod policy;
pub mod qr;
pub mod random;
pub mod reason;
pub mod record;
pub mod seal;
pub mod secret;
pub mod source;
pub mod ssh;
pub mod state;
pub mod store;
pub mod ticket;
pub mod token;
pub mod u2f;
pub mod verify;
mod wipe;
pub mod wire;
