//! The process's limit on the size of files, which the host or its user may have set.

use std::io;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};

/// Whether a file may be written up to `end`, in bytes. Past the limit the kernel would raise a signal
/// that kills the host (setrlimit(2)), even where the file is that large already.
///
/// # Errors
/// `EFBIG` past the limit.
pub(crate) fn check_limit(end: usize) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if u64::try_from(end).map_or(true, |end| end > limit) {
        return Err(Errno::EFBIG.into());
    }
    Ok(())
}
