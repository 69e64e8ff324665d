//! A real sshd and its clients.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::run;
use crate::server::Server;
use crate::{Clock, Dialogue, Machine, Neighbour, PATIENCE};

const PROGRAM: &str = "/usr/sbin/sshd";
const CONFIG: &str = "/etc/ssh/sshd_config";
const CLIENT_KEY: &str = "/root/key";

/// What every sshd here has; the test's own lines come first, and sshd takes the first it sees.
const COMMON: &str = "
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
    server: Server,
}

impl<'a> Sshd<'a> {
    /// Starts one with these lines of `sshd_config(5)`; returns once it listens.
    pub fn start(machine: &'a Machine, config: &str) -> Self {
        Self::launch(machine, config, Command::new(PROGRAM))
    }

    /// Starts one that goes by this clock.
    pub fn start_by(clock: &Clock, machine: &'a Machine, config: &str) -> Self {
        Self::launch(machine, config, clock.command(PROGRAM))
    }

    fn launch(machine: &'a Machine, config: &str, mut command: Command) -> Self {
        for directory in ["/etc/ssh", "/run/sshd"] {
            fs::create_dir_all(directory).expect("our own /etc and /run");
        }
        for key in ["/etc/ssh/test_key", CLIENT_KEY] {
            run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
        }
        fs::copy(format!("{CLIENT_KEY}.pub"), "/etc/ssh/authorized").expect("just made");
        let host_key = fs::read_to_string("/etc/ssh/test_key.pub").expect("just made");
        fs::write("/etc/ssh/known_hosts", format!("* {host_key}")).expect("our own /etc");
        fs::write(CONFIG, format!("{config}\n{COMMON}")).expect("our own /etc");
        // OpenSSH 9.8 and later keep an address waiting that failed before; the failures here are
        // meant.
        if run(&[PROGRAM, "-T", "-f", CONFIG]).contains("persourcepenalties") {
            fs::write(CONFIG, format!("{config}\n{COMMON}PerSourcePenalties no\n"))
                .expect("our own /etc");
        }
        command.args(["-D", "-f", CONFIG]);
        let server = Server::start(machine, "sshd", command, 22);
        Self { machine, server }
    }

    /// Lets it read its configuration again, as `systemctl reload ssh` does.
    #[track_caller]
    pub fn reload(&self) {
        let listening = || self.machine.log.count("Server listening on 0.0.0.0 port 22");
        let before = listening();
        run(&["kill", "-HUP", &self.server.id().to_string()]);
        let deadline = Instant::now() + PATIENCE;
        while listening() == before {
            assert!(Instant::now() < deadline, "{}\n{}", self.errors(), self.machine.log);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A person at a terminal who runs `ssh USER@127.0.0.1 COMMAND`, with the trusted key, and is
    /// asked once by each method. `options` are more of ssh(1)'s.
    pub fn login(&self, user: &str, options: &[&str], command: &str) -> Dialogue {
        self.login_in("C", user, options, command)
    }

    /// The same at a terminal of this locale.
    pub fn login_in(&self, locale: &str, user: &str, options: &[&str], command: &str) -> Dialogue {
        let mut ssh = Command::new("ssh");
        ssh.env("LC_ALL", locale);
        self.talk(ssh, options, &["-l", user, "127.0.0.1", command])
    }

    /// The same from another machine.
    pub fn login_from(
        &self,
        neighbour: &Neighbour,
        user: &str,
        options: &[&str],
        command: &str,
    ) -> Dialogue {
        let mut ssh = neighbour.command("ssh");
        ssh.env("LC_ALL", "C");
        self.talk(ssh, options, &["-l", user, neighbour.machine(), command])
    }

    fn talk(&self, mut ssh: Command, options: &[&str], rest: &[&str]) -> Dialogue {
        ssh.args(["-F", "none", "-i", CLIENT_KEY])
            .args(["-o", "UserKnownHostsFile=/etc/ssh/known_hosts"])
            .args(options)
            .args(["-o", "NumberOfPasswordPrompts=1"])
            .args(rest);
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
        self.server.errors()
    }
}
