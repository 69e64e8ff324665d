//! What an administrator tells apt-get and dpkg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::run;

/// Where tests/packages.sh has put what `make deb` built.
const BUILT: &str = "/packages";

/// The file of this package of ours.
#[track_caller]
pub fn built(package: &str) -> String {
    deb(BUILT, package)
}

/// The file of this package of Debian's, which tests/root.sh has downloaded.
#[track_caller]
pub fn downloaded(package: &str) -> String {
    deb("/var/cache/apt/archives", package)
}

/// The file of this package in a directory.
#[track_caller]
pub fn deb(directory: impl AsRef<Path>, package: &str) -> String {
    let directory = directory.as_ref();
    let begin = format!("{package}_");
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths = entries.map(|entry| entry.expect("readable").path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&begin) && name.ends_with(".deb")
    };
    let path =
        paths.find(is_it).unwrap_or_else(|| panic!("no {package} in {}", directory.display()));
    path.display().to_string()
}

/// Runs `apt-get --yes` with this command and these packages or files of packages, and looks at what is
/// installed then.
#[track_caller]
pub fn apt_get(command: &str, packages: &[&str]) {
    run(&[&["apt-get", "--yes", "--no-install-recommends", command], packages].concat());
    verify();
}

/// Tells `apt-get` to remove or purge what shall stay; returns what it said then.
#[track_caller]
pub fn refused(command: &str, package: &str) -> String {
    let output = Command::new("apt-get").args(["--yes", command, package]).output();
    let output = output.expect("Debian has it");
    let said = String::from_utf8_lossy(&output.stdout).replace('\r', ""); // dpkg has a terminal there
    assert!(!output.status.success() && version(package).is_some(), "{said}");
    verify();
    said
}

/// What dpkg has installed is as it came, in every package, but for the stack that an administrator edits
/// here ([`crate::paste`]).
#[track_caller]
pub fn verify() {
    assert!(["", "??5?????? c /etc/pam.d/sshd"].contains(&&*run(&["dpkg", "--verify"])));
    assert_eq!(run(&["dpkg", "--audit"]), "");
}

/// The version of an installed package, `None` if it is not installed.
pub fn version(package: &str) -> Option<String> {
    let format = "--showformat=${Package} ${db:Status-Status} ${Version}\n";
    let all = run(&["dpkg-query", "--show", format]);
    let begin = format!("{package} installed ");
    all.lines().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned)
}
