//! Where the module that a line names is.

use std::fs;
use std::path::{Path, PathBuf};

use super::host::Host;
use super::line::{GOOGLE, OURS};

/// What Linux-PAM calls a name without a path, and what paths lead to.
pub struct Modules<'a> {
    host: &'a Host<'a>,
    /// The module that lines without a path load, if there is one.
    pub usual: Option<PathBuf>,
    /// google-authenticator's name leads to that one, as our package for its users has it.
    pub stands_in: bool,
}

impl<'a> Modules<'a> {
    /// Looks where distributions have Linux-PAM look.
    pub fn look(host: &'a Host) -> Self {
        let libraries = libraries(host);
        let file = |name| {
            let mut files = libraries.iter().map(|lib| lib.join("security").join(name));
            files.find_map(|file| file.canonicalize().ok())
        };
        let usual = file(OURS);
        Self { host, stands_in: usual.is_some() && file(GOOGLE) == usual, usual }
    }

    /// The file that a line loads, if there is one.
    pub fn of(&self, module: &Path) -> Option<PathBuf> {
        match module.to_str() {
            Some(path) if path.starts_with('/') => self.host.at(path).canonicalize().ok(),
            _ => self.usual.clone(),
        }
    }
}

/// The directories that distributions have libraries in.
pub fn libraries(host: &Host) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for lib in ["/usr/lib", "/lib", "/usr/lib64", "/lib64"].map(|lib| host.at(lib)) {
        let entries = fs::read_dir(&lib).into_iter().flatten().flatten();
        let of_machine = |name: &str| name.contains("-linux-");
        let entries = entries.filter(|entry| entry.file_name().to_str().is_some_and(of_machine));
        directories.extend(entries.map(|entry| entry.path()));
        directories.push(lib);
    }
    directories
}
