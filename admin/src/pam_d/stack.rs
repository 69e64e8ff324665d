//! The stack of one service: its lines and what they include, in the order of Linux-PAM.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::control::Control;
use super::rule::{Rule, rules};
use super::{Places, Texts};

/// What the program asks PAM for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Who is it?
    Auth,
    /// May they in now?
    Account,
    /// A new password.
    Password,
    /// Before and after.
    Session,
}

impl Phase {
    /// The first word of a line, in any case; a hyphen before it only keeps the log quiet.
    fn read(word: &OsStr) -> Option<Self> {
        let all = [Self::Auth, Self::Account, Self::Password, Self::Session];
        all.into_iter().find(|phase| is(word, phase.name()))
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::Password => "password",
            Self::Session => "session",
        }
    }
}

/// A line that calls a module, or a substack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which question it is part of the answer to.
    pub phase: Phase,
    /// What becomes of the answer.
    pub control: Control,
    /// As it is written; the file's name for a substack.
    pub module: PathBuf,
    /// What stands behind it.
    pub options: Vec<OsString>,
    /// The file with the line, which the service's own may include.
    pub file: PathBuf,
    /// The line's number, from 1 on.
    pub number: usize,
    /// How many substacks it lies in.
    pub level: usize,
}

impl Line {
    /// Whether the lines behind it that lie deeper are the substack that it names.
    #[must_use]
    pub fn is_substack(&self) -> bool {
        self.control.text == "substack"
    }

    /// The last part of the module's path, wherever that leads.
    #[must_use]
    pub fn name(&self) -> &str {
        self.module.file_name().and_then(OsStr::to_str).unwrap_or_default()
    }
}

/// A line that names a file which is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dangling {
    /// The file with the line.
    pub file: PathBuf,
    /// The line's number, from 1 on.
    pub number: usize,
    /// What it names.
    pub target: String,
}

/// All that a service loads, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Of all phases.
    pub lines: Vec<Line>,
    /// What was not found.
    pub dangling: Vec<Dangling>,
}

impl Stack {
    /// The lines of one phase.
    #[must_use]
    pub fn of(&self, phase: Phase) -> Vec<&Line> {
        self.lines.iter().filter(|line| line.phase == phase).collect()
    }
}

/// How many files a service may include: far more than any does, and loops that branch end.
const MAX_FILES: usize = 1000;

/// The way through the files of one service.
pub(super) struct Walk<'a> {
    places: &'a Places,
    texts: &'a mut Texts,
    /// Files that are being read, outermost first.
    open: Vec<PathBuf>,
    files: usize,
    level: usize,
    pub(super) stack: Stack,
}

impl<'a> Walk<'a> {
    pub(super) fn new(places: &'a Places, texts: &'a mut Texts) -> Self {
        let stack = Stack::default();
        Self { places, texts, open: Vec::new(), files: 0, level: 0, stack }
    }

    /// The lines of a file, of one phase or of all.
    pub(super) fn file(&mut self, path: &Path, only: Option<Phase>) {
        if self.open.iter().any(|open| open == path) || self.files == MAX_FILES {
            return;
        }
        self.files += 1;
        if let Some(text) = self.texts.read(path) {
            self.open.push(path.to_owned());
            self.rules(path, rules(&text), only);
            self.open.pop();
        }
    }

    pub(super) fn rules(&mut self, file: &Path, rules: Vec<Rule>, only: Option<Phase>) {
        for Rule { line: number, words } in rules {
            let place = (file, number);
            match words.as_slice() {
                [at_include, target, ..] if is(at_include, "@include") => {
                    self.include(place, target, only);
                }
                [kind, control, target, options @ ..] => {
                    let Some(phase) = Phase::read(kind) else { continue };
                    if only.is_some_and(|only| only != phase) {
                        continue;
                    }
                    if control.eq_ignore_ascii_case("include") {
                        self.include(place, target, Some(phase));
                        continue;
                    }
                    self.stack.lines.push(Line {
                        phase,
                        control: Control::read(control),
                        module: target.into(),
                        options: options.to_vec(),
                        file: file.to_owned(),
                        number,
                        level: self.level,
                    });
                    if control.eq_ignore_ascii_case("substack") {
                        self.level += 1;
                        self.include(place, target, Some(phase));
                        self.level -= 1;
                    }
                }
                _ => {}
            }
        }
    }

    fn include(&mut self, (file, number): (&Path, usize), target: &OsStr, only: Option<Phase>) {
        let mut paths = self.places.directories.iter().map(|directory| directory.join(target));
        // What cannot be told to be absent is read, and that failure told.
        if let Some(path) = paths.find(|path| path.try_exists().unwrap_or(true)) {
            return self.file(&path, only);
        }
        let target = target.to_string_lossy().into_owned();
        self.stack.dangling.push(Dangling { file: file.to_owned(), number, target });
    }
}

fn is(word: &OsStr, name: &str) -> bool {
    let word = word.as_bytes();
    word.strip_prefix(b"-").unwrap_or(word).eq_ignore_ascii_case(name.as_bytes())
}
