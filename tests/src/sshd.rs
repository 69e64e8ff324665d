//! A real sshd and its clients.

use std::fs::{self, File};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::run;
use crate::{Dialogue, Machine, PATIENCE};

const CONFIG: &str = "/etc/ssh/sshd_config";
const CLIENT_KEY: &str = "/root/key";
const ERRORS: &str = "/run/sshd.stderr";

/// What every sshd here has; the test's own lines come first, and sshd takes the first it sees.
const COMMON: &str = "
ListenAddress 127.0.0.1
HostKey /etc/ssh/test_key
AuthorizedKeysFile /etc/ssh/authorized
UsePAM yes
PasswordAuthentication no
PrintMotd no
PidFile none
";

/// A running sshd on port 22 of the machine's own network. It trusts one key for everybody.
pub struct Sshd<'a> {
    machine: &'a Machine,
    server: Child,
}

impl<'a> Sshd<'a> {
    /// Starts one with these lines of `sshd_config(5)`; returns once it listens.
    pub fn start(machine: &'a Machine, config: &str) -> Self {
        fs::remove_dir_all("/etc/ssh").expect("openssh-server is in the throw-away root");
        for directory in ["/etc/ssh", "/run/sshd"] {
            fs::create_dir(directory).expect("our own /etc and /run");
        }
        for key in ["/etc/ssh/test_key", CLIENT_KEY] {
            run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
        }
        fs::copy(format!("{CLIENT_KEY}.pub"), "/etc/ssh/authorized").expect("just made");
        let host_key = fs::read_to_string("/etc/ssh/test_key.pub").expect("just made");
        fs::write("/etc/ssh/known_hosts", format!("127.0.0.1 {host_key}")).expect("our own /etc");
        fs::write(CONFIG, format!("{config}\n{COMMON}")).expect("our own /etc");
        // OpenSSH 9.8 and later keep an address waiting that failed before; the failures here are
        // meant.
        if run(&["/usr/sbin/sshd", "-T", "-f", CONFIG]).contains("persourcepenalties") {
            fs::write(CONFIG, format!("{config}\n{COMMON}PerSourcePenalties no\n"))
                .expect("our own /etc");
        }
        let errors = File::create(ERRORS).expect("our own /run");
        let mut server = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f", CONFIG])
            .stderr(errors)
            .spawn()
            .expect("openssh-server is in the throw-away root");
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect("127.0.0.1:22").is_err() {
            let ended = server.try_wait().expect("our own child");
            let errors = fs::read_to_string(ERRORS).unwrap_or_default();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "sshd does not listen: {errors}\n{}",
                machine.log
            );
            thread::sleep(Duration::from_millis(5));
        }
        Self { machine, server }
    }

    /// A person at a terminal who runs `ssh USER@127.0.0.1 COMMAND`, with the trusted key, and is
    /// asked once by each method. `options` are more of ssh(1)'s.
    pub fn login(&self, user: &str, options: &[&str], command: &str) -> Dialogue {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-i", CLIENT_KEY])
            .args(["-o", "UserKnownHostsFile=/etc/ssh/known_hosts"])
            .args(options)
            .args(["-o", "NumberOfPasswordPrompts=1", "-l", user, "127.0.0.1", command]);
        Dialogue::start(&ssh, &self.machine.log)
    }

    /// What is open in sshd and all that it started.
    pub fn descriptors(&self) -> Vec<String> {
        let mut family = vec![self.server.id().to_string()];
        let mut open = Vec::new();
        while let Some(pid) = family.pop() {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            family.extend(children.unwrap_or_default().split_whitespace().map(str::to_owned));
            let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
            let files = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
            open.extend(files.map(|file| format!("{pid}: {}", file.display())));
        }
        open
    }

    /// What sshd wrote to its standard error: nothing, if all is well.
    pub fn errors(&self) -> String {
        fs::read_to_string(ERRORS).expect("made at the start")
    }
}

impl Drop for Sshd<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
