//! The system's log, and who is named there.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::{env, fmt, fs, process};

use mfa_core::audit::Value;
use nix::unistd::getuid;

/// Who runs the command, as far as the system says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoker {
    /// The real user id.
    pub uid: u32,
    /// The user id of the login that this came from (proc_pid_loginuid(5)); `None` if it came from
    /// none, or the kernel keeps no account of it.
    pub login_uid: Option<u32>,
    /// What sudo says (sudo(8)). Whoever is root already can say anything.
    pub sudo_user: Option<String>,
}

impl Invoker {
    /// Who runs this process.
    #[must_use]
    pub fn of_process() -> Self {
        let login_uid = fs::read_to_string("/proc/self/loginuid").ok();
        Self {
            uid: getuid().as_raw(),
            login_uid: login_uid.and_then(|text| login_uid_in(&text)),
            sudo_user: env::var_os("SUDO_USER").map(|user| user.to_string_lossy().into_owned()),
        }
    }
}

/// The largest number says that there was no login.
fn login_uid_in(text: &str) -> Option<u32> {
    text.trim_end().parse().ok().filter(|&uid| uid != u32::MAX)
}

impl fmt::Display for Invoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid={}", self.uid)?;
        if let Some(login_uid) = self.login_uid {
            write!(f, " login_uid={login_uid}")?;
        }
        match &self.sudo_user {
            Some(user) => write!(f, " sudo_user={}", Word(user)),
            None => Ok(()),
        }
    }
}

/// Takes what somebody does for the system's log.
pub struct Log<'a> {
    /// Who does it.
    pub invoker: &'a Invoker,
    /// Takes a line.
    pub write: &'a dyn Fn(&str),
}

impl Log<'_> {
    /// Writes that a command has changed something, or shown a secret. All such lines are made here, as
    /// soon as the change counts and before anybody is told.
    ///
    /// `object` is a key and a name, such as `("user", "alice")`. `before` and `after` are names and
    /// numbers, never a secret; empty where there is nothing.
    pub fn changed(&self, object: (&str, &str), what: &str, before: &str, after: &str) {
        let (key, name) = object;
        let [name, before, after] = [name, before, after].map(Word);
        let invoker = self.invoker;
        (self.write)(&format!(
            "changed {key}={name} what={what} before={before} after={after} {invoker}"
        ));
    }
}

/// A value without blanks: no part of it reads like another field, or like the words that log filters
/// look for.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Value(self.0).to_string().replace(' ', "\\x20"))
    }
}

/// Facility authpriv, severity notice (RFC 5424 section 6.2.1).
const PRIORITY: u8 = 10 * 8 + 5;

/// Writes `line` to the system's log, as `program` and where only root reads it; says so on stderr if
/// nobody takes it, which syslog(3) would not.
pub fn write(program: &str, line: &str) {
    if let Err(error) = send(Path::new("/dev/log"), program, line) {
        // There is nobody left to tell if this cannot be written.
        let _ = writeln!(io::stderr(), "{program}: not in the system's log ({error}): {line}");
    }
}

/// As syslog(3) sends it, but for the time, which whoever takes it knows as well.
fn send(socket: &Path, program: &str, line: &str) -> io::Result<()> {
    let message = format!("<{PRIORITY}>{program}[{}]: {line}", process::id());
    UnixDatagram::unbound()?.send_to(message.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_forges_a_field() {
        let invoker =
            Invoker { uid: 0, login_uid: Some(1000), sudo_user: Some("bob uid=7\n".to_owned()) };
        let shown = invoker.to_string();
        assert_eq!(shown, r#"uid=0 login_uid=1000 sudo_user="bob\x20uid=7\n""#);
        let nobody = Invoker { login_uid: None, sudo_user: None, ..invoker };
        assert_eq!(nobody.to_string(), "uid=0");
    }

    #[test]
    fn a_line_is_sent_as_syslog_sends_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(&path, "mfactl", "changed user=alice").unwrap();
        let mut bytes = [0; 200];
        let length = socket.recv(&mut bytes).unwrap();
        let expected = format!("<85>mfactl[{}]: changed user=alice", process::id());
        assert_eq!(std::str::from_utf8(&bytes[..length]), Ok(expected.as_str()));
        assert!(send(&dir.path().join("none"), "mfactl", "x").is_err());
    }

    #[test]
    fn whoever_did_not_log_in() {
        for (text, uid) in
            [("1000\n", Some(1000)), ("0", Some(0)), ("4294967295", None), ("", None)]
        {
            assert_eq!(login_uid_in(text), uid, "{text}");
        }
    }
}
