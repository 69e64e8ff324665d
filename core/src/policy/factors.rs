//! What a rule takes as a second factor.

use std::fmt;

use crate::account::{Account, Key, Port};
use crate::secret::ScratchCodes;
use crate::verify::Factor;

/// Kinds of factors, any one of which will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    /// `otp`: codes by time or by counter.
    pub otp: bool,
    /// `recovery`: scratch codes, recovery codes, and bypass codes of the help desk.
    pub recovery: bool,
    /// `key`: a security key, in a port of this machine or in an agent.
    pub key: bool,
    /// `ssh-key`: a security key, or a certificate, that sshd has verified.
    pub ssh_key: bool,
}

impl Factors {
    /// What counts where no rule says otherwise.
    pub const USUAL: Self = Self { otp: true, recovery: true, key: true, ssh_key: false };

    /// None.
    pub(super) const NONE: Self = Self { otp: false, recovery: false, key: false, ssh_key: false };

    /// What is wrong with other words.
    pub(super) const UNKNOWN: &str =
        "not a list of factors; there are otp, recovery, key and ssh-key";

    /// Adds the factor of this word; `false` if there is none.
    pub(super) fn add(&mut self, word: &str) -> bool {
        match word {
            "otp" => self.otp = true,
            "recovery" => self.recovery = true,
            "key" => self.key = true,
            "ssh-key" => self.ssh_key = true,
            _ => return false,
        }
        true
    }

    /// Whether this will do.
    #[must_use]
    pub fn hold(self, factor: Factor) -> bool {
        match factor {
            Factor::Totp | Factor::Hotp => self.otp,
            Factor::Scratch | Factor::Recovery | Factor::Bypass => self.recovery,
            Factor::Key => self.key,
            Factor::SshKey => self.ssh_key,
        }
    }

    /// Whether anything in an account will do. Where everything does, the account itself says what it
    /// lacks.
    #[must_use]
    pub fn are_among(self, account: &Account) -> bool {
        let is_ssh = |key: &Key| key.port == Port::Ssh;
        self == Self::USUAL
            || self.otp && !account.credentials.is_empty()
            || self.recovery && !(account.scratch_codes.is_empty() && account.code_sets.is_empty())
            || self.key && !(account.keys.is_empty() && account.unread_keys.is_none())
            || self.ssh_key && account.keys.iter().any(is_ssh)
    }

    /// Takes what will not do out of an account. Places in it stay what they are.
    pub fn restrict(self, account: &mut Account) {
        if !self.otp {
            account.credentials.clear();
        }
        if !self.recovery {
            account.scratch_codes = ScratchCodes::default();
            account.code_sets.clear();
        }
        if !self.key {
            // Those that sshd verifies are among the others.
            account.keys.retain(|key| self.ssh_key && key.port == Port::Ssh);
        }
    }
}

impl fmt::Display for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.otp, "otp"),
            (self.recovery, "recovery"),
            (self.key, "key"),
            (self.ssh_key, "ssh-key"),
        ];
        let words: Vec<_> =
            words.iter().filter(|(takes, _)| *takes).map(|(_, word)| *word).collect();
        f.write_str(&words.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{CodeKind, CodeSet};
    use crate::codes::{Hash, Salt};
    use crate::gauth::parse;

    const OTP: Factors = Factors { otp: true, ..Factors::NONE };
    const RECOVERY: Factors = Factors { recovery: true, ..Factors::NONE };

    #[test]
    fn every_kind_of_code_is_one_of_the_two() {
        for (factor, of) in [
            (Factor::Totp, OTP),
            (Factor::Hotp, OTP),
            (Factor::Scratch, RECOVERY),
            (Factor::Recovery, RECOVERY),
            (Factor::Bypass, RECOVERY),
        ] {
            assert_eq!(
                (OTP.hold(factor), RECOVERY.hold(factor)),
                (of.otp, of.recovery),
                "{factor:?}"
            );
        }
    }

    #[test]
    fn what_an_account_has_of_them() {
        let empty = parse(b"");
        let phone = parse(b"GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n");
        let scratch = Account { credentials: vec![], ..parse(b"GEZDGNBVGY3TQOJQ\n12345678\n") };
        let set = CodeSet {
            kind: CodeKind::Recovery,
            salt: Salt::new([1; 16]),
            hashes: vec![Hash::new([1; 32])],
            used: Ok(0),
            expires: None,
        };
        let codes =
            Account { credentials: vec![], code_sets: vec![set], ..parse(b"GEZDGNBVGY3TQOJQ\n") };
        let empty = Account { credentials: vec![], ..empty };
        for (account, otp, recovery) in [
            (&empty, false, false),
            (&phone, true, false),
            (&scratch, false, true),
            (&codes, false, true),
        ] {
            assert_eq!((OTP.are_among(account), RECOVERY.are_among(account)), (otp, recovery));
            assert!(Factors::USUAL.are_among(account));
            let mut left = account.clone();
            OTP.restrict(&mut left);
            assert!(!RECOVERY.are_among(&left));
            let mut left = account.clone();
            RECOVERY.restrict(&mut left);
            assert!(!OTP.are_among(&left));
        }
    }
}
