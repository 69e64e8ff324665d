//! Questions and answers.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use mfa_core::otp::{Algorithm, Digits, Otp, step};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::{Home, Session, code_of, now, refused, secret_shown, stdout};

#[test]
fn questions_in_the_originals_order() {
    for (line, input, options) in [
        ("", "y\n-1\ny\nn\nn\nn\n", "\" TOTP_AUTH"),
        ("", "y\n-1\ny\ny\nn\nn\n", "\" DISALLOW_REUSE \" TOTP_AUTH"),
        ("", "y\n-1\ny\nn\ny\nn\n", "\" WINDOW_SIZE 17 \" TOTP_AUTH"),
        ("", "y\n-1\ny\nn\nn\ny\n", "\" RATE_LIMIT 3 30 \" TOTP_AUTH"),
        ("", "n\ny\ny\nn\n", "\" WINDOW_SIZE 17 \" HOTP_COUNTER 1"),
        ("-c -q", "Yes\nno\nY", "\" RATE_LIMIT 3 30 \" HOTP_COUNTER 1"),
        ("-tq", "\nq\ny\n y\nn\nn\ny\n", "\" RATE_LIMIT 3 30 \" TOTP_AUTH"),
    ] {
        let home = Home::new();
        let output = home.line(line, input);
        assert_eq!(code_of(&output), 0, "{line} {input:?}");
        assert_eq!(home.lines(), (options.to_owned(), 5), "{line} {input:?}");
    }
}

#[test]
fn the_apps_code_confirms_and_is_used_up() {
    let home = Home::new();
    let mut session = Session::start(&home, "-tdfuW");
    let otp = session.hear_secret();
    let used = step(now(), 30);
    let code = otp.text(used);
    session.type_in(&format!("{} {}", &code[..3], &code[3..]));
    let output = session.end();
    assert_eq!(code_of(&output), 0);
    assert!(stdout(&output).contains("used up; the next one "), "{}", stdout(&output));
    let options = format!("\" WINDOW_SIZE 3 \" DISALLOW_REUSE {used} \" TOTP_AUTH");
    assert_eq!(home.lines(), (options, 5));
}

#[test]
fn a_wrong_code_is_asked_again_and_reveals_nothing() {
    let home = Home::new();
    let mut session = Session::start(&home, "-tDfuW");
    let otp = session.hear_secret();
    let present = step(now(), 30);
    let near = present - 1_510..present + 1_510;
    let wrong = (0..5_000).find(|code| !near.clone().any(|step| otp.code(step) == *code)).unwrap();
    let mut said = String::new();
    for typed in [format!("{wrong:06}"), otp.text(present - 120), "code?".into(), String::new()] {
        session.type_in(&typed);
        said += &session.hear("Code from the app (-1 to skip): ");
    }
    for step in present - 1..=present + 3 {
        assert!(!said.contains(&otp.text(step)), "{said}");
    }
    assert!(said.contains("about 60 minutes slow") || said.contains("about 61 minutes slow"));
    session.type_in("-1");
    let output = session.end();
    assert_eq!(code_of(&output), 0);
    assert_eq!(home.lines().1, 5);
}

#[test]
fn unusual_codes_are_confirmed_as_they_are_and_warned_of() {
    let home = Home::new();
    let mut session = Session::start(&home, "-tdfuW --digits 8 --algorithm SHA256");
    let secret = secret_shown(&session.hear("Code from the app (-1 to skip): "));
    let used = step(now(), 30);
    session.type_in(&Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(used));
    let said = session.hear("Code from the app (-1 to skip): ");
    assert!(said.contains("A code has 8 digits. Try again."), "{said}");
    session.type_in(&Otp::new(&secret, Algorithm::Sha256, Digits::new(8).unwrap()).text(used));
    let output = session.end();
    assert_eq!(code_of(&output), 0);
    let options = format!(
        "\" WINDOW_SIZE 3 \" ALGORITHM SHA256 \" DIGITS 8 \" DISALLOW_REUSE {used} \" TOTP_AUTH"
    );
    assert_eq!(home.lines(), (options, 5));
    let warning = std::str::from_utf8(&output.stderr).unwrap();
    assert!(warning.starts_with("mfa-enroll: some apps ignore --digits"), "{warning}");
    assert_eq!(warning.lines().count(), 1);

    let output = home.line("-cfuW --digits 7 --algorithm sha512", "");
    let first =
        Otp::new(&secret_shown(stdout(&output)), Algorithm::Sha512, Digits::new(7).unwrap());
    assert!(stdout(&output).contains(&format!("code for code 1 is {}\n", first.text(1))));
}

#[test]
fn an_end_of_input_writes_nothing() {
    for (line, input) in [
        ("", ""),
        ("-tDfuW", ""),
        ("-tDfuW", "123456"),
        ("-tDfuW", "123456\n"),
        ("-cuW", "\n"),
        ("-cfu", "maybe"),
    ] {
        let home = Home::new();
        let old = home.enrolled();
        let sentence = refused(&home.line(line, input));
        assert!(sentence.contains("the input ended"), "{sentence}");
        assert_eq!(home.text(), old);
        assert_eq!(home.entries(), [".google_authenticator"]);
    }
    let home = Home::new();
    let output = home.command(["-cuW"]).stdin(Stdio::null()).output().unwrap();
    refused(&output);
}

#[test]
fn ctrl_c_at_any_question_leaves_the_old_file() {
    for answers in 0..6 {
        let home = Home::new();
        let old = home.enrolled();
        let mut session = Session::start(&home, "");
        for answer in ["y", "-1", "y", "n", "n"].into_iter().take(answers) {
            session.type_in(answer);
        }
        for question in 0..=answers {
            session.hear(if question == 1 { "(-1 to skip): " } else { " (y/n) " });
        }
        let child = Pid::from_raw(session.child.id().try_into().unwrap());
        kill(child, Signal::SIGINT).unwrap();
        let output = session.end();
        assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32), "{answers}");
        assert_eq!(home.text(), old);
        assert_eq!(home.entries(), [".google_authenticator"]);
    }
}
