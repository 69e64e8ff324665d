//! Mistakes, each with its place, its cause, and what mends it.

use std::fmt;
use std::io::Write;
use std::path::Path;

use mfa_core::document::position;
use mfa_core::reason::Reason;
use mfa_core::record::Mistake;
use mfa_core::store::Trouble;
use serde::Serialize;

use crate::failure::{Failure, is_lost};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file or directory.
    pub file: String,
    /// From 1 on, where one can be named.
    pub line: Option<usize>,
    /// From 1 on, in characters, where one can be named.
    pub column: Option<usize>,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub mend: String,
}

impl Finding {
    /// One of a whole file.
    #[must_use]
    pub fn new(file: &Path, cause: impl Into<String>, mend: impl Into<String>) -> Self {
        let file = file.display().to_string();
        Self { file, line: None, column: None, cause: cause.into(), mend: mend.into() }
    }

    /// In the text of a record, a policy or a bypass list.
    #[must_use]
    pub fn in_text(file: &Path, mistake: &Mistake) -> Self {
        let mend = if mistake.is_newer { UPGRADE } else { "correct the file" };
        let (line, column) = (mistake.line, mistake.column);
        Self { line, column, ..Self::new(file, &*mistake.cause, mend) }
    }

    /// The same of what begins at a byte of the file's text.
    #[must_use]
    pub fn at(self, text: &str, byte: usize) -> Self {
        let (line, column) = position(text, byte);
        Self { line: Some(line), column: Some(column), ..self }
    }

    /// Of a record of `user` or its state, `file`.
    #[must_use]
    pub fn of(file: &Path, user: &str, trouble: &Trouble) -> Self {
        // What it is about is named already.
        let beginning = format!("{}: ", file.display());
        let detail = trouble.detail.strip_prefix(&beginning).unwrap_or(&trouble.detail);
        let cause = match trouble.reason {
            Reason::NoState => "the record has no state".to_owned(),
            Reason::BadState => "the state is damaged".to_owned(),
            reason => format!("{reason} ({detail})"),
        };
        Self::new(file, cause, mend(file, user, trouble))
    }
}

const UPGRADE: &str = "install the version of pam_mfa that wrote it";

fn mend(file: &Path, user: &str, trouble: &Trouble) -> String {
    let is_state = file.parent().is_some_and(|directory| directory.ends_with("state"));
    let file = file.display();
    match trouble.reason {
        _ if is_lost(trouble) => format!("run `mfactl state init {user}`"),
        Reason::WrongMode => format!("run `chmod 0600 {file}`"),
        Reason::WrongOwner => format!("run `chown root {file}`"),
        Reason::NewerRecord | Reason::NewerState => UPGRADE.to_owned(),
        // An older one put in its place would bring used codes back.
        Reason::NotRegular | Reason::SymlinkLoop if is_state => {
            format!("remove it, and run `mfactl state init {user}`")
        }
        Reason::NotRegular | Reason::SymlinkLoop => {
            "put a regular file of root's in its place".to_owned()
        }
        _ => "restore it from a backup, or remove it and enrol again".to_owned(),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, cause, mend } = self;
        f.write_str(file)?;
        for number in [line, column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {cause}; {mend}")
    }
}

/// Writes each on a line of its own.
///
/// # Errors
/// [`Failure::Output`].
pub fn list(output: &mut dyn Write, findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        writeln!(output, "{finding}.").map_err(Failure::Output)?;
    }
    Ok(())
}

/// The same of what may be meant as it is.
///
/// # Errors
/// [`Failure::Output`].
pub fn warnings(output: &mut dyn Write, findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        writeln!(output, "warning: {finding}.").map_err(Failure::Output)?;
    }
    Ok(())
}

/// [`Failure::Mistakes`], if there are any.
///
/// # Errors
/// That.
pub fn verdict(findings: &[Finding]) -> Result<(), Failure> {
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::Mistakes(count)),
    }
}
