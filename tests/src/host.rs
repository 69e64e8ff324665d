//! A PAM application of our own, for what sshd, sudo and su would never say to a module.

use std::ffi::{OsStr, OsString};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::program;
use crate::{Machine, PATIENCE};

/// The compiled application, running as root. Its PAM service is `host`, unless it is told another.
pub struct Host<'a> {
    machine: &'a Machine,
    program: String,
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
    /// The code of the secret that was shown last, by an app.
    App,
}

/// A step after a success.
#[derive(Clone, Debug)]
pub enum Then {
    /// `pam_acct_mgmt`.
    Account,
    /// `pam_open_session`.
    Session,
    /// Somebody else logs in from here on: `PAM_USER`.
    User(String),
    /// All that follows is in a child process, as with sshd.
    Fork,
    /// It waits until there is a file of this name.
    Until(String),
}

/// What the application does about children that end.
#[derive(Clone, Copy, Debug)]
pub enum Children {
    /// Nothing: SIGCHLD is as it was.
    Awaited,
    /// SIGCHLD is ignored.
    Ignored,
    /// A handler counts them.
    Counted,
}

/// What surrounds a login.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The PAM service.
    pub service: &'static str,
    /// Somebody is authenticated, and not, as by cron, just let in.
    pub authenticates: bool,
    /// Where it comes from, `PAM_RHOST`.
    pub from: Option<OsString>,
    /// The Unix time, s, at which the module's clock stands still.
    pub now: Option<u64>,
    /// What the application does when it has authenticated somebody, before it ends the login.
    pub then: Vec<Then>,
    /// What is looked for in its memory, at every prompt and in the end: bytes in hexadecimal; or
    /// `shown`, the secret that was shown last as it was shown, or `key`, the same as files have it.
    pub sought: Vec<String>,
    /// How long it may take, s.
    pub patience: u64,
    /// What becomes of SIGCHLD.
    pub children: Children,
    /// What else is in its environment.
    pub environment: Vec<(String, String)>,
}

impl Default for Circumstances {
    fn default() -> Self {
        Self {
            service: "host",
            authenticates: true,
            from: None,
            now: None,
            then: vec![],
            sought: vec![],
            patience: PATIENCE.as_secs(),
            children: Children::Awaited,
            environment: vec![],
        }
    }
}

impl Circumstances {
    /// A login from there.
    #[must_use]
    pub fn from(self, from: &str) -> Self {
        Self { from: Some(from.into()), ..self }
    }

    /// This is in its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// After a success these steps follow.
    #[must_use]
    pub fn then(self, then: &[Then]) -> Self {
        Self { then: then.to_vec(), ..self }
    }

