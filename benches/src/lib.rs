//! The logins that are measured, through our module and through the one that it replaces.

#![forbid(unsafe_code)]

use sandbox::timer::Login;
use sandbox::{DENIED, Host, Machine, SECRET, Secret, User, instructions};

/// A module in a stack of its own, and somebody who logs in through it.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// The PAM service and the name of the user.
    pub name: &'static str,
    /// The file name of the module.
    pub module: &'static str,
}

/// What is measured.
pub const OURS: Contender = Contender { name: "ours", module: "pam_mfa.so" };

/// What it is measured against, as Debian packages it.
pub const THEIRS: Contender = Contender { name: "theirs", module: "pam_google_authenticator.so" };

/// What nothing can be faster than.
pub const FLOOR: Contender = Contender { name: "floor", module: "pam_permit.so" };

impl Contender {
    /// Makes the stack and the user.
    #[must_use]
    pub fn enter(self, machine: &Machine) -> User {
        machine.stack(self.name, &format!("auth required {}", self.module));
        machine.user(self.name)
    }

    /// How many instructions `kind` of login takes in this module.
    #[must_use]
    pub fn instructions(self, machine: &Machine, user: &User, kind: Kind) -> u64 {
        user.write_state(kind.state());
        let host = Host::new(machine, &format!("auth required {}", self.module));
        instructions(&host, &user.name, &kind.answers(1)[0])
    }

    /// `kind` of login through this module.
    #[must_use]
    pub fn login(self, kind: Kind, answers: &[String]) -> Login {
        let denied = kind == Kind::WrongCode && self.module != FLOOR.module;
        let result = if denied { DENIED } else { 0 };
        Login { service: self.name, user: self.name, answers: answers.to_vec(), result }
    }
}

/// What kind of login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An accepted code by time, where codes may be used again: nothing is written.
    Totp,
    /// An accepted code by counter: the file is replaced.
    Hotp,
    /// A wrong code by time: it is looked for at 3,000 other times.
    WrongCode,
}

impl Kind {
    /// The google-authenticator file.
    #[must_use]
    pub fn state(self) -> String {
        let method = match self {
            // A window that lasts as long as this.
            Self::Totp => "\" WINDOW_SIZE 17\n\" TOTP_AUTH",
            Self::Hotp => "\" HOTP_COUNTER 1",
            Self::WrongCode => "\" TOTP_AUTH",
        };
        format!("{SECRET}\n{method}\n")
    }

    /// What is answered in that many logins, one after the other.
    #[must_use]
    pub fn answers(self, count: u64) -> Vec<String> {
        let secret = Secret::new(SECRET);
        match self {
            Self::Totp => vec![secret.code()],
            Self::Hotp => secret.counted_from(1, count),
            Self::WrongCode => vec![secret.wrong_code()],
        }
    }
}
