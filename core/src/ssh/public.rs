//! Public keys of security keys, as OpenSSH writes them (PROTOCOL.u2f).

use data_encoding::BASE64;

use crate::key::Public;
use crate::wire::{Malformed, Reader, Writer};

const ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com";
const ED25519: &str = "sk-ssh-ed25519@openssh.com";

/// A security key that OpenSSH can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkKey {
    /// The key.
    pub public: Public,
    /// What it was made for, `ssh:` unless its owner chose otherwise.
    pub application: String,
}

impl SkKey {
    /// OpenSSH's word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.public {
            Public::Es256(_) => ECDSA,
            Public::Eddsa(_) => ED25519,
        }
    }

    /// Reads a key as it goes over the wire.
    ///
    /// # Errors
    /// [`Malformed`], also for a key of another kind.
    pub fn of_blob(blob: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(blob);
        let public = match reader.text()? {
            ECDSA => {
                if reader.string()? != b"nistp256" {
                    return Err(Malformed);
                }
                let point = reader.string()?;
                Public::es256(point).filter(|_| point.len() == 65)
            }
            ED25519 => Public::eddsa(reader.string()?),
            _ => None,
        };
        let public = public.ok_or(Malformed)?;
        let application = reader.text()?.to_owned();
        reader.end()?;
        Ok(Self { public, application })
    }

    /// The key as it goes over the wire.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        let blob = Writer::default().string(self.kind().as_bytes());
        let blob = match &self.public {
            Public::Es256(point) => blob.string(b"nistp256").string(point),
            Public::Eddsa(point) => blob.string(point),
        };
        blob.string(self.application.as_bytes()).done()
    }

    /// Reads the line of a file such as `id_ed25519_sk.pub`: the kind, the key in base64, a comment.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (kind, blob) = (words.next()?, words.next()?);
        let key = Self::of_blob(&BASE64.decode(blob.as_bytes()).ok()?).ok()?;
        (key.kind() == kind).then_some(key)
    }

    /// That line, without a comment.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("{} {}", self.kind(), BASE64.encode(&self.to_blob()))
    }
}