    /// This is looked for in its memory.
    #[must_use]
    pub fn seeking(self, sought: &[&str]) -> Self {
        Self { sought: sought.iter().map(|&bytes| bytes.to_owned()).collect(), ..self }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Conversation {
    /// The prompts, in order.
    pub prompts: Vec<String>,
    /// Whether each of them allowed that the answer be seen while it is typed.
    pub echo: Vec<bool>,
    /// The messages, in order.
    pub messages: Vec<String>,
    /// What `pam_authenticate` returned, see pam(3): 0 is success, 7 an authentication error.
    pub result: i32,
    /// What each `pam_acct_mgmt` after it returned.
    pub account: Vec<i32>,
    /// What each `pam_open_session` after it returned.
    pub session: Vec<i32>,
    /// What the application wrote to its standard error: nothing of its own.
    pub errors: String,
    /// How the module left the process different, as in a diff; empty, if it behaved.
    pub changed: Vec<String>,
    /// Where what was sought in its memory was found.
    pub found: Vec<String>,
    /// By how much more memory the application held at once than before, in KiB: the module itself, and
    /// what it took.
    pub grown: u64,
    /// How long it all took.
    pub took: Duration,
}

impl<'a> Host<'a> {
    /// Compiles it, with the stack `auth` for its service.
    pub fn new(machine: &'a Machine, auth: &str) -> Self {
        machine.stack("host", auth);
        // Modules find the program's clock before libc's.
        let program = program("host", include_str!("host.c"), "-rdynamic");
        Self { machine, program }
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
        self.begin_under(user, answers, &Circumstances::default().seeking(sought)).end()
    }

    /// The command line that authenticates `user` and says what came of it.
    pub fn argv(&self, user: &str, answers: &[Answer]) -> Vec<String> {
        let words = [self.program.as_str(), "host", user].map(str::to_owned);
        words.into_iter().chain(answers.iter().map(Answer::argument)).collect()
    }

    /// Begins to authenticate `user`, so that others can at the same time.
    pub fn begin(&self, user: impl AsRef<OsStr>, answers: &[Answer]) -> Begun<'a> {
        self.begin_under(user, answers, &Circumstances::default())
    }

    /// Begins to authenticate `user` under these circumstances.
    pub fn begin_under(
        &self,
        user: impl AsRef<OsStr>,
        answers: &[Answer],
        circumstances: &Circumstances,
    ) -> Begun<'a> {
        let Circumstances {
            service,
            authenticates,
            from,
            now,
            then,
            sought,
            patience,
            children,
            environment,
        } = circumstances;
        let then = then.iter().map(Then::word).collect::<Vec<_>>().join(" ");
        let children = match children {
            Children::Awaited => None,
            Children::Ignored => Some("ignored"),
            Children::Counted => Some("counted"),
        };
        let settings: [(_, Option<OsString>); 6] = [
            ("UNASKED", (!authenticates).then(|| "yes".into())),
            ("RHOST", from.clone()),
            ("NOW", now.map(|now| now.to_string().into())),
            ("THEN", (!then.is_empty()).then(|| then.into())),
            ("CHILDREN", children.map(OsString::from)),
            ("SOUGHT", (!sought.is_empty()).then(|| sought.join(",").into())),
        ];
        let process = Command::new("timeout")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .envs(settings.into_iter().filter_map(|(name, value)| Some((name, value?))))
            .args([patience.to_string().as_str(), &self.program, service])
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
        let machine = self.machine;
        self.survive().unwrap_or_else(|Output { status, stdout, stderr }| {
            let said = [stdout, stderr].concat();
            panic!("the host died: {status}\n{}{}", String::from_utf8_lossy(&said), machine.log)
        })
    }

    /// Waits for what comes of it.
    ///
    /// # Errors
    /// How the host ended if the module killed it or, with status 124, took too long.
    pub fn survive(self) -> Result<Conversation, Output> {
        let output = self.process.wait_with_output().expect("our own child");
        let took = self.since.elapsed();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let all = |kind: &str| -> Vec<String> {
            said.lines().filter_map(|line| line.strip_prefix(kind)).map(str::to_owned).collect()
        };
        let result = said.lines().find_map(|line| line.strip_prefix("result ")?.parse().ok());
        let Some(result) = result else { return Err(output) };
        let (prompts, messages, found) = (all("prompt "), all("message "), all("found "));
        let codes = |kind: &str| all(kind).iter().filter_map(|code| code.parse().ok()).collect();
        let (account, session) = (codes("account "), codes("session "));
        let echo = all("echo ").iter().map(|echo| echo == "on").collect();
        let changed = changed(&said);
        let grown = all("grown ").first().and_then(|size| size.parse().ok()).expect("it says so");
        Ok(Conversation {
            prompts,
            echo,
            messages,
            result,
            account,
            session,
            errors,
            changed,
            found,
            grown,
            took,
        })
    }
}

/// How the module left the application's process different, by what the application said: as in a
/// diff; empty, if it behaved.
pub fn changed(said: &str) -> Vec<String> {
    let all = |when: &str| said.lines().filter_map(|line| line.strip_prefix(when)).collect();
    let (before, after): (Vec<_>, Vec<_>) = (all("before "), all("after "));
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("-{line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).collect()
}

impl Then {
    fn word(&self) -> String {
        match self {
            Self::Account => "account".to_owned(),
            Self::Session => "session".to_owned(),
            Self::User(name) => format!("user={name}"),
            Self::Fork => "fork".to_owned(),
            Self::Until(path) => format!("until={path}"),
        }
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
            Self::App => "app".to_owned(),
        }
    }
}
