//! The file that the QR code is drawn into. Whoever reads it has the secret.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use mfa_core::store::{Place, Trust, locate};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{AccessFlags, Uid, UnlinkatFlags, faccessat, unlinkat};

use crate::failure::Failure;

/// A name that is free, in an opened directory.
pub struct QrFile {
    place: Place,
    /// The path as it was given.
    pub path: PathBuf,
}

impl QrFile {
    /// Looks at the place, and makes nothing there: until all is decided there is nothing to keep.
    ///
    /// # Errors
    /// Why no file can be made there; one that is there already is a reason.
    pub fn new(path: PathBuf) -> Result<Self, Failure> {
        let look = || {
            if path.symlink_metadata().is_ok() {
                return Err(Errno::EEXIST);
            }
            // Like the secret's file: no link that somebody else made leads to it.
            let place = locate(&path, Trust::OwnLinks, Uid::effective())
                .map_err(|trouble| trouble.errno.unwrap_or(Errno::EPERM))?;
            let mode = AccessFlags::W_OK | AccessFlags::X_OK;
            faccessat(&place.dir, ".", mode, AtFlags::empty())?;
            Ok(place)
        };
        match look() {
            Ok(place) => Ok(Self { place, path }),
            Err(errno) => Err(Failure::QrFile(path, errno)),
        }
    }

    /// Writes `picture` and then does `install`, which makes `state`: a QR code whose secret was
    /// installed is on the disk, and one whose secret was not is gone.
    ///
    /// # Errors
    /// Why either failed.
    pub fn write_and(
        &self,
        picture: &str,
        state: &Path,
        install: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut file = self.create().map_err(|errno| Failure::QrFile(self.path.clone(), errno))?;
        let done = match write(&mut file, picture) {
            Ok(()) if is(&file, state) => Err(Failure::Usage(
                "--qr-file names the file that is to hold the secret; give another name".to_owned(),
            )),
            Ok(()) => install(),
            Err(error) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
                Err(Failure::QrFile(self.path.clone(), errno))
            }
        };
        if done.as_ref().is_err_and(|failure| !failure.is_in_place()) {
            // What hinders this leaves a picture of a secret that is none.
            let _ =
                unlinkat(&self.place.dir, self.place.name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
        done
    }

    fn create(&self) -> Result<File, Errno> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(openat(&self.place.dir, self.place.name.as_os_str(), flags, mode)?))
    }
}

fn write(file: &mut File, picture: &str) -> io::Result<()> {
    // The umask may have taken even that.
    fchmod(&*file, Mode::S_IRUSR | Mode::S_IWUSR)?;
    file.write_all(picture.as_bytes())?;
    file.sync_all()
}

/// Whether `path` leads to `file`, by whatever links.
fn is(file: &File, path: &Path) -> bool {
    let id = |data: fs::Metadata| (data.dev(), data.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(one), Ok(other)) => id(one) == id(other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use mfa_core::reason::Reason;
    use mfa_core::store::Trouble;

    fn failed(reason: Reason) -> Failure {
        Failure::File(Trouble { reason, detail: String::new(), errno: None })
    }

    #[test]
    fn it_is_there_while_the_file_is_installed_and_stays_if_that_was_done() {
        let dir = tempfile::tempdir().unwrap();
        for (result, stays) in [
            (Ok(()), true),
            (Err(failed(Reason::NotDurable)), true),
            (Err(failed(Reason::CannotWrite)), false),
            (Err(failed(Reason::Locked)), false),
        ] {
            let path = dir.path().join("x.svg");
            let place = QrFile::new(path.clone()).unwrap();
            assert!(!path.exists());
            let was_ok = result.is_ok();
            let done = place.write_and("<svg/>", &dir.path().join("state"), || {
                assert_eq!(fs::read_to_string(&path).unwrap(), "<svg/>");
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
                result
            });
            assert_eq!((done.is_ok(), path.exists()), (was_ok, stays));
            let _ = fs::remove_file(path);
        }
    }

    #[test]
    fn nothing_is_overwritten_and_no_link_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.svg");
        let target = dir.path().join("target");
        for make in [
            (|path, _| fs::write(path, "mine").unwrap()) as fn(&Path, &Path),
            |path, target| symlink(target, path).unwrap(),
            |path, _| fs::create_dir(path).unwrap(),
        ] {
            // Before the look, and between the look and the writing.
            let place = QrFile::new(path.clone()).unwrap();
            make(&path, &target);
            let taken = |failure| matches!(failure, Failure::QrFile(_, Errno::EEXIST));
            assert!(taken(QrFile::new(path.clone()).err().unwrap()));
            let done = place.write_and("<svg/>", &target, || panic!("installed"));
            assert!(taken(done.unwrap_err()));
            assert!(path.symlink_metadata().is_ok() && !target.exists());
            fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        }
    }

    #[test]
    fn the_secrets_own_file_is_no_place_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, state) = (dir.path().join("x.svg"), dir.path().join("state"));
        symlink("x.svg", &state).unwrap();
        let place = QrFile::new(path.clone()).unwrap();
        let done = place.write_and("<svg/>", &state, || panic!("installed"));
        assert!(matches!(done, Err(Failure::Usage(_))));
        assert!(!path.exists());
    }
}
