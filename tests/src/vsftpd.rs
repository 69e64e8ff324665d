//! A real vsftpd and its clients.

use std::fs;
use std::process::Command;

use crate::server::Server;
use crate::{Machine, PATIENCE, User};

const CONFIG: &str = "/etc/vsftpd.conf";

/// What a server for people with accounts has; vsftpd waits a second after each failure unless told
/// otherwise, and its system call filter ends it under newer kernels.
const SETTINGS: &str = "
listen=YES
listen_address=127.0.0.1
listen_ipv6=NO
background=NO
anonymous_enable=NO
local_enable=YES
pam_service_name=vsftpd
secure_chroot_dir=/run/vsftpd/empty
delay_failed_login=0
seccomp_sandbox=NO
";

/// What curl(1) exits with where the server denied the login.
const LOGIN_DENIED: i32 = 67;

/// A running vsftpd on port 21 of the machine's own network.
pub struct Vsftpd {
    _server: Server,
}

impl Vsftpd {
    /// Starts one; returns once it listens.
    pub fn start(machine: &Machine) -> Self {
        fs::create_dir_all("/run/vsftpd/empty").expect("our own /run");
        fs::write(CONFIG, SETTINGS).expect("our own /etc");
        let mut command = Command::new("/usr/sbin/vsftpd");
        command.arg(CONFIG);
        Self { _server: Server::start(machine, "vsftpd", command, 21) }
    }

    /// A file of this person's home, fetched with this password; `None` if the login was denied.
    #[track_caller]
    pub fn fetch(&self, user: &User, password: &str, file: &str) -> Option<String> {
        let login = format!("{}:{password}", user.name);
        let address = format!("ftp://127.0.0.1/{file}");
        let patience = PATIENCE.as_secs().to_string();
        let curl = ["curl", "--silent", "--show-error", "--max-time", &patience, "--user", &login];
        let output =
            user.command(&[&curl[..], &[&address]].concat()).output().expect("setpriv is there");
        let denied = output.status.code() == Some(LOGIN_DENIED);
        assert!(
            denied || output.status.success(),
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        (!denied).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
