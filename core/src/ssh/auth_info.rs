//! What sshd has verified before it asks PAM (sshd_config(5), ExposeAuthInfo).

use super::{Certificate, Line, NoSkKey, SkKey};
use crate::wire::Malformed;

/// The longest text that is read, in bytes.
pub const MAX_SIZE: usize = 64 << 10;

/// A key that the person has proved to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// One of a security key; whether it was touched sshd does not say.
    Key(SkKey),
    /// Another one.
    Plain,
    /// Any key, with its certificate, whose authority's signature sshd has verified.
    Certificate(Certificate),
}

/// The keys in `SSH_AUTH_INFO_0`: of each line `publickey TYPE BASE64`, in their order. Lines of other
/// methods do not matter.
///
/// # Errors
/// [`Malformed`] if a key is, or if all of it is longer than [`MAX_SIZE`]: sshd has not written that.
pub fn read(text: &str) -> Result<Vec<Verified>, Malformed> {
    if text.len() > MAX_SIZE {
        return Err(Malformed);
    }
    text.lines().filter_map(|line| line.strip_prefix("publickey ")).map(verified).collect()
}

fn verified(line: &str) -> Result<Verified, Malformed> {
    let blob = Line::read(line)?.blob;
    match SkKey::of_blob(&blob) {
        Ok(key) => Ok(Verified::Key(key)),
        Err(NoSkKey::Plain) => Ok(Verified::Plain),
        Err(NoSkKey::Certificate) => Certificate::read(&blob).map(Verified::Certificate),
        Err(NoSkKey::Malformed) => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::vectors::{self, certificate, key};

    #[test]
    fn keys_and_certificates_in_their_order() {
        let text = format!(
            "publickey {}publickey {}password\npublickey {}hostbased {}publickey {}",
            vectors::RED,
            vectors::RSA,
            vectors::PLAIN_CERT,
            vectors::WORK,
            vectors::WORK_CERT.trim_ascii()
        );
        let expected = [
            Verified::Key(key(vectors::RED)),
            Verified::Plain,
            Verified::Certificate(certificate(vectors::PLAIN_CERT)),
            Verified::Certificate(certificate(vectors::WORK_CERT)),
        ];
        assert_eq!(read(&text).as_deref(), Ok(&expected[..]));
    }

    #[test]
    fn other_methods_and_nothing() {
        for text in
            ["", "\n", "password\nkeyboard-interactive/pam\n", "publickeys x", " publickey x"]
        {
            assert_eq!(read(text), Ok(vec![]), "{text}");
        }
    }

    #[test]
    fn what_sshd_does_not_write() {
        let red = format!("publickey {}", vectors::RED);
        for more in [
            "publickey ".to_owned(),
            "publickey ssh-rsa".to_owned(),
            format!("publickey {}", vectors::HOST_CERT),
            format!("publickey {}", vectors::RED.replacen("AAAA", "AAAB", 1)),
            "x".repeat(MAX_SIZE - red.len() + 1),
        ] {
            assert_eq!(read(&format!("{red}{more}")), Err(Malformed), "{more}");
        }
        let most = "x".repeat(MAX_SIZE - red.len());
        assert_eq!(read(&format!("{red}{most}")).unwrap().len(), 1);
    }
}
