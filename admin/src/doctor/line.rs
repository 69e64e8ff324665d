//! Our own line of a stack: its options, as far as they decide who gets in, and what it means in words.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mfa_core::options;

use crate::pam_d::{Line, Phase};

/// The module's name.
pub const OURS: &str = "pam_mfa.so";

/// The one whose place it takes.
pub const GOOGLE: &str = "pam_google_authenticator.so";

/// Whether it is a line of ours.
pub fn is_ours(line: &Line) -> bool {
    line.name() == OURS
}

/// Whether an option stands on a line.
pub fn has(line: &Line, option: &str) -> bool {
    line.options.iter().any(|word| word == option)
}

/// The value of an option; the last one counts.
pub fn value<'a>(line: &'a Line, name: &str) -> Option<&'a OsStr> {
    let mut options = line.options.iter().rev().map(|option| option.as_bytes());
    options.find_map(|option| {
        let value = option.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value))
    })
}

/// Whether people enrol while they log in.
pub fn enrols(line: &Line) -> bool {
    has(line, "enroll") || value(line, "enroll").is_some()
}

/// The options that the module does not know.
pub fn unknown(line: &Line) -> impl Iterator<Item = String> {
    let is_known = |option: &str| match option.split_once('=') {
        Some((name, _)) => options::is_known(name, true),
        None => options::is_known(option, false),
    };
    let options = line.options.iter().map(|option| option.to_string_lossy().into_owned());
    options.filter(move |option| !is_known(option))
}

/// What the line does.
pub fn in_words(line: &Line) -> String {
    match line.phase {
        Phase::Auth => auth_in_words(line),
        Phase::Account => "asks again where a check is no longer fresh".to_owned(),
        Phase::Session if has(line, "trust_auth_info") => {
            "turns away who came by a key alone, unless that key will do".to_owned()
        }
        Phase::Session => "turns away who came by a key alone but must have a code".to_owned(),
        Phase::Password => "does nothing".to_owned(),
    }
}

fn auth_in_words(line: &Line) -> String {
    let keys = match (has(line, "u2f"), has(line, "ssh_agent")) {
        (true, true) => "asks for a key in this machine's port or in an agent, or ",
        (true, false) => "asks for a key in this machine's port, or ",
        (false, true) => "asks for a key in an agent, or ",
        (false, false) => "",
    };
    let what = if has(line, "forward_pass") {
        "asks for password and code in one"
    } else if has(line, "use_first_pass") {
        "takes the code from the password"
    } else {
        "asks for a code"
    };
    let store = value(line, "store").and_then(OsStr::to_str);
    let of = match (value(line, "secret"), store) {
        (Some(path), _) => format!(" of {}", path.to_string_lossy()),
        (None, Some("system")) => " of a system record".to_owned(),
        (None, Some("home")) => " of the file in the home".to_owned(),
        (None, _) => String::new(),
    };
    let not_enrolled = if value(line, "enroll").is_some() {
        "; who has not enrolled does so with a ticket"
    } else if enrols(line) {
        "; who has not enrolled does so"
    } else if has(line, "nullok") {
        "; who has not enrolled is not asked"
    } else {
        ""
    };
    format!("{keys}{what}{of}{not_enrolled}")
}
