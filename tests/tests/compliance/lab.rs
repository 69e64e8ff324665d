//! Where a scenario happens: once with the original, once with ours, and what is to be seen of it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use nix::mount::{MntFlags, umount2};
use sandbox::{
    Answer, Circumstances, Conversation, Host, Machine, PATIENCE, User, run, token_module,
};

use crate::scenario::{Login, START, Scenario};

/// A machine with alice on it.
pub struct Lab {
    machine: Machine,
    alice: User,
}

/// Who checks the codes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Module {
    /// `libpam-google-authenticator`.
    Theirs,
    /// `pam_mfa`.
    Ours,
}

/// What is to be seen of one login, line by line:
/// - "accepted", "denied", "ignored", "returned NUMBER", or how the host died;
/// - `asked "PROMPT"`, `asked aloud "PROMPT"` where the answer may be seen, `told "MESSAGE"`;
/// - `token "PAM_AUTHTOK"` if it is set afterwards;
/// - of ours, how it left its process different, and what it wrote to standard error;
/// - everything in /home: name, mode, owner, group; what a link leads to; the lines of a file.
pub type Seen = Vec<String>;

impl Lab {
    /// A new one.
    pub fn new() -> Self {
        let machine = Machine::new();
        let alice = machine.user("alice");
        Self { machine, alice }
    }

    /// All logins of a scenario with one module, from a fresh file on.
    pub fn run(&self, scenario: &Scenario, module: Module) -> Vec<Seen> {
        self.prepare(scenario);
        scenario.logins.iter().map(|login| self.log_in(scenario, login, module)).collect()
    }

    fn prepare(&self, scenario: &Scenario) {
        let home = &self.alice.home;
        // Some scenarios have a file system of their own there.
        let _ = umount2(home, MntFlags::MNT_DETACH);
        for entry in fs::read_dir("/home").expect("every machine has one") {
            let path = entry.expect("readable by root").path();
            fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).expect("root may");
        }
        fs::create_dir(home).expect("just removed");
        chown(home, Some(self.alice.id), Some(self.alice.id)).expect("root may");
        if let Some(text) = &scenario.file {
            self.alice.write_state(scenario.meaning(0).of(text));
        }
        if !scenario.setup.is_empty() {
            let go = format!("cd {}; F=.google_authenticator; {}", home.display(), scenario.setup);
            run(&["sh", "-ec", &go]);
        }
    }

    fn log_in(&self, scenario: &Scenario, login: &Login, module: Module) -> Seen {
        let meaning = scenario.meaning(login.later);
        let tokens = token_module();
        let file = match module {
            Module::Theirs => "pam_google_authenticator.so",
            Module::Ours => "pam_mfa.so",
        };
        let set = login
            .token
            .as_ref()
            .map(|token| format!("auth optional {tokens} set={}", hex(&meaning.of(token))));
        let tested = format!("auth required {file} {}", scenario.options);
        let show = format!("auth optional {tokens} show");
        let stack: Vec<_> = set.into_iter().chain([tested, show]).collect();
        let circumstances = Circumstances {
            from: login.from.as_ref().map(|from| OsString::from_vec(meaning.of(from))),
            now: Some(START + login.later),
            patience: match module {
                Module::Theirs if login.hangs_the_original() => 1,
                _ => PATIENCE.as_secs(),
            },
            ..Circumstances::default()
        };
        let replies: Vec<_> = login.replies.iter().map(|reply| meaning.of(reply)).collect();
        let answers: Vec<_> = replies.iter().map(|reply| answer(reply)).collect();
        let host = Host::new(&self.machine, &stack.join("\n"));
        let mut seen = match host.begin_under(&login.user, &answers, &circumstances).survive() {
            Err(died) => vec![format!("host: {}", died.status)],
            Ok(conversation) => describe(&conversation, module),
        };
        look(Path::new("/home"), &mut seen);
        seen
    }
}

fn answer(reply: &[u8]) -> Answer<'_> {
    match reply {
        b"null" => Answer::Null,
        b"none" => Answer::None,
        b"error" => Answer::Error,
        text => Answer::Bytes(text),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn describe(conversation: &Conversation, module: Module) -> Seen {
    let mut seen = vec![match conversation.result {
        0 => "accepted".to_owned(),
        7 => "denied".to_owned(),
        // No module had anything to say, see pam.conf(5).
        6 => "ignored".to_owned(),
        other => format!("returned {other}"),
    }];
    for (prompt, echo) in conversation.prompts.iter().zip(&conversation.echo) {
        seen.push(format!("asked {}{prompt:?}", if *echo { "aloud " } else { "" }));
    }
    seen.extend(conversation.messages.iter().filter(|message| *message != "no token").map(
        |message| match message.strip_prefix("token ") {
            Some(digits) => format!("token {:?}", text_of(digits)),
            None => format!("told {message:?}"),
        },
    ));
    if module == Module::Ours {
        seen.extend(conversation.changed.iter().map(|change| format!("process {change}")));
        seen.extend(conversation.errors.lines().map(|line| format!("stderr {line}")));
    }
    seen
}

/// The text behind hexadecimal digits.
fn text_of(digits: &str) -> String {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.expect("token.c writes pairs of digits").escape_ascii().to_string()
}

/// Adds a directory's entries, each with what it holds.
fn look(directory: &Path, seen: &mut Seen) {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("readable by root")
        .map(|entry| entry.expect("readable by root").path())
        .collect();
    paths.sort();
    for path in paths {
        let is = fs::symlink_metadata(&path).expect("nobody removes it");
        let name = path.strip_prefix("/home").expect("in /home").display();
        let entry = format!("{name} {:o} {} {}", is.mode(), is.uid(), is.gid());
        seen.push(match fs::read_link(&path) {
            Ok(target) => format!("{entry} -> {}", target.display()),
            Err(_) => entry,
        });
        if is.is_dir() {
            look(&path, seen);
        } else if is.is_file() {
            let text = fs::read(&path).expect("readable by root");
            seen.extend(text.split_inclusive(|byte| *byte == b'\n').map(|line| match line {
                [line @ .., b'\n'] => readable(line),
                line => format!("{} and no newline", readable(line)),
            }));
        }
    }
}

/// Every byte can be told, and a quotation mark is no more than that.
fn readable(line: &[u8]) -> String {
    line.escape_ascii().to_string().replace("\\\"", "\"")
}
