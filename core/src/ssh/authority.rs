//! Authorities that certify keys for ssh.

use super::Line;
use super::public::is_certificate;

/// The public key of an authority, of whatever kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority(Vec<u8>);

impl Authority {
    /// Reads the line of a file such as `ca.pub`: the kind, the key in base64, a comment.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let key = Line::read(line).ok()?;
        (!is_certificate(key.kind)).then_some(Self(key.blob))
    }

    /// The key as it goes over the wire, and as certificates hold it.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    #[test]
    fn the_line_of_a_file() {
        let blob = BASE64.encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x03abc");
        let read = |line: &str| Authority::of_line(line);
        let authority = read(&format!("ssh-ed25519 {blob} ops@example")).unwrap();
        assert_eq!(authority.blob(), b"\0\0\0\x0bssh-ed25519\0\0\0\x03abc");
        assert_eq!(read(&format!(" ssh-ed25519  {blob}\n")), Some(authority));
        let certificate = BASE64.encode(b"\0\0\0\x0b-cert-v01@x");
        for line in [
            "",
            "ssh-ed25519",
            &format!("ssh-rsa {blob}"),
            "ssh-ed25519 AAAA",
            "ssh-ed25519 !",
            &format!("-cert-v01@x {certificate}"),
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
