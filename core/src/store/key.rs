//! The file that holds the host's key.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use zeroize::Zeroizing;

use super::replace::{Unreplaced, replace};
use super::walk::{Place, Trust};
use super::{Rights, Rules, Shown, Trouble, file};
use crate::reason::Reason;
use crate::seal::{HostKey, KEY_BYTES};

/// The key in the first of these files that exists; `None` if positively none does. It holds
/// [`KEY_BYTES`] raw bytes, belongs to whoever asks, and gives nobody else any right.
///
/// # Errors
/// [`Reason::BadKey`], and what is wrong with the file. Those after it are not tried: they would
/// hide the mistake until the day they are gone.
pub fn host_key(paths: &[&Path]) -> Result<Option<HostKey>, Trouble> {
    for path in paths {
        match read(path) {
            Ok(key) => return Ok(Some(key)),
            Err(trouble) if trouble.reason == Reason::NoFile => {}
            Err(Trouble { reason, detail, errno }) => {
                let detail = format!("{detail}: {reason}");
                return Err(Trouble { reason: Reason::BadKey, detail, errno });
            }
        }
    }
    Ok(None)
}

/// Writes a new key, root's alone; durable when this returns. One that is there already stays, and
/// counts. Whoever calls sees to it that nobody else does at the same time.
///
/// # Errors
/// What could not be written; or that what is there is no key, as [`host_key`].
pub fn make_host_key(path: &Path, key: &Zeroizing<[u8; KEY_BYTES]>) -> Result<HostKey, Trouble> {
    if let Some(key) = host_key(&[path])? {
        return Ok(key);
    }
    let failed = |errno| Trouble::system(Reason::CannotWrite, Shown(path), errno);
    let place = place(path).map_err(failed)?;
    replace(&place, key.as_slice(), Mode::S_IRUSR | Mode::S_IWUSR, || Ok(())).map_err(
        |failure| {
            let (Unreplaced::Old(error) | Unreplaced::New(error)) = failure;
            failed(Errno::from_raw(error.raw_os_error().unwrap_or(0)))
        },
    )?;
    read(path)
}

fn read(path: &Path) -> Result<HostKey, Trouble> {
    let shown = Shown(path);
    let place = place(path).map_err(|errno| {
        let reason = if errno == Errno::ENOENT { Reason::NoFile } else { Reason::Unreadable };
        Trouble::system(reason, shown, errno)
    })?;
    let rules = Rules { strict_owner: true, allowed_mode: 0o600, path: Trust::Anybody };
    let mut opened = file::open(&place, OFlag::O_RDONLY, Rights::of_caller(), rules, shown)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if usize::try_from(opened.stat.st_size) != Ok(key.len()) {
        let detail = format!("{shown}: {} bytes, not {KEY_BYTES}", opened.stat.st_size);
        return Err(Trouble::new(Reason::Unreadable, detail));
    }
    opened.file.read_exact(key.as_mut()).map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
        Trouble::system(Reason::Unreadable, shown, errno)
    })?;
    Ok(HostKey::new(key))
}

/// The last name may be no link: a key is where it is said to be.
fn place(path: &Path) -> Result<Place, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let dir = open(path.parent().unwrap_or(path), flags, Mode::empty())?;
    Ok(Place { dir, name: path.file_name().map(OsStr::to_owned).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use nix::unistd::{Uid, mkfifo};
    use tempfile::TempDir;

    use crate::seal;
    use crate::secret::Secret;

    /// Holds bytes that no text does.
    const KEY: [u8; KEY_BYTES] = *b"\0\xff\n\0 thirty-two bytes, a key. \0\n";
    const OTHER: [u8; KEY_BYTES] = [7; KEY_BYTES];

    fn write(dir: &TempDir, name: &str, bytes: &[u8], mode: u32) {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    fn look(dir: &TempDir, names: &[&str]) -> Result<Option<HostKey>, Trouble> {
        let paths: Vec<_> = names.iter().map(|name| dir.path().join(name)).collect();
        host_key(&paths.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    /// Whether that is the key which was found.
    fn is(found: &Result<Option<HostKey>, Trouble>, key: [u8; KEY_BYTES]) -> bool {
        let secret = Secret::new(vec![1; 20]);
        let key = HostKey::new(Zeroizing::new(key));
        let sealed = seal::seal(&secret, &key, b"", &|_| Ok::<_, ()>(())).unwrap();
        let found = found.as_ref().unwrap().as_ref().unwrap();
        seal::open(&sealed, found, b"") == Ok(secret)
    }

    #[test]
    fn the_first_that_exists() {
        let dir = TempDir::new().unwrap();
        write(&dir, "key", &KEY, 0o600);
        write(&dir, "other", &OTHER, 0o400);
        assert!(is(&look(&dir, &["key"]), KEY));
        assert!(is(&look(&dir, &["other", "key"]), OTHER));
        assert!(is(&look(&dir, &["none", "none/key", "key", "other"]), KEY));
        for names in [&[][..], &["none"], &["none/key", "none"]] {
            assert!(look(&dir, names).unwrap().is_none(), "{names:?}");
        }
    }

    #[test]
    fn a_new_one_never_takes_the_place_of_another() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("key");
        let make = |key| make_host_key(&path, &Zeroizing::new(key)).map(Some);
        assert!(is(&make(KEY), KEY));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(is(&make(OTHER), KEY));
        fs::write(&path, b"short").unwrap();
        assert_eq!(make(OTHER).unwrap_err().reason, Reason::BadKey);
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn one_that_cannot_be_used_is_not_passed_over() {
        let dir = TempDir::new().unwrap();
        write(&dir, "key", &KEY, 0o600);
        write(&dir, "empty", b"", 0o600);
        write(&dir, "short", &KEY[1..], 0o600);
        write(&dir, "long", &[&KEY[..], b"\n"].concat(), 0o600);
        write(&dir, "group", &KEY, 0o640);
        write(&dir, "others", &KEY, 0o604);
        fs::create_dir(dir.path().join("dir")).unwrap();
        mkfifo(&dir.path().join("fifo"), Mode::S_IRUSR).unwrap();
        symlink("key", dir.path().join("link")).unwrap();
        symlink("none", dir.path().join("dangling")).unwrap();
        symlink("/dev/zero", dir.path().join("device")).unwrap();
        let mut names = vec![
            "empty", "short", "long", "group", "others", "dir", "fifo", "link", "dangling",
            "device", "key/key",
        ];
        if Uid::effective().is_root() {
            write(&dir, "foreign", &KEY, 0o600);
            chown(dir.path().join("foreign"), Some(54_321), None).unwrap();
            names.push("foreign");
        }
        for name in names {
            let trouble = look(&dir, &[name, "key"]).unwrap_err();
            assert_eq!(trouble.reason, Reason::BadKey, "{name}");
            assert!(trouble.detail.contains(name), "{trouble}");
        }
        let said = look(&dir, &["group"]).unwrap_err().to_string();
        assert!(said.contains("mode 0640, allowed 0600"), "{said}");
        let said = look(&dir, &["short"]).unwrap_err().to_string();
        assert!(said.contains("31 bytes, not 32"), "{said}");
    }
}
