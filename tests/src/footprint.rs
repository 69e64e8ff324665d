//! A module as a file, and what it costs a process that loads it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::machine::run;
use crate::program::program;

/// Where the PAM module of this file name is installed.
#[track_caller]
pub fn installed(name: &str) -> PathBuf {
    let all = run(&["sh", "-c", "ls --directory /usr/lib/*/security /lib/*/security"]);
    let mut paths = all.lines().map(|directory| Path::new(directory).join(name));
    paths.find(|path| path.exists()).unwrap_or_else(|| panic!("{name} is not installed"))
}

/// Kilobytes of memory that `file`, once loaded, shares with no other process.
#[track_caller]
pub fn footprint(file: &Path) -> u32 {
    // On a tmpfs all that is only read counts as written.
    let copy = "/disk/footprint.so";
    fs::copy(file, copy).expect("there is room");
    File::open(copy).and_then(|file| file.sync_all()).expect("a disk can be synced");
    let footprint = program("footprint", include_str!("footprint.c"), "");
    let kilobytes = run(&[&footprint, copy]);
    fs::remove_file(copy).expect("our own");
    kilobytes.parse().expect("footprint.c prints a number")
}
