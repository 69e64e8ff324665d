//! The machine that is looked at; tests have one in a directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mfa_core::store::Base;
use nix::errno::Errno;
use nix::sys::statfs::statfs;
use nix::unistd::{Group, User};

/// A machine, and what it can be asked.
pub struct Host<'a> {
    /// Its `/`.
    pub root: PathBuf,
    /// Who should own what only root may change: 0.
    pub owner: u32,
    /// Seconds since 1970.
    pub now: u64,
    /// The user id of a name; `None` if the user database has no such user.
    pub uid: &'a dyn Fn(&str) -> Result<Option<u32>, Errno>,
    /// Whether there is a group of this name.
    pub is_group: &'a dyn Fn(&str) -> Result<bool, Errno>,
    /// What a program prints, if it is there and succeeds.
    pub run: &'a dyn Fn(&[&str]) -> Option<String>,
    /// The type of the file system that a path is on, as statfs(2) has it.
    pub file_system: &'a dyn Fn(&Path) -> Option<i64>,
}

impl Host<'_> {
    /// This machine.
    pub fn here(now: u64) -> Self {
        Self {
            root: "/".into(),
            owner: 0,
            now,
            uid: &|name| Ok(or_none(User::from_name(name))?.map(|user| user.uid.as_raw())),
            is_group: &|name| Ok(or_none(Group::from_name(name))?.is_some()),
            run: &|argv| {
                let (program, arguments) = argv.split_first()?;
                let mut command = Command::new(program);
                command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
                let output = command.output().ok().filter(|output| output.status.success())?;
                String::from_utf8(output.stdout).ok()
            },
            file_system: &|path| statfs(path).ok().map(|stat| stat.filesystem_type().0),
        }
    }

    /// Where an absolute path is on it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The system records.
    pub fn base(&self) -> Base {
        Base::new(&self.at("/var/lib/pam_mfa"), &self.at("/run/pam_mfa"))
    }
}

/// getpwnam(3) names the errors that mean that there is none.
fn or_none<T>(found: Result<Option<T>, Errno>) -> Result<Option<T>, Errno> {
    match found {
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        found => found,
    }
}
