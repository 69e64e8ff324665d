//! Where somebody sits: an address, or a session on this machine.

use std::net::IpAddr;

use crate::digest::digest;

/// What tells one place from another, as one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The address, whatever the port; where there is none, the terminal, who called, and the session
    /// that this belongs to. `None` where nobody can tell: there nothing is fresh.
    #[must_use]
    pub fn of(
        source: Option<IpAddr>,
        tty: Option<&str>,
        invoker: Option<&str>,
        leader: Option<Leader>,
    ) -> Option<Self> {
        if let Some(address) = source {
            return Some(Self(address.to_string()));
        }
        let (tty, leader) = (tty.filter(|tty| !tty.is_empty())?, leader?);
        let place = digest(&[
            tty.as_bytes(),
            invoker.unwrap_or_default().as_bytes(),
            &leader.pid.to_be_bytes(),
            &leader.started.to_be_bytes(),
        ]);
        Some(Self(place.to_string()))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first process of a session (setsid(2)): the shell of a terminal, or sshd's or login's child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    /// Its process id, which another process may have had before.
    pub pid: u32,
    /// When it was started, in clock ticks since boot.
    pub started: u64,
}

impl Leader {
    /// Reads its /proc/PID/stat (proc_pid_stat(5)). `None` for a session without a terminal: that of a
    /// daemon has everybody in it.
    #[must_use]
    pub fn read(stat: &str) -> Option<Self> {
        let pid = stat.split(' ').next()?.parse().ok()?;
        // The name of the program may hold anything.
        let (_, behind) = stat.rsplit_once(") ")?;
        let mut fields = behind.split(' ');
        // Fields 7 and 22; the first behind the name is the third.
        let terminal = fields.nth(4)?;
        let started = fields.nth(14)?.parse().ok()?;
        (terminal != "0").then_some(Self { pid, started })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::address;

    const SHELL: Leader = Leader { pid: 4711, started: 123_456 };

    fn local(tty: &str, invoker: Option<&str>, leader: Option<Leader>) -> Option<Place> {
        Place::of(None, Some(tty), invoker, leader)
    }

    #[test]
    fn an_address_is_a_place_whatever_else_is_known() {
        let of = |text| Place::of(address(text), Some("ssh"), None, None).unwrap();
        for (text, word) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:0::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
        ] {
            assert_eq!(of(text).as_str(), word);
        }
        assert_ne!(of("2001:db8::1"), of("2001:db8::2"), "not the network, the address");
        let there = address("192.0.2.7");
        assert_eq!(
            Place::of(there, Some("pts/1"), Some("bob"), Some(SHELL)),
            Some(of("192.0.2.7"))
        );
    }

    #[test]
    fn without_one_it_takes_terminal_and_session() {
        let here = local("pts/1", Some("bob"), Some(SHELL)).unwrap();
        assert_eq!(here.as_str().len(), 64);
        assert_eq!(local("pts/1", Some("bob"), Some(SHELL)), Some(here.clone()));
        for other in [
            local("pts/2", Some("bob"), Some(SHELL)),
            local("pts/1", Some("bo"), Some(SHELL)),
            local("pts/1", None, Some(SHELL)),
            local("pts/1b", Some("ob"), Some(SHELL)),
            local("pts/1", Some("bob"), Some(Leader { pid: 4712, ..SHELL })),
            local("pts/1", Some("bob"), Some(Leader { started: 123_457, ..SHELL })),
        ] {
            assert!(other.is_some_and(|other| other != here));
        }
        for nowhere in [
            local("pts/1", Some("bob"), None),
            local("", Some("bob"), Some(SHELL)),
            Place::of(None, None, Some("bob"), Some(SHELL)),
        ] {
            assert_eq!(nowhere, None);
        }
    }

    #[test]
    fn a_leader_is_read_whatever_its_program_is_called() {
        let stat = |name: &str, terminal: &str| {
            format!(
                "4711 ({name}) S 4710 4711 4711 {terminal} 4720 4194560 1 2 3 4 5 6 7 8 20 0 1 0 \
                 123456 8777728 1300 18446744073709551615 1 1 0 0 0 0 65536 3670020 1266777851 0 0\n"
            )
        };
        for name in ["bash", "a b", "x) S 1 1 1 0 1 1", ") ", "", "\n"] {
            assert_eq!(Leader::read(&stat(name, "34817")), Some(SHELL), "{name}");
        }
        assert_eq!(Leader::read(&stat("sshd", "0")), None, "a daemon");
        let whole = stat("bash", "34817");
        for length in 0..whole.find("123456").unwrap() {
            assert_eq!(Leader::read(&whole[..length]), None, "{length} bytes");
        }
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        // Whether it has a terminal depends on who runs the tests.
        let leader = Leader::read(&own);
        assert!(leader.is_none_or(|it| it.pid == std::process::id() && it.started > 0), "{own}");
    }
}
