//! A real OpenVPN server and its clients.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::certificate::certificate;
use crate::server::Server;
use crate::{Dialogue, Machine, PATIENCE};

/// Where the server's unit, openvpn-server@server, starts it.
const DIRECTORY: &str = "/etc/openvpn/server";

/// Where a client's is.
const CLIENT_FILE: &str = "/root/client.ovpn";

/// What the server prints.
const LOG: &str = "/run/openvpn.log";

/// What the server has before anybody asks for a code.
const SERVER: &str = "
local 127.0.0.1
proto tcp-server
dev tun
server 10.8.0.0 255.255.255.0
ca /var/lib/certificates/ca.crt
cert /var/lib/certificates/server.crt
key /var/lib/certificates/server.key
dh none
verb 3
verify-client-cert none
username-as-common-name
";

/// What a client has; it renews its keys often, and leaves addresses and routes alone.
const CLIENT: &str = "
client
remote 127.0.0.1 1194 tcp-client
dev tun
nobind
ca /var/lib/certificates/ca.crt
ifconfig-noexec
route-noexec
reneg-sec 2
";

/// What its unit leaves root there.
const CAPABILITIES: &str = "-all,+ipc_lock,+net_admin,+net_bind_service,+net_raw,+setgid,+setuid,\
                            +setpcap,+sys_chroot,+dac_override,+audit_write";

/// A running server on port 1194 of the machine's own network.
pub struct OpenVpn {
    _server: Server,
}

impl OpenVpn {
    /// Writes the configurations of the server, and of the client as `/root/client.ovpn`.
    pub fn prepare() {
        assert!(
            Path::new("/dev/net/tun").exists(),
            "OpenVPN needs /dev/net/tun, and this machine has none: modprobe tun"
        );
        certificate(&["server"], "root");
        fs::create_dir_all(DIRECTORY).expect("our own /etc");
        fs::write(format!("{DIRECTORY}/server.conf"), SERVER).expect("our own /etc");
        fs::write(CLIENT_FILE, CLIENT).expect("our own /root");
    }

    /// Starts it with the capabilities and limits that Debian's unit gives it, and without homes.
    pub fn start(machine: &Machine) -> Self {
        let mut command = Command::new("unshare");
        let start = format!(
            "mount -t tmpfs none /home && cd {DIRECTORY} && exec prlimit --nproc=10 \
             setpriv --bounding-set {CAPABILITIES} openvpn --config server.conf"
        );
        let log = File::create(LOG).expect("our own /run");
        command.args(["--mount", "sh", "-ec", &start]).stdout(log);
        Self { _server: Server::start(machine, "openvpn", command, 1194) }
    }

    /// Waits until it has logged this.
    #[track_caller]
    pub fn expect(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let log = || fs::read_to_string(LOG).expect("made at the start");
        while !log().contains(text) {
            assert!(Instant::now() < deadline, "{text:?} was not logged:\n{}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A person at a terminal who connects.
    pub fn connect(machine: &Machine) -> Dialogue {
        machine.terminal(Command::new("openvpn").args(["--config", CLIENT_FILE]))
    }
}
