//! The Debian packages as apt-get and dpkg treat them, and the logins of people meanwhile: in a clean
//! root of `make check-packages`, where nothing else has been installed.

mod apt;
mod files;
mod life;
mod takeover;
mod upgrade;

use std::fs;

use sandbox::{CODE, PASSWORD, Secret, Sshd};

const WHAT_PAM_ASKS: &str = "AuthenticationMethods keyboard-interactive";

/// The stack of sshd's that openssh-server brings.
const STACK: &str = "/etc/pam.d/sshd";

/// Puts a line into it by hand, below the passwords. Returns what it was.
#[track_caller]
fn paste(line: &str) -> String {
    let before = fs::read_to_string(STACK).expect("openssh-server brings it");
    let above = "@include common-auth\n";
    assert!(before.contains(above), "{before}");
    fs::write(STACK, before.replacen(above, &format!("{above}{line}\n"), 1)).expect("our own root");
    before
}

/// One login of this person's by ssh, with the password and, if one is asked for, this code; whether
/// they are in.
#[track_caller]
fn enters(sshd: &Sshd, name: &str, code: Option<&str>) -> bool {
    let mut login = sshd.login(name, &[], "echo in as $USER");
    login.answer("Password: ", PASSWORD);
    if let Some(code) = code {
        login.answer(CODE, code);
    }
    login.ends() && login.shows(&format!("in as {name}"))
}

/// An authenticator app that shows each code once. A window of 17 is enough for eight of them.
struct Phone {
    secret: Secret,
    steps: i64,
}

impl Phone {
    fn new(secret: Secret) -> Self {
        Self { secret, steps: -1 }
    }

    /// A code that it has not shown before: first that of this moment, then those to come.
    fn code(&mut self) -> String {
        self.steps += 1;
        self.secret.code_beside(self.steps)
    }
}
