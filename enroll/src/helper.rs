//! mfa-fido, as a command starts it: see [`mfa_core::helper`] for what is said.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mfa_core::helper::{MAX_REPLY, Reply};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

/// How long it may take to tell a token that nobody waits any more.
const FAREWELL: Duration = Duration::from_millis(500);

/// A running mfa-fido. It ends with this.
pub struct Helper {
    socket: UnixDatagram,
    child: Child,
}

impl Helper {
    /// Starts what lies at `path`, with the rights of whoever calls and nothing else of theirs.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(path: &Path) -> io::Result<Self> {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let child = Command::new(path)
            .env_clear()
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { socket: ours.into(), child })
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// What the system says; [`ErrorKind::BrokenPipe`] if it has ended.
    pub fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram).map(|_| ())
    }

    /// Waits for what it says next.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`], [`ErrorKind::UnexpectedEof`] if it has ended, [`ErrorKind::InvalidData`] if it
    /// makes no sense, and what else the system says.
    pub fn receive(&self, until: Instant) -> io::Result<Reply> {
        // With room to see that a datagram is too long.
        let mut datagram = vec![0; MAX_REPLY + 1];
        let length = loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv(&mut datagram) {
                Err(error)
                    if [ErrorKind::Interrupted, ErrorKind::WouldBlock].contains(&error.kind()) => {}
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                length => break length?,
            }
        };
        let datagram = datagram.get(..length).filter(|datagram| datagram.len() <= MAX_REPLY);
        datagram
            .and_then(|datagram| Reply::decode(datagram).ok())
            .ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It sees that nobody listens, and cancels what a token waits for. It may also have ended by itself.
        let _ = self.socket.shutdown(Shutdown::Both);
        let until = Instant::now() + FAREWELL;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(program: &str, milliseconds: u64) -> io::Result<Reply> {
        let begun = Instant::now();
        let helper = Helper::start(Path::new(program))?;
        let heard = helper.receive(Instant::now() + Duration::from_millis(milliseconds));
        drop(helper);
        assert!(begun.elapsed() < Duration::from_secs(3));
        heard
    }

    #[test]
    fn programs_that_are_not_mfa_fido() {
        assert_eq!(of("/nonexistent", 1).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(of("/bin/true", 10_000).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    /// It reads its descriptor 0, and writes to a descriptor 1 that is not the socket.
    #[test]
    fn what_is_said_and_heard() {
        let helper = Helper::start(Path::new("/bin/cat")).unwrap();
        helper.send(b"x").unwrap();
        let heard = helper.receive(Instant::now() + Duration::from_millis(100));
        assert_eq!(heard.unwrap_err().kind(), ErrorKind::TimedOut);
        let begun = Instant::now();
        drop(helper);
        assert!(begun.elapsed() < FAREWELL, "it saw the end");
    }
}
