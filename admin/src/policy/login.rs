//! The login that a command comes from: whether it is younger than a trial.

use std::{fs, process};

use mfa_core::policy::Trial;

/// What the system says of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Login {
    /// Its audit session (`/proc/PID/sessionid`); `None` if nobody logged in, or the kernel keeps no
    /// account of it.
    pub session: Option<u64>,
    /// The newest audit session of any process; 0 if there is none.
    pub newest: u64,
    /// When the session of its terminal began, in clock ticks since the boot; `None` without a terminal.
    pub terminal: Option<u64>,
    /// When the command itself began, in the same.
    pub began: u64,
}

impl Login {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let pid = process::id();
        let stat = |pid| {
            let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Stat::read(&text)
        };
        Self {
            session: session(pid),
            newest: newest(),
            terminal: terminal(&stat, pid),
            began: stat(pid).map_or(u64::MAX, |stat| stat.began),
        }
    }

    /// Whether it came after a trial had begun; `None` if there was no login.
    #[must_use]
    pub fn is_after(&self, trial: &Trial) -> Option<bool> {
        match (self.session, self.terminal) {
            (Some(session), _) => Some(session > trial.session),
            (None, Some(terminal)) => Some(terminal > trial.began),
            (None, None) => None,
        }
    }
}

fn session(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/sessionid")).ok()?;
    // The largest number says that there was no login.
    text.trim_end().parse().ok().filter(|&id: &u32| id != u32::MAX).map(u64::from)
}

fn newest() -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        session(pid)
    });
    processes.max().unwrap_or(0)
}

/// When the outermost session began that has a terminal: sudo gives a command one of its own.
fn terminal(stat: &dyn Fn(u32) -> Option<Stat>, mut pid: u32) -> Option<u64> {
    let mut leader = None;
    // Up to the first process, whose parent is 0.
    while let Some(process) = stat(pid).filter(|process| process.terminal != 0) {
        leader = Some(process.session);
        pid = process.parent;
    }
    Some(stat(leader?)?.began)
}

/// What is looked at of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    session: u32,
    terminal: i32,
    began: u64,
}

impl Stat {
    /// Fields 4, 6, 7 and 22; the name before them may hold anything.
    fn read(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(1);
        Some(Self {
            parent: fields.next()?.parse().ok()?,
            session: fields.nth(1)?.parse().ok()?,
            terminal: fields.next()?.parse().ok()?,
            began: fields.nth(14)?.trim_end().parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_whom_the_kernel_speaks() {
        let text = "7 (a) b) (c) S 3 7 5 34816 9 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 99 9\n";
        let stat = Stat { parent: 3, session: 5, terminal: 34816, began: 12345 };
        assert_eq!(Stat::read(text), Some(stat));
        for text in ["", "7 (a) S 3", "7 (a) S x 7 5 0 9 0 0 0 0 0 0 0 0 0 20 0 1 0 1 9"] {
            assert_eq!(Stat::read(text), None, "{text}");
        }
        let login = Login::of_process();
        assert!((1..u64::MAX).contains(&login.began));
        assert!(login.session.is_none_or(|session| session <= login.newest));
    }

    #[test]
    fn the_outermost_terminal_counts() {
        // sshd, a shell, sudo, its monitor on a terminal of its own, and the command.
        let stat = |pid| {
            let (parent, session, terminal, began) = match pid {
                10 => (1, 10, 0, 100),
                20 => (10, 20, 1, 200),
                30 => (20, 20, 1, 300),
                40 => (30, 40, 2, 400),
                50 => (40, 40, 2, 500),
                60 => (10, 60, 0, 600),
                _ => return None,
            };
            Some(Stat { parent, session, terminal, began })
        };
        for (pid, began) in
            [(50, Some(200)), (30, Some(200)), (20, Some(200)), (60, None), (7, None)]
        {
            assert_eq!(terminal(&stat, pid), began, "{pid}");
        }
    }

    #[test]
    fn what_comes_after_a_trial() {
        let trial = Trial {
            since: 0,
            until: 1,
            boot: "b".to_owned(),
            session: 7,
            began: 500,
            has_previous: true,
        };
        for (session, terminal, after) in [
            (Some(7), Some(900), Some(false)),
            (Some(6), None, Some(false)),
            (Some(8), Some(100), Some(true)),
            (None, Some(500), Some(false)),
            (None, Some(501), Some(true)),
            (None, None, None),
        ] {
            let login = Login { session, terminal, ..Login::default() };
            assert_eq!(login.is_after(&trial), after, "{login:?}");
        }
    }
}
