//! Certificates: keys that an authority vouches for, for some users and some time.

use std::ops::Range;

use super::{Authority, SkKey};
use crate::reason::Reason;
use crate::wire::{Malformed, Reader};

/// Critical options that sshd itself sees to before anybody is asked here.
const KNOWN: [&[u8]; 3] = [b"force-command", b"source-address", b"verify-required"];
/// The signature may be without a touch.
const NO_TOUCH: &[u8] = b"no-touch-required";
/// Certificates for users; the other kind is for hosts.
const USER: u32 = 1;

/// A user certificate (PROTOCOL.certkeys). Its authority's signature is not verified here: what reads as
/// a certificate proves nothing unless it comes from sshd, which has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certified key; `None` if it is not one of a security key.
    pub key: Option<SkKey>,
    /// The authority's number for it; 0 if it does not count.
    pub serial: u64,
    /// The authority's name for it; what is not UTF-8 in it is replaced.
    pub key_id: String,
    /// The authority's public key.
    pub authority: Vec<u8>,
    principals: Vec<Vec<u8>>,
    valid: Range<u64>,
    critical_options: Vec<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads what stands behind the base64.
    ///
    /// # Errors
    /// [`Malformed`], also for a certificate of a host and for a type of key that is not known.
    pub fn read(blob: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(blob);
        let kind = reader.text()?.strip_suffix("-cert-v01@openssh.com").ok_or(Malformed)?;
        let _nonce = reader.string()?;
        let key = match kind {
            "sk-ssh-ed25519" => Some(SkKey::ed25519(&mut reader)?),
            "sk-ecdsa-sha2-nistp256" => Some(SkKey::ecdsa(&mut reader)?),
            "ssh-ed25519" => skip(&mut reader, 1)?,
            "ssh-rsa" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => {
                skip(&mut reader, 2)?
            }
            _ => return Err(Malformed),
        };
        let serial = reader.long()?;
        if reader.number()? != USER {
            return Err(Malformed);
        }
        let key_id = String::from_utf8_lossy(reader.string()?).into_owned();
        let principals = strings(reader.string()?, 1)?;
        let valid = reader.long()?..reader.long()?;
        let critical_options = strings(reader.string()?, 2)?;
        let extensions = strings(reader.string()?, 2)?;
        let _reserved = reader.string()?;
        let authority = reader.string()?.to_vec();
        let _signature = reader.string()?;
        reader.end()?;
        Ok(Self { key, serial, key_id, authority, principals, valid, critical_options, extensions })
    }

    /// Whether it makes its key one of `user` at `now`, in seconds since 1970, if these are the
    /// authorities that may. sshd alone cannot tell: users may have it believe authorities of
    /// their own, for any user name.
    ///
    /// # Errors
    /// The first of these: [`Reason::CertAuthority`]; [`Reason::CertUser`], also if it names nobody;
    /// [`Reason::CertTime`]; [`Reason::CertOption`].
    pub fn counts_for(
        &self,
        user: &str,
        now: u64,
        authorities: &[Authority],
    ) -> Result<(), Reason> {
        let must = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
        let is_listed = authorities.iter().any(|listed| listed.blob() == self.authority);
        must(is_listed, Reason::CertAuthority)?;
        must(self.principals.iter().any(|name| name == user.as_bytes()), Reason::CertUser)?;
        must(self.valid.contains(&now), Reason::CertTime)?;
        let is_known = |option: &Vec<u8>| KNOWN.contains(&option.as_slice());
        must(self.critical_options.iter().all(is_known), Reason::CertOption)
    }

    /// Whether sshd accepts only signatures with a touch for it: it is of a security key, and its
    /// authority does not do without. The user's own authorized_keys cannot change that: sshd does
    /// without a touch only if both say so.
    #[must_use]
    pub fn demands_touch(&self) -> bool {
        self.key.is_some() && self.extensions.iter().all(|name| name != NO_TOUCH)
    }
}

/// The parts of a key that is not of a security key.
fn skip(reader: &mut Reader, parts: usize) -> Result<Option<SkKey>, Malformed> {
    for _ in 0..parts {
        reader.string()?;
    }
    Ok(None)
}

