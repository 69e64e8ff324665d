//! The means by which the end-to-end tests see a real login: a [`Machine`] of each test's own, with
//! its users, PAM stacks, network and system log; real servers on it ([`Sshd`], [`Postgres`],
//! [`Vsftpd`]), if need be by a [`Clock`] of their own; security keys in software ([`fido`], [`ssh`]); and
//! a person at a terminal ([`Dialogue`]).
//!
//! Everything here runs as root inside `tests/sandbox.sh`; `make check` calls it so.

#![forbid(unsafe_code)]
#![allow(
    clippy::missing_panics_doc,
    reason = "a panic is how a test fails, and its message says why"
)]
#![allow(clippy::must_use_candidate, reason = "much of this is done for what it checks on the way")]

mod callgrind;
mod certificate;
mod clock;
mod crowd;
mod dialogue;
pub mod fido;
mod footprint;
mod host;
mod impostor;
mod log;
mod loop_disk;
mod machine;
mod namespace;
mod neighbour;
mod openvpn;
mod otp;
mod postgres;
mod program;
mod record;
mod server;
mod snippet;
pub mod ssh;
mod sshd;
pub mod strace;
pub mod timer;
mod token;
mod user;
mod vsftpd;

pub use callgrind::instructions;
pub use certificate::certificate;
pub use clock::Clock;
pub use crowd::{Client, rush, serve_in_threads};
pub use dialogue::Dialogue;
pub use footprint::{footprint, installed};
pub use host::{Answer, Begun, Children, Circumstances, Conversation, Host, Then, changed};
pub use impostor::Impostor;
pub use log::Log;
pub use loop_disk::LoopDisk;
pub use machine::{Machine, run};
pub use namespace::Namespace;
pub use neighbour::Neighbour;
pub use openvpn::OpenVpn;
pub use otp::Secret;
pub use postgres::Postgres;
pub use record::{Enrolment, RECORDS};
pub use snippet::Snippet;
pub use sshd::Sshd;
pub use token::token_module;
pub use user::{PASSWORD, User};
pub use vsftpd::Vsftpd;

use std::env;
use std::str::FromStr;
use std::time::Duration;

/// The secret of RFC 4226's vectors, appendix D.
pub const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// What PAM returns to whoever is denied, `PAM_AUTH_ERR`.
pub const DENIED: i32 = 7;

/// How the module asks for a code.
pub const CODE: &str = "Verification code: ";

/// What enrols for codes by time that are good once, without a question.
pub const BY_TIME: &[&str] = &["-t", "-C", "-f", "-d", "-w", "3", "-u", "-q"];

/// What enrols for codes by counter, without a question.
pub const BY_COUNTER: &[&str] = &["-c", "-f", "-w", "3", "-u", "-q"];

/// What the environment variable `name` says, if it is there and not empty.
#[track_caller]
pub fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The longest that anything here waits for anything, s: far above what a login takes, also where a
/// machine has much else to do.
pub const PATIENCE: Duration = Duration::from_secs(30);
