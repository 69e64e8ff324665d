//! The agent that a person has brought along (ssh-agent(1)), asked for signatures.
//!
//! It is the person's, and may be anything: whatever it does costs at most the deadline, a megabyte, and
//! the signature.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use mfa_core::key::Assertion;
use mfa_core::reason::Reason;
use mfa_core::ssh::SkKey;
use mfa_core::ssh::agent::{self, MAX_REPLY};
use mfa_core::store::{Rights, Trouble};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, getsockopt, recv, send, socket,
};
use nix::sys::stat::{SFlag, lstat};

use crate::wait::{Event, Patience};

/// For how long an agent is asked which keys it has: nobody touches anything for that, and nobody is told
/// yet that there is something to wait for.
const LISTING: Duration = Duration::from_secs(5);

/// An agent that answers.
#[derive(Debug)]
pub(crate) struct Agent<'a> {
    socket: OwnedFd,
    patience: Patience<'a>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The person has typed something instead.
    Interrupted,
    /// Whatever else: [`Reason::KeyTimeout`] for silence until the deadline, [`Reason::AgentRefused`],
    /// [`Reason::AgentFailed`], or what is wrong with a signature.
    Failed(Trouble),
}

impl<'a> Agent<'a> {
    /// Connects to the agent at `path`, the value of `SSH_AUTH_SOCK`, without waiting. It must be a socket
    /// that the person with these rights, the real user of the process, owns and listens at, and it is
    /// reached with these rights. Everything that is asked of the agent has to be done within `patience`.
    ///
    /// # Errors
    /// [`Reason::NoAgent`] if nobody is there, [`Reason::AgentFailed`] if somebody else may be,
    /// [`Reason::NoRights`].
    pub(crate) fn connect(
        path: &Path,
        rights: Rights,
        patience: Patience<'a>,
    ) -> Result<Self, Trouble> {
        let socket = rights.run(|| reach(path, rights)).and_then(|reached| {
            reached
                .map_err(|(reason, why)| Trouble::new(reason, format!("{}: {why}", path.display())))
        })?;
        Ok(Self { socket, patience })
    }

    /// Its security keys, whoever's they are. It has 5 s to say so, and no more than all in all.
    ///
    /// # Errors
    /// Why there is no answer; then the agent is of no more use.
    pub(crate) fn keys(&mut self) -> Result<Vec<SkKey>, Unanswered> {
        let until = self.patience.until;
        self.patience.until = until.min(Instant::now() + LISTING);
        let reply = self.ask(&agent::list())?;
        self.patience.until = until;
        agent::keys(&reply).map_err(|reason| failed(reason, "to the question for its keys"))
    }

    /// What `key` signs, if the person touches it: `data`, hashed. Whether the signature is right is for
    /// others to say.
    ///
    /// # Errors
    /// Why there is none. After [`Reason::AgentRefused`] another key can still be asked.
    pub(crate) fn sign(&mut self, key: &SkKey, data: &[u8]) -> Result<Assertion, Unanswered> {
        let reply = self.ask(&agent::sign(key, data))?;
        agent::assertion(&reply, key)
            .map_err(|reason| failed(reason, "to the question for a signature"))
    }

    fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, Unanswered> {
        self.write(request)?;
        let mut length = [0; 4];
        self.read(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_REPLY {
            return Err(failed(Reason::AgentFailed, &format!("an answer of {length} bytes")));
        }
        let mut reply = vec![0; length];
        self.read(&mut reply)?;
        Ok(reply)
    }

    fn write(&self, mut bytes: &[u8]) -> Result<(), Unanswered> {
        while !bytes.is_empty() {
            self.wait(PollFlags::POLLOUT)?;
            // A host may not expect SIGPIPE.
            match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(failed(Reason::AgentFailed, errno.desc())),
            }
        }
        Ok(())
    }

    fn read(&self, bytes: &mut [u8]) -> Result<(), Unanswered> {
        let mut filled = 0;
        while let Some(space @ [_, ..]) = bytes.get_mut(filled..) {
            self.wait(PollFlags::POLLIN)?;
            match recv(self.socket.as_raw_fd(), space, MsgFlags::empty()) {
                Ok(0) => return Err(failed(Reason::AgentFailed, "gone before the answer's end")),
                Ok(read) => filled += read,
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(failed(Reason::AgentFailed, errno.desc())),
            }
        }
        Ok(())
    }

    fn wait(&self, what: PollFlags) -> Result<(), Unanswered> {
        match self.patience.wait(self.socket.as_fd(), what) {
            Ok(Event::Ready) => Ok(()),
            Ok(Event::Interrupted) => Err(Unanswered::Interrupted),
            Ok(Event::TimedOut) => Err(failed(Reason::KeyTimeout, "the agent")),
            Err(errno) => Err(failed(Reason::AgentFailed, errno.desc())),
        }
    }
}

/// A socket that leads to a process of this user, and why not.
fn reach(path: &Path, rights: Rights) -> Result<OwnedFd, (Reason, String)> {
    let absent = |errno: Errno| (Reason::NoAgent, errno.desc().to_owned());
    let wrong = |why: &str| (Reason::AgentFailed, why.to_owned());
    if !path.is_absolute() {
        return Err(wrong("not an absolute path"));
    }
    let stat = lstat(path).map_err(absent)?;
    if SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) != SFlag::S_IFSOCK {
        return Err(wrong("not a socket"));
    }
    let owned_by = |uid: u32| {
        if uid == rights.uid.as_raw() {
            Ok(())
        } else {
            Err(wrong(&format!("of uid {uid}, not {}", rights.uid)))
        }
    };
    owned_by(stat.st_uid)?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(absent)?;
    let address = UnixAddr::new(path).map_err(absent)?;
    connect(socket.as_raw_fd(), &address).map_err(absent)?;
    // Under this name may be another by now.
    owned_by(getsockopt(&socket, PeerCredentials).map_err(absent)?.uid())?;
    Ok(socket)
}

fn failed(reason: Reason, detail: &str) -> Unanswered {
    Unanswered::Failed(Trouble::new(reason, detail))
}

#[cfg(test)]
mod tests;
