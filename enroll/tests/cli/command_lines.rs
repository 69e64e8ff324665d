//! Command lines, and what they come to: with ours, and with Debian's google-authenticator.

use std::process::Output;

use Outcome::{Asked, Enrolled, Refused, Told, Usage, Version};

/// What a command line comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// A file is written without a word, exit code 0.
    Enrolled,
    /// A file is written and something is said, exit code 0.
    Told,
    /// A question is asked, and the input ends: exit code 1.
    Asked,
    /// The usage is printed, exit code 0.
    Usage,
    /// The version is printed, exit code 0.
    Version,
    /// It is said why not, exit code 1.
    Refused,
}

impl Outcome {
    /// What `output` of `program` shows, if it can be told.
    pub fn of(program: &str, output: &Output, is_written: bool) -> Option<Self> {
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = !output.stderr.is_empty();
        let asked = said.contains("(y/n) ") || said.contains("(-1 to skip): ");
        match (output.status.code()?, is_written) {
            (0, true) if said.is_empty() && !complained => Some(Enrolled),
            (0, true) => Some(Told),
            (0, false) if said.contains("--time-based") && !complained => Some(Usage),
            (0, false) if said.starts_with(program) && !complained => Some(Version),
            (1, false) if asked => Some(Asked),
            (1, false) if complained => Some(Refused),
            _ => None,
        }
    }
}

/// A command line without its first word.
pub struct CommandLine {
    pub words: &'static [&'static str],
    pub ours: Outcome,
    /// What Debian's 20191231-2 makes of it.
    pub theirs: Outcome,
    /// Why that differs; empty where it does not.
    pub why: &'static str,
}

const fn both(words: &'static [&'static str], outcome: Outcome) -> CommandLine {
    CommandLine { words, ours: outcome, theirs: outcome, why: "" }
}

const fn differ(
    words: &'static [&'static str],
    ours: Outcome,
    theirs: Outcome,
    why: &'static str,
) -> CommandLine {
    CommandLine { words, ours, theirs, why }
}

const MODES: &str = "upstream's HEAD has these modes, Debian's release does not";
const NEW: &str = "an option of ours";

