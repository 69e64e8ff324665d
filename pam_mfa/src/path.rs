//! From the template in `secret=` to the path of one person's file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mfa_core::reason::Reason;

/// Fills in the home (`~` at the start or behind a slash, `${HOME}`, `%h`) and the user (`${USER}`,
/// `%u`). What is filled in is not looked at again; everything else stands for itself.
///
/// # Errors
/// [`Reason::BadOption`] if the template names a home where there is none to name,
/// [`Reason::BadUserName`] if it names a user who would change the path's directories.
pub(crate) fn expand(template: &OsStr, user: &str, home: Option<&Path>) -> Result<PathBuf, Reason> {
    let mut path = Vec::new();
    let mut rest = template.as_bytes();
    let mut begins = true;
    while let Some((&byte, behind)) = rest.split_first() {
        let home_marks: &[&[u8]] =
            if begins { &[b"~", b"${HOME}", b"%h"] } else { &[b"${HOME}", b"%h"] };
        if let Some(behind) = strip(rest, home_marks) {
            path.extend_from_slice(home.ok_or(Reason::BadOption)?.as_os_str().as_bytes());
            rest = behind;
        } else if let Some(behind) = strip(rest, &[b"${USER}", b"%u"]) {
            path.extend_from_slice(component(user)?);
            rest = behind;
        } else {
            path.push(byte);
            rest = behind;
        }
        begins = byte == b'/';
    }
    Ok(OsString::from_vec(path).into())
}

/// Fills in the user for `%u` and a percent sign for `%%`, as pam_u2f does for `authfile=` with `expand`.
///
/// # Errors
/// [`Reason::BadOption`] if another sign stands behind a `%`, [`Reason::BadUserName`] as [`expand`].
pub(crate) fn expand_signs(template: &OsStr, user: &str) -> Result<PathBuf, Reason> {
    let mut path = Vec::new();
    let mut bytes = template.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        match (byte, if byte == b'%' { bytes.next() } else { None }) {
            (b'%', Some(b'u')) => path.extend_from_slice(component(user)?),
            (b'%', Some(b'%')) => path.push(b'%'),
            (b'%', _) => return Err(Reason::BadOption),
            _ => path.push(byte),
        }
    }
    Ok(OsString::from_vec(path).into())
}

fn strip<'a>(text: &'a [u8], marks: &[&[u8]]) -> Option<&'a [u8]> {
    marks.iter().find_map(|mark| text.strip_prefix(*mark))
}

/// A user name that is one plain part of a path, whatever stands beside it.
fn component(user: &str) -> Result<&[u8], Reason> {
    let bytes = user.as_bytes();
    // Many names that are not UTF-8 look like this one.
    let unclear = user.contains('\u{fffd}');
    let only_dots = bytes.iter().all(|&byte| byte == b'.');
    // What ends so is the file that is written beside somebody else's.
    let beside = bytes.ends_with(b"~mfa");
    if only_dots
        || beside
        || unclear
        || bytes.len() > 255
        || bytes.iter().any(|byte| b"/\0".contains(byte))
    {
        return Err(Reason::BadUserName);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(template: &str, user: &str) -> Result<String, Reason> {
        let home = Some(Path::new("/home/alice"));
        expand(OsStr::new(template), user, home).map(|path| path.to_str().unwrap().to_owned())
    }

    #[test]
    fn homes() {
        for template in ["~/.ga", "${HOME}/.ga", "%h/.ga"] {
            assert_eq!(path(template, "alice").as_deref(), Ok("/home/alice/.ga"));
        }
        assert_eq!(path("/x/~/y", "alice").as_deref(), Ok("/x//home/alice/y"));
        assert_eq!(path("/x~/~bob", "alice").as_deref(), Ok("/x~//home/alicebob"));
        assert_eq!(path("a${HOME}%h", "alice").as_deref(), Ok("a/home/alice/home/alice"));
    }

    #[test]
    fn users() {
        assert_eq!(path("/x/${USER}-%u", "alice").as_deref(), Ok("/x/alice-alice"));
        assert_eq!(path("/x/$USER%%x$", "alice").as_deref(), Ok("/x/$USER%%x$"));
        assert_eq!(path("/x/%u", "%h").as_deref(), Ok("/x/%h"), "not looked at again");
        assert_eq!(path("/x/%u", "..a").as_deref(), Ok("/x/..a"));
    }

    #[test]
    fn users_who_would_lead_elsewhere() {
        for user in [
            "",
            ".",
            "..",
            "../root",
            "a/b",
            "/",
            "a\0b",
            "alice~mfa",
            "b\u{fffd}b",
            &"x".repeat(256),
        ] {
            assert_eq!(path("/x/${USER}", user), Err(Reason::BadUserName), "{user:?}");
            assert_eq!(path("~/x", user).as_deref(), Ok("/home/alice/x"));
        }
        assert_eq!(path("/x/%u%u", "."), Err(Reason::BadUserName));
    }

    #[test]
    fn signs() {
        let path = |template: &str, user| expand_signs(OsStr::new(template), user);
        assert_eq!(path("/x/%u/%%u~%u", "alice"), Ok("/x/alice/%u~alice".into()));
        assert_eq!(path("x${USER}", ".."), Ok("x${USER}".into()));
        for template in ["%", "/x%", "%%%", "%h", "%U"] {
            assert_eq!(path(template, "alice"), Err(Reason::BadOption), "{template}");
        }
        assert_eq!(path("/x/%u", "../root"), Err(Reason::BadUserName));
    }

    #[test]
    fn no_home_to_name() {
        for template in ["~/x", "/x/~", "${HOME}", "x%h"] {
            assert_eq!(expand(OsStr::new(template), "alice", None), Err(Reason::BadOption));
        }
        assert_eq!(expand(OsStr::new("/x/%u"), "alice", None), Ok("/x/alice".into()));
    }
}
