//! Command lines, and what they end in.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::command_lines::{Outcome, TABLE};
use crate::host::{Home, code_of, refused, stdout};

#[test]
fn command_lines_end_as_the_originals_do() {
    let home = Home::new();
    for line in TABLE {
        let words = line.words;
        let output = home.run(words, "");
        let is_written = home.file().exists();
        let outcome = Outcome::of("mfa-enroll", &output, is_written);
        assert_eq!(outcome, Some(line.ours), "{words:?} {output:?}");
        if [Outcome::Asked, Outcome::Refused].contains(&line.ours) {
            refused(&output);
        }
        assert_eq!(home.entries().len(), usize::from(is_written), "{words:?}");
        let _ = fs::remove_file(home.file());
    }
}

#[test]
fn a_difference_from_the_original_has_its_reason() {
    for line in TABLE {
        assert_eq!(line.ours == line.theirs, line.why.is_empty(), "{:?}", line.words);
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
        "--digits <N>",
        "--algorithm <NAME>",
        "-e, --emergency-codes <N>",
        "-s, --secret <FILE>",
        "--user <USER>",
        "--name <NAME>",
        "-f, --force",
        "-l, --label <LABEL>",
        "-i, --issuer <ISSUER>",
        "-Q, --qr-mode <MODE>",
        "--qr-file <FILE.svg>",
        "--uri",
        "--json",
        "-C, --no-confirm",
        "-q, --quiet",
        "--version",
        "_INVERSE draw",
        "-h, --help",
    ] {
        assert!(stdout(&output).contains(option), "{option}");
    }
    let version = Home::new().line("--version", "");
    assert_eq!(stdout(&version), concat!("mfa-enroll ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_a_record_does_not_take() {
    let home = Home::new();
    for (line, words) in [
        ("--user alice", "only root can enrol a user by name"),
        ("-tfW --user alice -s x", "leave --secret or --user out"),
        ("-tDfW --user alice", "leave --allow-reuse out"),
        ("-tfuW --user alice", "leave --no-rate-limit out, or give --rate-limit and --rate-time"),
        ("-tfW --json --user alice", "add --no-confirm"),
        ("-tfqW --user alice", "add --no-confirm"),
        ("-tfqWC --name x", "--name needs --user"),
        ("-tfqWC --user alice --name=", "1 to 32 printable characters"),
        ("-tfqWC --user alice --name a\u{202e}b", "1 to 32 printable characters"),
    ] {
        let output = home.line(line, "");
        assert!(refused(&output).contains(words), "{line}: {output:?}");
        assert_eq!((stdout(&output), home.entries().len()), ("", 0), "{line}");
    }
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
