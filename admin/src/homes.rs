//! People and the google-authenticator files in their homes.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;

use mfa_core::reason::Reason;
use mfa_core::store::{Base, GauthFile, Rights, Rules, Trouble, Trust};
use nix::errno::Errno;
use nix::unistd::{Uid, User};

/// The file's name in a home, unless `secret=` names another.
const NAME: &str = ".google_authenticator";

/// A person and the file that the module would look for.
#[derive(Debug)]
pub struct Home {
    /// The name that the user database has.
    pub user: String,
    /// The user's id.
    pub uid: Uid,
    /// The home itself, an absolute path.
    pub dir: PathBuf,
    /// Read and written with the user's rights.
    pub file: GauthFile,
}

impl Home {
    /// Looks up who `name` is, as the module does; the file need not exist. Root's locks are where the
    /// host's key may be, `/run/pam_mfa`.
    ///
    /// # Errors
    /// [`Reason::UnknownUser`], [`Reason::UserDatabase`], or [`Reason::NoDirectory`] if the user has
    /// no home.
    pub fn of(name: &str, base: &Base) -> Result<Self, Trouble> {
        let [key, _] = &base.keys;
        let run_dir = key.parent().unwrap_or(key);
        match User::from_name(name) {
            Ok(Some(user)) => Self::new(user, run_dir),
            // getpwnam(3) has the errors that mean so.
            Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => {
                Err(trouble(Reason::UnknownUser, "no such user"))
            }
            Err(errno) => Err(trouble(Reason::UserDatabase, errno.desc())),
        }
    }

    fn new(user: User, run_dir: &Path) -> Result<Self, Trouble> {
        if !user.dir.is_absolute() {
            return Err(trouble(Reason::NoDirectory, "the user has no home"));
        }
        let file = GauthFile {
            path: user.dir.join(NAME),
            rights: Rights::from(&user),
            // What the module asks of a file unless its line says otherwise.
            rules: Rules { strict_owner: true, allowed_mode: 0o600, path: Trust::Anybody },
            run_dir: run_dir.to_owned(),
            overtaken_by: None,
        };
        Ok(Self { user: user.name, uid: user.uid, dir: user.dir, file })
    }
}

/// The names of all users, as `getent passwd` lists them (getent(1)). It asks whatever nsswitch.conf
/// names; to ask the C library itself takes unsafe code.
///
/// Some user databases list nobody, sssd among them unless it is told to: their users have to be
/// named one by one.
///
/// # Errors
/// [`Reason::UserDatabase`] if the list is not to be had.
pub fn everyone() -> Result<BTreeSet<String>, Trouble> {
    let failed =
        |why: &dyn Display| trouble(Reason::UserDatabase, &format!("getent passwd: {why}"));
    let listed = Command::new("getent").arg("passwd").output().map_err(|error| failed(&error))?;
    if !listed.status.success() {
        return Err(failed(&listed.status));
    }
    Ok(names(&listed.stdout))
}

/// The first field of each line of passwd(5). A name that is not UTF-8 cannot be looked up.
fn names(passwd: &[u8]) -> BTreeSet<String> {
    let first = |line: &[u8]| {
        let end = line.iter().position(|&byte| byte == b':')?;
        String::from_utf8(line.split_at(end).0.to_vec()).ok()
    };
    passwd.split(|&byte| byte == b'\n').filter_map(first).filter(|name| !name.is_empty()).collect()
}

fn trouble(reason: Reason, detail: &str) -> Trouble {
    Trouble { reason, detail: detail.to_owned(), errno: None }
}

#[cfg(test)]
mod tests {
    use mfa_core::store::{Opened, Store};
    use nix::unistd::Gid;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use tempfile::TempDir;

    use super::*;

    fn home(dir: PathBuf) -> Result<Home, Trouble> {
        let user = User {
            name: "alice".to_owned(),
            passwd: c"".to_owned(),
            uid: Uid::effective(),
            gid: Gid::effective(),
            gecos: c"".to_owned(),
            dir,
            shell: PathBuf::new(),
        };
        Home::new(user, Path::new("/nowhere"))
    }

    fn reason(opened: Opened) -> Option<Reason> {
        match opened {
            Opened::Enrolled(_) => None,
            Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => Some(trouble.reason),
        }
    }

    #[test]
    fn files_are_found_and_left_alone() {
        let dir = TempDir::new().unwrap();
        let home = home(dir.path().to_owned()).unwrap();
        assert_eq!(reason(home.file.open()), Some(Reason::NoFile));

        let path = dir.path().join(".google_authenticator");
        fs::write(&path, "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n\" RATE_LIMIT 3 30\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        let facts = |path: &Path| {
            let stat = fs::metadata(path).unwrap();
            (stat.ino(), stat.mtime_nsec(), stat.ctime_nsec())
        };
        let before = (facts(&path), facts(dir.path()));
        assert_eq!(reason(home.file.open()), None);
        assert_eq!((facts(&path), facts(dir.path())), before);

        fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        assert_eq!(reason(home.file.open()), Some(Reason::WrongMode));
    }

    #[test]
    fn homes_that_are_none() {
        for dir in ["", "home/alice"] {
            assert_eq!(home(dir.into()).unwrap_err().reason, Reason::NoDirectory, "{dir:?}");
        }
        let gone = home("/nonexistent/alice".into()).unwrap();
        assert!(matches!(gone.file.open(), Opened::NotEnrolled(_)));
    }

    #[test]
    fn the_user_database_knows_root() {
        assert!(everyone().unwrap().contains("root"));
        let base = Base::new(Path::new("/var/lib/pam_mfa"), Path::new("/run/pam_mfa"));
        let root = Home::of("root", &base).unwrap();
        assert_eq!((root.user.as_str(), root.uid.as_raw()), ("root", 0));
        let nobody = Home::of("no such user", &base);
        assert_eq!(nobody.unwrap_err().reason, Reason::UnknownUser);
    }

    #[test]
    fn names_of_a_passwd() {
        let text =
            b"root:x:0:0::/root:/bin/sh\nal\xffce:x:1:1::/:\n:x:2:2::/:\nbob:x\nroot:x\nno colon\n";
        assert_eq!(names(text).into_iter().collect::<Vec<_>>(), ["bob", "root"]);
    }
}
