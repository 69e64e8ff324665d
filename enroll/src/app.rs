//! What an app is to know of a new factor: the otpauth URI and the names in it.

use std::ffi::OsStr;

use mfa_core::otp::{Algorithm, Digits};
use mfa_core::otpauth::{Method, Uri};
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

/// The counter of the first counter-based code: the original begins with it.
pub const FIRST_COUNTER: u64 = 1;

/// How the app calls the account.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The login name.
    pub user: &'a OsStr,
    /// The machine's name.
    pub host: &'a OsStr,
    /// The account's name; `None` for `user@host`.
    pub label: Option<&'a OsStr>,
    /// The host's name, empty for none; `None` for the machine's name.
    pub issuer: Option<&'a OsStr>,
}

impl Names<'_> {
    /// The URI of a factor of that account.
    #[must_use]
    pub fn uri(
        &self,
        secret: &Secret,
        (method, algorithm, digits): (Method, Algorithm, Digits),
    ) -> Zeroizing<String> {
        let bytes = |text: &OsStr| text.as_encoded_bytes().to_vec();
        let usual = || [bytes(self.user), bytes(self.host)].join(&b'@');
        let uri = Uri {
            secret: secret.clone(),
            label: self.label.map_or_else(usual, bytes),
            issuer: bytes(self.issuer.unwrap_or(self.host)),
            method,
            algorithm,
            digits,
        };
        uri.text()
    }
}
