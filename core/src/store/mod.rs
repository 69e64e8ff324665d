//! Where accounts live, and how a change becomes durable exactly once.

mod file;
mod gauth;
mod key;
pub(crate) mod limit;
pub(crate) mod lock;
mod mapped;
mod replace;
mod rewrite;
mod rights;
mod run;
pub mod slots;
mod system;
mod walk;

use std::fmt;
use std::path::Path;

use nix::errno::Errno;

use crate::account::{Account, Change};
use crate::reason::Reason;
use crate::verify::Verdict;

pub(crate) use file::read_any_size;
pub use gauth::{GauthFile, Rules};
pub use key::{host_key, make_host_key};
pub(crate) use lock::{Deadline, lock_path};
pub use mapped::{AuthorizedKeys, Keeper, KeyFile, MAX_MAPPING, Mapped, Mapping};
pub(crate) use replace::{Unreplaced, replace};
pub use rewrite::rewrite;
pub use rights::Rights;
pub(crate) use run::RunFile;
pub(crate) use system::make_dir;
pub use system::{Base, Edit, Lost, Presence, SystemRecord};
pub use walk::{Place, Trust, locate};

/// One user's account, wherever it is kept.
pub trait Store {
    /// Reads the account without a lock, to know what to ask for. An answer is never judged by it;
    /// only whether the last login still counts, which costs nothing, is.
    fn open(&self) -> Opened;

    /// Reads the account, decides, and makes the changes durable, as if nobody else did anything
    /// meanwhile. `decide` is called again if there is a newer account by then.
    ///
    /// # Errors
    /// Why nothing could be decided: nothing has changed then.
    fn transact(&self, decide: &mut Decide) -> Result<Outcome, Trouble>;

    /// Where it is kept, for the log.
    fn shown(&self) -> String;
}

/// The pure part of a transaction.
pub type Decide<'a> = dyn FnMut(&Account) -> (Verdict, Vec<Change>) + 'a;

/// Three answers, never two: only what is known to be absent is not enrolled.
#[derive(Debug)]
pub enum Opened {
    /// There is an account.
    Enrolled(Box<Account>),
    /// There positively is none.
    NotEnrolled(Trouble),
    /// Nobody can tell, or it must not be used.
    Broken(Trouble),
}

/// A decision, and what became of its changes.
#[derive(Debug)]
pub struct Outcome {
    /// The decision. It counts only if the changes were written.
    pub verdict: Verdict,
    /// Whether the changes are durable.
    pub written: Result<(), Trouble>,
    /// What made the transaction less safe than it should be.
    pub warning: Option<Trouble>,
}

/// What went wrong with a file: the reason for the log's filters, the detail for its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The cause.
    pub reason: Reason,
    /// The path, modes and the like. Never anything from inside the file.
    pub detail: String,
    /// What the system said.
    pub errno: Option<Errno>,
}

impl Trouble {
    /// Something that is not the system's to say.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), errno: None }
    }

    pub(crate) fn system(reason: Reason, what: impl fmt::Display, errno: Errno) -> Self {
        Self { reason, detail: format!("{what}: {}", errno.desc()), errno: Some(errno) }
    }
}

/// A path as the log shows it, on demand: with a blank in it the user name in it could forge another
/// line's words.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub(crate) &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0.as_os_str().as_encoded_bytes() {
            match byte {
                b' ' => f.write_str("\\x20")?,
                _ => write!(f, "{}", byte.escape_ascii())?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.detail)
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests;
