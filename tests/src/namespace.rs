//! Another view of the machine's files.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A mount namespace beside the machine's, until this is dropped.
pub struct Namespace {
    keeper: Child,
}

impl Namespace {
    /// The machine as it is now, but for what this shell command mounts; its `$0`, `$1` ... are
    /// `arguments`.
    #[track_caller]
    pub fn with(command: &str, arguments: &[&str]) -> Self {
        let script = format!("{command} && echo ready && exec cat");
        let mut keeper = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux is there");
        let mut said = [0; 6];
        let output = keeper.stdout.as_mut().expect("piped");
        output.read_exact(&mut said).unwrap_or_else(|_| panic!("{command} failed"));
        Self { keeper }
    }

    /// Its root directory, seen from the machine.
    pub fn root(&self) -> PathBuf {
        format!("/proc/{}/root", self.keeper.id()).into()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
