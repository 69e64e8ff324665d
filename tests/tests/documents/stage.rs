//! Where a document's story happens: a machine on which people work, with a server that they log in to.

use std::collections::BTreeSet;
use std::fs;

use sandbox::fido::{Model, Token};
use sandbox::{Machine, User, run};

use crate::markdown::project;
use crate::scene::{HELPERS, Scene};

/// Where the administrator works: what a checkout holds, and the packages.
pub const DESK: &str = "/home/admin/pam-mfa";

/// Packages, and us where we lie in /tmp or in /var, put aside: a test's machine begins without them.
const PUT_ASIDE: &str = r#"
mkdir /opt/lib /opt/project /opt/target
mount --bind /var/lib /opt/lib
mount --bind "$0" /opt/project
mount --bind "$PAM_MFA_TARGET" /opt/target
cp -a /etc/pam.d /etc/ssh /opt
"#;

/// The packages, and Debian's own settings of PAM and ssh.
const TAKE_BACK: &str = "
mount --bind /opt/lib /var/lib
rm -rf /var/lib/pam_mfa /etc/pam.d /etc/ssh
cp -a /opt/pam.d /opt/ssh /etc
mkdir /run/phones
";

/// Links, since a copy would be large; `target` is where cargo wrote it.
const LAY_DESK: &str = r#"
mkdir "$0"
cd "$0"
for name in /opt/project/*; do [ "$name" = /opt/project/target ] || ln -s "$name"; done
ln -s /opt/target
"#;

/// An archive for apt: our packages, and those that the sandbox was given which have to do with PAM.
const MAKE_ARCHIVE: &str = r#"
mkdir /srv/archive
cd /srv/archive
for package in /opt/target/deb/*.deb /opt/target/sandbox/*/lib[pq]*.deb; do
    name=${package##*/}
    if [ ! -e "$package" ] || [ -e "$name" ]; then continue; fi
    cp "$package" .
    dpkg-deb --field "$name"
    printf 'Filename: ./%s\nSize: %s\n' "$name" "$(stat -c %s "$name")"
    printf 'SHA256: %s\n\n' "$(sha256sum "$name" | cut -d ' ' -f 1)"
done >Packages
rm -rf /etc/apt/sources.list.d
echo 'deb [trusted=yes] file:/srv/archive ./' >/etc/apt/sources.list
apt-get --quiet --quiet update
"#;

const INSTALL: &str = "apt-get install --quiet --yes libpam-mfa libpam-mfa-fido";

/// Debian's sshd, as it is after its package was installed.
const SERVE: &str = "
rm -f /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
mkdir -p /run/sshd /run/systemd/timesync
touch /run/systemd/timesync/synchronized
/usr/sbin/sshd
for _ in $(seq 100); do
    if [ -e /run/sshd.pid ]; then exit; fi
    sleep 0.05
done
exit 1
";

/// Systemctl has no systemd to ask, and the journal is none.
const STAND_INS: [(&str, &str); 2] = [
    ("/usr/local/bin/systemctl", include_str!("systemctl.sh")),
    ("/usr/local/bin/journalctl", "#!/bin/sh\nexit 1\n"),
];

/// A machine with people on it.
pub struct Stage {
    /// The machine.
    pub machine: Machine,
    /// An ordinary user.
    pub alice: User,
    /// Whoever may do anything by sudo.
    pub admin: User,
    _token: Token,
}

impl Stage {
    /// The usual one, and what `scene` has besides. Our packages are installed unless the document `installs`
    /// them. `hosts` are other names of it.
    pub fn new(scene: &Scene, installs: bool, hosts: &BTreeSet<String>) -> Self {
        shell(PUT_ASIDE, &project().display().to_string());
        let machine = Machine::new();
        shell(TAKE_BACK, "");
        let [admin, alice, _] = ["admin", "alice", "bob"].map(|name| machine.user(name));
        fs::write("/etc/sudoers.d/admin", "admin ALL=(ALL) NOPASSWD: ALL\n").expect("our own /etc");
        let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
        let all = format!("127.0.0.1 localhost sandbox {}\n", hosts.join(" "));
        fs::write("/etc/hosts", all).expect("our own /etc");
        for (path, text) in STAND_INS {
            fs::write(path, text).expect("a throw-away /usr");
            run(&["chmod", "755", path]);
        }
        shell(LAY_DESK, DESK);
        shell(MAKE_ARCHIVE, "");
        if !installs {
            shell(INSTALL, "");
        }
        let token = Token::plug_in(&machine, &Model::default());
        shell(SERVE, "");
        shell(&format!("{HELPERS}\ncd \"$0\"\n{}", scene.setup), DESK);
        run(&["chown", "--recursive", "--no-dereference", "admin:", "/home/admin"]);
        Self { machine, alice, admin, _token: token }
    }

    /// Lets what has been logged be read where syslog writes it: with the host's name, and without a priority.
    pub fn write_log(&self) {
        let line = |line: String| {
            let (_, text) = line.split_once('>')?;
            let (time, message) = text.split_at_checked("Jan  2 03:04:05".len())?;
            Some(format!("{time} sandbox{message}\n"))
        };
        let text: String = self.machine.log.lines().into_iter().filter_map(line).collect();
        fs::write("/var/log/auth.log", text).expect("our own /var/log");
    }
}

/// Runs it as root up to its first mistake; its `$0` is `argument`.
fn shell(script: &str, argument: &str) {
    run(&["bash", "-euc", script, argument]);
}
