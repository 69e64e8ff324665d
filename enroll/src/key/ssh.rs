//! The public half of a security key that ssh uses.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mfa_core::ssh::{NoSkKey, SkKey};

use crate::failure::KeyFailure;

/// More than the file of one key has, in bytes.
const MOST: u64 = 16 * 1024;

/// Reads the file of a public key, such as `~/.ssh/id_ed25519_sk.pub`.
///
/// # Errors
/// [`KeyFailure::Unreadable`], or [`KeyFailure::NotSk`].
pub fn read(path: &Path) -> Result<SkKey, KeyFailure> {
    let unreadable = |error| KeyFailure::Unreadable(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8_lossy(&bytes);
    of_text(&text).map_err(|why| KeyFailure::NotSk(path.to_owned(), why))
}

fn of_text(text: &str) -> Result<SkKey, String> {
    let is_key = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let mut lines = text.lines().filter(is_key);
    let (line, more) = (lines.next().unwrap_or_default(), lines.next());
    if line.contains("PRIVATE KEY") {
        return Err(
            "is the private half of a key; give the file whose name ends in .pub".to_owned()
        );
    }
    if more.is_some() {
        return Err("has more than one line; give the public half of one key".to_owned());
    }
    SkKey::of_line(line).map_err(|why| {
        let kind = line.split_ascii_whitespace().next().unwrap_or_default();
        match why {
            NoSkKey::Malformed => {
                "holds no public key of a security key, such as `ssh-keygen -t ed25519-sk` makes"
                    .to_owned()
            }
            NoSkKey::Certificate => {
                "holds a certificate; give the key itself, or name its authority in the policy's ssh_ca"
                    .to_owned()
            }
            NoSkKey::Plain => format!(
                "holds a key of the type {kind}, which is a file that anybody can copy; a security key \
                 is a piece of hardware that has to be touched, its type begins with sk-, and \
                 `ssh-keygen -t ed25519-sk` makes one"
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use mfa_core::key::Public;

    use super::*;

    /// No more of it is looked at.
    const CERTIFICATE: &str = "sk-ssh-ed25519-cert-v01@openssh.com \
                               AAAAI3NrLXNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t";

    #[test]
    fn the_file_of_ssh_keygen() {
        let public = Public::eddsa(&[7; 32]).unwrap();
        let key = SkKey { public, application: "ssh:".to_owned() };
        let line = key.to_line();
        assert_eq!(of_text(&format!("{line} alice@laptop\n")), Ok(key.clone()));
        assert_eq!(of_text(&format!("# mine\n\n{line}")), Ok(key));
        for (text, words) in [
            ("", "holds no public key"),
            ("sk-ssh-ed25519@openssh.com AAAA", "holds no public key"),
            (
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 a",
                "anybody can copy; a security key is a piece of",
            ),
            (CERTIFICATE, "holds a certificate"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "is the private half"),
            (&format!("{line}\n{line}\n"), "more than one line"),
        ] {
            let why = of_text(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        assert!(matches!(read(Path::new("/none")), Err(KeyFailure::Unreadable(..))));
    }
}
