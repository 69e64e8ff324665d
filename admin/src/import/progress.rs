//! How far it has come, on a terminal.

use std::io::{self, IsTerminal, Write};

const WIDTH: usize = 40;

/// A line on the terminal behind stderr that is written over and over; nothing if there is none.
pub struct Progress {
    total: usize,
    is_shown: bool,
}

impl Progress {
    /// Of so many steps.
    pub fn new(total: usize) -> Self {
        Self { total, is_shown: total > 1 && io::stderr().is_terminal() }
    }

    /// Shows that so many are done.
    pub fn show(&self, done: usize) {
        if self.is_shown {
            put(&format!("\r{}", bar(done, self.total)));
        }
    }

    /// Takes the line away, so that something else can be written.
    pub fn clear(&self) {
        if self.is_shown {
            put("\r\x1b[K");
        }
    }
}

fn put(text: &str) {
    let mut terminal = io::stderr();
    // Whoever does not see it misses nothing.
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

fn bar(done: usize, total: usize) -> String {
    let full = done.saturating_mul(WIDTH).checked_div(total).unwrap_or(WIDTH).min(WIDTH);
    format!("[{}{}] {done} of {total}", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_up() {
        assert_eq!(bar(0, 3), format!("[{}] 0 of 3", ".".repeat(40)));
        assert_eq!(bar(1, 2), format!("[{}{}] 1 of 2", "#".repeat(20), ".".repeat(20)));
        assert_eq!(bar(3, 3), format!("[{}] 3 of 3", "#".repeat(40)));
        assert!(bar(5, 0).contains("] 5 of 0"));
    }
}
