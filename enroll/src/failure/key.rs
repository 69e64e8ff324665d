//! Why a security key was not enrolled, or not removed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use mfa_core::helper;
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;

/// One variant for each cause that a person can act on; `Display` is the sentence, without its full
/// stop.
#[derive(Debug)]
pub enum KeyFailure {
    /// mfa-fido cannot be run, or has ended in the middle.
    Helper(io::Error),
    /// What mfa-fido says of the tokens.
    Token(helper::Failure),
    /// No PIN was typed.
    GivenUp,
    /// What the key signed does not count.
    Unproven(Reason),
    /// No key that could be asked is one for a USB port.
    NoUsb,
    /// The key is enrolled already, under this name or number.
    Known(String),
    /// Something of this user has the name already.
    NameTaken(String, String),
    /// As many keys as can count; how many that is.
    Full(usize),
    /// There is no such key; what there is.
    NoKey(String, Vec<String>),
    /// This key is the last thing that the user of the record has.
    Last(String, String),
    /// This file has no public key of a security key; why.
    NotSk(PathBuf, String),
    /// This file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The directory for the mapping cannot be made.
    Directory(PathBuf, io::Error),
    /// The mapping cannot be read or written.
    Mapping(Trouble),
}

impl From<Trouble> for KeyFailure {
    fn from(trouble: Trouble) -> Self {
        Self::Mapping(trouble)
    }
}

impl fmt::Display for KeyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Helper(error) => write!(
                f,
                "mfa-fido, which asks the keys, failed ({error}), so nothing was done; install it as \
                 /usr/libexec/mfa-fido, or see the system's log"
            ),
            Self::Token(helper::Failure::Other(error)) => write!(
                f,
                "the key failed (libfido2's error {error}), so nothing was done; plug it in anew and start \
                 again"
            ),
            Self::Token(failure) => f.write_str(token(*failure)),
            Self::GivenUp => f.write_str("no PIN was given, so nothing was done"),
            Self::Unproven(reason) => {
                write!(f, "{reason}, so nothing was done; try again, or take another key")
            }
            Self::NoUsb => f.write_str(
                "there is no key that could be asked in a USB port of this machine; enrol one with \
                 `mfa-enroll key add`",
            ),
            Self::Known(name) => {
                write!(f, "that key is enrolled already, as {name}; nothing was written")
            }
            Self::NameTaken(user, name) => write!(
                f,
                "{user} has something called {name:?} already; give the key another --name"
            ),
            Self::Full(most) => write!(
                f,
                "there are {most} already, and more would not count; remove one with `mfa-enroll key \
                 remove` first"
            ),
            Self::NoKey(given, there) if there.is_empty() => {
                write!(f, "there is no key {given:?}, and no other")
            }
            Self::NoKey(given, there) => {
                write!(f, "there is no key {given:?}; there is {}", there.join(", "))
            }
            Self::Last(user, name) => write!(
                f,
                "{name:?} is the last that {user} has enrolled; `mfactl credential remove {user} \
                 {name:?} --last` removes it with the record"
            ),
            Self::NotSk(path, why) => write!(f, "{} {why}", path.display()),
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be read ({error}); give a file that can be", path.display())
            }
            Self::Directory(path, error) => write!(
                f,
                "{} cannot be made ({error}), so nothing was written; mend that and start again",
                path.display()
            ),
            Self::Mapping(trouble) if trouble.reason == Reason::NotDurable => {
                write!(f, "{trouble}; see whether it is there once the disk is in order")
            }
            Self::Mapping(trouble) => {
                let advice = match trouble.reason {
                    Reason::Locked | Reason::Changed => "start again in a moment",
                    Reason::BadMapping => "mend that line first: as it is, none of its keys counts",
                    _ => "mend that and start again",
                };
                write!(f, "{trouble}, so nothing was written; {advice}")
            }
        }
    }
}

fn token(failure: helper::Failure) -> &'static str {
    match failure {
        helper::Failure::Absent => {
            "no key was plugged in that you may use, so nothing was done; insert it and start again; by \
             ssh only root may use one"
        }
        helper::Failure::Unknown => {
            "no key that is plugged in is an enrolled one, so nothing was done"
        }
        helper::Failure::Late => "nobody touched the key, so nothing was done; start again",
        helper::Failure::WrongPin => {
            "three PINs were wrong, so nothing was done; plug the key in anew before you try others"
        }
        helper::Failure::LastPin => {
            "one wrong PIN more would lock the key for good, so it is not asked for; see its maker's \
             program"
        }
        helper::Failure::PinBlocked => {
            "the key takes no PIN: plug it in anew, or reset it with its maker's program"
        }
        helper::Failure::NoPin => {
            "the key has no PIN yet; set one with its maker's program, or with `fido2-token -S`"
        }
        helper::Failure::Unsupported => {
            "the key cannot do what is asked for; leave --pin, --verify-required and --resident out, or \
             take another"
        }
        helper::Failure::Enrolled => "that key is enrolled already; nothing was written",
        helper::Failure::Other(_) => "the key failed",
    }
}
