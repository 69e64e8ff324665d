//! The real binary, where nothing that it does needs root or looks at this machine's own records.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use nix::unistd::getuid;
use serde_json::{Value, json};
use tempfile::TempDir;

const GOOD: &str = "version = 1\nuser = \"no.such.user\"\nuid = 4711\n\n[[credential]]\n\
                    id = \"00000001\"\nname = \"phone\"\ntype = \"totp\"\n\
                    secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n";

fn mfactl(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mfactl"));
    command.args(line.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(line: &str, input: &str) -> Output {
    let mut child = mfactl(line).spawn().unwrap();
    // Not everybody listens to the end.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Exit code, stdout and stderr.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A directory with a record, as configuration management has it, and its path.
fn drafts(text: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    fs::write(&file, text).unwrap();
    (dir, file.to_str().unwrap().to_owned())
}

#[test]
fn help_lists_what_there_is() {
    for (line, words) in [
        ("--help", &["credential", "codes", "bypass-code", "show", "state", "check", "apply"][..]),
        (
            "--help",
            &[
                "Exit codes: 0 for done, 1 for what could not be done, 2 for",
                "The doctor has exit codes of its own",
            ],
        ),
        ("credential --help", &["list", "add", "rename", "remove", "rebind"]),
        ("credential list --help", &["<USER>", "--json"]),
        ("credential rename --help", &["<USER> <OLD> <NEW>"]),
        ("credential remove --help", &["<USER> <NAME>", "--last"]),
        (
            "credential add --help",
            &[
                "--name <NAME>",
                "--hotp",
                "--algorithm <NAME>",
                "--digits <N>",
                "--period <SECONDS>",
                "--window <N>",
                "--no-confirm",
                "--qr-mode <MODE>",
                "--uri",
                "--json",
                "--label <LABEL>",
                "--issuer <ISSUER>",
            ],
        ),
        ("codes --help", &["--new", "--count <N>", "[default: 10]", "--json"]),
        ("bypass-code --help", &["--ttl <TIME>", "[default: 1h]", "--json", "log"]),
        ("show --help", &["[NAME]", "--qr", "--qr-mode <MODE>", "--uri", "--label", "--issuer"]),
        ("users --help", &["--json", "Last used"]),
        ("reset --help", &["<USER> [FACTOR]", "--yes", "recovery, key]", "nullok"]),
        ("verify --help", &["<USER> [CODE]", "--key", "Exit code: 0 if a login would accept"]),
        ("log --help", &["--user <USER>", "--since <TIME>", "--would", "--lines <N>", "--json"]),
        ("state init --help", &["--all", "--counter <N>", "--codes-unused"]),
        ("forget --help", &["<USER|--all>", "--json"]),
        ("policy try --help", &["--for <TIME> <FILE>", "--json"]),
        ("bypass set --help", &["[OPTIONS] <ID>", "--all-services"]),
        ("check --help", &["[FILE|USER]...", "--json", "Exit code: 0", "3 if there are mistakes"]),
        ("apply --help", &["<FILE|DIR>", "--dry-run", "--json", "Exit code: 0", "counter 0"]),
    ] {
        let (code, out, err) = said(&run(line, ""));
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        for word in words {
            assert!(out.contains(word), "no {word} in {line}: {out}");
        }
    }
}

#[test]
fn command_lines_that_make_no_sense() {
    for line in [
        "",
        "frobnicate",
        "export alice --json",
        "policy try /nonexistent",
        "credential",
        "credential add",
        "credential add alice --name phone --json",
        "credential add alice --name phone --hotp --period 30",
        "credential add alice --name phone --period 86401",
        "credential add alice --name phone --window 0",
        "credential add alice --name phone --digits 9",
        "credential add alice --name phone --algorithm MD5",
        "credential rename alice phone",
        "codes alice --count 3",
        "codes alice --new --count 33",
        "bypass-code alice --ttl 59s",
        "bypass-code alice --ttl 8d",
        "bypass-code alice --ttl 60",
        "show alice phone --uri --qr",
        "show alice phone --json",
        "reset",
        "reset alice thumb",
        "reset alice --json",
        "verify",
        "log -n 0",
        "log --since 1",
        "log --would -n 3",
        "state init",
        "state init alice --all",
        "state init --all --counter 3",
        "state init alice --counter -1",
        "apply",
    ] {
        let (code, out, err) = said(&run(line, ""));
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(!err.is_empty(), "{line}");
    }
}

/// What others than root are told, or else `why`: these tests run as whoever builds.
fn for_root(why: &str) -> &str {
    if getuid().is_root() { why } else { "only root may do this; run it by sudo" }
}

#[test]
fn what_could_not_be_done_is_one_sentence() {
    for (line, words) in [
        ("credential list no.such.user", for_root("there is no user \"no.such.user\"")),
        ("credential add no.such.user --name phone", for_root("there is no user")),
        ("codes no.such.user --new", for_root("there is no user")),
        ("bypass-code no.such.user", for_root("there is no user")),
        ("show no.such.user --qr", for_root("there is no user")),
        ("state init no.such.user", for_root("there is no user")),
        ("check no.such.user", for_root("there is no user")),
        ("check /nonexistent/a.toml", "/nonexistent/a.toml cannot be read (No such file"),
        ("apply /nonexistent/a.toml", for_root("/nonexistent/a.toml cannot be read (No such file")),
    ] {
        let (code, out, err) = said(&run(line, ""));
        assert_eq!((code, out.as_str()), (1, ""), "{line}: {err}");
        assert!(
            err.starts_with("mfactl: ") && err.ends_with(".\n") && err.contains(words),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn files_are_checked() {
    let (_dir, file) = drafts(GOOD);
    let (code, out, err) = said(&run(&format!("check {file}"), ""));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "1 record, no mistakes.\n", ""));

    let (dir, file) = drafts(&GOOD.replace("phone\"\n", "phone\"\ncolour = 1\n"));
    let (code, out, err) = said(&run(&format!("check {file}"), ""));
    assert_eq!((code, err.as_str()), (3, "mfactl: 1 mistake found.\n"));
    assert!(out.starts_with(&format!("{file}:8:1: no key colour here")), "{out}");
    assert!(!out.contains("GEZDG"), "{out}");
    let dir = dir.path().display();
    let (code, out, _) = said(&run(&format!("check {dir} --json"), ""));
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &out["mistakes"][0]["line"]), (3, &json!(8)));
}

#[test]
fn nothing_is_applied_for_who_is_not_there() {
    let (_dir, file) = drafts(GOOD);
    for (line, input) in [(format!("apply {file}"), ""), ("apply - --dry-run".to_owned(), GOOD)] {
        let (code, out, err) = said(&run(&line, input));
        if getuid().is_root() {
            assert_eq!((code, err.as_str()), (3, "mfactl: 1 mistake found.\n"), "{out}");
            assert!(out.contains(": there is no user \"no.such.user\""), "{out}");
        } else {
            assert_eq!((code, out.as_str()), (1, ""));
            assert!(err.contains(for_root("")), "{err}");
        }
    }
}

#[test]
fn an_output_that_is_full() {
    let (_dir, file) = drafts(GOOD);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = mfactl(&format!("check {file}")).stdout(full).output().unwrap();
    let (code, _, err) = said(&output);
    assert_eq!(code, 1);
    assert!(err.contains("the output cannot be written"), "{err}");
}
