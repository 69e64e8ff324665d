//! sshd: what PAM asks reaches people only if sshd's own settings say so.

use super::distro::Distro;
use super::lines::{ASKED_ALREADY, CODE, ENROL, code_below};
use super::text::{Line, Place, Snippet, Step};

const PAM: &str = "/etc/pam.d/sshd";

/// What asks for the password on Fedora.
const PASSWORD_AUTH: &str = "auth substack password-auth";

/// A password and then a code.
pub fn by_password(distro: Distro) -> Snippet {
    let notes = vec![
        "A key alone does not get in any more. Where people and programs log in by key: mfactl \
         snippet sshd --key",
        "Where the lines of --key are in these files, go back from them first.",
        ASKED_ALREADY,
        ENROL,
    ];
    let methods = Line(
        "AuthenticationMethods keyboard-interactive",
        "Only what PAM asks. Without it a key alone gets in, and nobody is asked for a code.",
    );
    let auth = code_below(PAM, distro, PASSWORD_AUTH);
    let read = "sshd -T | grep --ignore-case 'methods keyboard-interactive$' # nothing? Then stop";
    sshd("a password, then a code", notes, (methods, read), auth, distro)
}

/// A key and then a code.
pub fn by_key(distro: Distro) -> Snippet {
    let notes = vec![
        "A password does not get in any more, nor a key alone. For a password and then a code: \
         mfactl snippet sshd",
        "Mind the order, sshd first: before sshd demands a key, PAM must not stop asking for the \
         password. A Match block with AuthenticationMethods of its own has to demand a key as \
         well.",
        ENROL,
    ];
    let methods = Line(
        "AuthenticationMethods publickey,keyboard-interactive",
        "First a key, then what PAM asks. Without it a key alone gets in, and so does whoever has \
         a code and no key.",
    );
    let lines = vec![
        Line(CODE.0, "Asks for a code. The key stands for the password, and sshd has verified it."),
        Line(
            "auth required pam_permit.so",
            "Says yes where the line above says nothing, as for whoever is not asked. It lets \
             nobody in whom that line denies.",
        ),
    ];
    let password = if distro.is_debian() { "@include common-auth" } else { PASSWORD_AUTH };
    let auth = Step::Put { file: PAM, place: Place::InPlaceOf(password), lines };
    let read = "sshd -T | grep --ignore-case 'methods publickey,keyboard-interactive$' # nothing? Then stop";
    sshd("a key, then a code", notes, (methods, read), auth, distro)
}

/// First what sshd demands, then what PAM does; in between, `read` shows that sshd has read the first.
fn sshd(
    what: &str,
    notes: Vec<&'static str>,
    (methods, read): (Line, &'static str),
    auth: Step,
    distro: Distro,
) -> Snippet {
    let reload = if distro.is_debian() { "systemctl reload ssh" } else { "systemctl reload sshd" };
    Snippet {
        title: format!("sshd: {what}. For {}.", distro.family()),
        notes,
        steps: vec![
            settings(methods),
            Step::Run("sshd -t"),
            Step::Run(read),
            Step::Run(reload),
            auth,
            session(distro),
        ],
        reload: Some(reload),
        trial: "Look at it with `mfactl doctor --service sshd`, then log in from another \
                terminal.",
    }
}

/// sshd takes the first value that it reads, so they come before all others.
fn settings(methods: Line) -> Step {
    Step::Put {
        file: "/etc/ssh/sshd_config.d/00-mfa.conf",
        place: Place::New,
        lines: vec![
            Line(
                "UsePAM yes",
                "sshd takes the first value that it reads. If /etc/ssh/sshd_config does not begin \
                 with an Include line for this directory, put these lines at its top instead.",
            ),
            Line("KbdInteractiveAuthentication yes", "Lets PAM ask one question after the other."),
            methods,
        ],
    }
}

/// Before any line by which a user's own files could change what later lines see.
fn session(distro: Distro) -> Step {
    let first = if distro.is_debian() {
        "@include common-session"
    } else {
        "session include password-auth"
    };
    Step::Put {
        file: PAM,
        place: Place::Above(first),
        lines: vec![Line(
            "session required pam_mfa.so",
            "Turns away whoever got in by a key alone although the policy demands a code: sshd \
             asks PAM nothing then. It does nothing as long as there is no \
             /etc/pam_mfa/policy.toml.",
        )],
    }
}
