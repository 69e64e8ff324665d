//! What surrounds a run of the command.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use mfa_core::random::Random;
use mfa_core::store::{Base, Trouble};
use mfa_enroll::log::Invoker;
use mfa_enroll::token::Start;

use crate::failure::Failure;
use crate::policy::Login;

/// Gives each line since then, in seconds since 1970, to whoever takes them.
pub type Journal<'a> = dyn Fn(Option<u64>, &mut dyn FnMut(&[u8])) -> io::Result<()> + 'a;

/// The machine, as the command sees it; tests have others.
pub struct World<'a> {
    /// Where records are.
    pub base: Base,
    /// Where PAM's stacks are, `/etc/pam.d`.
    pub pam_d: PathBuf,
    /// What this machine is, `/etc/os-release`.
    pub os_release: PathBuf,
    /// Where the administrator's files are, `/etc/pam_mfa`.
    pub etc: &'a Path,
    /// Where the module keeps what the next boot may lose, `/run/pam_mfa`.
    pub run: &'a Path,
    /// The machine's name.
    pub host: OsString,
    /// Who runs the command.
    pub invoker: Invoker,
    /// The login that this comes from.
    pub login: &'a dyn Fn() -> Login,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> u64,
    /// Random bytes.
    pub random: &'a Random<'a>,
    /// Asks the security keys in this machine's ports.
    pub keys: &'a Start<'a>,
    /// Takes a line for the system's log.
    pub log: &'a dyn Fn(&str),
    /// The journal of the system, as JSON.
    pub journal: &'a Journal<'a>,
    /// Where the log is on machines without a journal, as far as these files exist.
    pub logs: Vec<PathBuf>,
    /// Everybody whom the user database lists.
    pub everyone: &'a dyn Fn() -> Result<BTreeSet<String>, Trouble>,
    /// The width of the terminal, if the output is one.
    pub columns: Option<usize>,
    /// Whether the output may be in colour.
    pub colour: bool,
    /// Whether somebody can be asked: input and output are a terminal.
    pub has_terminal: bool,
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
