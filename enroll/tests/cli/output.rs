//! What is shown, and to whom.

use std::fs::File;

use nix::unistd::pipe;

use crate::host::{Home, code_of, otp_shown, refused, stdout};

#[test]
fn what_is_shown_is_what_is_written() {
    let home = Home::new();
    let output = home.line("-cfuw 3", "");
    let text = home.text();
    let mut lines = text.lines();
    let secret = lines.next().unwrap();
    let shown = stdout(&output);
    let first = otp_shown(shown).text(1);
    let codes: Vec<_> = lines.filter(|line| !line.starts_with('"')).collect();
    let expected = format!(
        "Your new secret key is: {secret}\nYour verification code for code 1 is {first}\n\
         Your emergency scratch codes are:\n  {}\n\nWritten to {}.\n",
        codes.join("\n  "),
        home.file().display()
    );
    assert_eq!(shown, expected);

    assert_eq!(stdout(&home.line("-tDfuw 3 -q", "")), "");
    assert!(stdout(&home.line("-cfuw 3 -Q ansi", "")).contains("\x1b[48;5;231m"));
    assert!(!stdout(&home.line("-cfuw 3 -Q none", "")).contains('\x1b'));
}

#[test]
fn names_too_long_for_a_qr_code() {
    let home = Home::new();
    let label = "x".repeat(2_400);
    let sentence = refused(&home.run(["-cfuW", "-Q", "ansi", "-l", &label], ""));
    assert!(sentence.contains("too long for a QR code"), "{sentence}");
    assert_eq!(home.entries(), Vec::<String>::new());
    assert_eq!(code_of(&home.run(["-cfuW", "-l", &label], "")), 0);
}

#[test]
fn an_output_that_nobody_takes_is_no_panic() {
    let home = Home::new();
    let old = home.enrolled();
    for line in ["-cfuW", "--help", "--version", "foo"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = home.command(line.split_whitespace()).stdout(full).output().unwrap();
        assert!(refused(&output).contains("No space left on device"));

        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = home.command(line.split_whitespace()).stdout(writer).output().unwrap();
        assert!(refused(&output).contains("Broken pipe"));
    }
    assert_eq!(home.text(), old);
    // Nobody to complain to either.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = home.command(["-w", "99"]).stderr(full).output().unwrap();
    assert_eq!(code_of(&output), 1);
}
