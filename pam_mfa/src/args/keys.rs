//! The options for security keys.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use mfa_core::options;
use mfa_core::reason::Reason;

use super::pam_u2f::PamU2f;
use super::{fitting, number, text};

/// How long a key is waited for unless the line says otherwise, in seconds.
const TIMEOUT: u64 = 30;

/// What the line says of security keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // that is what the options of a line are
pub(crate) struct Keys {
    /// `u2f`: keys in a port of this machine are asked.
    pub(crate) u2f: bool,
    /// `local`: whoever uses this service without a remote host sits at the machine.
    pub(crate) local: bool,
    /// `ssh_agent`: keys in the agent that came with the user are asked.
    pub(crate) ssh_agent: bool,
    /// `authorized_keys=`: the template of a file of the administrator's, in OpenSSH's format, whose keys
    /// count as enrolled.
    pub(crate) authorized: Option<OsString>,
    /// `trust_auth_info`: in the session phase, too, sshd is believed what it has verified.
    pub(crate) trust_auth_info: bool,
    /// `key_timeout=`: for how long a key is waited for, 1 to 300 seconds.
    timeout: u64,
    /// The options of pam_u2f, which count only beside `u2f`.
    pub(crate) pam_u2f: PamU2f,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            u2f: false,
            local: false,
            ssh_agent: false,
            authorized: None,
            trust_auth_info: false,
            timeout: TIMEOUT,
            pam_u2f: PamU2f::default(),
        }
    }
}

/// What is wrong without `u2f`: nobody would look at a key, whatever else the line says of keys.
const NEEDS_U2F: &str = "the options of pam_u2f need u2f beside them";

impl Keys {
    /// How long a key is waited for.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// Takes an option of ours or of pam_u2f.
    ///
    /// # Errors
    /// [`Reason::UnknownOption`] or [`Reason::BadOption`].
    pub(super) fn take(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), Reason> {
        let Some(option) = options::Keys::of_name(name) else {
            return self.pam_u2f.take(name, value);
        };
        let value = fitting(option.form(), value)?.unwrap_or_default();
        match option {
            options::Keys::U2f => self.u2f = true,
            options::Keys::Local => self.local = true,
            options::Keys::SshAgent => self.ssh_agent = true,
            options::Keys::AuthorizedKeys if value.is_empty() => return Err(Reason::BadOption),
            options::Keys::AuthorizedKeys => {
                self.authorized = Some(OsString::from_vec(value.to_vec()));
            }
            options::Keys::TrustAuthInfo => self.trust_auth_info = true,
            options::Keys::KeyTimeout => self.timeout = number(text(value)?, 1..=300)?,
        }
        Ok(())
    }

    /// # Errors
    /// What no option alone can show.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.pam_u2f.is_there && !self.u2f {
            return Err(NEEDS_U2F);
        }
        self.pam_u2f.check()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, parse, unknown};
    use super::*;

    fn keys(line: &str) -> Keys {
        parse(line).unwrap().keys
    }

    #[test]
    fn every_option() {
        let line =
            "u2f local ssh_agent authorized_keys=/etc/ssh/keys/%u trust_auth_info key_timeout=300";
        let expected = Keys {
            u2f: true,
            local: true,
            ssh_agent: true,
            authorized: Some("/etc/ssh/keys/%u".into()),
            trust_auth_info: true,
            timeout: 300,
            pam_u2f: PamU2f::default(),
        };
        assert_eq!(keys(line), expected);
        assert_eq!(keys(""), Keys::default());
        assert_eq!(keys("key_timeout=7 key_timeout=1").timeout, 1);
    }

    #[test]
    fn mistakes() {
        for option in ["U2F", "u2f=1", "ssh-agent", "authorized_keys", "key_timeout", "local=yes"] {
            unknown(option);
        }
        for option in [
            "authorized_keys=",
            "key_timeout=",
            "key_timeout=0",
            "key_timeout=301",
            "key_timeout=+5",
            "key_timeout=5s",
            "key_timeout=99999999999999999999",
        ] {
            bad(option);
        }
    }

    #[test]
    fn what_pam_u2f_has_needs_u2f() {
        for option in ["cue", "nouserok", "authfile=x", "debug_file=syslog", "max_devices=3"] {
            assert_eq!(parse(option), Err((Reason::BadOption, NEEDS_U2F.to_owned())), "{option}");
            assert!(parse(&format!("{option} u2f")).is_ok(), "{option}");
        }
        assert!(parse("ssh_agent local debug").is_ok());
    }
}
