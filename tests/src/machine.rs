//! A machine of a test's own.

use std::marker::PhantomData;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{chdir, chroot, gettid};

use crate::program::program;
use crate::user::add_group;
use crate::{Dialogue, Log, User};

/// Where the policy is.
const SETTINGS: &str = "/etc/pam_mfa";

/// Users, PAM stacks, /etc, /home, /run, network, name and system log that no other test sees.
///
/// They belong to the thread that made them (and to what it starts), since Linux keeps mounts and
/// networks by thread; libtest gives each test one.
pub struct Machine {
    /// What was logged on it.
    pub log: Log,
    /// What of it lies on a real disk, if anything does.
    disk: Option<PathBuf>,
    /// Other threads live on another machine.
    _here: PhantomData<*const ()>,
}

impl Machine {
    /// A machine with the usual system accounts, one network interface (lo), no PAM stacks and
    /// nobody on it.
    #[expect(clippy::new_without_default, reason = "this is an event, not a value")]
    pub fn new() -> Self {
        go_apart();
        // Copied, not overlaid: under a container's own overlay the kernel would not stack a third
        // one.
        run(&["cp", "--archive", "/etc", "/mnt/etc"]);
        for (at, mode) in [
            ("/etc", 0o755),
            ("/home", 0o755),
            ("/root", 0o700),
            ("/run", 0o755),
            ("/tmp", 0o1777),
            ("/var/lib", 0o755),
            ("/var/log", 0o755),
        ] {
            let fresh = format!("/mnt{at}");
            fs::create_dir_all(&fresh).expect("room on the tmpfs");
            fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))
                .expect("our own directory");
            mount_at(&fresh, at, None, MsFlags::MS_BIND);
        }
        chdir("/").expect("there is a root");
        forget_people();
        for settings in ["/etc/pam.d", "/etc/ssh"] {
            let _ = fs::remove_dir_all(settings);
            fs::create_dir(settings).expect("just removed");
        }
        fs::write("/etc/pam.d/other", "auth required pam_deny.so\n").expect("our own /etc");
        Self::begin()
    }

    /// A copy of the sandbox's root as a whole, which has to be one of tests/root.sh: its packages are there as
    /// Debian installs them, may be changed, and others installed.
    pub fn of_packages() -> Self {
        go_apart();
        for directory in ["root", "upper", "work"] {
            fs::create_dir(Path::new("/mnt").join(directory)).expect("room on the tmpfs");
        }
        let layers = "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work";
        mount(Some("root"), "/mnt/root", Some("overlay"), MsFlags::empty(), Some(layers))
            .expect("a root of tests/root.sh is no overlay itself");
        for at in ["/dev", "/proc", "/sys"] {
            mount_at(at, &format!("/mnt/root{at}"), None, MsFlags::MS_BIND | MsFlags::MS_REC);
        }
        chroot("/mnt/root").and_then(|()| chdir("/")).expect("root may");
        Self::begin()
    }

    /// All is in its place.
    fn begin() -> Self {
        run(&["ip", "link", "set", "lo", "up"]);
        Self { log: Log::start(), disk: None, _here: PhantomData }
    }

    /// The same with the PAM stacks of Debian's packages, as they are on the machine that this is a copy of.
    pub fn with_stacks() -> Self {
        let names = fs::read_dir("/etc/pam.d").expect("Debian has /etc/pam.d");
        let stacks: Vec<_> = names
            .map(|entry| entry.expect("readable").path())
            .map(|path| (fs::read(&path).expect("every one is readable"), path))
            .collect();
        let machine = Self::new();
        for (text, path) in stacks {
            fs::write(path, text).expect("our own /etc");
        }
        machine
    }

    /// The same with homes and system records on a real disk, where a write takes the time that it
    /// takes.
    pub fn with_disk() -> Self {
        let mut machine = Self::new();
        let disk = PathBuf::from(format!("/disk/{}", gettid()));
        for at in ["/home", "/var/lib"] {
            let fresh = format!("{}{at}", disk.display());
            fs::create_dir_all(&fresh).expect("no other thread has this number");
            mount_at(&fresh, at, None, MsFlags::MS_BIND);
        }
        machine.disk = Some(disk);
        machine
    }

    /// Adds a person with a home, the shell /bin/sh and the password [`crate::PASSWORD`].
    pub fn user(&self, name: &str) -> User {
        User::add(name)
    }

    /// Writes the PAM stack of `service`: these `auth` lines; account and session let everyone
    /// pass.
    pub fn stack(&self, service: &str, auth: &str) {
        let rest = "account required pam_permit.so\nsession required pam_permit.so\n";
        self.full_stack(service, &format!("{auth}\n{rest}"));
    }

    /// Writes the PAM stack of `service`: these lines of all kinds.
    pub fn full_stack(&self, service: &str, lines: &str) {
        fs::write(format!("/etc/pam.d/{service}"), lines).expect("our own /etc");
    }

    /// Writes the policy: this after its version.
    pub fn policy(&self, text: &str) {
        write_settings("policy.toml", &format!("version = 1\n{text}"));
    }

    /// Writes the bypass list.
    pub fn bypass(&self, text: &str) {
        write_settings("bypass.toml", text);
    }

    /// Gives the machine this name (uname(2)).
    pub fn rename(&self, node: &str) {
        run(&["hostname", node]);
    }

    /// Adds a group of these people.
    pub fn group(&self, name: &str, members: &[&User]) {
        add_group(name, members);
    }

    /// From here on the user database knows alice as Alice, too, and calls her alice, as a directory
    /// does that folds case (nsswitch.conf(5)).
    #[track_caller]
    pub fn fold_names(&self) {
        let source = include_str!("nss_fold.c");
        program("libnss_fold.so.2", source, "-shared -fPIC");
        add_database("passwd", "fold");
    }

    /// From here on the group database does not know about the groups that are not in /etc/group: it
    /// answers `status` (`unavail` or `tryagain`, nsswitch.conf(5)), as a directory does that is down.
    #[track_caller]
    pub fn break_groups(&self, status: &str) {
        let options = format!(
            "-DLOOK_UP=_nss_{status}_getgrnam_r -DSTATUS=NSS_STATUS_{} -shared -fPIC",
            status.to_uppercase()
        );
        program(&format!("libnss_{status}.so.2"), include_str!("nss_down.c"), &options);
        add_database("group", status);
    }

    /// Runs a command at a terminal of its own.
    pub fn terminal(&self, command: &Command) -> Dialogue {
        Dialogue::start(command, &self.log)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        Log::stop();
        if let Some(disk) = &self.disk {
            // What is left goes with the sandbox.
            let _ = fs::remove_dir_all(disk);
        }
    }
}

