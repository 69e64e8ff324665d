//! Somebody at a terminal who does what a document shows, and answers what is asked.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use sandbox::{Dialogue, Machine, PASSWORD, User, run};

use crate::phone::Phones;

/// How long nothing need happen until it is clear that nobody knows what to do, s: longer than the next
/// code takes, and than apt.
const PATIENCE: Duration = Duration::from_secs(100);

/// The PIN of the key in the port.
pub const PIN: &str = "1234";

/// Reads the names of files, and runs each in this shell; exit codes go to a file.
const SHELL: &str = r#"
stty rows 24 columns 80
set -o pipefail
exec 3<>"$0/steps"
while read -r step <&3; do
    . "$step" 3>&-
    echo "$?" >"$0/code.new"
    mv "$0/code.new" "$0/code"
done
"#;

/// A person's shell on a terminal, for as long as the document is.
pub struct Person {
    terminal: Dialogue,
    /// What lies between the shell and us.
    desk: PathBuf,
    steps: File,
    /// How much of the screen has been dealt with.
    read: usize,
}

/// What came of a command.
pub struct Outcome {
    /// Its exit code; `None` if the shell ended with it.
    pub code: Option<i32>,
    /// All that was on the screen, without escape sequences.
    pub screen: String,
}

impl Person {
    /// Logs in, in this directory, with an agent for keys of ssh.
    pub fn new(machine: &Machine, user: &User, directory: &str) -> Self {
        let desk = PathBuf::from(format!("/run/desk-{}", user.name));
        let path = |name: &str| desk.join(name).display().to_string();
        run(&["install", "-d", "-o", &user.name, "-m", "700", &path("")]);
        run(&["mkfifo", "-m", "666", &path("steps")]);
        let mut command = user.command(&["ssh-agent", "bash", "-c", SHELL, &path("")]);
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin") // as Debian's login has it
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .current_dir(directory);
        let steps = OpenOptions::new().read(true).write(true).open(desk.join("steps"));
        let steps = steps.expect("just made");
        let terminal = machine.terminal(&command);
        Self { terminal, desk, steps, read: 0 }
    }

