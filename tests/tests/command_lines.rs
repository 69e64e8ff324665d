//! Command lines, run with the original and with ours.

#[path = "../../enroll/tests/cli/command_lines.rs"]
mod command_lines;

use std::fs;
use std::process::Stdio;

use command_lines::{Outcome, TABLE};
use sandbox::{Machine, User};

#[test]
fn what_they_come_to_and_what_they_write() {
    let machine = Machine::new();
    let alice = machine.user("alice");
    for line in TABLE {
        let (outcome, their_options) = run(&alice, "google-authenticator", line.words);
        assert_eq!(outcome, line.theirs, "google-authenticator {:?} ({})", line.words, line.why);
        let (outcome, our_options) = run(&alice, "mfa-enroll", line.words);
        assert_eq!(outcome, line.ours, "mfa-enroll {:?} ({})", line.words, line.why);
        if line.ours == line.theirs {
            assert_eq!(our_options, their_options, "{:?}", line.words);
        }
    }
}

/// What comes of it where nobody answers, and the written file's option lines, with the number of
/// its scratch codes.
fn run(user: &User, program: &str, words: &[&str]) -> (Outcome, Option<(String, usize)>) {
    let mut command = user.command(&[&[program], words].concat());
    let output = command.stdin(Stdio::null()).output().expect("setpriv is there");
    let is_written = user.state().exists();
    let outcome = Outcome::of(program, &output, is_written);
    let outcome = outcome.unwrap_or_else(|| panic!("{program} {words:?} comes to {output:?}"));
    let options = is_written.then(|| {
        let state = user.read_state();
        let options = state.lines().filter(|line| line.starts_with('"')).collect::<Vec<_>>();
        (options.join("\n"), user.scratch_codes().len())
    });
    if is_written {
        fs::remove_file(user.state()).expect("just written");
    }
    assert_eq!(fs::read_dir(&user.home).expect("a home").count(), 0, "{program} {words:?}");
    (outcome, options)
}
