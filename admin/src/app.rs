//! What an app is given: the otpauth URI and its QR code.

use std::ffi::OsString;
use std::io::{BufRead, Write};

use clap::Args;
use mfa_core::otp::{Algorithm, Digits};
use mfa_core::otpauth::Method;
use mfa_core::secret::Secret;
use mfa_enroll::app;
use mfa_enroll::qr::{self, QrMode};
use mfa_enroll::talk::Talk;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::world::World;

/// How the app calls the account.
#[derive(Debug, Args)]
pub struct Names {
    /// The account's name in the app; USER@hostname unless given
    #[arg(long, allow_hyphen_values = true)]
    label: Option<OsString>,

    /// The host's name in the app; the hostname unless given, none if empty
    #[arg(long, allow_hyphen_values = true)]
    issuer: Option<OsString>,
}

impl Names {
    /// Whether anybody has said how.
    pub fn are_given(&self) -> bool {
        self.label.is_some() || self.issuer.is_some()
    }

    /// The URI of a credential of `user`.
    pub fn uri(
        &self,
        world: &World,
        user: &str,
        secret: &Secret,
        kind: (Method, Algorithm, Digits),
    ) -> Zeroizing<String> {
        let (label, issuer) = (self.label.as_deref(), self.issuer.as_deref());
        app::Names { user: user.as_ref(), host: &world.host, label, issuer }.uri(secret, kind)
    }
}

/// Shows the QR code, as far as `mode` and the terminal want one, and the secret.
///
/// # Errors
/// [`Failure::Dialogue`].
pub fn offer<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    world: &World,
    uri: &str,
    secret: &Secret,
    mode: Option<QrMode>,
) -> Result<(), Failure> {
    qr::draw(talk, uri, mode, world.columns)?;
    talk.say("The secret key is: ")?;
    talk.say(&secret.to_base32())?;
    Ok(talk.say("\n")?)
}
