//! A home, the program in it, and somebody who talks to it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::secret::Secret;
use nix::unistd::Uid;

const NOBODY: u32 = 65_534;

/// A home to enrol in.
pub struct Home {
    root: tempfile::TempDir,
    program: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        fs::create_dir(&home).unwrap();
        let mut program = PathBuf::from(env!("CARGO_BIN_EXE_mfa-enroll"));
        if Uid::effective().is_root() {
            // Nobody may see the directory that it was built in.
            let here = root.path().join("mfa-enroll");
            fs::hard_link(&program, &here)
                .or_else(|_| fs::copy(&program, &here).map(|_| ()))
                .unwrap();
            program = here;
            fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
            chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Self { root, program }
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn file(&self) -> PathBuf {
        self.path().join(".google_authenticator")
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// The lines below the secret, scratch codes counted.
    pub fn lines(&self) -> (String, usize) {
        let text = self.text();
        let (secret, rest) = text.split_once('\n').unwrap();
        assert_eq!(secret.len(), 32);
        assert!(Secret::from_lenient_base32(secret.as_bytes()).is_some());
        let (options, codes): (Vec<_>, Vec<_>) =
            rest.lines().partition(|line| line.starts_with('"'));
        assert!(rest.starts_with(&options.join("\n")), "options come first");
        assert!(codes.iter().all(|code| code.len() == 8 && !code.starts_with('0')));
        (options.join(" "), codes.len())
    }

    pub fn entries(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// An old file.
    pub fn enrolled(&self) -> &'static str {
        let old = "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n12345678\n";
        fs::write(self.file(), old).unwrap();
        fs::set_permissions(self.file(), fs::Permissions::from_mode(0o400)).unwrap();
        Self::give(&self.file());
        old
    }

    /// Makes it belong to whoever runs the program.
    pub fn give(path: &Path) {
        if Uid::effective().is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        // Who runs the tests in the background hands down an interrupt that is ignored.
        let mut command = Command::new("env");
        command
            .arg("--default-signal=INT")
            .arg(&self.program)
            .args(args)
            .env("HOME", self.path())
            .current_dir(self.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if Uid::effective().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &str) -> Output {
        feed(&mut self.command(args), input)
    }

    /// Words separated by blanks.
    pub fn line(&self, line: &str, input: &str) -> Output {
        self.run(line.split_whitespace(), input)
    }
}

pub fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    // Not everybody listens to the end.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn code_of(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// Nothing but one sentence, and exit code 1.
pub fn refused(output: &Output) -> String {
    let sentence = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(code_of(output), 1, "{sentence}");
    assert!(sentence.starts_with("mfa-enroll: ") && sentence.ends_with(".\n"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence
}

/// A conversation with the running program.
pub struct Session {
    pub child: Child,
}

impl Session {
    pub fn start(home: &Home, line: &str) -> Self {
        Self { child: home.command(line.split_whitespace()).spawn().unwrap() }
    }

    /// All that is said up to and with `marker`.
    pub fn hear(&mut self, marker: &str) -> String {
        let mut said = vec![];
        let stdout = self.child.stdout.as_mut().unwrap();
        while !said.ends_with(marker.as_bytes()) {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap_or_else(|error| {
                panic!("{error} after {:?}", String::from_utf8_lossy(&said))
            });
            said.extend(byte);
        }
        String::from_utf8(said).unwrap()
    }

    pub fn type_in(&mut self, line: &str) {
        self.child.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Hears all up to the question for a code, and knows the secret from it.
    pub fn hear_secret(&mut self) -> Otp {
        let said = self.hear("Code from the app (-1 to skip): ");
        otp_shown(&said)
    }

    pub fn end(mut self) -> Output {
        drop(self.child.stdin.take());
        self.child.wait_with_output().unwrap()
    }
}

pub fn otp_shown(said: &str) -> Otp {
    Otp::new(&secret_shown(said), Algorithm::Sha1, Digits::SIX)
}

pub fn secret_shown(said: &str) -> Secret {
    let secret =
        said.lines().find_map(|line| line.strip_prefix("Your new secret key is: ")).unwrap();
    Secret::from_lenient_base32(secret.as_bytes()).unwrap()
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
