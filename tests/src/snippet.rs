//! Somebody who does what `mfactl snippet` prints, to the letter.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::run;

/// Where somebody works.
const HOME: &str = "/root";

/// What it printed, and what the files held before.
pub struct Snippet {
    text: String,
    /// What the shell has been told to remember.
    variables: Vec<String>,
    before: Vec<(PathBuf, Option<String>)>,
}

impl Snippet {
    /// What it prints for these words.
    pub fn of(words: &[&str]) -> Self {
        let text = run(&[&["mfactl", "snippet"], words].concat());
        Self { text, variables: vec![], before: vec![] }
    }

    /// Its lines, but for comments, that hold this.
    pub fn lines(&self, part: &str) -> impl Iterator<Item = &str> {
        self.text.lines().filter(move |line| !line.starts_with('#') && line.contains(part))
    }

    /// Does it, up to the way back. Commands of which `is_done` says that they have been done otherwise
    /// are left out.
    #[track_caller]
    pub fn apply(&mut self, mut is_done: impl FnMut(&str) -> bool) {
        let text = self.text.clone();
        let (there, _) = halves(&text);
        let mut rows = there.lines();
        while let Some(row) = rows.next() {
            if let Some(command) = command(row) {
                self.run(command, &mut is_done);
            } else if let Some(head) = row.strip_prefix("# ==> ") {
                let (file, place) = head.trim_end_matches(" <==").split_once(", ").expect("both");
                let lines: Vec<_> = rows.by_ref().take_while(|row| !row.is_empty()).collect();
                self.put(file, place, &lines);
            }
        }
    }

    /// Goes back, and compares.
    #[track_caller]
    pub fn undo(mut self, mut is_done: impl FnMut(&str) -> bool) {
        let text = self.text.clone();
        let (_, back) = halves(&text);
        for command in back.lines().filter_map(command) {
            self.run(command, &mut is_done);
        }
        for (file, text) in self.before {
            assert_eq!(fs::read_to_string(&file).ok(), text, "{}", file.display());
        }
    }

    #[track_caller]
    fn run(&mut self, command: &str, is_done: &mut impl FnMut(&str) -> bool) {
        if command.contains("=$(") {
            self.variables.push(format!("{command}\n"));
        } else if !is_done(command) {
            self.shell(command);
        }
    }

    #[track_caller]
    fn shell(&self, command: &str) -> String {
        run(&["sh", "-ec", &format!("{}{command}", self.variables.concat())])
    }

    #[track_caller]
    fn put(&mut self, file: &str, place: &str, lines: &[&str]) {
        // What is on another machine has no directory there.
        let file = Path::new(HOME).join(self.shell(&format!("printf %s {file}")));
        let before = fs::read_to_string(&file).ok();
        let text = with(before.as_deref(), place, &lines.join("\n"));
        // Nobody comes back to the clients.
        let is_known = self.before.iter().any(|(known, _)| *known == file);
        if !is_known && !place.ends_with("on each client") {
            self.before.push((file.clone(), before));
        }
        fs::create_dir_all(file.parent().expect("a directory")).expect("our own machine");
        write(&file, &text);
    }
}

/// What is to be done, and how to go back.
fn halves(text: &str) -> (&str, &str) {
    text.split_once("\n# If it does not work, go back ").expect("a way back")
}

/// The command in this row, if there is one. What fails ends the test, with `&&` or without.
fn command(row: &str) -> Option<&str> {
    row.strip_prefix("#     ").map(|command| command.trim_end_matches(" &&"))
}

/// The file with these lines in that place.
#[track_caller]
fn with(file: Option<&str>, place: &str, lines: &str) -> String {
    let (place, anchor) = place.split_once(" the line: ").unwrap_or((place, ""));
    assert_eq!(file.is_none(), place == "a new file", "{place}");
    let file = file.unwrap_or_default();
    let is_anchor = |row: &str| row.split_whitespace().eq(anchor.split_whitespace());
    let anchors = file.lines().filter(|row| is_anchor(row)).count();
    assert!(anchor.is_empty() || anchors == 1, "{anchor:?} in:\n{file}");
    let around = |make: &dyn Fn(&str) -> String| {
        let rows =
            file.lines().map(|row| if is_anchor(row) { make(row) } else { format!("{row}\n") });
        rows.collect()
    };
    match place {
        "a new file" | "at the end" | "anywhere, on each client" => format!("{file}{lines}\n"),
        "at the top" => format!("{lines}\n{file}"),
        "below" => around(&|row| format!("{row}\n{lines}\n")),
        "above" => around(&|row| format!("{lines}\n{row}\n")),
        "in place of" => around(&|_| format!("{lines}\n")),
        _ => panic!("no place is called {place:?}"),
    }
}

/// As an editor does: owner and mode stay.
fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
