//! Why nothing was enrolled.

mod key;
mod record;

use std::fmt;
use std::io;
use std::path::PathBuf;

use mfa_core::qr::TooLong;
use mfa_core::random::NoRandomness;
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use nix::errno::Errno;

pub use key::KeyFailure;
pub use record::RecordFailure;

/// One variant for each cause that a person can act on; `Display` is the sentence, without its full
/// stop. The old file is as it was, but for [`Reason::NotDurable`].
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// No question may be asked; each of these decides one that is open.
    Undecided(Vec<&'static str>),
    /// HOME names no directory, and no file was given.
    NoHome,
    /// The input ended at a question.
    InputEnded,
    /// The input cannot be read.
    Input(io::Error),
    /// The output cannot be written.
    Output(io::Error),
    /// Label and issuer are too long for a QR code.
    TooLongForQr,
    /// The kernel gives no random numbers.
    NoRandomness,
    /// The file's name or path is longer than a file system takes.
    NameTooLong,
    /// No file can be made in this directory.
    Directory(PathBuf, Errno),
    /// The QR code cannot be written to this file.
    QrFile(PathBuf, Errno),
    /// The file cannot be replaced.
    File(Trouble),
    /// No code of the app confirmed the secret.
    NotConfirmed,
    /// A user's record is in the way, or not to be had.
    Record(RecordFailure),
    /// It is about a security key.
    Key(KeyFailure),
}

impl Failure {
    /// Whether the new file is in place nevertheless.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        match self {
            Self::File(trouble) | Self::Record(RecordFailure::Trouble(trouble)) => {
                trouble.reason == Reason::NotDurable
            }
            _ => false,
        }
    }
}

impl From<RecordFailure> for Failure {
    fn from(failure: RecordFailure) -> Self {
        Self::Record(failure)
    }
}

impl From<KeyFailure> for Failure {
    fn from(failure: KeyFailure) -> Self {
        Self::Key(failure)
    }
}

impl From<TooLong> for Failure {
    fn from(_: TooLong) -> Self {
        Self::TooLongForQr
    }
}

impl From<NoRandomness> for Failure {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(sentence) => f.write_str(sentence),
            Self::Undecided(options) => {
                write!(f, "--json asks nothing; add {}", options.join("; "))
            }
            Self::NoHome => f.write_str(
                "HOME is not set to a path that starts with /; set it or name the file with \
                 --secret",
            ),
            Self::InputEnded => f.write_str(
                "the input ended before every question was answered and nothing was written; \
                 answer the rest or decide it with flags",
            ),
            Self::Input(error) => {
                write!(
                    f,
                    "the answers cannot be read ({error}), nothing was written; start again \
                    with an input that can be read"
                )
            }
            Self::Output(error) => {
                write!(
                    f,
                    "the output cannot be written ({error}), nothing was written; start \
                    again with an output that works, or with --quiet"
                )
            }
            Self::TooLongForQr => f.write_str(
                "label and issuer are too long for a QR code; shorten them with --label and \
                 --issuer or draw none, with --qr-mode=NONE and without --qr-file",
            ),
            Self::NoRandomness => f.write_str(
                "the kernel gives no random numbers and nothing was written; try again or see \
                 the system's log",
            ),
            Self::NameTooLong => {
                f.write_str("the name of the file is too long; give a shorter one with --secret")
            }
            Self::Directory(directory, errno) => write!(
                f,
                "no file can be made in {} ({}); mend that or name another file with --secret",
                directory.display(),
                errno.desc()
            ),
            Self::QrFile(path, Errno::EEXIST) => write!(
                f,
                "{} exists and is not overwritten, so nothing was written; move it away or give \
                 another name with --qr-file",
                path.display()
            ),
            Self::QrFile(path, errno) => write!(
                f,
                "{} cannot be written ({}), so nothing was; mend that or give another name with \
                 --qr-file",
                path.display(),
                errno.desc()
            ),
            Self::File(trouble) | Self::Record(RecordFailure::Trouble(trouble))
                if self.is_in_place() =>
            {
                write!(f, "{trouble}; enrol again once the disk is in order")
            }
            Self::File(trouble) => {
                write!(f, "{trouble}, so nothing was written; {}", advice(trouble.reason))
            }
            Self::NotConfirmed => f.write_str(
                "no code of the app confirmed the secret, so nothing was written; start again, or \
                 write it unconfirmed with --no-confirm",
            ),
            Self::Record(failure) => failure.fmt(f),
            Self::Key(failure) => failure.fmt(f),
        }
    }
}

fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::Locked | Reason::Changed => "try again in a moment",
        Reason::NotRegular => "name another file with --secret, or move that away",
        Reason::NoDirectory => "make that directory, or name another file with --secret",
        Reason::SymlinkLoop => "mend the link, or name another file with --secret",
        _ => "mend the directory's rights or make room, or name another file with --secret",
    }
}
