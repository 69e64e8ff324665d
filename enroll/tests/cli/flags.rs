//! Command lines, and what they end in.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::host::{Home, code_of, refused, stdout};
use Outcome::{Enrolled, Refused, Usage};

/// What a command line comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// A file is written, exit code 0.
    Enrolled,
    /// The usage is printed, exit code 0.
    Usage,
    /// One sentence, exit code 1.
    Refused,
}

/// Debian's 20191231-2 has the same outcome for each of these but those marked.
const TABLE: &[(&[&str], Outcome)] = &[
    (&["-tDfuqW"], Enrolled),
    (&["-tDfuqWC"], Enrolled),
    (&["-C", "-C", "-tDfuqW"], Enrolled),
    (&["-cfuqW"], Enrolled),
    (&["-cfuqW", "-S", "60"], Enrolled),
    (&["-Wtdfuq"], Enrolled),
    // Twice.
    (&["-t", "-t", "-DfuqW"], Refused),
    (&["-c", "-c", "-fuqW"], Refused),
    (&["-tDfuqW", "-D"], Refused),
    (&["-tdDfuqW", "-d"], Refused),
    (&["-tDffuqW"], Refused),
    (&["-tDfuqqW"], Refused),
    (&["-tDfuuqW"], Refused),
    (&["-tDfuqWW"], Refused),
    (&["-tDfuq", "-w", "3", "-w", "3"], Refused),
    (&["-tDfuqW", "-l", "a", "-l", "a"], Refused),
    (&["-tDfuqW", "-i", "a", "-i", "a"], Refused),
    (&["-tDfuqW", "-Q", "none", "-Q", "none"], Refused),
    (&["-tDfqW", "-r", "3", "-r", "3", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "3", "-R", "30", "-R", "30"], Refused),
    (&["-tDfuqW", "-s", "a", "-s", "a"], Refused),
    (&["-tDfuqW", "-S", "30", "-S", "30"], Refused),
    (&["-tDfuqW", "-e", "1", "-e", "1"], Refused),
    // Not together, or not without each other.
    (&["-c", "-t", "-fuqW"], Refused),
    (&["-tdDfuqW"], Refused),
    (&["-cdfuqW"], Refused),
    (&["-Dcfuq", "-W"], Refused),
    (&["-dfuqW"], Refused),
    (&["-DfuqW"], Refused),
    (&["-tDfuqW", "-w", "3"], Refused),
    (&["-tDfuq", "-w", "3", "-W"], Refused),
    (&["-tDfqW", "-r", "3"], Refused),
    (&["-tDfqW", "-R", "30"], Refused),
    (&["-tDfuqW", "-r", "3", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "3", "-R", "30", "-u"], Refused),
    (&["-tDfuqW", "-r", "3"], Refused),
    // Numbers.
    (&["-tDfqW", "-r", "0", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "1", "-R", "15"], Enrolled),
    (&["-tDfqW", "-r", "10", "-R", "600"], Enrolled),
    (&["-tDfqW", "-r", "11", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "-1", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "3x", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "3 ", "-R", "30"], Refused),
    (&["-tDfqW", "-r", " 3", "-R", "30"], Enrolled),
    (&["-tDfqW", "-r", "+3", "-R", "030"], Enrolled),
    (&["-tDfqW", "-r", "0x3", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "", "-R", "30"], Refused),
    (&["-tDfqW", "-r", "3", "-R", "14"], Refused),
    (&["-tDfqW", "-r", "3", "-R", "601"], Refused),
    (&["-tDfuqW", "-S", "0"], Refused),
    (&["-tDfuqW", "-S", "1"], Enrolled),
    (&["-tDfuqW", "-S", "60"], Enrolled),
    (&["-tDfuqW", "-S", "61"], Refused),
    (&["-tDfuq", "-w", "0"], Refused),
    (&["-tDfuq", "-w", "1"], Enrolled),
    (&["-tDfuq", "-w", "21"], Enrolled),
    (&["-tDfuq", "-w", "22"], Refused),
    (&["-tDfuq", "-w", "99999999999999999999"], Refused),
    (&["-tDfuqW", "-e", "-1"], Refused),
    (&["-tDfuqW", "-e", "0"], Enrolled),
    (&["-tDfuqW", "-e", "10"], Enrolled),
    (&["-tDfuqW", "-e", "11"], Refused),
    // Other values.
    (&["-tDfuqW", "-Q", "NONE"], Enrolled),
    (&["-tDfuqW", "-Q", "utf8"], Enrolled),
    (&["-tDfuqW", "-Q", "Ansi_Inverse"], Enrolled), // upstream's HEAD; Debian's has no such mode
    (&["-tDfuqW", "-Q", "UTF8-GREY"], Enrolled),    // the same
    (&["-tDfuqW", "-Q", "foo"], Refused),
    (&["-tDfuqW", "-Q", ""], Refused),
    (&["-tDfuqW", "-s", ""], Refused),
    (&["-tDfuqW", "-s", "/nonexistent/x"], Refused),
    (&["-tDfuqW", "-l", ""], Enrolled),
    (&["-tDfuqW", "-i", ""], Enrolled),
    (&["-tDfuqW", "-l", "-x"], Enrolled),
    (&["-tDfuqW", "-l", "--"], Enrolled),
    (&["-tDfuqW", "-l", "--", "-x"], Refused),
    (&["-tDfuqW", "-l"], Refused),
    (&["-tDfuq", "-w"], Refused),
    (&["-tDfuq", "--window-size"], Refused),
    // Ways to write it.
    (&["-tDfuqw3"], Enrolled),
    (&["-tDfuq", "--window-size=3"], Enrolled),
    (&["-tDfuq", "--window-size", "3"], Enrolled),
    (&["-tDfuq", "--window-size="], Refused),
    (&["-tdquw3f"], Refused),
    (&["--ti", "--a", "--f", "--no-r", "--qui", "--m"], Enrolled),
    (&["--w=3", "--ti", "--a", "--f", "--no-r", "--qui"], Enrolled),
    (&["--emergency=0", "-tDfuqW"], Enrolled),
    (&["--no"], Refused),
    (&["--rate", "3"], Refused),
    (&["--s", "x"], Refused),
    (&["--q"], Refused),
    (&["--force=1"], Refused),
    (&["-x"], Refused),
    (&["-tx"], Refused),
    (&["--foo"], Refused),
    (&["-V"], Refused),
    // Help, and what is no option.
    (&["-h"], Usage),
    (&["--hel"], Usage),
    (&["-h", "-w", "99"], Usage),
    (&["-w", "99", "-h"], Refused),
    (&["-r", "3", "-h"], Usage),
    (&["foo"], Usage),
    (&["foo", "-x"], Usage),
    (&["-tDfuqW", "foo"], Usage),
    (&["-tDfuqW", "--", "-t"], Usage),
    (&["-tDfuqW", "-"], Usage),
    (&[""], Usage),
    (&["-tDfuqW", "--"], Enrolled),
    (&["-tDfqW", "-r", "3", "foo"], Usage),
    (&["-dfuqW", "foo"], Usage),
    (&["-c", "-t", "foo"], Refused),
    (&["-cd", "foo"], Refused),
    (&["-u", "-r3", "foo"], Refused),
    (&["-w", "99", "foo"], Refused),
    // Questions that nobody answers.
    (&[], Refused),
    (&["-q"], Refused),
    (&["-t"], Refused),
    (&["-tdqw3"], Refused),
];

