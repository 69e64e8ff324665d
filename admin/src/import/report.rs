//! What became of each user, line by line or as one object.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde::Serialize;

use crate::failure::Failure;

/// What became of one user.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a record now; in a dry run, there would be one.
    Imported {
        /// What is in it.
        summary: String,
        /// Whether a phone or a token is among it.
        has_otp: bool,
        /// Whether scratch codes are.
        has_codes: bool,
    },
    /// Nothing was to be done.
    Unchanged(String),
    /// Told to stay with the file in the home.
    Kept,
    /// The file in the home counts again.
    Undone,
    /// Nothing to import; not told unless somebody asked for this user.
    NotEnrolled,
}

/// One user.
#[derive(Serialize)]
struct Line {
    user: String,
    outcome: &'static str,
    detail: String,
}

/// The whole, for scripts.
#[derive(Serialize)]
struct Object<'a> {
    dry_run: bool,
    users: &'a [Line],
    /// Services that cannot read system records, and why.
    without_root: &'a BTreeMap<String, &'static str>,
}

/// Collects what became of whom.
pub struct Report<'a> {
    output: &'a mut dyn Write,
    is_json: bool,
    dry_run: bool,
    without_root: BTreeMap<String, &'static str>,
    lines: Vec<Line>,
    failed: usize,
    not_enrolled: usize,
    /// What people should know in the end.
    advice: BTreeSet<&'static str>,
}

const NEXT_CODE: &str =
    "The code that a phone shows right now does not count any more; the next one does.";
const WEAK_CODES: &str = "Scratch codes have eight digits: whoever gets hold of a record finds them \
                          within minutes. Give out new ones with `mfactl codes USER --new`.";

impl<'a> Report<'a> {
    /// To `output`, as one object or line by line.
    pub fn new(output: &'a mut dyn Write, is_json: bool, dry_run: bool) -> Self {
        Self {
            output,
            is_json,
            dry_run,
            without_root: BTreeMap::new(),
            lines: Vec::new(),
            failed: 0,
            not_enrolled: 0,
            advice: BTreeSet::new(),
        }
    }

    /// Names the services that cannot read system records.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn without_root(
        &mut self,
        services: BTreeMap<String, &'static str>,
    ) -> Result<(), Failure> {
        for (service, why) in &services {
            self.say(&format!(
                "Note: {service} cannot read system records ({why}). People who log in there keep \
                 their home file with --keep-home."
            ))?;
        }
        self.without_root = services;
        Ok(())
    }

    /// Adds what became of `user`.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn add(&mut self, user: &str, result: Result<Outcome, Failure>) -> Result<(), Failure> {
        let (outcome, detail) = match result {
            Ok(Outcome::Imported { summary, has_otp, has_codes }) => {
                self.advice.extend(has_otp.then_some(NEXT_CODE));
                self.advice.extend(has_codes.then_some(WEAK_CODES));
                ("imported", summary)
            }
            Ok(Outcome::Unchanged(why)) => ("unchanged", why),
            Ok(Outcome::Kept) => ("kept", "the file in the home goes on counting".to_owned()),
            Ok(Outcome::Undone) => ("undone", "the file in the home counts again".to_owned()),
            Ok(Outcome::NotEnrolled) => {
                self.not_enrolled += 1;
                return Ok(());
            }
            Err(failure) => {
                self.failed += 1;
                ("failed", failure.to_string())
            }
        };
        let would = if self.dry_run && outcome == "imported" { "would be " } else { "" };
        // A name may hold what a terminal obeys.
        self.say(&format!("{}: {would}{outcome}: {detail}.", user.escape_debug()))?;
        self.lines.push(Line { user: user.to_owned(), outcome, detail });
        Ok(())
    }

    /// Says what follows from it all.
    ///
    /// # Errors
    /// [`Failure::Some`] if somebody was not imported, or [`Failure::Output`].
    pub fn finish(mut self) -> Result<(), Failure> {
        if self.is_json {
            let object = Object {
                dry_run: self.dry_run,
                users: &self.lines,
                without_root: &self.without_root,
            };
            let text =
                serde_json::to_string(&object).map_err(|error| Failure::Output(error.into()))?;
            writeln!(self.output, "{text}").map_err(Failure::Output)?;
        }
        if self.not_enrolled > 0 {
            self.say(&format!("{} without anything to import.", self.not_enrolled))?;
        }
        if !self.dry_run {
            for advice in std::mem::take(&mut self.advice) {
                self.say(advice)?;
            }
        }
        match self.failed {
            0 => Ok(()),
            failed => Err(Failure::Some { failed, of: self.lines.len(), dry_run: self.dry_run }),
        }
    }

    fn say(&mut self, line: &str) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        writeln!(self.output, "{line}").map_err(Failure::Output)
    }
}
