//! mfa-fido asks the security keys in this machine's USB ports, for pam_mfa, mfa-enroll and mfactl: see
//! [`mfa_core::helper`] for what is said. It is a process of its own so that a token or a library that hangs
//! can be killed.
//!
//! Each token that is plugged in has a thread, which alone talks to it; another listens to whoever started
//! us; the main thread hears them all, and speaks.

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod assert;
mod bytes;
mod crew;
mod enrol;
mod ffi;
mod guard;
mod job;
mod worker;

use std::io::stdin;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::time::Instant;

use mfa_core::helper::{MAX_REQUEST, Request};

use job::Job;

fn main() {
    // There is nobody to tell; whoever waits for a reply sees that the socket is closed.
    let _ = serve();
    ffi::quit()
}

/// Does what is asked for; `None` if nothing that makes sense is.
fn serve() -> Option<()> {
    guard::raise().ok()?;
    ffi::prepare();
    let socket = UnixDatagram::from(stdin().as_fd().try_clone_to_owned().ok()?);
    // With room to see that a datagram is too long.
    let mut datagram = vec![0; MAX_REQUEST + 1];
    let length = socket.recv(&mut datagram).ok()?;
    let request = Request::decode(datagram.get(..length)?).ok()?;
    let deadline = Instant::now() + request.patience;
    crew::run(&socket, Job::new(request.message, request.task), deadline)
}
