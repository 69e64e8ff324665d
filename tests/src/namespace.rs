//! Another view of the machine.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A namespace beside the machine's, until this is dropped.
pub struct Namespace {
    keeper: Child,
}

impl Namespace {
    /// Its files as they are now, but for what this shell command mounts; its `$0`, `$1` ... are
    /// `arguments`.
    #[track_caller]
    pub fn with(command: &str, arguments: &[&str]) -> Self {
        Self::keep("--mount", command, arguments)
    }

    /// The machine, but for a network of its own with nothing but lo.
    #[track_caller]
    pub(crate) fn network() -> Self {
        Self::keep("--net", "ip link set lo up", &[])
    }

    #[track_caller]
    fn keep(kind: &str, command: &str, arguments: &[&str]) -> Self {
        let script = format!("{command} && echo ready && exec cat");
        let mut keeper = Command::new("unshare")
            .args([kind, "sh", "-c", &script])
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
        format!("/proc/{}/root", self.id()).into()
    }

    /// A process in it.
    pub(crate) fn id(&self) -> u32 {
        self.keeper.id()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
