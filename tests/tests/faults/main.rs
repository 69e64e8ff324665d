//! Every system call of a login fails once, and the host is killed at every one.
//!
//! Whatever happens, what is kept is the old or the new, nobody is let in with the old, nor with the
//! new before it is durable, the host lives (unless it was killed), the next login works, and nothing
//! is left beside it.

mod file;
mod system;

use sandbox::strace::{Call, calls, inject};
use sandbox::{Answer, Host, Machine, changed};

const KILL: &str = "signal=SIGKILL";

/// What can go wrong with a call of this name.
fn faults(call: &str) -> Vec<&'static str> {
    let more: &[_] = match call {
        "write" | "pwrite64" | "fsync" | "fdatasync" => {
            &["error=ENOSPC", "error=EDQUOT", "error=EFBIG", "error=EROFS"]
        }
        "openat" | "renameat" | "mkdirat" | "unlinkat" => {
            &["error=ENOSPC", "error=EDQUOT", "error=EROFS", "error=EACCES"]
        }
        _ => &[],
    };
    [&["error=EIO", "error=EINTR", "error=ENOMEM", KILL], more].concat()
}

/// What is kept of alice.
trait Kept {
    /// What all paths of it hold.
    const PATH: &str;

    /// The calls that make a login last, in order.
    const DURABLE: &[&str];

    /// Good as it is at first, and not used up by what goes wrong.
    const SPARE: &str;

    /// Makes it what it was at first.
    fn reset(&self);

    /// What of it a login uses up, to compare.
    fn used(&self) -> String;

    /// Whether [`Kept::SPARE`] has been used.
    fn is_spare_used(&self) -> bool;

    /// The names of all files.
    fn files(&self) -> Vec<String>;
}

/// A login of alice's that is disturbed again and again.
struct Login<'a, K> {
    machine: &'a Machine,
    host: Host<'a>,
    kept: K,
    answer: String,
}

impl<'a, K: Kept> Login<'a, K> {
    fn new(machine: &'a Machine, kept: K, answer: &str) -> Self {
        // Whoever were taken for not enrolled would be let in.
        let stack = "auth required pam_mfa.so nullok\nauth required pam_permit.so";
        Self { machine, host: Host::new(machine, stack), kept, answer: answer.to_owned() }
    }

    fn suffers(&self) {
        let argv = self.host.argv("alice", &[Answer::Text(&self.answer)]);
        self.kept.reset();
        let (old, files) = (self.kept.used(), self.kept.files());
        let calls = calls(&argv, K::PATH, "/proc/self/status");
        let new = self.kept.used();
        assert_ne!(new, old, "a login that writes nothing shows nothing");
        assert!(calls.len() > 20, "{calls:?}");
        let lasting = calls.iter().filter(|call| K::DURABLE.contains(&call.name.as_str()));
        let lasting: Vec<_> = lasting.collect();
        let names: Vec<_> = lasting.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, K::DURABLE);
        // What follows a flush of the slots is the mark, which need not last.
        let marks = names.windows(2).map(|two| two == ["fdatasync", "pwrite64"]);
        let marks: Vec<_> = [false].into_iter().chain(marks).collect();
        for call in &calls {
            let at = lasting.iter().position(|other| *other == call);
            let must_last = at.is_some_and(|at| !marks[at]);
            for fault in faults(&call.name) {
                self.reset();
                let accepted = suffer(&argv, call, fault);
                let case = format!("{fault} at {call:?}");
                let left = self.kept.used();
                assert!(left == old || left == new, "{case} leaves {left}");
                assert!(!accepted || left == new, "{case}: in with the old");
                let is_repeated = fault == "error=EINTR";
                assert!(!accepted || !must_last || is_repeated, "{case}: in before it is durable");

                let next = self.host.authenticate("alice", &[Answer::Text(K::SPARE)]);
                assert_eq!(next.result, 0, "{case}, then: {}", self.machine.log);
                assert!(self.kept.is_spare_used(), "{case}");
                assert_eq!(self.kept.files(), files, "{case}");
            }
        }
        assert_eq!(self.machine.log.count("ignored user="), 0, "{}", self.machine.log);
    }

    fn reset(&self) {
        // The first login after the machine has started makes it.
        let _ = std::fs::remove_dir_all("/run/pam_mfa");
        self.kept.reset();
    }
}

/// Runs the host with this fault; whether she is let in.
fn suffer(argv: &[String], call: &Call, fault: &str) -> bool {
    let case = format!("{fault} at {call:?}");
    let said = inject(argv, call, fault);
    let result = said.lines().find_map(|line| line.strip_prefix("result "));
    assert_eq!(result.is_none(), fault == KILL, "{case}: the host says {said}");
    // What was to be closed or put back and could not be is the kernel's doing, libc makes a new
    // connection to a log that does not take a line, and the host itself asks by wait4 for children.
    let excused =
        ["close", "setfsuid", "setfsgid", "sendto", "wait4"].contains(&call.name.as_str());
    if fault != KILL && !excused {
        assert_eq!(changed(&said), [""; 0], "{case}: in the host's process");
    }
    result == Some("0")
}