/// From here on this thread has mounts, a network and a name of its own, and an empty tmpfs at /mnt.
fn go_apart() {
    assert!(
        env::var_os("PAM_MFA_SANDBOX").is_some(),
        "this test runs real servers as root: start it with `make check`, which gives it a throw-away root"
    );
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS)
        .expect("root may make namespaces");
    mount_at("none", "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
    mount_at("machine", "/mnt", Some("tmpfs"), MsFlags::empty());
}

/// Runs a command as root; it must succeed. Returns what it printed.
#[track_caller]
pub fn run(argv: &[&str]) -> String {
    let output = Command::new(argv[0])
        .args(&argv[1..])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", argv[0]));
    assert!(
        output.status.success(),
        "{argv:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The accounts of the real machine's people, and where it looks for more, are none of a test's
/// business.
fn forget_people() {
    let system = |id: &str| id.parse().is_ok_and(|id: u32| id < 1000 || id == 65534);
    for file in ["/etc/passwd", "/etc/group"] {
        let all = fs::read_to_string(file).expect("every Debian has one");
        let kept: String = all
            .lines()
            .filter(|line| line.split(':').nth(2).is_some_and(system))
            .flat_map(|line| [line, "\n"])
            .collect();
        fs::write(file, kept).expect("our own /etc");
    }
    let nowhere_else = "passwd: files\ngroup: files\nshadow: files\nhosts: files\n";
    fs::write("/etc/nsswitch.conf", nowhere_else).expect("our own /etc");
}

/// What is not in the files of /etc is looked for in `/run/libnss_NAME.so.2`.
#[track_caller]
fn add_database(kind: &str, name: &str) {
    fs::write("/etc/ld.so.conf.d/run.conf", "/run\n").expect("our own /etc");
    run(&["ldconfig", "-X"]);
    let files = format!("{kind}: files");
    let databases = fs::read_to_string("/etc/nsswitch.conf").expect("just written");
    let more = databases.replace(&files, &format!("{files} {name}"));
    fs::write("/etc/nsswitch.conf", more).expect("our own /etc");
}

fn write_settings(name: &str, text: &str) {
    let path = Path::new(SETTINGS).join(name);
    fs::create_dir_all(SETTINGS).and_then(|()| fs::write(path, text)).expect("our own /etc");
}

fn mount_at(source: &str, at: &str, kind: Option<&str>, flags: MsFlags) {
    mount(Some(Path::new(source)), at, kind, flags, None::<&str>)
        .unwrap_or_else(|error| panic!("cannot mount {source} at {at}: {error}"));
}
