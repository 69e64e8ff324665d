//! What a rule takes as a second factor.

use std::borrow::Cow;
use std::fmt;

use crate::account::{Account, Key, Port};
use crate::secret::ScratchCodes;
use crate::verify::Factor;

/// Kinds of factors, any one of which will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // each kind is taken or not
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
    ///
    /// Keys that sshd verifies are among the others: with either word all of them stay, and
    /// [`Self::hold`] says of what was shown whether it will do.
    pub fn restrict(self, account: &mut Account) {
        if !self.otp {
            account.credentials.clear();
        }
        if !self.recovery {
            account.scratch_codes = ScratchCodes::default();
            account.code_sets.clear();
        }
        if !self.key && !self.ssh_key {
            account.keys.clear();
            account.unread_keys = None;
        }
    }

    /// What of an account will do: all of it as it is, or what [`Self::restrict`] leaves of a copy.
    #[must_use]
    pub fn restricted(self, account: &Account) -> Cow<'_, Account> {
        if self == Self::USUAL {
            return Cow::Borrowed(account);
        }
        let mut account = account.clone();
        self.restrict(&mut account);
        Cow::Owned(account)
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
    use crate::account::{CodeKind, CodeSet, Counter};
    use crate::codes::{Hash, Salt};
    use crate::gauth::parse;
    use crate::key::Public;
    use crate::reason::Reason;

    const OTP: Factors = Factors { otp: true, ..Factors::NONE };
    const RECOVERY: Factors = Factors { recovery: true, ..Factors::NONE };
    const KEY: Factors = Factors { key: true, ..Factors::NONE };
    const SSH_KEY: Factors = Factors { ssh_key: true, ..Factors::NONE };
    const EACH: [Factors; 4] = [OTP, RECOVERY, KEY, SSH_KEY];

    /// What each of the four says.
    fn each(says: impl Fn(Factors) -> bool) -> [bool; 4] {
        EACH.map(says)
    }

    #[test]
    fn each_kind_of_factor_is_one_of_the_four() {
        for (factor, of) in [
            (Factor::Totp, OTP),
            (Factor::Hotp, OTP),
            (Factor::Scratch, RECOVERY),
            (Factor::Recovery, RECOVERY),
            (Factor::Bypass, RECOVERY),
            (Factor::Key, KEY),
            (Factor::SshKey, SSH_KEY),
        ] {
            assert_eq!(each(|one| one.hold(factor)), EACH.map(|one| one == of), "{factor:?}");
            assert!(!Factors::NONE.hold(factor));
            assert_eq!(Factors::USUAL.hold(factor), factor != Factor::SshKey);
        }
    }

    #[test]
    fn words() {
        for (one, word) in EACH.into_iter().zip(["otp", "recovery", "key", "ssh-key"]) {
            let mut factors = Factors::NONE;
            assert!(factors.add(word));
            assert_eq!((factors, factors.to_string()), (one, word.to_owned()));
        }
        let mut factors = Factors::NONE;
        for word in ["keys", "ssh_key", "Key", ""] {
            assert!(!factors.add(word) && factors == Factors::NONE, "{word}");
        }
        assert_eq!(Factors::USUAL.to_string(), "otp or recovery or key");
        let all = Factors { ssh_key: true, ..Factors::USUAL };
        assert_eq!(all.to_string(), "otp or recovery or key or ssh-key");
    }

    fn key(port: Port) -> Key {
        Key {
            name: None,
            port,
            public: Public::es256(&[7; 64]).unwrap(),
            application: "ssh:".to_owned(),
            touch: true,
            verification: false,
            counter: Counter::Unchecked,
        }
    }

    fn usb() -> Key {
        key(Port::Usb { handle: vec![], pin: false })
    }

    #[test]
    fn what_an_account_has_of_them() {
        let phone = parse(b"GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n");
        let scratch = Account { credentials: vec![], ..parse(b"GEZDGNBVGY3TQOJQ\n12345678\n") };
        let set = CodeSet {
            kind: CodeKind::Recovery,
            salt: Salt::new([1; 16]),
            hashes: vec![Hash::new([1; 32])],
            used: Ok(0),
            expires: None,
        };
        let codes = Account { code_sets: vec![set], ..Account::default() };
        let plugged = Account { keys: vec![usb()], ..Account::default() };
        let forwarded = Account { keys: vec![key(Port::Ssh)], ..Account::default() };
        let unread = Some((Reason::BadMapping, "line 1".to_owned()));
        let unread = Account { unread_keys: unread, ..Account::default() };
        for (account, expected) in [
            (Account::default(), [false; 4]),
            (phone, [true, false, false, false]),
            (scratch, [false, true, false, false]),
            (codes, [false, true, false, false]),
            (plugged, [false, false, true, false]),
            (forwarded, [false, false, true, true]),
            (unread, [false, false, true, false]),
        ] {
            let has = |account: &Account| each(|one| one.are_among(account));
            assert_eq!(has(&account), expected);
            assert!(Factors::USUAL.are_among(&account), "what it lacks, the account says");
            for (nth, one) in EACH.into_iter().enumerate() {
                let mut left = account.clone();
                one.restrict(&mut left);
                let is_key = |nth: usize| nth >= 2;
                let stays =
                    |other: usize| other == nth || is_key(nth) && is_key(other) && expected[other];
                let stay = [0, 1, 2, 3].map(|other| expected[other] && stays(other));
                assert_eq!(has(&left), stay, "{one}");
            }
        }
    }

    #[test]
    fn keys_stay_where_they_are() {
        let keys = vec![usb(), key(Port::Ssh), usb()];
        for (factors, left) in [(KEY, 3), (SSH_KEY, 3), (Factors::USUAL, 3), (OTP, 0)] {
            let mut account = Account { keys: keys.clone(), ..Account::default() };
            factors.restrict(&mut account);
            assert_eq!(account.keys, keys[..left], "{factors}");
        }
    }
}
