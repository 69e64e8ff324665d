//! A file is replaced whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::limit::check_limit;
use super::walk::Place;

/// Writes `bytes` beside the file with `mode`, makes them durable, asks `may_replace`, and renames
/// them over it; durable when this returns.
///
/// The name beside it is fixed, `NAME~mfa`: what a crash left there goes at the next try. The
/// caller holds the lock.
///
/// # Errors
/// [`Unreplaced::Old`] for whatever fails before the new file is in place.
pub(crate) fn replace(
    place: &Place,
    bytes: &[u8],
    mode: Mode,
    may_replace: impl FnOnce() -> io::Result<()>,
) -> Result<(), Unreplaced> {
    let file = put(place, bytes, mode, may_replace).map_err(Unreplaced::Old)?;
    sync_name(place, &file).map_err(Unreplaced::New)
}

/// Which file is in place after a failure.
pub(crate) enum Unreplaced {
    /// The old one, and nothing lies beside it.
    Old(io::Error),
    /// The new one, but it may not survive a crash.
    New(io::Error),
}

fn put(
    place: &Place,
    bytes: &[u8],
    mode: Mode,
    may_replace: impl FnOnce() -> io::Result<()>,
) -> io::Result<File> {
    check_limit(bytes.len())?;
    let beside = beside(place);
    clear(place);
    let written = write(place, &beside, bytes, mode).and_then(|file| {
        may_replace()?;
        // Where others cannot be kept out, theirs may have the name by now.
        let named = fstatat(&place.dir, beside.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let ours = fstat(&file)?;
        if (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino) {
            return Err(Errno::EAGAIN.into());
        }
        renameat(&place.dir, beside.as_os_str(), &place.dir, place.name.as_os_str())?;
        Ok(file)
    });
    if written.is_err() {
        clear(place);
    }
    written
}

fn beside(place: &Place) -> OsString {
    let mut name = OsString::from(&place.name);
    name.push("~mfa");
    name
}

/// Whether nothing is beside the file: no crash left it there, and nobody is at work.
pub(super) fn is_clear(place: &Place) -> bool {
    let found = fstatat(&place.dir, beside(place).as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
    found.err() == Some(Errno::ENOENT)
}

/// Removes what a crash left beside the file, secret and all. The caller holds the lock.
pub(super) fn clear(place: &Place) {
    // Whatever hinders this hinders a replacement as well, and is told then.
    let _ = unlinkat(&place.dir, beside(place).as_os_str(), UnlinkatFlags::NoRemoveDir);
}

fn write(place: &Place, beside: &OsString, bytes: &[u8], mode: Mode) -> io::Result<File> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(&place.dir, beside.as_os_str(), flags, mode)?);
    // The umask may have taken some of it.
    fchmod(&file, mode)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// Makes the rename durable. Some directories cannot be synced: those that may be written but not
/// read, and all of some file systems. A journal then carries the new name with the file's inode.
fn sync_name(place: &Place, file: &File) -> io::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match openat(&place.dir, ".", flags, Mode::empty()).and_then(fsync) {
        Err(Errno::EACCES | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOSYS) => file.sync_all(),
        done => Ok(done?),
    }
}
