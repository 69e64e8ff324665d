//! What scripts are told.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::host::{Home, code_of, refused, stdout};

/// The object that is all of the output.
fn object(home: &Home, line: &[&OsStr]) -> Value {
    let output = home.run(line, "");
    assert_eq!((code_of(&output), &output.stderr[..]), (0, &b""[..]), "{line:?}");
    assert_eq!(stdout(&output).lines().count(), 1);
    serde_json::from_str(stdout(&output)).unwrap()
}

fn words(line: &str) -> Vec<&OsStr> {
    line.split(' ').map(OsStr::new).collect()
}

#[test]
fn an_object_says_what_the_file_says() {
    let home = Home::new();
    let said = object(&home, &words("-tdfw 5 -r 3 -R 30 -S 60 -e 2 -l a -i b --json"));
    let text = home.text();
    let secret = text.lines().next().unwrap();
    let codes: Vec<_> = text.lines().filter(|line| line.len() == 8).collect();
    assert_eq!(codes.len(), 2);
    let expected = json!({
        "file": home.file().to_str().unwrap(),
        "user": null,
        "name": null,
        "qr_file": null,
        "type": "totp",
        "secret": secret,
        "uri": format!("otpauth://totp/a?secret={secret}&issuer=b&period=60"),
        "algorithm": "SHA1",
        "digits": 6,
        "period": 60,
        "counter": null,
        "disallow_reuse": true,
        "window": 5,
        "rate_limit": {"attempts": 3, "seconds": 30},
        "recovery_codes": codes,
    });
    assert_eq!(said, expected);

    let said = object(&home, &words("-cfuW -e 0 -l a -i b --json --qr-file x.svg"));
    let text = home.text();
    let secret = text.lines().next().unwrap();
    let expected = json!({
        "file": home.file().to_str().unwrap(),
        "user": null,
        "name": null,
        "qr_file": "x.svg",
        "type": "hotp",
        "secret": secret,
        "uri": format!("otpauth://hotp/a?secret={secret}&issuer=b&counter=1"),
        "algorithm": "SHA1",
        "digits": 6,
        "period": null,
        "counter": 1,
        "disallow_reuse": true,
        "window": 1,
        "rate_limit": null,
        "recovery_codes": [],
    });
    assert_eq!(said, expected);
}

#[test]
fn any_name_is_put_into_an_object() {
    let home = Home::new();
    for (name, shown) in [
        (&b"a \"b\"\\c\n\x01"[..], "a \"b\"\\c\n\u{1}"),
        ("\u{e9}\u{1f511}".as_bytes(), "\u{e9}\u{1f511}"),
        (b"\xff", "\u{fffd}"),
    ] {
        let name = OsStr::from_bytes(name);
        let line = [&words("-tDfuW --json -l")[..], &[name], &words("-s"), &[name]].concat();
        assert_eq!(object(&home, &line)["file"], shown);
        fs::remove_file(home.path().join(name)).unwrap();
    }
}

#[test]
fn what_no_flag_decides_is_named() {
    let home = Home::new();
    for (line, missing) in [
        (
            "",
            "--time-based or --counter-based; --force; --window-size or --minimal-window; \
             --rate-limit with --rate-time, or --no-rate-limit",
        ),
        ("-tfuW", "--disallow-reuse or --allow-reuse"),
        ("-tduW", "--force"),
        ("-tdfu", "--window-size or --minimal-window"),
        ("-cfW --digits 8", "--rate-limit with --rate-time, or --no-rate-limit"),
    ] {
        let output = home.line(&format!("{line} --json"), "y\ny\ny\ny\ny\n");
        let sentence = format!("mfa-enroll: --json asks nothing; add {missing}.\n");
        assert_eq!((refused(&output), stdout(&output)), (sentence, ""), "{line}");
        assert_eq!(home.entries(), [""; 0]);
    }
}

#[test]
fn nothing_is_written_if_nobody_takes_the_object_or_the_uri() {
    let home = Home::new();
    for line in ["-tDfuW --json --qr-file x.svg", "-tDfuW -q --uri"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = home.command(line.split(' ')).stdout(full).output().unwrap();
        assert!(refused(&output).contains("No space left on device"));
        assert_eq!(home.entries(), [""; 0], "{line}");
    }
}

#[test]
fn the_uri_alone_or_below_the_secret() {
    let home = Home::new();
    let line = "-tDfuWC -S 60 --algorithm sha512 --digits 8 --uri -l";
    let label = "Acme:alice smith@host/x?#&%";
    for quiet in [true, false] {
        let mut words = words(line);
        words.push(OsStr::new(label));
        words.extend(quiet.then_some(OsStr::new("-q")));
        words.extend(["-i", "Ac me:\u{e9}+@"].map(OsStr::new));
        let output = home.run(words, "");
        let text = home.text();
        let secret = text.lines().next().unwrap();
        let uri = format!(
            "otpauth://totp/Acme:alice%20smith@host%2Fx%3F%23%26%25?secret={secret}\
             &issuer=Ac%20me%3A%C3%A9%2B%40&algorithm=SHA512&digits=8&period=60\n"
        );
        if quiet {
            assert_eq!(stdout(&output), uri);
        } else {
            let beginning = format!("Your new secret key is: {secret}\n{uri}Your verification");
            assert!(stdout(&output).starts_with(&beginning), "{}", stdout(&output));
        }
    }
}

#[test]
fn quiet_asks_what_is_open_and_nothing_else() {
    for (line, codes) in
        [("-t -D -f -u -w 3 -q", 5), ("-t -d -f -r 3 -R 30 -W -q", 5), ("-c -f -u -W -e 0 -q", 0)]
    {
        let home = Home::new();
        let output = home.line(line, "");
        assert_eq!((code_of(&output), stdout(&output), &output.stderr[..]), (0, "", &b""[..]));
        assert_eq!(home.lines().1, codes);
    }
    for (line, question) in [
        ("-fuWq", "Time-based codes? (y/n) "),
        ("-tDuWq", "? (y/n) "),
        ("-tfuWq", "Let each code count only once? (y/n) "),
        ("-tDfuq", "codes be good? (y/n) "),
        ("-cfWq", "? (y/n) "),
    ] {
        let home = Home::new();
        let output = home.line(line, "");
        refused(&output);
        assert_eq!(stdout(&output).matches(" (y/n) ").count(), 1, "{line}");
        assert!(stdout(&output).ends_with(&format!("{question}\n")), "{line}");
        assert_eq!(home.entries(), [""; 0]);
    }
}
