//! Why something was not done.

use std::fmt;
use std::io;

use mfa_core::random::NoRandomness;
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;

/// One variant for each cause that a person can act on; `Display` is the sentence, without its full
/// stop.
#[derive(Debug)]
pub enum Failure {
    /// The user database has no such user, and there is no record of that name.
    UnknownUser(String),
    /// The user database cannot be asked.
    UserDatabase(String, nix::Error),
    /// No record can be called so.
    BadUserName(String),
    /// The user has no system record.
    NoRecord(String),
    /// The record is another's: the name has come back with another uid.
    UidChanged {
        /// The user.
        user: String,
        /// The uid that the record was made for.
        was: u32,
        /// The uid of the user now.
        is: u32,
    },
    /// A record or its state cannot be used or changed.
    Record(Trouble),
    /// What was asked for makes no sense here; the sentence says why, and what would.
    Refused(String),
    /// The enrolment dialogue did not come to its end.
    Dialogue(mfa_enroll::failure::Failure),
    /// The kernel gives no random numbers.
    NoRandomness,
    /// The directories for records cannot be made.
    NoBase(io::Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUser(user) => {
                write!(f, "there is no user {user:?}, and no record of that name")
            }
            Self::UserDatabase(user, errno) => {
                write!(f, "the user database cannot be asked for {user:?} ({})", errno.desc())
            }
            Self::BadUserName(user) => write!(f, "no record can be called {user:?}"),
            Self::NoRecord(user) => write!(
                f,
                "{user} has no system record; make one with `mfa-enroll --user {user}` or \
                 `mfactl import`"
            ),
            Self::UidChanged { user, was, is } => write!(
                f,
                "the record of {user} was made for uid {was}, and {user} has uid {is} now; if they \
                 are the same person, run `mfactl credential rebind {user}`"
            ),
            Self::Record(trouble) => write!(f, "{trouble}"),
            Self::Refused(sentence) => f.write_str(sentence),
            Self::Dialogue(failure) => write!(f, "{failure}"),
            Self::NoRandomness => {
                f.write_str("the kernel gives no random numbers and nothing was written")
            }
            Self::NoBase(error) => {
                write!(f, "the directory for records cannot be made ({error}); run this as root")
            }
            Self::Output(error) => write!(f, "the output cannot be written ({error})"),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Record(trouble)
    }
}

impl From<NoRandomness> for Failure {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<mfa_enroll::failure::Failure> for Failure {
    fn from(failure: mfa_enroll::failure::Failure) -> Self {
        Self::Dialogue(failure)
    }
}

/// Whether nothing is there, rather than something wrong.
pub fn is_absent(trouble: &Trouble) -> bool {
    matches!(trouble.reason, Reason::NoFile | Reason::NoRecords)
}
