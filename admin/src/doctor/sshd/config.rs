//! `sshd_config(5)`: the settings for everybody, and those of each `Match`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::doctor::host::Host;

/// How deep files may include others, as in sshd.
const MAX_DEPTH: usize = 16;

/// What a line sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The words behind the keyword.
    pub value: String,
    /// The file with the line.
    pub file: PathBuf,
    /// The line's number, from 1 on; `None` for what only sshd says.
    pub line: Option<usize>,
}

/// Settings that hold together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// What stands behind `Match`; `None` for everybody.
    pub criteria: Option<String>,
    /// By the keyword, in lower case. The first line counts.
    pub settings: BTreeMap<String, Setting>,
}

/// How sshd is set up.
#[derive(Debug)]
pub struct Config {
    /// The main file.
    pub file: PathBuf,
    /// sshd itself has said what holds for everybody; else the files have been read here.
    pub is_effective: bool,
    /// That for everybody first.
    pub sections: Vec<Section>,
}

impl Config {
    /// Reads the files and asks sshd, if it can be asked; `None` if there is no such file.
    pub fn look(host: &Host) -> Option<Self> {
        let file = host.at("/etc/ssh/sshd_config");
        if !file.exists() {
            return None;
        }
        let mut reader = Reader { host, sections: vec![Section::default()], open: 0 };
        reader.file(&file, 0);
        let mut config = Self { file, is_effective: false, sections: reader.sections };
        if let Some(text) = (host.run)(&["/usr/sbin/sshd", "-T"]) {
            config.correct(&text);
        }
        Some(config)
    }

    /// What `sshd -T` says is right, wherever it comes from.
    fn correct(&mut self, text: &str) {
        let Some(everybody) = self.sections.first_mut() else { return };
        self.is_effective = true;
        for (keyword, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            let said = Setting { value: value.to_owned(), file: self.file.clone(), line: None };
            let read = everybody.settings.remove(keyword);
            let read = read.filter(|read| read.value.eq_ignore_ascii_case(value));
            // One keyword on several lines is none of those that decide.
            everybody.settings.insert(keyword.to_owned(), read.unwrap_or(said));
        }
    }

    /// What holds in a section, and where that is written.
    pub fn get(&self, section: &Section, keyword: &str) -> Setting {
        let everybody = self.sections.first();
        let mut sections = [Some(section), everybody].into_iter().flatten();
        let default =
            || Setting { value: default(keyword).to_owned(), file: self.file.clone(), line: None };
        sections.find_map(|section| section.settings.get(keyword)).cloned().unwrap_or_else(default)
    }
}

/// OpenSSH's own.
fn default(keyword: &str) -> &'static str {
    match keyword {
        "authenticationmethods" => "any",
        "authorizedkeysfile" => ".ssh/authorized_keys .ssh/authorized_keys2",
        "authorizedkeyscommand" | "pubkeyauthoptions" => "none",
        "kbdinteractiveauthentication" | "passwordauthentication" | "pubkeyauthentication" => "yes",
        _ => "no",
    }
}

struct Reader<'a> {
    host: &'a Host<'a>,
    sections: Vec<Section>,
    /// The section that lines are part of.
    open: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, depth: usize) {
        let Ok(text) = fs::read(path) else { return };
        for (number, line) in (1..).zip(String::from_utf8_lossy(&text).lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            let end = line.find(|it: char| it.is_whitespace() || it == '=').unwrap_or(line.len());
            let (keyword, value) = line.split_at(end);
            let value = value.trim_start_matches(|it: char| it.is_whitespace() || it == '=');
            match keyword.to_ascii_lowercase().as_str() {
                "" => {}
                "include" if depth < MAX_DEPTH => {
                    // A Match ends with the file that it is in.
                    let open = self.open;
                    for file in value.split_whitespace().flat_map(|name| files(self.host, name)) {
                        self.file(&file, depth + 1);
                        self.open = open;
                    }
                }
                "match" if value.eq_ignore_ascii_case("all") => self.open = 0,
                "match" => {
                    self.open = self.sections.len();
                    let criteria = Some(value.to_owned());
                    self.sections.push(Section { criteria, ..Section::default() });
                }
                keyword => {
                    let value = value.replace('"', "");
                    let setting = Setting { value, file: path.to_owned(), line: Some(number) };
                    let section = self.sections.get_mut(self.open);
                    let settings = section.map(|section| &mut section.settings);
                    settings.map(|it| it.entry(name(keyword).to_owned()).or_insert(setting));
                }
            }
        }
    }
}

/// Its name before OpenSSH 8.7 is still good.
fn name(keyword: &str) -> &str {
    match keyword {
        "challengeresponseauthentication" => "kbdinteractiveauthentication",
        keyword => keyword,
    }
}

/// The files that a pattern names, in order. Patterns in the last part only.
fn files(host: &Host, pattern: &str) -> Vec<PathBuf> {
    let pattern = pattern.trim_matches('"');
    let path =
        if pattern.starts_with('/') { host.at(pattern) } else { host.at("/etc/ssh").join(pattern) };
    let Some((before, behind)) = path.to_str().and_then(|path| path.rsplit_once('*')) else {
        return vec![path];
    };
    let Some((directory, before)) = before.rsplit_once('/') else { return Vec::new() };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_str().filter(|name| !name.starts_with('.')).unwrap_or_default();
            name.strip_prefix(before).is_some_and(|rest| rest.ends_with(behind))
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}