/// The first of every `step` strings in a row: names without what belongs to them.
fn strings(list: &[u8], step: usize) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut reader = Reader::new(list);
    let mut names = Vec::new();
    while !reader.is_empty() {
        names.push(reader.string()?.to_vec());
        for _ in 1..step {
            reader.string()?;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::vectors::{self, blob, certificate};
    use crate::wire::Writer;

    const NOW: u64 = vectors::VALID.start;

    fn authority(line: &str) -> Authority {
        Authority::of_line(line).unwrap()
    }

    #[test]
    fn of_every_type_of_key() {
        for (line, key, id) in [
            (vectors::RED_CERT, Some(vectors::RED), "red of alice"),
            (vectors::WORK_CERT, Some(vectors::WORK), "ecdsa of alice"),
            (vectors::PLAIN_CERT, None, "ed"),
            (vectors::RSA_CERT, None, "rsa"),
            (vectors::ECDSA_CERT, None, "ecdsa"),
        ] {
            let certificate = certificate(line);
            assert_eq!(certificate.key, key.map(vectors::key));
            assert_eq!((certificate.serial, &*certificate.key_id), (7, id));
            assert_eq!(certificate.authority, blob(vectors::CA));
            assert_eq!(certificate.valid, vectors::VALID);
            assert_eq!(certificate.principals, [b"alice".to_vec(), b"bob".to_vec()]);
        }
        assert_eq!(Certificate::read(&blob(vectors::HOST_CERT)), Err(Malformed));
        assert_eq!(Certificate::read(&blob(vectors::RED)), Err(Malformed));
    }

    #[test]
    fn for_whom_when_and_by_whom() {
        let (ca, other) = (authority(vectors::CA), authority(vectors::PLAIN));
        let both = [other.clone(), ca.clone()];
        let red = certificate(vectors::RED_CERT);
        for user in ["alice", "bob"] {
            assert_eq!(red.counts_for(user, NOW, &both), Ok(()));
        }
        for authorities in [&[][..], &[other]] {
            assert_eq!(red.counts_for("alice", NOW, authorities), Err(Reason::CertAuthority));
        }
        for user in ["", "root", "alice,bob", "alic", "alicee", "Alice", "*"] {
            assert_eq!(red.counts_for(user, NOW, &both), Err(Reason::CertUser), "{user}");
        }
        for (now, counts) in [
            (vectors::VALID.start - 1, false),
            (vectors::VALID.start, true),
            (vectors::VALID.end - 1, true),
            (vectors::VALID.end, false),
            (0, false),
            (u64::MAX, false),
        ] {
            let expected = if counts { Ok(()) } else { Err(Reason::CertTime) };
            assert_eq!(red.counts_for("alice", now, &both), expected, "{now}");
        }
        let forever = certificate(vectors::FOREVER_CERT);
        for user in ["alice", ""] {
            assert_eq!(forever.counts_for(user, NOW, &both), Err(Reason::CertUser), "names nobody");
        }
    }

    #[test]
    fn critical_options_are_known_or_it_does_not_count() {
        let ca = [authority(vectors::CA)];
        for line in [vectors::WORK_CERT, vectors::PLAIN_CERT, vectors::RSA_CERT] {
            assert_eq!(certificate(line).counts_for("alice", NOW, &ca), Ok(()));
        }
        let shaped = certificate(vectors::ECDSA_CERT);
        assert_eq!(shaped.counts_for("alice", NOW, &ca), Err(Reason::CertOption));
    }

    #[test]
    fn what_demands_a_touch() {
        for (line, demands) in [
            (vectors::RED_CERT, true),
            (vectors::FOREVER_CERT, true),
            (vectors::WORK_CERT, false),
            (vectors::PLAIN_CERT, false),
            (vectors::RSA_CERT, false),
        ] {
            assert_eq!(certificate(line).demands_touch(), demands, "{line}");
        }
    }

    #[test]
    fn every_length_is_exact() {
        for line in [vectors::RED_CERT, vectors::WORK_CERT, vectors::PLAIN_CERT, vectors::RSA_CERT]
        {
            let blob = blob(line);
            for end in 0..blob.len() {
                assert_eq!(Certificate::read(&blob[..end]), Err(Malformed), "{end}");
            }
            assert_eq!(Certificate::read(&[&blob[..], b"\0"].concat()), Err(Malformed));
        }
        let half = Writer::default().string(b"name").done();
        assert_eq!(strings(&half, 2), Err(Malformed), "a name without its data");
        assert_eq!(strings(&half, 1), Ok(vec![b"name".to_vec()]));
    }
}
