//! A text of the person who runs this, changed where it lies.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fstatat};
use zeroize::Zeroizing;

use super::file::{self, StateFile};
use super::lock::{self, Deadline};
use super::replace::{Unreplaced, replace};
use super::walk::{Place, Trust, locate};
use super::{Rights, Rules, Shown, Trouble};
use crate::reason::Reason;

const MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// Whoever's it was and whatever its mode; links that others made are not followed: they would choose
/// what root overwrites.
const RULES: Rules = Rules { strict_owner: false, allowed_mode: 0o7777, path: Trust::OwnLinks };

/// Puts what `change` makes of a file's text in its place, with mode 0600; of a file that is not there the
/// text is empty. What is longer than `most` bytes is not read.
///
/// # Errors
/// What `change` refuses, or why the file is as it was, but for [`Reason::NotDurable`];
/// [`Reason::Changed`] if somebody else wrote it meanwhile.
pub fn rewrite<E: From<Trouble>>(
    path: &Path,
    most: u64,
    change: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<(), E> {
    let shown = Shown(path);
    let rights = Rights::of_caller();
    let place = locate(path, RULES.path, rights.uid)?;
    let opened = match file::open_any_size(&place, OFlag::O_RDONLY, rights, RULES, shown) {
        Err(trouble) if trouble.reason == Reason::NoFile => None,
        opened => Some(opened?),
    };
    let before = match &opened {
        Some(opened) => {
            lock(&opened.file, shown)?;
            read(opened, most, shown)?
        }
        None => Zeroizing::default(),
    };
    let text = change(&before)?;
    let mut outdated = false;
    let unchanged = || {
        outdated = !is_as_before(&place, opened.as_ref())?;
        if outdated { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    };
    let replaced = replace(&place, &text, MODE, unchanged);
    replaced.map_err(|failure| {
        let (reason, error) = match failure {
            Unreplaced::Old(_) if outdated => {
                return Trouble::new(Reason::Changed, shown.to_string()).into();
            }
            Unreplaced::Old(error) => (Reason::CannotWrite, error),
            Unreplaced::New(error) => (Reason::NotDurable, error),
        };
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
        Trouble::system(reason, shown, errno).into()
    })
}

fn read(opened: &StateFile, most: u64, shown: Shown) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    match u64::try_from(opened.stat.st_size) {
        Ok(size) if size <= most => file::read(opened, shown),
        _ => {
            let why = format!("{shown}: {} bytes", opened.stat.st_size);
            Err(Trouble::new(Reason::TooBig, why))
        }
    }
}

/// Where there are no locks, whoever else writes is noticed before the file is replaced.
fn lock(file: &File, shown: Shown) -> Result<(), Trouble> {
    match lock::lock(file, Deadline::from_now()) {
        Err(Errno::EWOULDBLOCK) => {
            Err(Trouble::new(Reason::Locked, format!("{shown}: by another program")))
        }
        Err(errno) if !lock::is_unsupported(errno) => {
            Err(Trouble::system(Reason::CannotLock, shown, errno))
        }
        _ => Ok(()),
    }
}

fn is_as_before(place: &Place, opened: Option<&StateFile>) -> io::Result<bool> {
    if let Some(opened) = opened {
        return Ok(file::is_current(place, &opened.stat)?);
    }
    let found = fstatat(&place.dir, place.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
    Ok(found.err() == Some(Errno::ENOENT))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn append(path: &Path, most: u64) -> Result<(), Trouble> {
        rewrite(path, most, |text| Ok([text, b"x"].concat()))
    }

    #[test]
    fn a_file_is_made_and_then_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for text in ["x", "xx"] {
            append(&path, 1).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        }
        assert_eq!(append(&path, 1).unwrap_err().reason, Reason::TooBig);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        let [real, link] = ["real", "link"].map(|name| dir.path().join(name));
        symlink(&real, &link).unwrap();
        append(&link, 9).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "x");
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let meanwhile = |text: &[u8]| {
            fs::write(&path, "theirs").unwrap();
            Ok::<_, Trouble>([text, b"x"].concat())
        };
        for _ in 0..2 {
            assert_eq!(rewrite(&path, 9, meanwhile).unwrap_err().reason, Reason::Changed);
            assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
            fs::write(&path, "mine").unwrap();
        }
        let refused = rewrite(&path, 9, |_| Err(Trouble::new(Reason::BadMapping, ""))).unwrap_err();
        assert_eq!(refused.reason, Reason::BadMapping);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
