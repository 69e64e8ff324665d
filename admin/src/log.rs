//! The system's log, and who is named there.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::{env, fmt, fs, process};

use mfa_core::account::CodeKind;
use mfa_core::audit::Value;
use mfa_core::record::{Codes, Record};
use mfa_core::state::State;
use nix::unistd::getuid;

use crate::world::World;

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

/// Writes that a command has changed something, and who ran it. All such lines are made here, as soon
/// as the change counts and before anybody is told.
///
/// `object` is a key and a name, such as `("user", "alice")`. `before` and `after` are names and
/// numbers, never a secret; empty where there is nothing.
pub fn changed(world: &World, object: (&str, &str), what: &str, before: &str, after: &str) {
    let (key, name) = object;
    let [name, before, after] = [name, before, after].map(Word);
    let invoker = &world.invoker;
    (world.log)(&format!(
        "changed {key}={name} what={what} before={before} after={after} {invoker}"
    ));
}

/// What a record holds, for such a line: the names of its credentials, and how many codes are left of
/// each kind.
pub fn enrolled(record: &Record, state: &State) -> String {
    let names = record.credentials.iter().map(|credential| credential.name.as_str().to_owned());
    let kinds = [("recovery", CodeKind::Recovery), ("bypass", CodeKind::Bypass)];
    let codes = kinds.into_iter().filter(|(_, kind)| has(record, *kind)).map(|(word, kind)| {
        format!("{word}:{}", codes_left(record, state, |codes| codes.kind == kind))
    });
    names.chain(codes).collect::<Vec<_>>().join(",")
}

fn has(record: &Record, kind: CodeKind) -> bool {
    record.codes.iter().any(|codes| codes.kind == kind)
}

/// How many codes are left in the sets that count.
pub fn codes_left(record: &Record, state: &State, counts: impl Fn(&Codes) -> bool) -> usize {
    let sets = record.codes.iter().filter(|codes| counts(codes));
    sets.map(|codes| state.codes_left(codes)).sum()
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

/// Writes `line` to the system's log, as `mfactl` and where only root reads it; says so on stderr if
/// nobody takes it, which syslog(3) would not.
pub fn write(line: &str) {
    if let Err(error) = send(Path::new("/dev/log"), line) {
        // There is nobody left to tell if this cannot be written.
        let _ = writeln!(io::stderr(), "mfactl: not in the system's log ({error}): {line}");
    }
}

/// As syslog(3) sends it, but for the time, which whoever takes it knows as well.
fn send(socket: &Path, line: &str) -> io::Result<()> {
    let message = format!("<{PRIORITY}>mfactl[{}]: {line}", process::id());
    UnixDatagram::unbound()?.send_to(message.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Lab, hotp, totp, uid_of};

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
    fn a_change_names_what_was_and_what_is() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        lab.run("codes daemon --new --count 3", "").unwrap();
        lab.run("credential rename daemon phone Pixel", "").unwrap();
        lab.run("credential remove daemon token", "").unwrap();
        lab.run("credential add daemon --name spare --no-confirm", "").unwrap();
        lab.run("credential remove daemon spare", "").unwrap();
        lab.run("credential remove daemon Pixel --last", "").unwrap();
        let lines = [
            "recovery_codes before=0 after=3",
            "credential before=phone after=Pixel",
            "credential before=token after=\"\"",
            "credential before=\"\" after=spare",
            "credential before=spare after=\"\"",
            "enrolment before=\"Pixel,recovery:3\" after=tombstone",
        ];
        let line = |what| format!("changed user=daemon what={what} uid=0 login_uid=1000");
        assert_eq!(*lab.log.borrow(), lines.map(line));
    }

    #[test]
    fn what_changes_all_records_or_none_of_a_credential() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.run("seal", "").unwrap();
        lab.run("seal", "").unwrap();
        lab.run("unseal", "").unwrap();
        lab.run("export daemon", "").unwrap();
        fs::remove_file(record.state_path()).unwrap();
        lab.run("state init daemon", "").unwrap();
        lab.run("state init daemon", "").unwrap();
        let uid = uid_of("daemon");
        let text = fs::read_to_string(record.path()).unwrap();
        fs::write(record.path(), text.replace(&format!("uid = {uid}"), "uid = 4711")).unwrap();
        lab.run("credential rebind daemon", "").unwrap();
        lab.run("credential rebind daemon", "").unwrap();
        let key = lab.base().keys[1].display().to_string();
        let lines = [
            format!("file={key} what=host_key before=\"\" after=new"),
            "user=daemon what=secrets before=plain after=sealed".to_owned(),
            "user=daemon what=secrets before=sealed after=plain".to_owned(),
            "user=daemon what=export before=phone after=output".to_owned(),
            "user=daemon what=state before=lost after=\"counter:unknown,codes:used\"".to_owned(),
            format!("user=daemon what=uid before=4711 after={uid}"),
        ];
        let line = |what| format!("changed {what} uid=0 login_uid=1000");
        assert_eq!(*lab.log.borrow(), lines.map(line));
    }

    #[test]
    fn a_line_is_sent_as_syslog_sends_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(&path, "changed user=alice").unwrap();
        let mut bytes = [0; 200];
        let length = socket.recv(&mut bytes).unwrap();
        let expected = format!("<85>mfactl[{}]: changed user=alice", process::id());
        assert_eq!(std::str::from_utf8(&bytes[..length]), Ok(expected.as_str()));
        assert!(send(&dir.path().join("none"), "x").is_err());
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