    /// Runs a command, and answers what it asks, with the apps in `phones`. `about` is whose account it is
    /// about.
    ///
    /// # Errors
    /// What is on the screen, where nobody knows what to answer.
    pub fn run(&mut self, step: &str, about: &str, phones: &mut Phones) -> Result<Outcome, String> {
        let (file, code) = (self.desk.join("step"), self.desk.join("code"));
        fs::write(&file, format!("{step}\n")).expect("our own /run");
        let _ = fs::remove_file(&code); // there is none before the first
        writeln!(self.steps, "{}", file.display()).expect("the shell reads");
        let begun = self.read;
        let mut last = (self.read, Instant::now());
        loop {
            let screen = self.terminal.screen();
            if let Ok(text) = fs::read_to_string(&code) {
                // What it printed last may still be on its way.
                thread::sleep(Duration::from_millis(50));
                let screen = self.terminal.screen();
                self.read = screen.len();
                let screen = plain(&screen[begun..]);
                phones.scan(about, &screen, is_by_counter(step));
                return Ok(Outcome { code: text.trim().parse().ok(), screen });
            }
            let news = plain(&screen[self.read..]);
            let line = news.rsplit('\n').next().unwrap_or_default();
            if let Some(answer) = answer(line) {
                phones.scan(about, &plain(&screen[begun..]), is_by_counter(step));
                let answer = answer.in_words(about, phones);
                self.read = screen.len();
                self.terminal.press(&answer);
            }
            if screen.len() > last.0 {
                last = (screen.len(), Instant::now());
            } else if last.1.elapsed() > PATIENCE {
                return Err(format!("nobody knows what to do now:\n{}", plain(&screen[begun..])));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What a person does at a prompt.
enum Reply {
    Words(&'static str),
    Code,
    PasswordAndCode,
    /// Leaves a shell.
    End,
}

/// What people do at this prompt, if it is one.
fn answer(prompt: &str) -> Option<Reply> {
    let lower = prompt.to_lowercase();
    let ends = |texts: &[&str]| texts.iter().any(|text| lower.ends_with(text));
    let has = |text: &str| lower.contains(text);
    Some(if ends(&["(y/n) ", "[y/n] ", "[y/n]? "]) {
        Reply::Words("y")
    } else if ends(&["(yes/no/[fingerprint])? "]) {
        Reply::Words("yes")
    } else if has("passphrase") || (has("enter file in which") && ends(&["): "])) {
        Reply::Words("")
    } else if !ends(&[": "]) {
        return ends(&["$ ", "# "]).then_some(Reply::End);
    } else if has("pin") {
        Reply::Words(PIN)
    } else if has("password & verification code") {
        Reply::PasswordAndCode
    } else if has("password") {
        Reply::Words(PASSWORD)
    } else if has("code") {
        Reply::Code
    } else {
        return None;
    })
}

impl Reply {
    fn in_words(self, about: &str, phones: &mut Phones) -> String {
        match self {
            Self::Words(words) => format!("{words}\n"),
            Self::Code => phones.code(about) + "\n",
            Self::PasswordAndCode => format!("{PASSWORD}{}\n", phones.code(about)),
            Self::End => "\u{4}".to_owned(),
        }
    }
}

fn is_by_counter(step: &str) -> bool {
    step.contains("--hotp") || step.contains("mfa-enroll -c")
}

/// What is on the screen, without what steers the terminal.
pub fn plain(screen: &str) -> String {
    let mut text = String::with_capacity(screen.len());
    let mut rest = screen;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        // CSI sequences end with a letter (ECMA-48); of others only the next character is taken.
        rest = match after.strip_prefix('[') {
            Some(sequence) => {
                let end = sequence.find(|letter: char| letter.is_ascii_alphabetic());
                &sequence[end.map_or(sequence.len(), |end| end + 1)..]
            }
            None => &after[after.chars().next().map_or(0, char::len_utf8)..],
        };
    }
    text.push_str(rest);
    // What a line showed before it was written anew is gone.
    let lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    lines.map(|line| line.rsplit('\r').next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_do_at_a_prompt() {
        let words = |prompt: &str| match answer(prompt) {
            Some(Reply::Words(words)) => words,
            Some(Reply::Code) => "(code)",
            Some(Reply::PasswordAndCode) => "(both)",
            Some(Reply::End) => "(end)",
            None => "(nothing)",
        };
        for (prompt, done) in [
            ("Let 17 codes be good? (y/n) ", "y"),
            ("Do you want to continue? [Y/n] ", "y"),
            ("Are you sure you want to continue connecting (yes/no/[fingerprint])? ", "yes"),
            ("Enter passphrase (empty for no passphrase): ", ""),
            ("Enter file in which to save the key (/home/alice/.ssh/id_ed25519_sk): ", ""),
            ("(alice@web) Password: ", PASSWORD),
            ("[sudo] password for alice: ", PASSWORD),
            ("Password & verification code: ", "(both)"),
            ("(alice@web) Verification code: ", "(code)"),
            ("Code from the app (-1 to skip): ", "(code)"),
            ("PIN of your security key: ", PIN),
            ("alice@web:~$ ", "(end)"),
            ("Touch your key.", "(nothing)"),
            ("Verification code: 123", "(nothing)"),
            ("", "(nothing)"),
        ] {
            assert_eq!(words(prompt), done, "{prompt:?}");
        }
    }

    #[test]
    fn colours_are_no_text() {
        assert_eq!(plain("a\x1b[38;5;16;48;5;231m▀\x1b[0m\r\n1 of 2\rb\x1b[?25h"), "a▀\nb");
    }
}
