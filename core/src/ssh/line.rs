//! A public key as text.

use data_encoding::BASE64;

use crate::wire::{Malformed, Reader};

/// `TYPE BASE64 [COMMENT]` (sshd(8), AUTHORIZED_KEYS FILE FORMAT, without options): a key or a
/// certificate of any type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The type, which the key itself says as well.
    pub kind: &'a str,
    /// The key.
    pub blob: Vec<u8>,
    /// What people call it; may be empty.
    pub comment: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// [`Malformed`], also if the key is of another type than the line says. What follows its type is not
    /// looked at.
    pub fn read(line: &'a str) -> Result<Self, Malformed> {
        let (kind, rest) = word(line);
        let (base64, comment) = word(rest);
        let blob = BASE64.decode(base64.as_bytes()).map_err(|_| Malformed)?;
        if Reader::new(&blob).text()? != kind {
            return Err(Malformed);
        }
        Ok(Self { kind, blob, comment: comment.trim_ascii() })
    }
}

/// The first word, and what is behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii();
    text.split_once([' ', '\t']).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::vectors;

    #[test]
    fn as_ssh_keygen_writes_them() {
        for (text, kind, comment) in [
            (vectors::RED, "sk-ssh-ed25519@openssh.com", "red key"),
            (vectors::WORK, "sk-ecdsa-sha2-nistp256@openssh.com", ""),
            (vectors::RSA, "ssh-rsa", "rsa"),
            (vectors::RED_CERT, "sk-ssh-ed25519-cert-v01@openssh.com", "red key"),
        ] {
            let line = Line::read(text).unwrap();
            assert_eq!((line.kind, line.comment), (kind, comment));
            let spaced = format!(" \t{} ", text.trim_ascii().replacen(' ', "\t  ", 1));
            assert_eq!(Line::read(&spaced), Ok(line));
        }
    }

    #[test]
    fn no_keys() {
        let other = vectors::PLAIN.replacen("ed25519", "ed25518", 1);
        let bits = vectors::RED.replacen("= ", " ", 1);
        for text in ["", "ssh-rsa", "ssh-rsa AAAA", "AAAAB3NzaC1yc2E=", "ssh-rsa *", &other, &bits]
        {
            assert_eq!(Line::read(text), Err(Malformed), "{text}");
        }
    }
}
