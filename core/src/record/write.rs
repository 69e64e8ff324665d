//! Record to text, as it is always laid out.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::{CodeKind, Kept, Limit, Method, Record};
use crate::document::Quoted;
use crate::otp::{Algorithm, Digits};

impl Record {
    /// The text of the record. What is usual is left out.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let codes: usize = self.codes.iter().map(|codes| 200 + 80 * codes.hashes.len()).sum();
        let keys = super::MAX_KEY_TEXT * self.keys.len();
        // Room for all at once, so that no shorter copy of a secret is left behind.
        let mut text = Zeroizing::new(String::with_capacity(
            1024 + 1024 * self.credentials.len() + keys + codes,
        ));
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, f: &mut String) -> std::fmt::Result {
        writeln!(f, "version = 1\nuser = {}\nuid = {}", Quoted(&self.user), self.uid)?;
        if self.rate_limit != Limit::default() {
            let Limit { attempts, seconds } = self.rate_limit;
            writeln!(f, "rate_limit = {{ attempts = {attempts}, seconds = {seconds} }}")?;
        }
        for credential in &self.credentials {
            writeln!(f, "\n[[credential]]\nid = \"{}\"", credential.id)?;
            writeln!(f, "name = {}", Quoted(credential.name.as_str()))?;
            match credential.method {
                Method::Totp { .. } => writeln!(f, "type = \"totp\"")?,
                Method::Hotp => writeln!(f, "type = \"hotp\"")?,
            }
            match &credential.secret {
                Kept::Plain(secret) => {
                    f.push_str("secret = \"");
                    f.push_str(&secret.to_base32());
                    f.push_str("\"\n");
                }
                Kept::Sealed(sealed) => writeln!(f, "sealed = {}", Quoted(sealed))?,
            }
            if credential.algorithm != Algorithm::default() {
                writeln!(f, "algorithm = \"{}\"", credential.algorithm.name())?;
            }
            if credential.digits != Digits::default() {
                writeln!(f, "digits = {}", credential.digits.count())?;
            }
            match credential.method {
                Method::Totp { period } if period != 30 => writeln!(f, "period = {period}")?,
                Method::Totp { .. } | Method::Hotp => {}
            }
            if credential.window != 3 {
                writeln!(f, "window = {}", credential.window)?;
            }
            time(f, "created", credential.created)?;
        }
        for key in &self.keys {
            key.write(f)?;
        }
        for codes in &self.codes {
            let kind = match codes.kind {
                CodeKind::Recovery => "recovery",
                CodeKind::Bypass => "bypass",
            };
            writeln!(f, "\n[[codes]]\nid = \"{}\"\nkind = \"{kind}\"", codes.id)?;
            writeln!(f, "salt = \"{}\"\nhashes = [", codes.salt)?;
            for hash in &codes.hashes {
                writeln!(f, "  \"{hash}\",")?;
            }
            f.push_str("]\n");
            time(f, "created", codes.created)?;
            time(f, "expires", codes.expires)?;
        }
        Ok(())
    }
}

pub(super) fn time(f: &mut String, key: &str, time: Option<u64>) -> std::fmt::Result {
    time.map_or(Ok(()), |time| writeln!(f, "{key} = {time}"))
}
