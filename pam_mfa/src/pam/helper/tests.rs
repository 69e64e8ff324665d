//! Whatever mfa-fido does, the login goes on in time, and the host notices nothing.

use std::ffi::c_int;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;

use mfa_core::helper::Failure;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::waitpid;
use tempfile::TempDir;

use super::*;

/// A program in the place of mfa-fido, in sh.
struct Fake {
    dir: TempDir,
    path: PathBuf,
}

impl Fake {
    fn new(script: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("mfa-fido");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self { dir, path }
    }

    /// One that does this with the socket, in Perl.
    fn perl(script: &str) -> Self {
        let usual = "open my $s, q(+<&=), 0; sub say_ { send($s, $_[0], 0) } sub hear { recv($s, my $m, 65536, 0); $m }";
        Self::new(&format!("exec /usr/bin/perl -e '{usual} {script}' \"$0\""))
    }

    fn start(&self) -> Result<Helper, Trouble> {
        Helper::start(&self.path, Uid::effective())
    }

    /// What it left in this file.
    fn note(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

fn soon(milliseconds: u64) -> Patience<'static> {
    let until = Instant::now() + Duration::from_millis(milliseconds);
    Patience { until, interrupt: None }
}

/// What a host can see of children: signals, processes, descriptors that stand for them, the mask.
struct Notice {
    _alone: MutexGuard<'static, ()>,
    mask: SigSet,
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

impl Notice {
    /// From here on nobody else starts processes; no other test of this crate does.
    fn begin() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let handler = SigHandler::Handler(count);
        let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler adds to a number.
        unsafe { sigaction(Signal::SIGCHLD, &action) }.unwrap();
        SIGNALS.store(0, Ordering::Relaxed);
        Self { _alone: alone, mask: SigSet::thread_get_mask().unwrap() }
    }

    /// Nothing of it is left.
    fn end(self) {
        assert_eq!(SIGNALS.load(Ordering::Relaxed), 0, "SIGCHLD");
        assert_eq!(waitpid(None, Some(WaitPidFlag::__WALL)), Err(Errno::ECHILD));
        let targets = fs::read_dir("/proc/self/fd")
            .unwrap()
            .map(|entry| fs::read_link(entry.unwrap().path()).unwrap_or_default());
        let pidfds = targets.filter(|target| target.as_os_str() == "anon_inode:[pidfd]");
        assert_eq!(pidfds.count(), 0);
        assert_eq!(SigSet::thread_get_mask().unwrap(), self.mask);
    }
}

/// What comes of one that does this, until it is dropped; all within three seconds.
fn heard(fake: &Fake, milliseconds: u64) -> Result<Heard, Trouble> {
    let notice = Notice::begin();
    let begun = Instant::now();
    let helper = fake.start().unwrap();
    assert_eq!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Err(Errno::ECHILD), "the host's own");
    let heard = helper.receive(soon(milliseconds));
    drop(helper);
    assert!(begun.elapsed() < Duration::from_secs(3));
    notice.end();
    heard
}

const LONG: u64 = 10_000;

#[test]
fn replies() {
    let fake = Fake::perl("say_(\"\\x01\"); say_(\"\\x06\\x03\\0\\0\\0\\0\"); hear()");
    let notice = Notice::begin();
    let helper = fake.start().unwrap();
    assert_eq!(helper.receive(soon(LONG)), Ok(Heard::Reply(Reply::Insert)));
    let late = Reply::Failed(Failure::Late);
    assert_eq!(helper.receive(soon(LONG)), Ok(Heard::Reply(late)));
    assert_eq!(helper.receive(soon(50)), Ok(Heard::TimedOut));
    helper.send(b"end").unwrap();
    assert_eq!(helper.receive(soon(LONG)).unwrap_err().reason, Reason::HelperFailed);
    assert_eq!(helper.send(b"x").unwrap_err().reason, Reason::HelperFailed);
    drop(helper);
    notice.end();
}

#[test]
fn it_hears_what_is_sent() {
    // It says by its number of PINs left how long the datagram was.
    let fake = Fake::perl("my $n = length(hear()) / 1024; say_(\"\\x03\\0\" . chr($n))");
    let notice = Notice::begin();
    let helper = fake.start().unwrap();
    helper.send(&vec![7; 40 * 1024]).unwrap();
    let reply = Reply::NeedPin { left: Some(40), wrong: false };
    assert_eq!(helper.receive(soon(LONG)), Ok(Heard::Reply(reply)));
    drop(helper);
    notice.end();
}

