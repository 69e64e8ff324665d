//! Advisory locks that die with their process (flock(2)).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, FlockArg, OFlag, openat};
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::unistd::Uid;
use sha1::{Digest, Sha1};

use super::{Shown, Trouble};
use crate::reason::Reason;

/// How long a login waits for others, by the monotonic clock.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(5);

/// When to stop waiting for locks.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn from_now() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    pub(super) fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Locks `file` until it is closed.
///
/// # Errors
/// `EWOULDBLOCK` when somebody else held it until the deadline; else what the file system says.
pub(crate) fn lock(file: &impl AsRawFd, deadline: Deadline) -> Result<(), Errno> {
    loop {
        // nix's guard object panics where unlocking fails; closing the file unlocks just as well.
        #[expect(deprecated)]
        match nix::fcntl::flock(file.as_raw_fd(), FlockArg::LockExclusiveNonblock) {
            Err(Errno::EWOULDBLOCK) if !deadline.has_passed() => sleep(PAUSE),
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

/// Takes root's own lock for `path`, in a directory that nobody else can enter: no user can hold
/// it, and file systems that know no flock do not matter.
///
/// # Errors
/// [`Reason::Locked`] when another process held it until the deadline, [`Reason::CannotLock`] when
/// there can be no such lock.
pub(crate) fn lock_path(
    run_dir: &Path,
    path: &Path,
    deadline: Deadline,
) -> Result<OwnedFd, Trouble> {
    let failed = |errno| Trouble::system(Reason::CannotLock, Shown(&run_dir.join("lock")), errno);
    let dir =
        private_dir(AT_FDCWD, run_dir).and_then(|dir| private_dir(dir.as_fd(), Path::new("lock")));
    // Two paths with one hash would wait for each other, and nothing else.
    let name = HEXLOWER.encode(&Sha1::digest(path.as_os_str().as_encoded_bytes()));
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = dir
        .and_then(|dir| openat(dir, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR))
        .map_err(failed)?;
    match lock(&file, deadline) {
        Ok(()) => Ok(file),
        Err(Errno::EWOULDBLOCK) => {
            Err(Trouble::new(Reason::Locked, format!("{}: by another process", Shown(path))))
        }
        Err(errno) => Err(failed(errno)),
    }
}

/// Opens a directory of this process's user with mode 0700 or less, made if it is missing.
pub(crate) fn private_dir(parent: BorrowedFd, name: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let dir = match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::ENOENT) => {
            match mkdirat(parent, name, Mode::S_IRWXU) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
            openat(parent, name, flags, Mode::empty())?
        }
        opened => opened?,
    };
    let stat = fstat(&dir)?;
    let open_to_others =
        Mode::from_bits_truncate(stat.st_mode).intersects(Mode::S_IRWXG | Mode::S_IRWXO);
    if stat.st_uid != Uid::effective().as_raw() || open_to_others {
        return Err(Errno::EPERM);
    }
    Ok(dir)
}

/// Whether `errno` means that this file system or file knows no flock, NFS above all.
pub(super) fn is_unsupported(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EBADF | Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL
    )
}
