//! What an agent is asked to sign: no login anywhere else, and this login only.

use ring::digest::{SHA512, digest};

use crate::key::{Message, hash};
use crate::random::{NoRandomness, Random};
use crate::wire::Writer;

/// What a signature of ours is for: `ssh-keygen -Y verify` and others that know SSHSIG take it for
/// nothing else, and no login by ssh looks like it.
pub const NAMESPACE: &str = "login@pam_mfa";

/// Changes when anything else in what is signed does.
const LABEL: &[u8] = b"pam_mfa agent 1";

/// What is signed to prove that a key is at hand, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(Vec<u8>);

impl Challenge {
    /// Bound to one login: to this machine, by its name, to user and service, and to 32 random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(
        host: &str,
        user: &str,
        service: &str,
        random: &Random,
    ) -> Result<Self, NoRandomness> {
        let mut nonce = [0; 32];
        random(&mut nonce)?;
        let parts = [LABEL, host.as_bytes(), user.as_bytes(), service.as_bytes(), &nonce];
        let login = parts.iter().fold(Writer::default(), |writer, part| writer.string(part));
        Ok(Self(blob(NAMESPACE, &login.done())))
    }

    /// What the agent is handed.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.0
    }

    /// What the token makes of it, and signs.
    #[must_use]
    pub fn message(&self) -> Message {
        hash(&self.0)
    }
}

/// What is signed where `text` is (PROTOCOL.sshsig section 3).
#[must_use]
pub fn blob(namespace: &str, text: &[u8]) -> Vec<u8> {
    Writer::default()
        .bytes(b"SSHSIG")
        .string(namespace.as_bytes())
        .string(b"") // reserved
        .string(b"sha512")
        .string(digest(&SHA512, text).as_ref())
        .done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Counter, Key, Port};
    use crate::key::verify;
    use crate::reason::Reason;
    use crate::ssh::signature::assertion;
    use crate::ssh::vectors;

    /// ssh-keygen signed exactly this.
    #[test]
    fn ssh_keygen_signs_the_same() {
        let message = hash(&blob(vectors::NAMESPACE, vectors::TEXT));
        for (line, file, flags) in vectors::SIGNED {
            let key = vectors::key(line);
            let assertion = assertion(&vectors::signature(file), &key).unwrap();
            let mut key = Key {
                name: None,
                port: Port::Ssh,
                public: key.public,
                application: key.application,
                touch: flags & 1 != 0,
                verification: flags & 4 != 0,
                counter: Counter::Unchecked,
            };
            assert_eq!(verify(&key, &assertion, &message), Ok(None));
            let other = hash(&blob(NAMESPACE, vectors::TEXT));
            assert_eq!(verify(&key, &assertion, &other), Err(Reason::KeySignature));
            key.touch = true;
            let untouched = verify(&key, &assertion, &message) == Err(Reason::KeyUntouched);
            assert_eq!(untouched, flags & 1 == 0);
            key.application.push('x');
            assert_eq!(verify(&key, &assertion, &message), Err(Reason::KeyParty));
        }
    }

    #[test]
    fn every_part_of_a_login_counts() {
        let challenge = |host, user, service, nonce| {
            let random = |bytes: &mut [u8]| {
                bytes.fill(nonce);
                Ok(())
            };
            Challenge::new(host, user, service, &random).unwrap().message()
        };
        let usual = challenge("host", "alice", "sudo", 7);
        assert_eq!(challenge("host", "alice", "sudo", 7), usual);
        for other in [
            challenge("hos", "talice", "sudo", 7),
            challenge("host", "bob", "sudo", 7),
            challenge("host", "alicesudo", "", 7),
            challenge("host", "alice", "sudo", 8),
        ] {
            assert_ne!(other, usual);
        }
        assert!(Challenge::new("host", "alice", "sudo", &|_| Err(NoRandomness)).is_err());
    }
}
