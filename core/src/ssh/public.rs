//! Public keys of OpenSSH's that a security key keeps.

use std::fmt;

use data_encoding::BASE64;

use super::Line;
use crate::key::Public;
use crate::wire::{Malformed, Reader, Writer};

const ED25519: &str = "sk-ssh-ed25519@openssh.com";
const ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com";
const CURVE: &[u8] = b"nistp256";
/// The longest application, in bytes.
const MAX_APPLICATION: usize = 255;

/// The public half of an sk key (PROTOCOL.u2f).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkKey {
    /// What its signatures are verified with.
    pub public: Public,
    /// What it signs for, `ssh:` unless the person chose something else: 1 to 255 bytes without control
    /// characters, since it is shown on terminals.
    pub application: String,
}

/// Why something is no sk key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSkKey {
    /// No key at all.
    Malformed,
    /// A key that no security key keeps.
    Plain,
    /// A certificate, of whatever key.
    Certificate,
}

impl SkKey {
    /// Reads what stands behind the base64.
    ///
    /// # Errors
    /// Why it is no sk key. Of other keys only the type is looked at.
    pub fn of_blob(blob: &[u8]) -> Result<Self, NoSkKey> {
        let mut reader = Reader::new(blob);
        let key = match reader.text()? {
            ED25519 => Self::ed25519(&mut reader)?,
            ECDSA => Self::ecdsa(&mut reader)?,
            kind if is_certificate(kind) => return Err(NoSkKey::Certificate),
            _ => return Err(NoSkKey::Plain),
        };
        reader.end()?;
        Ok(key)
    }

    /// Reads `TYPE BASE64 [COMMENT]`.
    ///
    /// # Errors
    /// Why it is no sk key.
    pub fn of_line(line: &str) -> Result<Self, NoSkKey> {
        Self::of_blob(&Line::read(line)?.blob)
    }

    /// What a certificate and a key have in common, and no other type has.
    pub(super) fn ed25519(reader: &mut Reader) -> Result<Self, Malformed> {
        let public = Public::eddsa(reader.string()?).ok_or(Malformed)?;
        Ok(Self { public, application: application(reader)? })
    }

    /// The same for ECDSA.
    pub(super) fn ecdsa(reader: &mut Reader) -> Result<Self, Malformed> {
        if reader.string()? != CURVE {
            return Err(Malformed);
        }
        let point = Some(reader.string()?).filter(|point| point.len() == 65);
        let public = point.and_then(Public::es256).ok_or(Malformed)?;
        Ok(Self { public, application: application(reader)? })
    }

    /// The type, which is the one of its signatures, too.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.public {
            Public::Es256(_) => ECDSA,
            Public::Eddsa(_) => ED25519,
        }
    }

    /// What [`SkKey::of_blob`] reads.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        let writer = Writer::default().string(self.kind().as_bytes());
        let writer = match &self.public {
            Public::Es256(point) => writer.string(CURVE).string(point),
            Public::Eddsa(point) => writer.string(point),
        };
        writer.string(self.application.as_bytes()).done()
    }

    /// What [`SkKey::of_line`] reads, without a comment.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("{} {}", self.kind(), BASE64.encode(&self.to_blob()))
    }
}

fn application(reader: &mut Reader) -> Result<String, Malformed> {
    let text = reader.text()?;
    let fits = (1..=MAX_APPLICATION).contains(&text.len()) && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Malformed) }
}

/// Whether keys of this type are certificates.
pub(super) fn is_certificate(kind: &str) -> bool {
    kind.as_bytes().windows(7).any(|part| part == b"-cert-v")
}

impl From<Malformed> for NoSkKey {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl fmt::Display for NoSkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a public key as ssh-keygen writes it",
            Self::Plain => "not of a security key: its type does not begin with sk-",
            Self::Certificate => "a certificate: the key itself is wanted",
        })
    }
}

impl std::error::Error for NoSkKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::vectors;

    #[test]
    fn what_is_read_is_written() {
        for text in [vectors::RED, vectors::WORK, vectors::UNTOUCHED_ECDSA, vectors::VERIFIED] {
            let key = SkKey::of_line(text).unwrap();
            assert!(text.starts_with(&key.to_line()), "{text}");
            assert_eq!(key.application, if text == vectors::WORK { "ssh:work" } else { "ssh:" });
        }
    }

    #[test]
    fn keys_of_other_kinds_are_named() {
        for (text, why) in [
            (vectors::PLAIN, NoSkKey::Plain),
            (vectors::RSA, NoSkKey::Plain),
            (vectors::ECDSA, NoSkKey::Plain),
            (vectors::RED_CERT, NoSkKey::Certificate),
            (vectors::WORK_CERT, NoSkKey::Certificate),
            (vectors::PLAIN_CERT, NoSkKey::Certificate),
            ("ssh-rsa", NoSkKey::Malformed),
        ] {
            assert_eq!(SkKey::of_line(text), Err(why), "{text}");
        }
    }

    #[test]
    fn every_length_is_exact() {
        for text in [vectors::RED, vectors::WORK] {
            let blob = vectors::blob(text);
            for end in 0..blob.len() {
                assert_eq!(SkKey::of_blob(&blob[..end]), Err(NoSkKey::Malformed), "{end}");
            }
            assert_eq!(SkKey::of_blob(&[&blob[..], b"\0"].concat()), Err(NoSkKey::Malformed));
        }
        let ecdsa = |curve: &[u8], point: &[u8]| {
            let writer = Writer::default().string(ECDSA.as_bytes()).string(curve);
            SkKey::of_blob(&writer.string(point).string(b"ssh:").done())
        };
        let point = [4; 65];
        assert!(ecdsa(CURVE, &point).is_ok());
        for (curve, point) in [
            (&b"nistp384"[..], &point[..]),
            (CURVE, &point[1..]),
            (CURVE, &[4; 66]),
            (CURVE, &[3; 33]),
            (CURVE, &[7; 65]),
        ] {
            assert_eq!(ecdsa(curve, point), Err(NoSkKey::Malformed));
        }
        let long = "x".repeat(256);
        let named = |application: &str| {
            let writer = Writer::default().string(ED25519.as_bytes()).string(&[7; 32]);
            SkKey::of_blob(&writer.string(application.as_bytes()).done())
        };
        assert!(named(&long[1..]).is_ok());
        for application in ["", &long, "ssh:\x1b[2J", "ssh:\nb", "ssh:\u{9b}2J", "ssh:\0"] {
            assert_eq!(named(application), Err(NoSkKey::Malformed), "{application:?}");
        }
        let small = Writer::default().string(ED25519.as_bytes()).string(&[0; 32]).string(b"ssh:");
        assert_eq!(
            SkKey::of_blob(&small.done()),
            Err(NoSkKey::Malformed),
            "a point of small order"
        );
    }
}
