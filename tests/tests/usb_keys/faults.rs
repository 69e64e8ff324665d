//! Every system call of a login with a key fails once, where whoever is not enrolled is let in: nobody becomes
//! that by a fault.

use sandbox::strace::{calls, inject};
use sandbox::{Answer, Host, Impostor};

use crate::desk::{Desk, impostor, ours};

#[test]
fn a_fault_does_not_take_the_key_away() {
    let program = impostor();
    let desk = Desk::new();
    {
        let _token = desk.plug_in("");
        desk.enrol("", None);
    }
    // Nobody can be let in but by what fails.
    Impostor::install(&desk.machine, &program).does("absent");
    let stack = format!("{}\nauth required pam_permit.so", ours("nouserok"));
    let host = Host::new(&desk.machine, &stack);
    let argv = host.argv("alice", &[Answer::Error]);
    let calls = calls(&argv, "/etc/pam_mfa", "/proc/self/status");
    for name in ["openat", "read", "clone", "socketpair", "sendto", "poll", "recvfrom"] {
        assert!(calls.iter().any(|call| call.name == name), "no {name} in {calls:?}");
    }
    let faults = ["error=EIO", "error=ENOMEM", "error=EACCES", "error=EMFILE"];
    for (call, fault) in calls.iter().zip(faults.into_iter().cycle()) {
        let said = inject(&argv, call, fault);
        let result = said.lines().find_map(|line| line.strip_prefix("result "));
        assert!(result.is_some_and(|result| result != "0"), "{fault} at {call:?}: {said}");
    }
    assert_eq!(desk.machine.log.count("ignored user="), 0, "{}", desk.machine.log);
}
