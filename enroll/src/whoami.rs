//! Whose account this is, and where.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::{User, gethostname, getuid};

use crate::failure::Failure;

/// The name of the user who runs this, or the number where there is no name.
pub fn person() -> OsString {
    let uid = getuid();
    let user = User::from_uid(uid).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name).into()
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

#[cfg(test)]
mod tests {
    use super::*;

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