pub const TABLE: &[CommandLine] = &[
    both(&["-tDfuqW"], Enrolled),
    both(&["-tDfuqWC"], Enrolled),
    both(&["-C", "-C", "-tDfuqW"], Enrolled),
    both(&["-cfuqW"], Enrolled),
    both(&["-cfuqW", "-S", "60"], Enrolled),
    both(&["-Wtdfuq"], Enrolled),
    // Twice.
    both(&["-t", "-t", "-DfuqW"], Refused),
    both(&["-c", "-c", "-fuqW"], Refused),
    both(&["-tDfuqW", "-D"], Refused),
    both(&["-tdDfuqW", "-d"], Refused),
    both(&["-tDffuqW"], Refused),
    both(&["-tDfuqqW"], Refused),
    both(&["-tDfuuqW"], Refused),
    both(&["-tDfuqWW"], Refused),
    both(&["-tDfuq", "-w", "3", "-w", "3"], Refused),
    both(&["-tDfuqW", "-l", "a", "-l", "a"], Refused),
    both(&["-tDfuqW", "-i", "a", "-i", "a"], Refused),
    both(&["-tDfuqW", "-Q", "none", "-Q", "none"], Refused),
    both(&["-tDfqW", "-r", "3", "-r", "3", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "3", "-R", "30", "-R", "30"], Refused),
    both(&["-tDfuqW", "-s", "a", "-s", "a"], Refused),
    both(&["-tDfuqW", "-S", "30", "-S", "30"], Refused),
    both(&["-tDfuqW", "-e", "1", "-e", "1"], Refused),
    // Not together, or not without each other.
    both(&["-c", "-t", "-fuqW"], Refused),
    both(&["-tdDfuqW"], Refused),
    both(&["-cdfuqW"], Refused),
    both(&["-Dcfuq", "-W"], Refused),
    both(&["-dfuqW"], Refused),
    both(&["-DfuqW"], Refused),
    both(&["-tDfuqW", "-w", "3"], Refused),
    both(&["-tDfuq", "-w", "3", "-W"], Refused),
    both(&["-tDfqW", "-r", "3"], Refused),
    both(&["-tDfqW", "-R", "30"], Refused),
    both(&["-tDfuqW", "-r", "3", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "3", "-R", "30", "-u"], Refused),
    both(&["-tDfuqW", "-r", "3"], Refused),
    // Numbers.
    both(&["-tDfqW", "-r", "0", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "1", "-R", "15"], Enrolled),
    both(&["-tDfqW", "-r", "10", "-R", "600"], Enrolled),
    both(&["-tDfqW", "-r", "11", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "-1", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "3x", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "3 ", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", " 3", "-R", "30"], Enrolled),
    both(&["-tDfqW", "-r", "+3", "-R", "030"], Enrolled),
    both(&["-tDfqW", "-r", "0x3", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "", "-R", "30"], Refused),
    both(&["-tDfqW", "-r", "3", "-R", "14"], Refused),
    both(&["-tDfqW", "-r", "3", "-R", "601"], Refused),
    both(&["-tDfuqW", "-S", "0"], Refused),
    both(&["-tDfuqW", "-S", "1"], Enrolled),
    both(&["-tDfuqW", "-S", "60"], Enrolled),
    both(&["-tDfuqW", "-S", "61"], Refused),
    both(&["-tDfuq", "-w", "0"], Refused),
    both(&["-tDfuq", "-w", "1"], Enrolled),
    both(&["-tDfuq", "-w", "21"], Enrolled),
    both(&["-tDfuq", "-w", "22"], Refused),
    both(&["-tDfuq", "-w", "99999999999999999999"], Refused),
    both(&["-tDfuqW", "-e", "-1"], Refused),
    both(&["-tDfuqW", "-e", "0"], Enrolled),
    both(&["-tDfuqW", "-e", "10"], Enrolled),
    both(&["-tDfuqW", "-e", "11"], Refused),
    // Other values.
    both(&["-tDfuqW", "-Q", "NONE"], Enrolled),
    both(&["-tDfuqW", "-Q", "utf8"], Enrolled),
    differ(&["-tDfuqW", "-Q", "Ansi_Inverse"], Enrolled, Refused, MODES),
    differ(&["-tDfuqW", "-Q", "UTF8-GREY"], Enrolled, Refused, MODES),
    both(&["-tDfuqW", "-Q", "foo"], Refused),
    both(&["-tDfuqW", "-Q", ""], Refused),
    both(&["-tDfuqW", "-s", ""], Refused),
    both(&["-tDfuqW", "-s", "/nonexistent/x"], Refused),
    both(&["-tDfuqW", "-l", ""], Enrolled),
    both(&["-tDfuqW", "-i", ""], Enrolled),
    both(&["-tDfuqW", "-l", "-x"], Enrolled),
    both(&["-tDfuqW", "-l", "--"], Enrolled),
    both(&["-tDfuqW", "-l", "--", "-x"], Refused),
    both(&["-tDfuqW", "-l"], Refused),
    both(&["-tDfuq", "-w"], Refused),
    both(&["-tDfuq", "--window-size"], Refused),
    // Ways to write it.
    both(&["-tDfuqw3"], Enrolled),
    both(&["-tDfuq", "--window-size=3"], Enrolled),
    both(&["-tDfuq", "--window-size", "3"], Enrolled),
    both(&["-tDfuq", "--window-size="], Refused),
    both(&["-tdquw3f"], Refused),
    both(&["--ti", "--a", "--f", "--no-r", "--qui", "--m"], Enrolled),
    both(&["--w=3", "--ti", "--a", "--f", "--no-r", "--qui"], Enrolled),
    both(&["--emergency=0", "-tDfuqW"], Enrolled),
    both(&["--no"], Refused),
    both(&["--rate", "3"], Refused),
    both(&["--s", "x"], Refused),
    both(&["--q"], Refused),
    both(&["--force=1"], Refused),
    both(&["-x"], Refused),
    both(&["-tx"], Refused),
    both(&["--foo"], Refused),
    both(&["-V"], Refused),
    both(&["--d", "-tfuqW"], Enrolled),
    both(&["--di", "-tfuqW"], Enrolled),
    both(&["--al", "-tfuqW"], Enrolled),
    both(&["--qr=none", "-tDfuqW"], Enrolled),
    both(&["--qr=x.svg", "-tDfuqW"], Refused),
    // Help, and what is no option.
    both(&["-h"], Usage),
    both(&["--hel"], Usage),
    both(&["-h", "-w", "99"], Usage),
    both(&["-w", "99", "-h"], Refused),
    both(&["-r", "3", "-h"], Usage),
    both(&["foo"], Usage),
    both(&["foo", "-x"], Usage),
    both(&["-tDfuqW", "foo"], Usage),
    both(&["-tDfuqW", "--", "-t"], Usage),
    both(&["-tDfuqW", "-"], Usage),
    both(&[""], Usage),
    both(&["-tDfuqW", "--"], Enrolled),
    both(&["-tDfqW", "-r", "3", "foo"], Usage),
    both(&["-dfuqW", "foo"], Usage),
    both(&["-c", "-t", "foo"], Refused),
    both(&["-cd", "foo"], Refused),
    both(&["-u", "-r3", "foo"], Refused),
    both(&["-w", "99", "foo"], Refused),
    // Questions that nobody answers.
    both(&[], Asked),
    both(&["-q"], Asked),
    both(&["-t"], Asked),
    both(&["-tDfuW"], Asked),
    both(&["-tDfuqWe3"], Enrolled),
    both(&["-tfuqW"], Asked),
    both(&["-tDuqW"], Asked),
    both(&["-tDfuq"], Asked),
    both(&["-cfqW"], Asked),
    both(&["-tdqw3"], Asked),
    // What the original does not have.
    differ(&["--version"], Version, Refused, "upstream's HEAD has it"),
    differ(&["-tDfuqW", "--digits", "6"], Enrolled, Refused, NEW),
    differ(&["-tDfuqW", "--digits=8"], Told, Refused, NEW),
    differ(&["-cfuqW", "--dig", "7"], Told, Refused, NEW),
    both(&["-tDfuqW", "--digits", "5"], Refused),
    both(&["-tDfuqW", "--digits", "9"], Refused),
    both(&["-tDfuqW", "--digits", ""], Refused),
    both(&["-tDfuqW", "--digits", "6", "--digits", "6"], Refused),
    differ(&["-tDfuqW", "--algorithm=sha1"], Enrolled, Refused, NEW),
    differ(&["-tDfuqW", "--algorithm=Sha256"], Told, Refused, NEW),
    differ(&["-cfuqW", "--alg", "SHA512"], Told, Refused, NEW),
    both(&["-tDfuqW", "--algorithm=MD5"], Refused),
    both(&["-tDfuqW", "--algorithm="], Refused),
    differ(&["-tDfuqW", "--uri"], Told, Refused, NEW),
    differ(&["-cfuqW", "--u"], Told, Refused, NEW),
    both(&["-tDfuqW", "--uri=x"], Refused),
    differ(&["-tDfuW", "--json"], Told, Refused, NEW),
    both(&["--json"], Refused),
    both(&["-tDfuqW", "--json"], Refused),
    both(&["-tDfuW", "--json", "--uri"], Refused),
    both(&["-tDfuW", "--json", "-Q", "ansi"], Refused),
    both(&["-tDfuqW", "--qr-file", "x.png"], Refused),
    both(&["-tDfuqW", "--qr-file", "nowhere/x.svg"], Refused),
    both(&["-tDfuqW", "--qr-file", "-"], Refused),
    both(&["-tDfuqW", "--qr-file="], Refused),
    // Only root can enrol somebody else, and both are run as somebody else.
    both(&["--user", "alice"], Refused),
    both(&["-tfqWC", "--user=alice", "--name", "token"], Refused),
    both(&["-tfqWC", "--us", "alice"], Refused),
    both(&["-tfqWC", "--user", "alice", "--user", "alice"], Refused),
    both(&["-tfqWC", "--user"], Refused),
    both(&["-tfqWC", "--user", "alice", "--name="], Refused),
    both(&["-tDfuqW", "--name", "token"], Refused),
];
