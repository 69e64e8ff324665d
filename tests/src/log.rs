//! The system log of one machine.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{fmt, fs, thread};

use crate::PATIENCE;

/// Where syslog(3) delivers: /dev/log is a link to it.
const SOCKET: &str = "/run/log.sock";

/// Messages of our own to the listener. No line of syslog(3)'s is so short.
const MARK: &[u8] = b"m";
const STOP: &[u8] = b"s";

/// Everything that was logged since the machine started, as it came:
/// `<85>Jan  2 03:04:05 sshd[17]: text`.
#[derive(Clone)]
pub struct Log(Arc<(Mutex<Heard>, Condvar)>);

#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    marks: usize,
}

impl Log {
    /// Starts to listen, in the mount namespace of the calling thread.
    pub(crate) fn start() -> Self {
        let socket = UnixDatagram::bind(SOCKET).expect("the log's socket can be bound");
        fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o666)).expect("our own socket");
        let log = Self(Arc::default());
        let listener = log.clone();
        thread::spawn(move || {
            let mut datagram = vec![0; 64 * 1024];
            while let Ok(length) = socket.recv(&mut datagram) {
                let (heard, news) = &*listener.0;
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                match &datagram[..length] {
                    STOP => break,
                    MARK => heard.marks += 1,
                    line => heard.lines.push(String::from_utf8_lossy(line).into_owned()),
                }
                news.notify_all();
            }
        });
        log
    }

    /// Ends the listening thread, and with it the last hold on the machine's namespaces.
    pub(crate) fn stop() {
        send(STOP);
    }

    /// Everything that was logged before this call.
    pub fn lines(&self) -> Vec<String> {
        let marks = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).marks;
        send(MARK); // comes after what was sent before
        self.wait(|heard| heard.marks > marks)
    }

    /// How many lines before this call hold `text`.
    pub fn count(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// The first line that holds `text`, waiting for it if it has not come yet.
    #[track_caller]
    pub fn expect(&self, text: &str) -> String {
        self.expect_line(text, |line| line.contains(text))
    }

    /// Waits until `times` lines hold `text`.
    #[track_caller]
    pub fn expect_times(&self, times: usize, text: &str) {
        let count = |lines: &[String]| lines.iter().filter(|line| line.contains(text)).count();
        let lines = self.wait(|heard| count(&heard.lines) >= times);
        assert_eq!(count(&lines), times, "of {text:?}\n{self}");
    }

    /// The denial of `user` with this reason code, waiting for it if it has not come yet.
    #[track_caller]
    pub fn expect_denied(&self, user: &str, reason: &str) -> String {
        let text = format!("denied user={user} reason={reason}");
        let whole = |rest: &str| rest.is_empty() || rest.starts_with(' ');
        self.expect_line(&text, |line| line.split_once(&text).is_some_and(|(_, rest)| whole(rest)))
    }

    #[track_caller]
    fn expect_line(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let found = |lines: &[String]| lines.iter().find(|line| is_it(line)).cloned();
        let lines = self.wait(|heard| found(&heard.lines).is_some());
        found(&lines).unwrap_or_else(|| panic!("{what:?} was not logged\n{self}"))
    }

    /// All lines, once it is `enough` or patience is over.
    fn wait(&self, enough: impl Fn(&Heard) -> bool) -> Vec<String> {
        let (heard, news) = &*self.0;
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (heard, _) = news
            .wait_timeout_while(heard, PATIENCE, |heard| !enough(heard))
            .unwrap_or_else(PoisonError::into_inner);
        heard.lines.clone()
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- what was logged ---")?;
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn send(message: &[u8]) {
    // Without a listener there is nothing left to say to it.
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(message, SOCKET));
}
