//! What keeps this process from outliving its purpose, and its memory from others.

use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;

/// Nobody may look into this process, and it ends with the one that started it.
pub fn raise() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    set_dumpable(false)?;
    set_no_new_privs()?;
    // Again: whoever started us may have been a script. An orphan from before this line notices that the
    // socket is closed.
    set_pdeathsig(Signal::SIGKILL)
}
