//! Where the system's log is: the journal, or the files that syslog leaves.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

/// Anything that anybody logged.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// In seconds since 1970, if it can be told.
    pub time: Option<u64>,
    /// The program, as it calls itself.
    pub program: String,
    /// The user id of whoever logged it, which only the journal knows.
    pub sender: Option<u32>,
    /// What it said.
    pub message: String,
}

/// What journalctl(1) says of an entry, as far as we asked.
#[derive(Deserialize)]
struct Journalled {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    microseconds: Option<String>,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    program: Option<Value>,
    #[serde(rename = "_UID")]
    sender: Option<String>,
    #[serde(rename = "MESSAGE")]
    message: Option<Value>,
}

/// Gives each line of the journal's security messages since then to `each`, as JSON.
///
/// # Errors
/// There is no journal, or nobody may read it.
pub fn journal(since: Option<u64>, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    // The facilities auth and authpriv (RFC 5424 section 6.2.1).
    let arguments = ["--output=json", "--no-pager", "--quiet", "SYSLOG_FACILITY=4"];
    let mut command = Command::new("journalctl");
    command.args(arguments).arg("SYSLOG_FACILITY=10");
    command.args(since.map(|since| format!("--since=@{since}")));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    if let Some(output) = child.stdout.take() {
        lines(BufReader::new(output), each)?;
    }
    if child.wait()?.success() { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Gives each line of a file to `each`.
///
/// # Errors
/// It cannot be read.
pub fn file(path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    lines(BufReader::new(File::open(path)?), each)
}

fn lines(text: impl BufRead, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    text.split(b'\n').try_for_each(|line| {
        each(&line?);
        Ok(())
    })
}

impl Entry {
    /// One line of the journal.
    #[must_use]
    pub fn of_journal(line: &[u8]) -> Option<Self> {
        let entry: Journalled = serde_json::from_slice(line).ok()?;
        let microseconds: Option<u64> = entry.microseconds.and_then(|text| text.parse().ok());
        Some(Self {
            time: microseconds.map(|microseconds| microseconds / 1_000_000),
            program: text(entry.program?)?,
            sender: entry.sender.and_then(|uid| uid.parse().ok()),
            message: text(entry.message?)?,
        })
    }

    /// One line of a file that syslog wrote, `TIME HOST PROGRAM[PID]: MESSAGE` (RFC 3164 section 4.1,
    /// or with a time of RFC 3339). Where the time has no year, it is the latest that is over by `now`;
    /// where it has no zone, it is of `zone`.
    #[must_use]
    pub fn of_file(line: &[u8], now: u64, zone: &TimeZone) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (time, rest) = if line.starts_with(|first: char| first.is_ascii_digit()) {
            let (time, rest) = line.split_once(' ')?;
            (time.parse::<Timestamp>().ok().map(Timestamp::as_second), rest)
        } else {
            let (time, rest) = line.split_at_checked(15)?;
            (without_year(time, now, zone), rest.strip_prefix(' ')?)
        };
        let (_host, rest) = rest.split_once(' ')?;
        let (tag, message) = rest.split_once(": ")?;
        let program = tag.split_once('[').map_or(tag, |(program, _)| program);
        Some(Self {
            time: time.and_then(|time| time.try_into().ok()),
            program: program.to_owned(),
            sender: None,
            message: message.to_owned(),
        })
    }
}

/// `Nov  2 09:03:04`, in seconds since 1970. A clock that is a day ahead is none of last year.
fn without_year(text: &str, now: u64, zone: &TimeZone) -> Option<i64> {
    let now = i64::try_from(now).ok()?;
    let year = Timestamp::from_second(now).ok()?.to_zoned(zone.clone()).year();
    let in_year = |year: i16| {
        let time = DateTime::strptime("%Y %b %e %H:%M:%S", format!("{year} {text}")).ok()?;
        Some(time.to_zoned(zone.clone()).ok()?.timestamp().as_second())
    };
    let day = 24 * 60 * 60;
    in_year(year + 1)
        .filter(|&time| time <= now + day)
        .or_else(|| in_year(year).filter(|&time| time <= now + day))
        .or_else(|| in_year(year - 1))
}

/// What is no text comes as its bytes.
fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
            Some(String::from_utf8_lossy(&bytes?).into_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::NOW;

    #[test]
    fn lines_of_files() {
        let of = |text: &str| Entry::of_file(text.as_bytes(), NOW, &TimeZone::UTC);
        let entry = |time| Entry {
            time,
            program: "sshd".to_owned(),
            sender: None,
            message: "pam_mfa(sshd:auth): x".to_owned(),
        };
        let message = "sshd[17]: pam_mfa(sshd:auth): x";
        for (time, seconds) in [
            ("2023-11-14T23:13:20.5+01:00", Some(1_700_000_000)),
            ("Nov 14 22:13:20", Some(1_700_000_000)),
            ("Nov  4 22:13:20", Some(1_699_136_000)),
            ("Dec 14 22:13:20", Some(1_671_056_000)),
            ("Nov 31 22:13:20", None),
        ] {
            assert_eq!(of(&format!("{time} host {message}")), Some(entry(seconds)), "{time}");
        }
        for wrong in
            ["", "x", "Nov 14 22:13:20", "Nov 14 22:13:20 host", "\u{e9}".repeat(9).as_str()]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lines_of_the_journal() {
        let line = r#"{"__REALTIME_TIMESTAMP":"1700000000000001","SYSLOG_IDENTIFIER":"mfactl",
            "_UID":"0","MESSAGE":[99,255],"_PID":"7"}"#;
        let entry = Entry::of_journal(line.as_bytes()).unwrap();
        assert_eq!((entry.time, entry.sender), (Some(1_700_000_000), Some(0)));
        assert_eq!((entry.program.as_str(), entry.message.as_str()), ("mfactl", "c\u{fffd}"));
        for wrong in ["", "[]", "{}", r#"{"SYSLOG_IDENTIFIER":"x","MESSAGE":null}"#] {
            assert_eq!(Entry::of_journal(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
