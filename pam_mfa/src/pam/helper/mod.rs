//! mfa-fido, as this module starts it: the host notices nothing, and whatever mfa-fido does, the login goes
//! on in time.

mod child;
#[cfg(test)]
mod tests;

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use mfa_core::helper::{MAX_REPLY, Reply};
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, send, shutdown, socketpair,
};
use nix::sys::stat::{Mode, SFlag, lstat};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Uid;

use super::Tokens;
use crate::wait::{Event, Patience};

/// How long it may take to tell a token that nobody waits any more.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long the kernel may take to end it.
const DEATH: Duration = Duration::from_secs(1);

/// What came of waiting for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It said this.
    Reply(Reply),
    /// The person did something instead.
    Interrupted,
    /// It said nothing in time.
    TimedOut,
}

/// A running mfa-fido. It ends with this.
pub(crate) struct Helper {
    socket: OwnedFd,
    /// Its parent, by pidfd_open(2).
    keeper: OwnedFd,
}

impl Helper {
    /// Starts what lies at `path`, which has to belong to `owner`, with the effective rights of this process.
    ///
    /// # Errors
    /// [`Reason::NoHelper`]. That it cannot be executed shows only when it says nothing.
    pub(crate) fn start(path: &Path, owner: Uid) -> Result<Self, Trouble> {
        let started = is_safe(path, owner)
            .and_then(|()| launch(path).map_err(|errno| errno.desc().to_owned()));
        started.map_err(|why| Trouble::new(Reason::NoHelper, format!("{}: {why}", path.display())))
    }

    /// Waits for the keeper's end.
    fn ends_within(&self, time: Duration) -> bool {
        let patience = Patience { until: Instant::now() + time, interrupt: None };
        patience.wait(self.keeper.as_fd(), PollFlags::POLLIN) == Ok(Event::Ready)
    }
}

impl Tokens for Helper {
    fn send(&self, datagram: &[u8]) -> Result<(), Trouble> {
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        match send(self.socket.as_raw_fd(), datagram, flags) {
            Ok(_) => Ok(()),
            Err(errno) => Err(failed(errno.desc())),
        }
    }

    fn receive(&self, patience: Patience) -> Result<Heard, Trouble> {
        match patience.wait(self.socket.as_fd(), PollFlags::POLLIN) {
            Ok(Event::Ready) => {}
            Ok(Event::Interrupted) => return Ok(Heard::Interrupted),
            Ok(Event::TimedOut) => return Ok(Heard::TimedOut),
            Err(errno) => return Err(failed(errno.desc())),
        }
        // With room to see that a datagram is too long.
        let mut datagram = vec![0; MAX_REPLY + 1];
        match recv(self.socket.as_raw_fd(), &mut datagram, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => Err(failed("it ended")),
            Ok(length) => datagram
                .get(..length)
                .filter(|datagram| datagram.len() <= MAX_REPLY)
                .and_then(|datagram| Reply::decode(datagram).ok())
                .map(Heard::Reply)
                .ok_or_else(|| failed("what it says makes no sense")),
            Err(errno) => Err(failed(errno.desc())),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It sees that nobody listens, and cancels what a token waits for. It may also have ended by itself.
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
        if !self.ends_within(FAREWELL) {
            child::kill(self.keeper.as_fd());
            self.ends_within(DEATH);
        }
        // Nobody else sees this child, and so nobody else takes it away.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
        let _ = waitid(Id::PIDFd(self.keeper.as_fd()), flags);
    }
}

fn failed(why: &str) -> Trouble {
    Trouble::new(Reason::HelperFailed, why)
}

/// A file of `owner` that nobody else can write to.
fn is_safe(path: &Path, owner: Uid) -> Result<(), String> {
    let file = lstat(path).map_err(|errno| errno.desc().to_owned())?;
    let others = (Mode::S_IWGRP | Mode::S_IWOTH).bits();
    if file.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFREG.bits() {
        Err("it is not a regular file".to_owned())
    } else if file.st_uid != owner.as_raw() {
        Err(format!("it belongs to user {}, not to {owner}", file.st_uid))
    } else if file.st_mode & others != 0 {
        Err(format!("mode {:04o} lets others write to it", file.st_mode & 0o7777))
    } else {
        Ok(())
    }
}

fn launch(path: &Path) -> Result<Helper, Errno> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let (socket, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    Ok(Helper { keeper: child::start(&path, theirs.as_fd())?, socket })
}
