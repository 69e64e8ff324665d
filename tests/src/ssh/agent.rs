//! A person's ssh-agent.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mfa_core::wire::Writer;

use super::{KeyFile, PROVIDER};
use crate::{PATIENCE, User};

/// `SSH_AGENTC_LOCK` and `SSH_AGENT_SUCCESS` (draft-miller-ssh-agent).
const LOCK: u8 = 22;
const SUCCESS: u8 = 6;

/// A real ssh-agent of this person's, until this is dropped.
pub struct SshAgent<'a> {
    process: Child,
    owner: &'a User,
    socket: PathBuf,
}

impl<'a> SshAgent<'a> {
    /// Starts one without keys.
    #[track_caller]
    pub fn start(owner: &'a User) -> Self {
        Self::start_asking(owner, "true")
    }

    /// Starts one that has its owner confirm each use of a key that was added with `-c`: whom it asks is
    /// this shell command.
    #[track_caller]
    pub fn start_asking(owner: &'a User, command: &str) -> Self {
        let [socket, program] = ["agent", "askpass"].map(|name| owner.path(name));
        fs::write(&program, format!("#!/bin/sh\n{command}\n")).expect("the home is there");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("just written");
        let path = socket.to_str().expect("homes have plain names");
        let mut command = owner.command(&["ssh-agent", "-D", "-a", path, "-P", PROVIDER]);
        command.env("SSH_ASKPASS", program).env("SSH_ASKPASS_REQUIRE", "force");
        command.stdout(Stdio::null());
        let process = command.spawn().expect("setpriv is there");
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < deadline, "ssh-agent does not listen");
            thread::sleep(Duration::from_millis(2));
        }
        Self { process, owner, socket }
    }

    /// Adds a key, with more options of ssh-add.
    #[track_caller]
    pub fn add(&self, key: &KeyFile, options: &[&str]) {
        self.ssh_add(&[&["-S", PROVIDER], options, &[key.file()]].concat());
    }

    /// Takes all keys from it.
    #[track_caller]
    pub fn empty(&self) {
        self.ssh_add(&["-D"]);
    }

    #[track_caller]
    fn ssh_add(&self, arguments: &[&str]) {
        let argv = [&["ssh-add", "-q"], arguments].concat();
        let output = self.owner.command(&argv).env("SSH_AUTH_SOCK", &self.socket).output();
        let output = output.expect("setpriv is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Locks it, as `ssh-add -x` does.
    #[track_caller]
    pub fn lock(&self) {
        let message = Writer::default().byte(LOCK).string(b"a passphrase").done();
        let mut agent = UnixStream::connect(&self.socket).expect("root may");
        agent.write_all(&Writer::default().string(&message).done()).expect("it listens");
        let mut answer = [0; 5];
        agent.read_exact(&mut answer).expect("it answers");
        assert_eq!(answer, [0, 0, 0, 1, SUCCESS]);
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for SshAgent<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
