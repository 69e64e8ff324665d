//! The wait for a key, which the person may end.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::pam::Host;
use crate::terminal::Terminal;
use crate::wait::Patience;

/// How long a key is waited for, and what ends that sooner.
pub(super) struct Wait {
    /// By the monotonic clock.
    until: Instant,
    terminal: Option<Terminal>,
    /// What the person may do instead.
    hint: &'static str,
}

impl Wait {
    /// Begins now. Where the person has codes, one can be typed instead.
    pub(super) fn new(host: &impl Host, patience: Duration, has_codes: bool) -> Self {
        let terminal = host.terminal();
        let hint = match (&terminal, has_codes) {
            (None, _) => "",
            (Some(_), true) => ", or press Enter to type a code instead",
            (Some(_), false) => ", or press Enter to give up",
        };
        Self { until: Instant::now() + patience, terminal, hint }
    }

    /// Tells the person what to do.
    pub(super) fn say(&self, host: &mut impl Host, what: &str) {
        host.inform(&format!("{what}{}", self.hint));
    }

    /// So long, or until the person presses Enter.
    pub(super) fn patience(&self) -> Patience<'_> {
        Patience { until: self.until, interrupt: self.terminal.as_ref().map(AsFd::as_fd) }
    }

    /// The person pressed Enter.
    pub(super) fn interrupted(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.drain();
        }
    }
}
