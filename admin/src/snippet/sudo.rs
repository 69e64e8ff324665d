//! sudo: the one service beside sshd that has a line for the policy.

use super::distro::Distro;
use super::lines::{ASKED_ALREADY, CODE, ENROL, code_below};
use super::text::{Line, Place, Snippet, Step};

/// One's own password, then a code.
pub fn snippet(distro: Distro) -> Snippet {
    let steps = if distro.is_debian() {
        // `sudo -i` is a service of its own, which includes nothing of sudo's.
        let of = |file| [code_below(file, distro, ""), recheck(file, "@include common-account")];
        [of("/etc/pam.d/sudo"), of("/etc/pam.d/sudo-i")].into_iter().flatten().collect()
    } else {
        let file = "/etc/pam.d/sudo"; // which sudo-i includes
        let lines = vec![
            Line(
                "auth substack system-auth",
                "As before, but what ends that stack ends it alone. Behind `include` a right \
                 password would end this one, and nobody would be asked for a code.",
            ),
            CODE,
        ];
        let place = Place::InPlaceOf("auth include system-auth");
        vec![Step::Put { file, place, lines }, recheck(file, "account include system-auth")]
    };
    Snippet {
        title: format!("sudo: one's own password, then a code. For {}.", distro.family()),
        notes: vec![
            "sudo asks neither for a password nor for a code while its timestamp holds, nor where \
             sudoers says NOPASSWD.",
            ASKED_ALREADY,
            ENROL,
        ],
        steps,
        reload: None,
        trial: "Look at it with `mfactl doctor --service sudo`, then call `sudo -k` and `sudo \
                true` from another terminal.",
    }
}

/// The line for the policy, above whatever could end the phase.
fn recheck(file: &'static str, first: &'static str) -> Step {
    Step::Put {
        file,
        place: Place::Above(first),
        lines: vec![Line(
            "account required pam_mfa.so",
            "For a policy with recheck = [\"sudo\", \"sudo-i\"]: asks again once a check is no \
             longer fresh, although sudo's own timestamp still holds. It does nothing otherwise.",
        )],
    }
}
