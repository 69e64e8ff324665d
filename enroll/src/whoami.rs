//! Who runs this, who is enrolled, and where.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use mfa_core::store::{Base, SystemRecord};
use nix::errno::Errno;
use nix::unistd::{User, geteuid, gethostname, getuid};

use crate::failure::{Failure, RecordFailure};

/// The name of the user who runs this, or the number where there is no name.
pub fn person() -> OsString {
    let uid = getuid();
    let user = User::from_uid(uid).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name).into()
}

/// The name of the user who runs this, as the user database has it.
///
/// # Errors
/// [`RecordFailure::UnknownUser`] or [`RecordFailure::UserDatabase`].
pub fn myself() -> Result<String, RecordFailure> {
    let uid = getuid();
    known(uid.to_string(), User::from_uid(uid)).map(|user| user.name)
}

/// The user of this name, who only root may ask for.
///
/// # Errors
/// [`RecordFailure::NotRoot`], [`RecordFailure::UnknownUser`] or [`RecordFailure::UserDatabase`].
pub fn another(name: &str) -> Result<User, RecordFailure> {
    if !geteuid().is_root() {
        return Err(RecordFailure::NotRoot);
    }
    known(name.to_owned(), User::from_name(name))
}

/// The system record of the user who runs this, if there can be one, and the user's name.
///
/// # Errors
/// [`RecordFailure::UserDatabase`]: there may be one.
pub fn record(base: Base) -> Result<Option<(SystemRecord, String)>, RecordFailure> {
    let uid = getuid();
    let user = match known(uid.to_string(), User::from_uid(uid)) {
        Ok(user) => user,
        Err(RecordFailure::UnknownUser(_)) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let record = SystemRecord::new(base, &user.name, user.uid).ok();
    Ok(record.map(|record| (record, user.name)))
}

/// Only an answer of the user database makes a user unknown (getpwnam(3) has the errors that mean
/// so).
fn known(who: String, entry: nix::Result<Option<User>>) -> Result<User, RecordFailure> {
    match entry {
        Ok(Some(user)) => Ok(user),
        Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => Err(RecordFailure::UnknownUser(who)),
        Err(errno) => Err(RecordFailure::UserDatabase(who, errno)),
    }
}

/// The name of this machine.
pub fn host() -> OsString {
    gethostname().unwrap_or_else(|_| "localhost".into())
}

/// The file to write: the one that was asked for, or the usual one in `home`.
///
/// # Errors
/// [`Failure::NoHome`].
pub fn file(given: Option<PathBuf>, home: Option<OsString>) -> Result<PathBuf, Failure> {
    let usual = || {
        let home = home.filter(|home| Path::new(home).is_absolute());
        home.map(|home| Path::new(&home).join(".google_authenticator"))
    };
    given.or_else(usual).ok_or(Failure::NoHome)
}

/// Whether `path` is the usual one in `home`, however it is spelt.
pub fn is_usual(path: &Path, home: Option<OsString>) -> bool {
    let directory = |path: &Path| {
        let named = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        fs::canonicalize(named.unwrap_or(Path::new("."))).ok()
    };
    file(None, home).is_ok_and(|usual| {
        path.file_name() == usual.file_name() && directory(path) == directory(&usual)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_file_by_other_names() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(&home, dir.path().join("link")).unwrap();
        for (path, expected) in [
            ("home/.google_authenticator", true),
            ("home/./../home/.google_authenticator", true),
            ("link/.google_authenticator", true),
            ("home/other", false),
            (".google_authenticator", false),
        ] {
            let found = is_usual(&dir.path().join(path), Some(home.clone().into()));
            assert_eq!(found, expected, "{path}");
        }
        assert!(!is_usual(Path::new(".google_authenticator"), Some(home.into())));
        assert!(!is_usual(Path::new("/x/.google_authenticator"), None));
    }

    #[test]
    fn home_must_be_absolute_unless_it_does_not_matter() {
        assert_eq!(
            file(None, Some("/home/a".into())).unwrap(),
            Path::new("/home/a/.google_authenticator")
        );
        for home in [None, Some(""), Some("home"), Some("./x")] {
            let home = home.map(OsString::from);
            assert!(matches!(file(None, home.clone()), Err(Failure::NoHome)));
            assert_eq!(file(Some("x".into()), home).unwrap(), Path::new("x"));
        }
    }
}
