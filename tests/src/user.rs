//! A person with an account.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

/// The password of every [`User`]; it ends in digits, since that is where a code is looked for.
pub const PASSWORD: &str = "correct horse 42";

/// [`PASSWORD`], as crypt(5) has it.
const HASH: &str = "$6$pammfatests$tGMaFrzzediNzEKtpj03WHZsB9g9Js4terHFNhobkLuXM5DEf7W0eNVrWMcHYEPPOLG.44TNxcn9./EonHK1f1";

/// A person on a [`crate::Machine`].
#[derive(Clone, Debug)]
pub struct User {
    /// The login name.
    pub name: String,
    /// Uid and gid alike.
    pub id: u32,
    /// The home directory, there and empty.
    pub home: PathBuf,
}

impl User {
    /// Written by hand: useradd would ask the real machine's settings what to do.
    pub(crate) fn add(name: &str) -> Self {
        let taken = fs::read_to_string("/etc/passwd").expect("every machine has one");
        let id = (1000..2000)
            .find(|id| !taken.contains(&format!(":x:{id}:")))
            .expect("uids enough for a test");
        let home = PathBuf::from("/home").join(name);
        append("/etc/passwd", &format!("{name}:x:{id}:{id}::{}:/bin/sh", home.display()));
        append("/etc/group", &format!("{name}:x:{id}:"));
        append("/etc/shadow", &format!("{name}:{HASH}:19000:0:99999:7:::"));
        fs::create_dir(&home).expect("/home is fresh");
        chown(&home, Some(id), Some(id)).expect("root may");
        Self { name: name.to_owned(), id, home }
    }

    /// The path of a file in this home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Where a google-authenticator file lies.
    pub fn state(&self) -> PathBuf {
        self.path(".google_authenticator")
    }

    /// Writes the google-authenticator file, with the owner and mode that it needs.
    pub fn write_state(&self, contents: impl AsRef<[u8]>) {
        let path = self.state();
        fs::write(&path, contents).expect("the home is there");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("just written");
        chown(&path, Some(self.id), Some(self.id)).expect("root may");
    }

    /// The google-authenticator file as it is now.
    pub fn read_state(&self) -> String {
        fs::read_to_string(self.state()).expect("enrolled")
    }

    /// Where a system record lies.
    pub fn system_record(&self) -> PathBuf {
        PathBuf::from(format!("/var/lib/pam_mfa/users/{}.toml", self.name))
    }

    /// The names in the home directory, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.home).expect("it is there");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("readable").file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// A command that this person runs, without root's rights.
    pub fn command(&self, argv: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                &self.id.to_string(),
                "--regid",
                &self.id.to_string(),
                "--init-groups",
                "--",
            ])
            .args(argv)
            .env("HOME", &self.home)
            .env("USER", &self.name)
            .env("LOGNAME", &self.name)
            .env("SHELL", "/bin/sh")
            .current_dir(&self.home);
        command
    }

    /// Enrols with `program` (`mfa-enroll` or `google-authenticator`) and these flags, which must
    /// leave no question.
    #[track_caller]
    pub fn enrol(&self, program: &str, flags: &[&str]) {
        let output =
            self.command(&[&[program], flags].concat()).output().expect("setpriv is there");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{program} {flags:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The secret in the google-authenticator file.
    pub fn secret(&self) -> crate::Secret {
        crate::Secret::new(self.read_state().lines().next().expect("a first line"))
    }

    /// The scratch codes left in the google-authenticator file.
    pub fn scratch_codes(&self) -> Vec<String> {
        let is_code =
            |line: &&str| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit());
        self.read_state().lines().filter(is_code).map(str::to_owned).collect()
    }
}

/// Adds a group of these people.
pub(crate) fn add_group(name: &str, members: &[&User]) {
    let taken = fs::read_to_string("/etc/group").expect("every machine has one");
    let id = (3000..4000)
        .find(|id| !taken.contains(&format!(":x:{id}:")))
        .expect("gids enough for a test");
    assert!(!taken.contains(&format!("\n{name}:")), "there is a group {name}");
    let members: Vec<_> = members.iter().map(|user| user.name.as_str()).collect();
    append("/etc/group", &format!("{name}:x:{id}:{}", members.join(",")));
}

fn append(path: &str, line: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).expect("every machine has one");
    writeln!(file, "{line}").expect("room on the tmpfs");
}
