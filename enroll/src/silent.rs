//! A terminal that does not show what is typed.

use std::io;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// As long as this is there, the terminal behind the input shows nothing, and nothing that is typed
/// ends the program and leaves it so, as with getpass(3).
pub struct Silence(Option<Termios>);

impl Silence {
    /// Nothing changes where the input is no terminal.
    #[must_use]
    pub fn of_terminal() -> Self {
        let input = io::stdin();
        let before = tcgetattr(&input).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
            silent.local_flags.insert(LocalFlags::ECHONL);
            // A terminal that refuses shows a code that is good once.
            let _ = tcsetattr(&input, SetArg::TCSAFLUSH, &silent);
        }
        Self(before)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // There is nothing else to try.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}
