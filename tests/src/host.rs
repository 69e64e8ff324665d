//! A PAM application of our own, for what sshd, sudo and su would never say to a module.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Machine;
use crate::machine::run;

const SOURCE: &str = include_str!("host.c");
const PROGRAM: &str = "/run/host";

/// The compiled application, running as root. Its PAM service is `host`.
pub struct Host<'a> {
    machine: &'a Machine,
}

/// What the application answers to a prompt.
pub enum Answer<'a> {
    /// This text.
    Text(&'a str),
    /// These bytes, none of them NUL.
    Bytes(&'a [u8]),
    /// This many letters.
    Long(usize),
    /// A response without text.
    Null,
    /// "All went well", and no response.
    None,
    /// An error.
    Error,
}

/// What came of it.
#[derive(Debug)]
pub struct Conversation {
    /// The prompts, in order.
    pub prompts: Vec<String>,
    /// The messages, in order.
    pub messages: Vec<String>,
    /// What `pam_authenticate` returned, see pam(3): 0 is success, 7 an authentication error.
    pub result: i32,
    /// What the application wrote to its standard error: nothing of its own.
    pub errors: String,
    /// How the module left the process different, as in a diff; empty, if it behaved.
    pub changed: Vec<String>,
    /// Where what was sought in its memory was found.
    pub found: Vec<String>,
    /// How long it all took.
    pub took: Duration,
}

impl<'a> Host<'a> {
    /// Compiles it, with the stack `auth` for its service.
    pub fn new(machine: &'a Machine, auth: &str) -> Self {
        machine.stack("host", auth);
        if !Path::new(PROGRAM).exists() {
            fs::write("/run/host.c", SOURCE).expect("our own /run");
            run(&["cc", "-Wall", "-Wextra", "-Werror", "-o", PROGRAM, "/run/host.c", "-lpam"]);
        }
        Self { machine }
    }

    /// Authenticates `user`, giving these answers in turn and the last one again whenever asked.
    #[track_caller]
    pub fn authenticate(&self, user: impl AsRef<OsStr>, answers: &[Answer]) -> Conversation {
        self.begin(user, answers).end()
    }

    /// Authenticates `user` and looks for these bytes, in hexadecimal, in the process's memory: at
    /// every prompt and in the end.
    #[track_caller]
    pub fn authenticate_and_seek(
        &self,
        user: impl AsRef<OsStr>,
        answers: &[Answer],
        sought: &[&str],
    ) -> Conversation {
        self.start(user, answers, &sought.join(",")).end()
    }

    /// The command line that authenticates `user` and says what came of it.
    pub fn argv(&self, user: &str, answers: &[Answer]) -> Vec<String> {
        let words = [PROGRAM, "host", user].map(str::to_owned);
        words.into_iter().chain(answers.iter().map(Answer::argument)).collect()
    }

    /// Begins to authenticate `user`, so that others can at the same time.
    pub fn begin(&self, user: impl AsRef<OsStr>, answers: &[Answer]) -> Begun<'a> {
        self.start(user, answers, "")
    }

    fn start(&self, user: impl AsRef<OsStr>, answers: &[Answer], sought: &str) -> Begun<'a> {
        let process = Command::new("timeout")
            .env("SOUGHT", sought)
            .args(["10", PROGRAM, "host"])
            .arg(user)
            .args(answers.iter().map(Answer::argument))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("coreutils are there");
        Begun { process, since: Instant::now(), machine: self.machine }
    }
}

/// The application at work.
pub struct Begun<'a> {
    process: Child,
    since: Instant,
    machine: &'a Machine,
}

impl Begun<'_> {
    /// Waits for what comes of it.
    #[track_caller]
    pub fn end(self) -> Conversation {
        let output = self.process.wait_with_output().expect("our own child");
        let took = self.since.elapsed();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let all = |kind: &str| -> Vec<String> {
            said.lines().filter_map(|line| line.strip_prefix(kind)).map(str::to_owned).collect()
        };
        let (before, after) = (all("before "), all("after "));
        let gone =
            before.iter().filter(|line| !after.contains(line)).map(|line| format!("-{line}"));
        let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}"));
        let changed = gone.chain(new).collect();
        let result = said.lines().find_map(|line| line.strip_prefix("result ")?.parse().ok());
        let Some(result) = result else {
            panic!("the host died: {}\n{said}{errors}{}", output.status, self.machine.log);
        };
        let (prompts, messages, found) = (all("prompt "), all("message "), all("found "));
        Conversation { prompts, messages, result, errors, changed, found, took }
    }
}

impl Answer<'_> {
    fn argument(&self) -> String {
        match self {
            Self::Text(text) => format!("text:{text}"),
            Self::Bytes(bytes) => {
                bytes.iter().fold("hex:".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
            }
            Self::Long(length) => format!("long:{length}"),
            Self::Null => "null".to_owned(),
            Self::None => "none".to_owned(),
            Self::Error => "error".to_owned(),
        }
    }
}
