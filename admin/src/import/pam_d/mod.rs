//! Which services ask for codes, and with which options: the PAM configuration as pam.conf(5) has it.

mod rule;
mod unprivileged;

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use unprivileged::why_without_root;

use rule::{Rule, rules};

/// Ours, and the one whose place it takes.
const MODULES: [&str; 2] = ["pam_mfa.so", "pam_google_authenticator.so"];

/// What package managers and editors leave beside a file. No program asks for such a service.
const LEFTOVERS: [&str; 15] = [
    "bak",
    "before-mfa",
    "dpkg-bak",
    "dpkg-dist",
    "dpkg-new",
    "dpkg-old",
    "dpkg-tmp",
    "old",
    "orig",
    "pam-old",
    "rpmnew",
    "rpmorig",
    "rpmsave",
    "save",
    "swp",
];

/// Where a machine keeps its configuration.
#[derive(Debug, Clone)]
pub struct Places {
    /// Directories with a file a service; what is in an earlier one hides the same name in a later.
    pub directories: Vec<PathBuf>,
    /// The one file for all services; without any of the directories only.
    pub file: PathBuf,
}

impl Default for Places {
    /// As Linux-PAM is built for Debian.
    fn default() -> Self {
        Self {
            directories: vec!["/etc/pam.d".into(), "/usr/lib/pam.d".into()],
            file: "/etc/pam.conf".into(),
        }
    }
}

/// A service whose `auth` stack loads the module by this line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Any file's name is one, also of files that are meant to be included only.
    pub service: String,
    /// The file with the line, which the service's own may include.
    pub file: PathBuf,
    /// The line's number, from 1 on.
    pub line: usize,
    /// What stands behind the module.
    pub options: Vec<OsString>,
}

impl Use {
    /// The template in `secret=`, if the line names a file. The last one counts.
    #[must_use]
    pub fn secret(&self) -> Option<&OsStr> {
        let mut options = self.options.iter().rev().map(|option| option.as_bytes());
        options.find_map(|option| option.strip_prefix(b"secret=")).map(OsStr::from_bytes)
    }

    /// The option by which the line looks for a file, whatever records there are, if it does.
    #[must_use]
    pub fn stays_with_file(&self) -> Option<&'static str> {
        let mut options = self.options.iter().rev().map(|option| option.as_bytes());
        let store = options.find(|option| option.starts_with(b"store="));
        let is_home = store == Some(b"store=home");
        self.secret().map(|_| "secret=").or(is_home.then_some("store=home"))
    }
}

/// What the configuration says.
#[derive(Debug, Default)]
pub struct Survey {
    /// By service, each line once.
    pub uses: Vec<Use>,
    /// Files that may say more, but cannot be read.
    pub unread: Vec<(PathBuf, io::Error)>,
}

/// Reads the `auth` lines of all services, and what they include.
///
/// What PAM would stop at is passed over: an odd line, a file that is not there. A service without
/// `auth` lines of its own uses those of `other`, which is a service like the rest.
#[must_use]
pub fn survey(places: &Places) -> Survey {
    let mut survey = Survey::default();
    if places.directories.iter().any(|directory| directory.is_dir()) {
        for (service, file) in survey.services(places) {
            Stack::new(&service, places, &mut survey).file(&file);
        }
    } else if let Some(text) = survey.text(&places.file) {
        for (service, rules) in by_service(rules(&text)) {
            Stack::new(&service, places, &mut survey).rules(&places.file, rules);
        }
    }
    survey
}

impl Survey {
    /// The services that have a file.
    fn services(&mut self, places: &Places) -> BTreeMap<String, PathBuf> {
        let mut services = BTreeMap::new();
        for directory in &places.directories {
            let names = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            match names {
                Ok(entries) => {
                    for entry in entries {
                        let path = entry.path();
                        let name = entry.file_name().into_string().ok();
                        if let Some(name) = name.filter(|name| is_service(name) && path.is_file()) {
                            services.entry(name).or_insert(path);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.unread.push((directory.clone(), error)),
            }
        }
        services
    }

    /// What a file holds, if it is there.
    fn text(&mut self, file: &Path) -> Option<Vec<u8>> {
        match fs::read(file) {
            Ok(text) => return Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Once is enough, however many services include it.
            Err(_) if self.unread.iter().any(|(unread, _)| unread == file) => {}
            Err(error) => self.unread.push((file.to_owned(), error)),
        }
        None
    }
}

/// Linux-PAM asks for services in lower case.
fn is_service(name: &str) -> bool {
    let is_left_over = name.ends_with('~')
        || name.rsplit_once('.').is_some_and(|(_, end)| LEFTOVERS.contains(&end));
    !is_left_over && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// The rules of pam.conf, where the service is the first word.
fn by_service(rules: Vec<Rule>) -> BTreeMap<String, Vec<Rule>> {
    let mut services: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mut rule in rules {
        let service = rule.words.remove(0).to_string_lossy().to_lowercase();
        services.entry(service).or_default().push(rule);
    }
    services
}

/// The `auth` stack of one service.
struct Stack<'a> {
    service: &'a str,
    places: &'a Places,
    survey: &'a mut Survey,
    /// Files read so far. Once is enough to know each line, and loops end.
    read: HashSet<PathBuf>,
}

impl<'a> Stack<'a> {
    fn new(service: &'a str, places: &'a Places, survey: &'a mut Survey) -> Self {
        Self { service, places, survey, read: HashSet::new() }
    }

    fn file(&mut self, path: &Path) {
        if !self.read.insert(path.to_owned()) {
            return;
        }
        if let Some(text) = self.survey.text(path) {
            self.rules(path, rules(&text));
        }
    }

    fn rules(&mut self, file: &Path, rules: Vec<Rule>) {
        for Rule { line, words } in rules {
            match words.as_slice() {
                [at_include, target, ..] if is(at_include, "@include") => self.include(target),
                [kind, control, target, ..] if is(kind, "auth") && includes(control) => {
                    self.include(target);
                }
                [kind, _, module, options @ ..] if is(kind, "auth") && is_ours(module) => {
                    self.survey.uses.push(Use {
                        service: self.service.to_owned(),
                        file: file.to_owned(),
                        line,
                        options: options.to_vec(),
                    });
                }
                _ => {}
            }
        }
    }

    fn include(&mut self, target: &OsStr) {
        let mut paths = self.places.directories.iter().map(|directory| directory.join(target));
        // What cannot be told to be absent is read, and that failure told.
        if let Some(path) = paths.find(|path| path.try_exists().unwrap_or(true)) {
            self.file(&path);
        }
    }
}

/// Whether the first word of a rule is this one, in any case; a hyphen before it only keeps the log
/// quiet.
fn is(word: &OsStr, name: &str) -> bool {
    let word = word.as_bytes();
    word.strip_prefix(b"-").unwrap_or(word).eq_ignore_ascii_case(name.as_bytes())
}

fn includes(control: &OsStr) -> bool {
    control.eq_ignore_ascii_case("include") || control.eq_ignore_ascii_case("substack")
}

/// By the last part of its path, wherever that leads.
fn is_ours(module: &OsStr) -> bool {
    Path::new(module).file_name().is_some_and(|name| MODULES.iter().any(|module| name == *module))
}

#[cfg(test)]
mod tests;
