//! Why something was not done.

use std::fmt;
use std::io;
use std::path::PathBuf;

use mfa_core::random::NoRandomness;
use mfa_core::reason::Reason;
use mfa_core::record::Record;
use mfa_core::store::Trouble;

/// One variant for each cause that a person can act on; `Display` is the sentence, without its full
/// stop.
#[derive(Debug)]
pub enum Failure {
    /// It is root's to do, and somebody else runs the command.
    NotRoot,
    /// The user database has no such user, and there is no record of that name.
    UnknownUser(String),
    /// The user database has no such user; only a record is left.
    UserGone(String),
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
    /// The directories for records cannot be made here.
    Directory(PathBuf, io::Error),
    /// This file cannot be read.
    File(PathBuf, io::Error),
    /// Nobody can tell who has a record.
    Unlisted(PathBuf, io::Error),
    /// A record or its state cannot be used or changed.
    Record(Trouble),
    /// So many mistakes were found, and shown.
    Mistakes(usize),
    /// This machine is not as it should be, and what is wrong was shown.
    Ill {
        /// Not warnings alone.
        errors: bool,
        /// How much there is.
        what: String,
    },
    /// What was asked for makes no sense here; the sentence says why, and what would.
    Refused(String),
    /// It was done for others, and why not for these has been told.
    Some {
        /// For how many not.
        failed: usize,
        /// How many there were.
        of: usize,
        /// Whether it was a dry run.
        dry_run: bool,
    },
    /// The enrolment dialogue did not come to its end.
    Dialogue(mfa_enroll::failure::Failure),
    /// The kernel gives no random numbers.
    NoRandomness,
    /// The input cannot be read.
    Input(io::Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl Failure {
    /// The record has no credential of this name.
    #[must_use]
    pub fn no_credential(record: &Record, name: &str) -> Self {
        let user = &record.user;
        Self::Refused(match record.key(name) {
            Some(_) => format!("{name:?} of {user} is a security key, and has no secret"),
            None => format!("{user} has no credential {name:?}; there is {}", names(record)),
        })
    }

    /// The record has several credentials, or none but keys, and none was named.
    #[must_use]
    pub fn several(record: &Record) -> Self {
        let user = &record.user;
        Self::Refused(if record.credentials.is_empty() {
            format!("{user} has security keys and no credential; keys have no secret")
        } else {
            format!("{user} has several credentials; name one of {}", names(record))
        })
    }

    /// The exit code: 3 for mistakes that were found, 2 for errors of this machine, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Mistakes(_) | Self::Some { dry_run: true, .. } => 3,
            Self::Ill { errors: true, .. } => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str("only root may do this; run it by sudo"),
            Self::UnknownUser(user) => {
                write!(f, "there is no user {user:?}, and no record of that name")
            }
            Self::UserGone(user) => write!(
                f,
                "the user database has no {user}, only the record is left; make the user first"
            ),
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
            Self::Directory(path, error) => write!(
                f,
                "{} cannot be made ({error}); run this as root, or make room for it",
                path.display()
            ),
            Self::File(path, error) => write!(f, "{} cannot be read ({error})", path.display()),
            Self::Unlisted(path, error) => {
                write!(f, "{} cannot be listed ({error}); run this as root", path.display())
            }
            Self::Record(trouble) => write!(f, "{trouble}"),
            Self::Mistakes(1) => f.write_str("1 mistake found"),
            Self::Mistakes(count) => write!(f, "{count} mistakes found"),
            Self::Refused(sentence) | Self::Ill { what: sentence, .. } => f.write_str(sentence),
            Self::Some { failed, of, .. } => write!(f, "{failed} of {of} failed, see above"),
            Self::Dialogue(failure) => write!(f, "{failure}"),
            Self::NoRandomness => {
                f.write_str("the kernel gives no random numbers and nothing was written")
            }
            Self::Input(error) => write!(f, "the input cannot be read ({error})"),
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

fn names(record: &Record) -> String {
    let names = record.names().map(|name| format!("{:?}", name.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

/// Whether nothing is there, rather than something wrong.
pub fn is_absent(trouble: &Trouble) -> bool {
    matches!(trouble.reason, Reason::NoFile | Reason::NoRecords)
}

/// Whether what has been used is not known any more.
pub fn is_lost(trouble: &Trouble) -> bool {
    matches!(trouble.reason, Reason::NoState | Reason::BadState)
}
