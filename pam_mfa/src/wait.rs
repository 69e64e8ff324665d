//! Waiting for a descriptor, but neither for ever nor against the person's will.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long to wait for somebody else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience<'a> {
    /// By the monotonic clock, until then.
    pub(crate) until: Instant,
    /// Until this can be read: the person has typed something instead.
    pub(crate) interrupt: Option<BorrowedFd<'a>>,
}

/// What ended the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The descriptor is ready, or its other end has gone.
    Ready,
    /// The other descriptor can be read, or its other end has gone.
    Interrupted,
    /// The moment has come.
    TimedOut,
}

impl Patience<'_> {
    /// Waits until `fd` is ready for `what`. Signals do not end the wait. If both descriptors are ready,
    /// the one that was waited for counts; at the end of the time neither does, whatever comes bit by bit.
    ///
    /// # Errors
    /// What poll(2) says.
    pub(crate) fn wait(&self, fd: BorrowedFd, what: PollFlags) -> Result<Event, Errno> {
        let interrupt = self.interrupt.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let mut fds: Vec<_> = Some(PollFd::new(fd, what)).into_iter().chain(interrupt).collect();
        while let Some(left) = self.left() {
            match poll(&mut fds, left) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) if fds.first().and_then(PollFd::any) == Some(true) => {
                    return Ok(Event::Ready);
                }
                Ok(_) => return Ok(Event::Interrupted),
                Err(errno) => return Err(errno),
            }
        }
        Ok(Event::TimedOut)
    }

    /// In whole milliseconds, and rather one more: without it the last would be spent asking.
    fn left(&self) -> Option<PollTimeout> {
        let left = self.until.checked_duration_since(Instant::now())?;
        Some((left + Duration::from_millis(1)).try_into().unwrap_or(PollTimeout::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(30);

    fn wait(milliseconds: u64, fd: &UnixStream, interrupt: Option<&UnixStream>) -> Event {
        let until = Instant::now() + Duration::from_millis(milliseconds);
        let patience = Patience { until, interrupt: interrupt.map(AsFd::as_fd) };
        patience.wait(fd.as_fd(), PollFlags::POLLIN).unwrap()
    }

    #[test]
    fn until_one_of_three() {
        let (fd, mut other) = UnixStream::pair().unwrap();
        let (interrupt, mut person) = UnixStream::pair().unwrap();
        let begun = Instant::now();
        assert_eq!(wait(30, &fd, Some(&interrupt)), Event::TimedOut);
        assert_eq!(wait(0, &fd, None), Event::TimedOut);
        assert!(begun.elapsed() >= SHORT);

        let typed = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            person.write_all(b"\n").unwrap();
            person
        });
        assert_eq!(wait(10_000, &fd, Some(&interrupt)), Event::Interrupted);
        let _person = typed.join().unwrap();
        other.write_all(b"x").unwrap();
        assert_eq!(wait(10_000, &fd, Some(&interrupt)), Event::Ready, "what was waited for");
        assert_eq!(wait(0, &fd, None), Event::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn ends_that_have_gone() {
        let (fd, other) = UnixStream::pair().unwrap();
        let (interrupt, person) = UnixStream::pair().unwrap();
        drop(person);
        assert_eq!(wait(10_000, &fd, Some(&interrupt)), Event::Interrupted);
        drop(other);
        assert_eq!(wait(10_000, &fd, None), Event::Ready);
    }

    #[test]
    fn far_away_is_not_now() {
        let (fd, mut other) = UnixStream::pair().unwrap();
        other.write_all(b"x").unwrap();
        assert_eq!(wait(1 << 40, &fd, None), Event::Ready);
    }
}
