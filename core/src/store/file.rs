//! Opening and reading a state file that may be anything at all.

use std::fs::File;
use std::io::Read;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use zeroize::Zeroizing;

use super::gauth::Rules;
use super::walk::Place;
use super::{Rights, Shown, Trouble};
use crate::gauth::MAX_SIZE;
use crate::reason::Reason;

/// A state file that passed the checks, and its stat(2) of then.
pub(super) struct StateFile {
    pub(super) file: File,
    pub(super) stat: FileStat,
}

/// Opens the file and checks kind, mode, owner and size, in the original's order.
///
/// `access` is `O_RDONLY` or `O_RDWR`. `O_NONBLOCK` keeps a FIFO from holding the login up.
pub(super) fn open(
    place: &Place,
    access: OFlag,
    rights: Rights,
    rules: Rules,
    shown: Shown,
) -> Result<StateFile, Trouble> {
    let opened = open_any_size(place, access, rights, rules, shown)?;
    match u64::try_from(opened.stat.st_size) {
        Ok(1..=MAX_SIZE) => Ok(opened),
        Ok(0) => Err(Trouble::new(Reason::EmptyFile, format!("{shown}: 0 bytes"))),
        _ => {
            let why = format!("{shown}: {} bytes", opened.stat.st_size);
            Err(Trouble::new(Reason::TooBig, why))
        }
    }
}

/// The whole text of a file of at most `most` bytes, which may be empty.
pub(crate) fn read_any_size(
    place: &Place,
    rights: Rights,
    rules: Rules,
    most: u64,
    shown: Shown,
) -> Result<Vec<u8>, Trouble> {
    let opened = open_any_size(place, OFlag::O_RDONLY, rights, rules, shown)?;
    if u64::try_from(opened.stat.st_size).is_ok_and(|size| size <= most) {
        return read(&opened, shown).map(|mut text| std::mem::take(&mut *text));
    }
    Err(Trouble::new(Reason::TooBig, format!("{shown}: {} bytes", opened.stat.st_size)))
}

/// The same for a file that is about to be overwritten.
pub(super) fn open_any_size(
    place: &Place,
    access: OFlag,
    rights: Rights,
    rules: Rules,
    shown: Shown,
) -> Result<StateFile, Trouble> {
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let failed = |errno| {
        let reason = match errno {
            Errno::ENOENT => Reason::NoFile,
            Errno::ELOOP => Reason::SymlinkLoop,
            // A socket, or a device without a driver.
            Errno::ENXIO | Errno::ENODEV => Reason::NotRegular,
            _ => Reason::Unreadable,
        };
        Trouble::system(reason, shown, errno)
    };
    let fd = openat(&place.dir, place.name.as_os_str(), flags, Mode::empty()).map_err(|errno| {
        // Nearly always the cause is that the file is somebody else's, and that says more.
        let stat = fstatat(&place.dir, place.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        match stat.map(|stat| check_owner(&stat, rights, rules)) {
            Ok(Err((reason, why))) if errno == Errno::EACCES => {
                Trouble::new(reason, format!("{shown}: {why}"))
            }
            _ => failed(errno),
        }
    })?;
    let stat = fstat(&fd).map_err(|errno| Trouble::system(Reason::Unreadable, shown, errno))?;
    check(&stat, rights, rules)
        .map_err(|(reason, why)| Trouble::new(reason, format!("{shown}: {why}")))?;
    Ok(StateFile { file: File::from(fd), stat })
}

fn check(stat: &FileStat, rights: Rights, rules: Rules) -> Result<(), (Reason, String)> {
    if SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) != SFlag::S_IFREG {
        return Err((Reason::NotRegular, "not a regular file".to_owned()));
    }
    // All but setuid, which the original does not look at either.
    let mode = stat.st_mode & 0o3777;
    if mode & !rules.allowed_mode != 0 {
        let why = format!("mode {mode:04o}, allowed {:04o}", rules.allowed_mode);
        return Err((Reason::WrongMode, why));
    }
    check_owner(stat, rights, rules)
}

fn check_owner(stat: &FileStat, rights: Rights, rules: Rules) -> Result<(), (Reason, String)> {
    if rules.strict_owner && stat.st_uid != rights.uid.as_raw() {
        let why = format!("owned by uid {}, not {}", stat.st_uid, rights.uid);
        return Err((Reason::WrongOwner, why));
    }
    Ok(())
}

/// The whole text. A file that holds a NUL byte is none that anybody wrote as text.
pub(super) fn read(opened: &StateFile, shown: Shown) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let size = usize::try_from(opened.stat.st_size).unwrap_or(0);
    // One byte more than fits, so that a file that grows is seen and the vector does not move.
    let mut text = Zeroizing::new(vec![0; size.saturating_add(1)]);
    let mut filled = 0;
    loop {
        let (_, space) = text.split_at_mut(filled);
        match (&opened.file).read(space) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
                return Err(Trouble::system(Reason::Unreadable, shown, errno));
            }
        }
    }
    text.truncate(filled);
    if filled != size {
        return Err(Trouble::new(Reason::Changed, format!("{shown}: while it was read")));
    }
    if text.contains(&0) {
        return Err(Trouble::new(Reason::HoldsNul, shown.to_string()));
    }
    Ok(text)
}

/// Whether the name still leads to what was opened, by inode, and by size and time of change for
/// those who write in place.
pub(super) fn is_current(place: &Place, opened: &FileStat) -> Result<bool, Errno> {
    let now = match fstatat(&place.dir, place.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(false),
        stat => stat?,
    };
    let facts = |stat: &FileStat| {
        (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec)
    };
    Ok(facts(&now) == facts(opened))
}
