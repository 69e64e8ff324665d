//! su and login: whoever sits at a terminal.

use super::distro::Distro;
use super::lines::{ASKED_ALREADY, ENROL, code_below};
use super::text::Snippet;

const STACK: &str = "auth substack system-auth";

/// The password of another, then a code of theirs.
pub fn su(distro: Distro) -> Snippet {
    Snippet {
        title: format!("su: the other's password, then a code of theirs. For {}.", distro.family()),
        notes: vec![
            "It is the other who has to have enrolled. Root is not asked, as before; `su -` reads \
             the same file.",
            ASKED_ALREADY,
            ENROL,
        ],
        steps: vec![code_below("/etc/pam.d/su", distro, STACK)],
        reload: None,
        trial: "Look at it with `mfactl doctor --service su`, then call `su NAME` from a terminal \
                that is not root's.",
    }
}

/// A password, then a code.
pub fn login(distro: Distro) -> Snippet {
    Snippet {
        title: format!("login: a password, then a code, on consoles. For {}.", distro.family()),
        notes: vec![
            "A console is the way in when the network is down: see that somebody can still use \
             it, by recovery codes on paper or as somebody who has not enrolled.",
            ASKED_ALREADY,
            ENROL,
        ],
        steps: vec![code_below("/etc/pam.d/login", distro, STACK)],
        reload: None,
        trial: "Look at it with `mfactl doctor --service login`, then log in on another console.",
    }
}
