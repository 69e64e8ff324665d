//! Who runs sudo without a password, and so without auth: sudoers(5), as far as that takes.

use std::fs;
use std::path::{Path, PathBuf};

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;

/// How deep files may include others, as in sudo.
const MAX_DEPTH: usize = 128;

/// A line, and what it says.
struct Said {
    file: PathBuf,
    line: usize,
    what: What,
}

enum What {
    /// Those whom it is for are not asked for a password.
    NoPasswd(String),
    /// sudo leaves PAM's account phase out.
    NoAccount,
    /// The path of the agent's socket stays in the environment.
    KeepsAgent,
}

/// What is of interest in sudoers.
#[derive(Default)]
pub struct Sudoers(Vec<Said>);

impl Sudoers {
    /// Reads the file and what it includes. What cannot be read says nothing.
    pub fn look(host: &Host) -> Self {
        let mut sudoers = Self::default();
        sudoers.file(host, &host.at("/etc/sudoers"), 0);
        sudoers
    }

    fn file(&mut self, host: &Host, path: &Path, depth: usize) {
        let Ok(text) = fs::read(path) else { return };
        for (line, text) in lines(&String::from_utf8_lossy(&text)) {
            let mut words = text.split_whitespace();
            let (first, second) = (words.next().unwrap_or_default(), words.next());
            match (first, second) {
                ("@include" | "#include", Some(file)) if depth < MAX_DEPTH => {
                    self.file(host, &beside(host, path, file), depth + 1);
                }
                ("@includedir" | "#includedir", Some(directory)) if depth < MAX_DEPTH => {
                    for file in files(&beside(host, path, directory)) {
                        self.file(host, &file, depth + 1);
                    }
                }
                _ => {
                    let what = what(&text).into_iter();
                    self.0.extend(what.map(|what| Said { file: path.to_owned(), line, what }));
                }
            }
        }
    }

    /// What is wrong with sudo's way to us. `asks_again`: the policy has sudo's account phase ask.
    pub fn judge(&self, service: &str, asks_again: bool) -> Vec<Diagnosis> {
        let found = self.0.iter().filter_map(|Said { file, line, what }| {
            let place = (file.as_path(), Some(*line));
            match what {
                What::NoPasswd(who) if asks_again => Some(Diagnosis::new(
                    Word::NoPasswdRecheck,
                    place,
                    format!(
                        "{who} needs no password, but recheck has {service} ask for a code: \
                         programs that cannot type one fail"
                    ),
                    "let a rule of the policy skip them, if they are programs",
                )),
                What::NoPasswd(who) => Some(Diagnosis::new(
                    Word::NoPasswd,
                    place,
                    format!("{who} needs no password, so {service} asks for no code either"),
                    format!("take NOPASSWD away, or add recheck = [{service:?}] to the policy"),
                )),
                What::NoAccount if asks_again => Some(Diagnosis::new(
                    Word::AccountOff,
                    place,
                    "sudo leaves PAM's account phase out, so recheck has no effect",
                    "take !pam_acct_mgmt away",
                )),
                What::NoAccount | What::KeepsAgent => None,
            }
        });
        found.map(|found| found.of(service)).collect()
    }

    /// Whether sudo leaves anybody the way to their agent.
    pub fn keeps_agent(&self) -> bool {
        self.0.iter().any(|Said { what, .. }| matches!(what, What::KeepsAgent))
    }
}

/// Lines with those that continue them, without comments.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        let is_directive = line.starts_with("#include");
        // A number behind it is a user's.
        let comment = line.match_indices('#').map(|(at, _)| at).find(|&at| {
            !is_directive
                && !line
                    .get(at + 1..)
                    .is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
        });
        let line = line.get(..comment.unwrap_or(line.len())).unwrap_or_default();
        let (text, continues) = match line.strip_suffix('\\') {
            Some(text) if comment.is_none() => (text, true),
            _ => (line, false),
        };
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, last)) => last.push_str(text),
            None => lines.push((number, text.to_owned())),
        }
        goes_on = continues;
    }
    lines
}

fn what(line: &str) -> Vec<What> {
    let first = line.split_whitespace().next().unwrap_or_default();
    let says = |setting: &str| line.split([',', ' ', '\t']).any(|word| word == setting);
    if let Some(scope) = first.strip_prefix("Defaults") {
        let who = scope.strip_prefix(':').unwrap_or("everybody");
        let mut said = Vec::new();
        if says("!authenticate") {
            said.push(What::NoPasswd(who.to_owned()));
        }
        if says("!pam_acct_mgmt") {
            said.push(What::NoAccount);
        }
        if says("!env_reset") || keeps_agent(line) {
            said.push(What::KeepsAgent);
        }
        return said;
    }
    let spaced = line.replace(':', " : ");
    let is_tagged = spaced.split_whitespace().any(|word| word == "NOPASSWD");
    // Root is never asked.
    if is_tagged && first != "root" { vec![What::NoPasswd(first.to_owned())] } else { Vec::new() }
}

/// Whether a line of `Defaults` adds it to env_keep, by name or pattern.
fn keeps_agent(line: &str) -> bool {
    let Some((_, value)) = line.split_once("env_keep") else { return false };
    let value = value.trim_start();
    let names = value.split(|it: char| it.is_whitespace() || "+=\",".contains(it));
    let is_meant = |name: &str| match name.split_once('*') {
        Some((beginning, _)) => "SSH_AUTH_SOCK".starts_with(beginning),
        None => name == "SSH_AUTH_SOCK",
    };
    !value.starts_with('-') && names.into_iter().any(is_meant)
}

fn beside(host: &Host, file: &Path, named: &str) -> PathBuf {
    let named = named.trim_matches('"');
    if named.starts_with('/') {
        return host.at(named);
    }
    file.parent().unwrap_or(Path::new("/")).join(named)
}

/// Those that sudo reads: no name with a dot, or with a tilde at its end.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| !name.contains('.') && !name.ends_with('~'))
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}
