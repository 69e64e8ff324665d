//! What lines need that ask for security keys.

use std::path::PathBuf;

use mfa_core::helper::PATH;

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use super::line::{has, is_ours, value};
use super::module_file::libraries;
use super::template;
use crate::pam_d::{Line, Stack};

/// The library that mfa-fido needs.
const LIBRARY: &str = "libfido2.so.1";

/// The options that name a file of keys.
const KEY_FILES: [&str; 2] = ["authfile", "authorized_keys"];

/// What there is for keys.
pub struct Keys {
    helper: PathBuf,
    has_helper: bool,
    has_library: bool,
    missing: Vec<Missing>,
}

/// A file that a line names, and that is not there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Missing {
    /// Of the line.
    place: (PathBuf, usize),
    file: PathBuf,
}

impl Keys {
    /// Looks for what these services need. Nothing is run: what is wrong with mfa-fido should not be run
    /// by root.
    pub fn look(host: &Host, services: &[(String, Stack)]) -> Self {
        let helper = host.at(PATH);
        let lines =
            services.iter().flat_map(|(_, stack)| &stack.lines).filter(|line| is_ours(line));
        let named = lines.flat_map(|line| {
            let place = (line.file.clone(), line.number);
            files(host, line).map(move |file| Missing { place: place.clone(), file })
        });
        let mut missing: Vec<_> = named.filter(|it| !it.file.exists()).collect();
        missing.sort();
        missing.dedup();
        Self {
            has_helper: helper.is_file(),
            helper,
            has_library: libraries(host).iter().any(|lib| lib.join(LIBRARY).exists()),
            missing,
        }
    }

    /// What a line of ours needs and what is not there.
    pub fn judge(&self, line: &Line) -> Vec<Diagnosis> {
        let at = |word, cause: String, mend| {
            Diagnosis::new(word, (&line.file, Some(line.number)), cause, mend)
        };
        let mut found = Vec::new();
        let helper = self.helper.display();
        match (self.has_helper, self.has_library) {
            _ if !has(line, "u2f") => {}
            (false, _) => {
                let cause = format!("there is no {helper}, so u2f asks for no key");
                found.push(at(Word::NoHelper, cause, "install mfa-fido"));
            }
            (true, false) => {
                let cause =
                    format!("there is no {LIBRARY}, which {helper} needs: u2f asks for no key");
                found.push(at(Word::NoHelper, cause, "install libfido2 (Debian: libfido2-1)"));
            }
            (true, true) => {}
        }
        let is_here = |it: &&Missing| it.place == (line.file.clone(), line.number);
        found.extend(self.missing.iter().filter(is_here).map(|Missing { file, .. }| {
            let cause = format!("there is no {}: nobody has a key by it", file.display());
            at(Word::NoKeyFile, cause, "make it, or correct its path")
        }));
        found
    }
}

/// The files of keys that a line names, outside homes.
pub fn files<'a>(host: &'a Host, line: &'a Line) -> impl Iterator<Item = PathBuf> + 'a {
    let templates = KEY_FILES.iter().filter_map(|option| value(line, option));
    templates.filter_map(|template| template::files(host, template)).flatten()
}
