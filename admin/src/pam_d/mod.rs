//! The PAM configuration as pam.conf(5) has it: the stacks of all services, what they come to, and
//! which of them ask for codes.

mod control;
mod dispatch;
mod rule;
mod stack;
mod unprivileged;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use control::Answer;
pub use dispatch::{Outcome, dispatch};
pub use stack::{Line, Phase, Stack};
pub use unprivileged::why_without_root;

use rule::{Rule, rules};
use stack::Walk;

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

/// What the configuration says of codes.
#[derive(Debug, Default)]
pub struct Survey {
    /// By service, each line once.
    pub uses: Vec<Use>,
    /// Files that may say more, but cannot be read.
    pub unread: Vec<(PathBuf, io::Error)>,
}

/// The `auth` lines of all services that load the module.
///
/// A service without `auth` lines of its own uses those of `other`, which is a service like the rest.
#[must_use]
pub fn survey(places: &Places) -> Survey {
    let Stacks { services, unread } = Stacks::read(places);
    let mut uses: Vec<Use> = Vec::new();
    for (service, stack) in services {
        for line in stack.lines {
            if line.phase == Phase::Auth && MODULES.contains(&line.name()) {
                let Line { file, number: line, options, .. } = line;
                let found = Use { service: service.clone(), file, line, options };
                if !uses.contains(&found) {
                    uses.push(found);
                }
            }
        }
    }
    Survey { uses, unread }
}

/// The whole configuration.
#[derive(Debug, Default)]
pub struct Stacks {
    /// By the service's name.
    pub services: BTreeMap<String, Stack>,
    /// Files that may say more, but cannot be read.
    pub unread: Vec<(PathBuf, io::Error)>,
}

impl Stacks {
    /// Reads the lines of all services, and what they include.
    ///
    /// What PAM would stop at is passed over: an odd line, a file that is not there.
    #[must_use]
    pub fn read(places: &Places) -> Self {
        let mut texts = Texts::default();
        let mut services = BTreeMap::new();
        if places.directories.iter().any(|directory| directory.is_dir()) {
            for (service, file) in texts.services(places) {
                let mut walk = Walk::new(places, &mut texts);
                walk.file(&file, None);
                services.insert(service, walk.stack);
            }
        } else if let Some(text) = texts.read(&places.file) {
            for (service, rules) in by_service(rules(&text)) {
                let mut walk = Walk::new(places, &mut texts);
                walk.rules(&places.file, rules, None);
                services.insert(service, walk.stack);
            }
        }
        Self { services, unread: texts.unread }
    }
}

/// The files, as far as they can be read.
#[derive(Debug, Default)]
struct Texts {
    unread: Vec<(PathBuf, io::Error)>,
}

impl Texts {
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
    fn read(&mut self, file: &Path) -> Option<Vec<u8>> {
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

#[cfg(test)]
mod tests;
