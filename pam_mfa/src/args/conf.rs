//! The file that `conf=` names, in which pam_u2f's options have their defaults: `NAME = VALUE` or `NAME`, one
//! a line, and comments.

use std::path::Path;

use mfa_core::policy::files;
use nix::unistd::Uid;

/// The largest file that is read, in bytes, as with pam_u2f.
const MAX_SIZE: usize = 4096;

/// The text of such a file.
///
/// # Errors
/// Why there is none that is `owner`'s, and nobody else's.
pub(super) fn text(path: &Path, owner: Uid) -> Result<Vec<u8>, String> {
    let (Some(dir), Some(name), true) = (path.parent(), path.file_name(), path.is_absolute())
    else {
        return Err("not an absolute path".to_owned());
    };
    let name = name.to_str().ok_or("not a path in UTF-8")?;
    let text = files::read(dir, name, owner).map_err(|trouble| trouble.to_string())?;
    let text = text.ok_or("there is no such file")?;
    if text.len() > MAX_SIZE {
        return Err(format!("{} bytes, and at most {MAX_SIZE} are read", text.len()));
    }
    Ok(text)
}

/// Its options, written as on the line, and the numbers of their lines from 1 on.
pub(super) fn options(text: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let lines = (1..).zip(text.split(|&byte| byte == b'\n'));
    lines.filter_map(|(number, line)| {
        let content = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut halves = content.splitn(2, |&byte| byte == b'=').map(<[u8]>::trim_ascii);
        let name = halves.next().unwrap_or_default();
        let option = match halves.next() {
            Some(value) => [name, value].join(&b'='),
            None => name.to_vec(),
        };
        (!option.is_empty()).then_some((number, option))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use mfa_core::reason::Reason;
    use tempfile::TempDir;

    use super::super::tests::parse_with;
    use super::*;

    const PATH: &str = "/etc/security/pam_u2f.conf";

    fn with(text: &str, line: &str) -> Result<super::super::Args, (Reason, String)> {
        parse_with(&format!("u2f conf={PATH} {line}"), &|path| {
            assert_eq!(path, Path::new(PATH));
            Ok(text.as_bytes().to_vec())
        })
    }

    #[test]
    fn the_line_wins() {
        let text = "# defaults\n\n cue\norigin = pam://all # of them\n\tcue_prompt=Touch the  key\r\n\
                    userpresence = 0\nnouserok\ndebug";
        let args = with(text, "userpresence=1 origin=x").unwrap();
        let theirs = &args.keys.pam_u2f;
        let options = theirs.options("host");
        assert_eq!((options.origin.as_str(), options.touch), ("x", true));
        assert_eq!(theirs.cue_prompt.as_deref(), Some("Touch the  key"));
        assert!(theirs.cue && args.nullok && args.debug);
        assert_eq!(with(text, "").unwrap().keys.pam_u2f.options("host").origin, "pam://all");
        assert!(with("", "").unwrap().keys.u2f);
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, reason, why) in [
            ("cue\ncue = 1", Reason::UnknownOption, "line 2: cue=1"),
            ("max_devices = many", Reason::BadOption, "line 1: max_devices=many"),
            ("\nalwaysok", Reason::BadOption, "line 2: alwaysok: it lets everybody in"),
            ("u2f", Reason::UnknownOption, "line 1: u2f"),
            ("conf=/x", Reason::UnknownOption, "line 1: conf=/x"),
            ("secret = /x", Reason::UnknownOption, "line 1: secret=/x"),
            ("= x", Reason::UnknownOption, "line 1: =x"),
        ] {
            assert_eq!(with(text, ""), Err((reason, format!("conf={PATH}: {why}"))), "{text:?}");
        }
        let without_u2f = parse_with("conf=/x", &|_| Ok(vec![]));
        assert_eq!(without_u2f.unwrap_err().0, Reason::BadOption);
        let unread = parse_with("u2f conf=/x", &|_| Err("why".to_owned()));
        assert_eq!(unread, Err((Reason::BadOption, "conf=/x: why".to_owned())));
    }

    #[test]
    fn the_last_file_counts() {
        let read = |path: &Path| {
            assert_eq!(path, Path::new("/b"));
            Ok(b"cue".to_vec())
        };
        assert!(parse_with("conf=/a u2f conf=/b", &read).unwrap().keys.pam_u2f.cue);
    }

    #[test]
    fn only_what_is_the_owners_alone_is_read() {
        let dir = TempDir::new().unwrap();
        let (path, owner) = (dir.path().join("conf"), Uid::effective());
        let set_mode = |mode| fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let refused = |path: &Path, owner, why: &str| {
            let cause = text(path, owner).unwrap_err();
            assert!(cause.contains(why), "{cause}");
        };
        refused(&path, owner, "no such file");
        refused(&dir.path().join("no/conf"), owner, "no such file");
        refused(Path::new("conf"), owner, "not an absolute path");
        refused(Path::new("/"), owner, "not an absolute path");
        fs::write(&path, "cue").unwrap();
        set_mode(0o644);
        assert_eq!(text(&path, owner), Ok(b"cue".to_vec()));
        refused(&path, Uid::from_raw(54_321), "owned by uid");
        for mode in [0o664, 0o646] {
            set_mode(mode);
            refused(&path, owner, "mode");
        }
        set_mode(0o600);
        fs::write(&path, " ".repeat(MAX_SIZE + 1)).unwrap();
        refused(&path, owner, "at most 4096");
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        refused(&link, owner, "symbolic links");
    }
}