#[test]
fn command_lines_end_as_the_originals_do() {
    let home = Home::new();
    for &(line, outcome) in TABLE {
        let output = home.run(line, "");
        match outcome {
            Enrolled => assert_eq!((code_of(&output), stdout(&output)), (0, ""), "{line:?}"),
            Usage => {
                assert_eq!(code_of(&output), 0, "{line:?}");
                assert!(stdout(&output).contains("Usage: mfa-enroll [OPTIONS]"), "{line:?}");
            }
            Refused => drop(refused(&output)),
        }
        assert_eq!(output.stderr.is_empty(), outcome != Refused, "{line:?}");
        let written = if outcome == Enrolled { vec![".google_authenticator"] } else { vec![] };
        assert_eq!(home.entries(), written, "{line:?}");
        let _ = fs::remove_file(home.file());
    }
}

#[test]
fn help_lists_every_option() {
    let output = Home::new().line("--help", "");
    for option in [
        "-t, --time-based",
        "-c, --counter-based",
        "-d, --disallow-reuse",
        "-D, --allow-reuse",
        "-w, --window-size <N>",
        "-W, --minimal-window",
        "-r, --rate-limit <N>",
        "-R, --rate-time <SECONDS>",
        "-u, --no-rate-limit",
        "-S, --step-size <SECONDS>",
        "-e, --emergency-codes <N>",
        "-s, --secret <FILE>",
        "-f, --force",
        "-l, --label <LABEL>",
        "-i, --issuer <ISSUER>",
        "-Q, --qr-mode <MODE>",
        "-C, --no-confirm",
        "-q, --quiet",
        "--version",
        "-h, --help",
    ] {
        assert!(stdout(&output).contains(option), "{option}");
    }
    let version = Home::new().line("--version", "");
    assert_eq!(stdout(&version), concat!("mfa-enroll ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_is_not_utf_8() {
    let home = Home::new();
    let bytes = OsStr::from_bytes(b"\xff");
    let option = OsStr::new;
    let sentence = refused(&home.run([option("-cfuw"), bytes], ""));
    assert!(sentence.contains("UTF-8"), "{sentence}");
    refused(&home.run([OsStr::from_bytes(b"--\xff")], ""));
    refused(&home.run([OsStr::from_bytes(b"-\xff")], ""));
    let line = [option("-cfuW"), option("-Qutf8"), option("-l"), bytes, option("-s"), bytes];
    assert_eq!(code_of(&home.run(line, "")), 0);
    assert!(home.path().join(bytes).is_file());
}
