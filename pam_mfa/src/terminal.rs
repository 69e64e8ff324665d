//! The terminal that the person sits at, as far as it tells that Enter was pressed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::termios::{FlushArg, LocalFlags, tcflush, tcgetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

/// A terminal from which a line can come while something else is waited for.
#[derive(Debug)]
pub(crate) struct Terminal(OwnedFd);

impl Terminal {
    /// The one that controls this process; `None` where there is none, where this process may not read
    /// from it, or where it does not hand over lines.
    pub(crate) fn of_process() -> Option<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let terminal = Self(open("/dev/tty", flags, Mode::empty()).ok()?);
        let is_in_front = tcgetpgrp(&terminal.0).ok()? == getpgrp();
        let has_lines = tcgetattr(&terminal.0).ok()?.local_flags.contains(LocalFlags::ICANON);
        if !(is_in_front && has_lines) {
            return None;
        }
        terminal.drain();
        Some(terminal)
    }

    /// Throws away what was typed: it answers another question than the next.
    pub(crate) fn drain(&self) {
        // Without it the next prompt is answered by what is there.
        let _ = tcflush(&self.0, FlushArg::TCIFLUSH);
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
