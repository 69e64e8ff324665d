//! What surrounds a run of the command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mfa_core::random::Random;
use mfa_core::store::Base;

use crate::failure::Failure;
use crate::log::Invoker;

/// The machine, as the command sees it; tests have others.
pub struct World<'a> {
    /// Where records are.
    pub base: Base,
    /// Where PAM's stacks are, `/etc/pam.d`.
    pub pam_d: PathBuf,
    /// Where the administrator's files are, `/etc/pam_mfa`.
    pub etc: &'a Path,
    /// Where the module keeps what the next boot may lose, `/run/pam_mfa`.
    pub run: &'a Path,
    /// The machine's name.
    pub host: OsString,
    /// Who runs the command.
    pub invoker: Invoker,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> u64,
    /// Random bytes.
    pub random: &'a Random<'a>,
    /// Takes a line for the system's log.
    pub log: &'a dyn Fn(&str),
    /// The width of the terminal, if the output is one.
    pub columns: Option<usize>,
}

impl World<'_> {
    /// Turns everybody else away.
    ///
    /// # Errors
    /// [`Failure::NotRoot`].
    pub fn require_root(&self) -> Result<(), Failure> {
        if self.invoker.uid == 0 { Ok(()) } else { Err(Failure::NotRoot) }
    }
}
