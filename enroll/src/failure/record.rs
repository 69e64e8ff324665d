//! Why there is no enrolment because of the record that root keeps of a user.

use std::fmt;
use std::io;
use std::path::PathBuf;

use mfa_core::reason::Reason;
use mfa_core::record::MAX_CREDENTIALS;
use mfa_core::store::Trouble;
use nix::errno::Errno;

/// One variant for each cause that a person can act on; `Display` is the sentence, without its full
/// stop.
#[derive(Debug)]
pub enum RecordFailure {
    /// Only root can enrol somebody by name.
    NotRoot,
    /// The user database has no such user.
    UnknownUser(String),
    /// The user database cannot be asked.
    UserDatabase(String, Errno),
    /// No record can be called like this user.
    BadUserName(String),
    /// The user has as many credentials and keys as there can be.
    Full(String),
    /// A key of this user is called so.
    NameOfKey(String, String),
    /// The directories of the records cannot be made.
    Directory(PathBuf, io::Error),
    /// The record cannot be read or written.
    Trouble(Trouble),
    /// Root keeps this user's record, and nothing in the home counts.
    KeptByRoot(String),
    /// This user was reset, and nothing in the home counts.
    Reset(String),
}

impl From<Trouble> for RecordFailure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl fmt::Display for RecordFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str(
                "only root can enrol a user by name; run it as root, or without --user for yourself",
            ),
            Self::UnknownUser(user) => {
                write!(f, "there is no user {user:?}; give a login name with --user")
            }
            Self::UserDatabase(user, errno) => write!(
                f,
                "the user database cannot be asked for {user:?} ({}); mend that and start again",
                errno.desc()
            ),
            Self::BadUserName(user) => {
                write!(f, "no record can be called {user:?}; that user can only have a file")
            }
            Self::Full(user) => write!(
                f,
                "{user} has {MAX_CREDENTIALS} credentials and keys, and more are not possible; replace \
                 one with --name, or remove one with `mfactl credential remove`"
            ),
            Self::NameOfKey(user, name) => {
                write!(f, "{user} has a security key {name:?}; give another --name")
            }
            Self::Directory(directory, error) => write!(
                f,
                "{} cannot be made ({error}), so nothing was written; mend that and start again",
                directory.display()
            ),
            Self::Trouble(trouble) => {
                let advice = match trouble.reason {
                    Reason::Locked | Reason::Changed => "; start again in a moment",
                    Reason::CannotWrite => "; mend that or make room, and start again",
                    // The detail says what to do.
                    _ => "",
                };
                write!(f, "{trouble}, so nothing was written{advice}")
            }
            Self::KeptByRoot(user) => write!(
                f,
                "root keeps what {user} has enrolled, and a file in the home would not count; ask \
                 the administrator, who changes it with `mfactl credential` or `mfa-enroll --user \
                 {user}`"
            ),
            Self::Reset(user) => write!(
                f,
                "{user} was reset, and a file in the home would not count; ask the administrator, \
                 who enrols anew with `mfa-enroll --user {user}`"
            ),
        }
    }
}
