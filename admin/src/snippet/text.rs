//! What a snippet consists of, and how it is written: nothing but lines of files, and comments.

use std::fmt::{self, Display, Formatter};

/// How far comments go.
const WIDTH: usize = 90;

/// What makes one service ask for a code.
pub struct Snippet {
    /// What it is, in a few words.
    pub title: String,
    /// What to know before, a paragraph each.
    pub notes: Vec<&'static str>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// How the service hears of changed files of its own, if it does not read them at each login.
    pub reload: Option<&'static str>,
    /// How to try it.
    pub trial: &'static str,
}

/// One thing to do.
pub enum Step {
    /// This command, as root.
    Run(&'static str),
    /// These lines, into this file. A shell reads its name in the commands.
    Put { file: &'static str, place: Place, lines: Vec<Line> },
}

/// Where in a file. A line is meant however many blanks it has between its words.
pub enum Place {
    /// There is no such file yet.
    New,
    Top,
    End,
    Below(&'static str),
    Above(&'static str),
    InPlaceOf(&'static str),
    /// On other machines, where nobody can go back for them.
    Clients,
}

/// A line, and what it does.
pub struct Line(pub &'static str, pub &'static str);

/// What the words of our lines mean. Whatever else stands on one is a mistake, which a test finds.
const WORDS: [(&str, &str); 7] = [
    ("required", "whoever this line denies is not let in, whatever the other lines say"),
    (
        "nullok",
        "who has not enrolled is not asked; take it out once all have. With a policy it means \
         nothing",
    ),
    (
        "forward_pass",
        "takes password and code in one answer, 'secret123456', and hands the password on",
    ),
    ("store=system", "looks for what root keeps in /var/lib/pam_mfa, not into homes"),
    ("user=postgres", "the server is not root: the files belong to postgres"),
    ("secret=/var/lib/postgresql/mfa/${USER}", "where the files are, one for each role"),
    ("secret=/var/lib/pgsql/mfa/${USER}", "where the files are, one for each role"),
];

impl Display for Snippet {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        comment(f, "", &self.title)?;
        for note in &self.notes {
            writeln!(f, "#")?;
            comment(f, "", note)?;
        }
        writeln!(f, "#")?;
        comment(
            f,
            "",
            "Keep a root shell open until a new login from another terminal has worked.",
        )?;
        let first = self.steps.iter().take_while(|step| matches!(step, Step::Run(_))).count();
        let (first, rest) = self.steps.split_at(first);
        let [made, changed] = self.files();
        // A copy that is there already is of the time before the first attempt.
        let copies = changed
            .iter()
            .map(|file| format!("[ -e {file}.before-mfa ] || cp -a {file} {file}.before-mfa"));
        let before = first.iter().filter_map(Step::command).map(str::to_owned).chain(copies);
        commands(f, "First, as root, with copies to go back to:", before)?;
        for steps in rest.chunk_by(|one, next| one.command().is_some() && next.command().is_some())
        {
            let run = steps.iter().filter_map(Step::command).map(str::to_owned);
            commands(f, "Then, as root:", run)?;
            for step in steps {
                step.put(f)?;
            }
        }
        writeln!(f)?;
        comment(f, "", self.trial)?;
        let back = changed.iter().map(|file| format!("mv {file}.before-mfa {file}"));
        let back = back.chain(made.iter().map(|file| format!("rm {file}")));
        let back = back.chain(self.reload.map(str::to_owned));
        // Whatever fails, nothing behind it is done: sshd may demand no less as long as PAM asks for less.
        let mut back: Vec<_> = back.collect();
        let last = back.len().saturating_sub(1);
        back.iter_mut().take(last).for_each(|command| command.push_str(" &&"));
        commands(f, "If it does not work, go back from the root shell:", back.into_iter())
    }
}

impl Snippet {
    /// The files that it makes, and those that it changes, each once.
    fn files(&self) -> [Vec<&'static str>; 2] {
        let [mut made, mut changed] = [vec![], vec![]];
        for step in &self.steps {
            let (file, files) = match step {
                Step::Put { place: Place::Clients, .. } | Step::Run(_) => continue,
                Step::Put { file, place: Place::New, .. } => (file, &mut made),
                Step::Put { file, .. } => (file, &mut changed),
            };
            if !files.contains(file) {
                files.push(*file);
            }
        }
        [made, changed]
    }
}

impl Step {
    fn command(&self) -> Option<&'static str> {
        if let Self::Run(line) = self { Some(line) } else { None }
    }

    fn put(&self, f: &mut Formatter) -> fmt::Result {
        let Self::Put { file, place, lines } = self else { return Ok(()) };
        writeln!(f, "\n# ==> {file}, {place} <==")?;
        for Line(line, why) in lines {
            comment(f, "", why)?;
            let is_ours = line.contains("pam_mfa.so");
            let words = line.split(' ').filter(|_| is_ours);
            for (word, meaning) in words.filter_map(explained) {
                comment(f, "  ", &format!("{word}: {meaning}"))?;
            }
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// A word of a line of ours, and what it means.
pub fn explained(word: &str) -> Option<(&'static str, &'static str)> {
    WORDS.into_iter().find(|(known, _)| *known == word)
}

/// Commands below what they are for, if there are any.
fn commands(f: &mut Formatter, what: &str, commands: impl Iterator<Item = String>) -> fmt::Result {
    for (index, command) in commands.enumerate() {
        if index == 0 {
            writeln!(f, "\n# {what}")?;
        }
        writeln!(f, "#     {command}")?;
    }
    Ok(())
}

/// A paragraph; with an indent, its further lines stand further in.
fn comment(f: &mut Formatter, indent: &str, text: &str) -> fmt::Result {
    let mut line = format!("# {indent}");
    let mut is_begun = false;
    for word in text.split(' ') {
        if is_begun && line.len() + 1 + word.len() > WIDTH {
            writeln!(f, "{line}")?;
            line = format!("# {indent}{indent}");
            is_begun = false;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    writeln!(f, "{line}")
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::New => f.write_str("a new file"),
            Self::Top => f.write_str("at the top"),
            Self::End => f.write_str("at the end"),
            Self::Below(line) => write!(f, "below the line: {line}"),
            Self::Above(line) => write!(f, "above the line: {line}"),
            Self::Clients => f.write_str("anywhere, on each client"),
            Self::InPlaceOf(line) => write!(f, "in place of the line: {line}"),
        }
    }
}
