//! The PAM host as the module sees it. All of C and all unsafe code is in this room.

#![allow(unsafe_code)]

mod ffi;
mod handle;
#[allow(dead_code, reason = "the login asks it next")]
mod helper;

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use mfa_core::fresh::Leader;
use mfa_core::store::Trouble;
use nix::unistd::Uid;
use zeroize::Zeroizing;

use crate::pending::Pending;
use crate::terminal::Terminal;
use crate::wait::Patience;

pub(crate) use handle::Handle;
pub(crate) use helper::Heard;

/// What a person typed, or a password that another module asked for.
pub(crate) type Token = Zeroizing<Vec<u8>>;

/// A fact that a host tells of a login (pam_get_item(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// The PAM service.
    Service,
    /// The terminal.
    Tty,
    /// The remote host.
    RemoteHost,
    /// Who called.
    RemoteUser,
}

/// How much a line in the log matters (syslog(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Something works but should be looked after.
    Warning,
    /// A denial.
    Error,
    /// A success, or a detail.
    Info,
}

/// The host could not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotAsk;

/// Who asks the tokens in this machine's ports: mfa-fido, or a test.
pub(crate) trait Tokens {
    /// Sends a datagram.
    ///
    /// # Errors
    /// [`mfa_core::reason::Reason::HelperFailed`].
    fn send(&self, datagram: &[u8]) -> Result<(), Trouble>;

    /// Waits for what is said next.
    ///
    /// # Errors
    /// [`mfa_core::reason::Reason::HelperFailed`] if nobody is there any more, or makes no sense.
    fn receive(&self, patience: Patience) -> Result<Heard, Trouble>;
}

/// The program that asks for a login: sshd, sudo or a test.
pub(crate) trait Host {
    /// The login name, which the host may have to ask for; what is not UTF-8 in it is replaced.
    /// `None` if there is none.
    fn user(&mut self) -> Option<String>;

    /// A fact; what is not UTF-8 in it is replaced.
    fn item(&self, item: Item) -> Option<String>;

    /// A variable of the PAM environment (pam_getenv(3)), not of the process.
    fn variable(&self, name: &CStr) -> Option<String>;

    /// Sets a variable of the PAM environment (pam_putenv(3)), which sshd takes along to the session
    /// phase; `false` if that failed.
    fn put_variable(&mut self, name: &CStr, value: &str) -> bool;

    /// Takes it out again: a host hands what is there to the user's programs.
    fn remove_variable(&mut self, name: &CStr);

    /// What an earlier module asked for (`PAM_AUTHTOK`).
    fn first_pass(&self) -> Option<Token>;

    /// Hands a password to later modules; `false` if that failed.
    fn set_first_pass(&mut self, password: &[u8]) -> bool;

    /// Asks the person. `None` is an answer that has no bytes at all, not even an empty text.
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Token>, CannotAsk>;

    /// Tells the person something. `PAM_SILENT`, which sudo sets, is ignored as the original does:
    /// what is said is why somebody is not let in.
    fn tell(&mut self, text: &str);

    /// Shows the person text that the next question is about (`PAM_TEXT_INFO`); lines end in `\n`.
    /// What is not printable by the person's locale does not arrive as it is: ssh escapes it.
    fn inform(&mut self, text: &str);

    /// Keeps an enrolment until the account phase, in the place of any other; `false` if that
    /// failed. It is wiped when the host ends the login, and each process of a host that forks
    /// has its own.
    fn keep(&mut self, pending: Pending) -> bool;

    /// Hands out what was kept, once.
    fn kept(&mut self) -> Option<Pending>;

    /// Remembers until the host ends the login that a code of this user was right; `false` if that
    /// failed. Each process of a host that forks has its own memory.
    fn mark_checked(&mut self, user: &str) -> bool;

    /// Whether the user who was last remembered so is this one.
    fn is_checked(&self, user: &str) -> bool;

    /// The leader of the session that this process belongs to; `None` for a session without a
    /// terminal.
    fn session_leader(&self) -> Option<Leader>;

    /// The terminal where the person sits, if there is one; what was typed before is gone.
    fn terminal(&self) -> Option<Terminal>;

    /// Where the agent is that came with the person: `SSH_AUTH_SOCK`, the one variable of the process
    /// that is ever looked at.
    fn agent(&self) -> Option<PathBuf>;

    /// Starts what asks the tokens in this machine's ports: the program at `path`, which must be `owner`'s.
    /// It ends when this is dropped.
    ///
    /// # Errors
    /// [`mfa_core::reason::Reason::NoHelper`].
    fn tokens(&self, path: &Path, owner: Uid) -> Result<Box<dyn Tokens>, Trouble>;

    /// This machine's name (uname(2)), without a look-up; what is not UTF-8 in it is replaced.
    fn node(&self) -> String;

    /// Writes a line to the system's log.
    fn log(&self, level: Level, line: &str);

    /// Seconds since 1970.
    fn now(&self) -> u64;
}
