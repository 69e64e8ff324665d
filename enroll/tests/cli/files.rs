//! What is written, where, and what happens if it cannot be.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::host::{Home, code_of, feed, refused, stdout};

#[test]
fn howtos_write_what_they_always_wrote() {
    for (line, options, codes) in [
        ("-tDfuw 3 -C", "\" WINDOW_SIZE 3 \" TOTP_AUTH", 5),
        ("-tDfuw 3 -q", "\" WINDOW_SIZE 3 \" TOTP_AUTH", 5),
        ("-cfuw 3", "\" WINDOW_SIZE 3 \" HOTP_COUNTER 1", 5),
        (
            "-t -d -f -S 60 -W -r 3 -R 30 -e 0 -q -C",
            "\" RATE_LIMIT 3 30 \" WINDOW_SIZE 3 \" STEP_SIZE 60 \" DISALLOW_REUSE \" TOTP_AUTH",
            0,
        ),
        (
            "--time-based --disallow-reuse --force --rate-limit=3 --rate-time=30 \
             --window-size=17 --no-confirm --qr-mode=utf8 --label=a:b --issuer=c",
            "\" RATE_LIMIT 3 30 \" WINDOW_SIZE 17 \" DISALLOW_REUSE \" TOTP_AUTH",
            5,
        ),
    ] {
        let home = Home::new();
        let output = home.line(line, "");
        assert_eq!((code_of(&output), &output.stderr[..]), (0, &b""[..]), "{line}");
        assert_eq!(home.lines(), (options.to_owned(), codes), "{line}");
        assert_eq!(fs::metadata(home.file()).unwrap().mode() & 0o7777, 0o400);
        assert_eq!(home.entries(), [".google_authenticator"]);
    }
}

#[test]
fn an_old_file_is_replaced_only_with_a_yes() {
    let home = Home::new();
    let old = home.enrolled();
    let output = home.line("-cuW", "n\n");
    assert_eq!((code_of(&output), home.text().as_str()), (0, old));
    assert!(stdout(&output).contains("exists"), "{}", stdout(&output));
    let output = home.line("-cuW", "y\n");
    assert_eq!(code_of(&output), 0);
    assert_ne!(home.text(), old);
    assert_eq!(fs::metadata(home.file()).unwrap().mode() & 0o7777, 0o400);

    let home = Home::new();
    let output = home.line("-cuW", "n\n");
    assert!(!stdout(&output).contains("exists"));
    assert_eq!((code_of(&output), home.entries()), (0, vec![]));
}

#[test]
fn a_symbolic_link_stays_and_its_target_is_replaced() {
    let home = Home::new();
    let old = home.enrolled();
    let target = home.path().join("elsewhere");
    fs::rename(home.file(), &target).unwrap();
    symlink("elsewhere", home.file()).unwrap();
    assert_eq!(code_of(&home.line("-cfuWq", "")), 0);
    assert_eq!(fs::read_link(home.file()).unwrap(), Path::new("elsewhere"));
    assert_ne!(fs::read_to_string(&target).unwrap(), old);
    assert_eq!(home.entries(), [".google_authenticator", "elsewhere"]);

    // One that leads to nothing yet.
    fs::remove_file(&target).unwrap();
    assert_eq!(code_of(&home.line("-cfuWq", "")), 0);
    assert!(target.is_file() && home.file().is_symlink());

    fs::remove_file(&target).unwrap();
    symlink(".google_authenticator", &target).unwrap();
    let sentence = refused(&home.line("-cfuWq", ""));
    assert!(sentence.contains("too many symbolic links"), "{sentence}");
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_shown() {
    let home = Home::new();
    let old = home.enrolled();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let output = home.line("", "");
    let sentence = refused(&output);
    assert!(sentence.contains("no file can be made in") && sentence.contains("Permission denied"));
    assert_eq!(stdout(&output), "");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(home.text(), old);

    fs::create_dir(home.path().join("directory")).unwrap();
    let (no_room, endless) = ("x".repeat(252), "x".repeat(5000));
    for (file, words) in [
        (no_room.as_str(), "the name of the file is too long"),
        (endless.as_str(), "the name of the file is too long"),
        ("directory", "it is not a regular file"),
        ("/dev/null", "it is not a regular file"),
        ("nowhere/file", "a directory of the file's path does not exist"),
        (".google_authenticator/file", "Not a directory"),
    ] {
        let output = home.run(["-cfuW", "-s", file], "");
        let sentence = refused(&output);
        assert!(sentence.contains(words), "{sentence}");
        assert_eq!(stdout(&output), "");
    }
    assert_eq!(home.text(), old);
}

#[test]
fn a_write_that_fails_at_the_end_leaves_the_old_file() {
    let home = Home::new();
    let old = home.enrolled();
    // What nobody would put there: the name of the temporary file is taken, for good.
    let taken = home.path().join(".google_authenticator~mfa");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("x"), "").unwrap();
    let sentence = refused(&home.line("-cfuW", ""));
    assert!(sentence.contains("cannot be rewritten"), "{sentence}");
    assert!(sentence.contains(".google_authenticator"), "{sentence}");
    assert_eq!(home.text(), old);

    // A file there is what a crash left, and a file of the original's own name is nobody's concern.
    fs::remove_dir_all(&taken).unwrap();
    fs::write(&taken, "left").unwrap();
    fs::write(home.path().join(".google_authenticator~"), "left").unwrap();
    assert_eq!(code_of(&home.line("-cfuWq", "")), 0);
    assert_eq!(home.entries(), [".google_authenticator", ".google_authenticator~"]);
}

#[test]
fn home_is_needed_unless_a_file_is_named() {
    let home = Home::new();
    for value in [None, Some(""), Some("home")] {
        let with = |line: &str| {
            let mut command = home.command(line.split_whitespace());
            match value {
                Some(value) => command.env("HOME", value),
                None => command.env_remove("HOME"),
            };
            feed(&mut command, "")
        };
        assert!(refused(&with("-cfuW")).contains("HOME"));
        assert_eq!(code_of(&with("-h")), 0);
        assert!(refused(&with("-w 99")).contains("--window-size"));
        assert_eq!(code_of(&with("-cfuW -s named")), 0);
        assert_eq!(home.entries(), ["named"]);
        fs::remove_file(home.path().join("named")).unwrap();
    }
}