#[test]
fn one_that_ends_or_cannot_begin() {
    for script in ["exit 0", "exit 3", "kill -9 $$", "exec /nonexistent"] {
        assert_eq!(heard(&Fake::new(script), LONG), Err(failed("it ended")), "{script}");
    }
    let fake = Fake::new("");
    fs::write(&fake.path, "#!/nonexistent\n").unwrap();
    assert_eq!(heard(&fake, LONG), Err(failed("it ended")));
    fs::set_permissions(&fake.path, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(heard(&fake, LONG), Err(failed("it ended")));
}

#[test]
fn one_that_makes_no_sense() {
    for said in ["\"\\xff\"", "\"\\x01x\"", "\"\\x01\" x 2049", "\"\\x01\" x 100000"] {
        let fake = Fake::perl(&format!("say_({said}); sleep 60"));
        assert_eq!(heard(&fake, LONG), Err(failed("what it says makes no sense")), "{said}");
    }
    assert_eq!(heard(&Fake::perl("say_(\"\"); sleep 60"), LONG), Err(failed("it ended")));
    assert_eq!(heard(&Fake::new("exec <&-; sleep 60"), LONG), Err(failed("it ended")));
}

#[test]
fn one_that_says_nothing_or_too_much() {
    for script in ["exec sleep 60", "trap '' HUP INT TERM; while :; do sleep 60; done"] {
        let fake = Fake::new(&format!("echo $$ >\"${{0%/*}}/pid\"; {script}"));
        assert_eq!(heard(&fake, 300), Ok(Heard::TimedOut), "{script}");
        let process = format!("/proc/{}/stat", fake.note("pid").trim());
        let until = Instant::now() + Duration::from_secs(3);
        let is_dead = || !fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
        while !is_dead() {
            assert!(Instant::now() < until, "{script}");
            sleep(Duration::from_millis(10));
        }
    }
    let fake = Fake::perl("1 while say_(\"\\x02\"); sleep 60");
    assert_eq!(heard(&fake, LONG), Ok(Heard::Reply(Reply::Touch)));
}

#[test]
fn the_person_can_do_something_instead() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    drop(theirs);
    let notice = Notice::begin();
    let fake = Fake::new("exec sleep 60");
    let helper = fake.start().unwrap();
    let patience = Patience { interrupt: Some(ours.as_fd()), ..soon(LONG) };
    assert_eq!(helper.receive(patience), Ok(Heard::Interrupted));
    drop(helper);
    notice.end();
}

#[test]
fn what_it_gets() {
    let fake = Fake::new(
        "cd \"${0%/*}\"; cp /proc/self/status status; tr '\\0' '\\n' </proc/$$/environ >environment\n\
         umask >umask; ulimit -c >core; echo \"$OLDPWD\" >directory",
    );
    assert_eq!(heard(&fake, LONG), Err(failed("it ended")));
    // Of cp, since the shell itself blocks signals while it starts something.
    let status = fake.note("status");
    for line in ["NoNewPrivs:\t1", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"] {
        assert!(status.lines().any(|of_it| of_it == line), "{line}: {status}");
    }
    let id = Uid::effective();
    assert!(status.contains(&format!("Uid:\t{id}\t{id}\t{id}\t{id}\n")), "{status}");
    assert_eq!(fake.note("environment"), "");
    assert_eq!((&*fake.note("umask"), &*fake.note("core")), ("0077\n", "0\n"));
    assert_eq!(fake.note("directory"), "/\n");
}

#[test]
fn its_descriptors() {
    let fake = Fake::perl(
        "my $all = join \"\", map { my $to = readlink \"/proc/self/fd/$_\"; $to ? \"$_ $to\\n\" : () } 0 .. 99;\
         open my $note, q(>), \"$ARGV[0].note\"; print $note $all",
    );
    assert_eq!(heard(&fake, LONG), Err(failed("it ended")));
    let note = fake.note("mfa-fido.note");
    let (socket, others) = note.split_once('\n').unwrap();
    assert!(socket.starts_with("0 socket:"), "{note}");
    assert_eq!(others, "1 /dev/null\n2 /dev/null\n");
}

#[test]
fn files_that_are_not_trusted() {
    let fake = Fake::new("exit 0");
    let refused = |path: &Path, owner| {
        let trouble = Helper::start(path, owner).err().unwrap();
        assert_eq!(trouble.reason, Reason::NoHelper);
        trouble.detail.rsplit_once(": ").unwrap().1.to_owned()
    };
    let us = Uid::effective();
    let dir = fake.dir.path();
    assert_eq!(refused(&dir.join("none"), us), "No such file or directory");
    assert_eq!(refused(dir, us), "it is not a regular file");
    symlink(&fake.path, dir.join("link")).unwrap();
    assert_eq!(refused(&dir.join("link"), us), "it is not a regular file");
    let other = Uid::from_raw(us.as_raw() + 1);
    assert!(refused(&fake.path, other).starts_with("it belongs to user"));
    for mode in [0o775, 0o757] {
        fs::set_permissions(&fake.path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(refused(&fake.path, us), format!("mode {mode:04o} lets others write to it"));
    }
}
