//! Whose PAM files the lines are for.

use std::fs;
use std::path::Path;

use clap::ValueEnum;

use crate::failure::Failure;

/// A distribution whose files are known. Others name one of these as what they are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Distro {
    Debian,
    Ubuntu,
    Fedora,
    Rhel,
}

impl Distro {
    /// What this machine is, or what it says that it is like: ID and ID_LIKE of os-release(5).
    ///
    /// # Errors
    /// The file cannot be read, or names none that is known.
    pub fn of_machine(os_release: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(os_release)
            .map_err(|error| Failure::File(os_release.to_owned(), error))?;
        let value = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.unwrap_or_default().trim_matches(['"', '\''])
        };
        let id = value("ID");
        let known = |word| Self::from_str(word, false).ok();
        let mut words = [id].into_iter().chain(value("ID_LIKE").split_whitespace());
        words.find_map(known).ok_or_else(|| {
            Failure::Refused(format!(
                "there are no lines for {id:?}; --distro debian, ubuntu, fedora or rhel prints \
                 those of another"
            ))
        })
    }

    /// Whether its services include `common-auth`; else they include `system-auth`.
    pub fn is_debian(self) -> bool {
        matches!(self, Self::Debian | Self::Ubuntu)
    }

    /// Whose files they are.
    pub fn family(self) -> &'static str {
        if self.is_debian() { "Debian and Ubuntu" } else { "Fedora and RHEL" }
    }
}
