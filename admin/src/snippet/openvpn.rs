//! OpenVPN: its plug-in auth-pam answers what PAM asks with what the client has sent.

use super::distro::Distro;
use super::text::{Line, Place, Snippet, Step};

/// The code behind the password, or with `challenge` in a field of its own.
pub fn snippet(distro: Distro, challenge: bool) -> Snippet {
    let family = distro.family();
    let (title, other) = if challenge {
        (
            format!("OpenVPN: a password, and a code in a field of its own. For {family}."),
            "For clients that have no such field: mfactl snippet openvpn. If the stack of the \
             password asks for a code already (mfa in pam-auth-update, with-mfa in authselect), \
             leave the line of pam_mfa.so out.",
        )
    } else {
        (
            format!("OpenVPN: a password with the code behind it. For {family}."),
            "It works with every client. For a field of its own, or if the stack of the password \
             asks for a code already (mfa in pam-auth-update, with-mfa in authselect): mfactl \
             snippet openvpn --challenge",
        )
    };
    let reload = "systemctl restart openvpn-server@server";
    Snippet {
        title,
        notes: vec![
            other,
            "OpenVPN's unit sees no homes, so people have to be enrolled as root does it: mfactl \
             credential add NAME, or mfactl import NAME for whoever has a file in the home. Who \
             has not is refused.",
            "openvpn-server@NAME reads /etc/openvpn/server/NAME.conf; yours may have another name \
             than server. A restart ends the connections that there are.",
        ],
        steps: vec![
            pam(distro, challenge),
            server(challenge),
            Step::Run(reload),
            client(challenge),
        ],
        reload: Some(reload),
        trial: "Look at it with `mfactl doctor --service openvpn`, then connect.",
    }
}

fn pam(distro: Distro, challenge: bool) -> Step {
    let [password, account] = if distro.is_debian() {
        ["@include common-auth", "@include common-account"]
    } else {
        ["auth substack password-auth", "account include password-auth"]
    };
    let mut lines = if challenge {
        vec![
            Line(password, "Asks for the password."),
            Line("auth required pam_mfa.so store=system", "Asks for a code."),
        ]
    } else {
        vec![
            Line(
                "auth required pam_mfa.so forward_pass store=system",
                "Asks for password and code, and takes the code off the end.",
            ),
            Line(password, "The password that is left."),
        ]
    };
    lines.push(Line(account, "Whether the account is still good."));
    Step::Put { file: "/etc/pam.d/openvpn", place: Place::New, lines }
}

fn server(challenge: bool) -> Step {
    let plugin = if challenge {
        Line(
            "plugin openvpn-plugin-auth-pam.so \"openvpn login USERNAME password PASSWORD \
             verification OTP\"",
            "The PAM service (/etc/pam.d/openvpn), then how a question of PAM's begins, and with \
             what of the client's it is answered: OTP is the answer to static-challenge.",
        )
    } else {
        Line(
            "plugin openvpn-plugin-auth-pam.so openvpn",
            "Hands name and password to a PAM service, that of /etc/pam.d/openvpn.",
        )
    };
    Step::Put {
        file: "/etc/openvpn/server/server.conf",
        place: Place::End,
        lines: vec![
            plugin,
            Line(
                "setenv deferred_auth_pam 1",
                "Nobody's traffic waits while somebody else logs in.",
            ),
            Line(
                "auth-gen-token 43200",
                "Gives a client that has logged in a token to stay in for 12 hours: keys are renewed \
                 each hour (reneg-sec), and a code is good once. Without a number the token is \
                 good for ever, on a stolen laptop as well.",
            ),
        ],
    }
}

fn client(challenge: bool) -> Step {
    let mut lines = vec![Line(
        "auth-user-pass",
        "Asks for name and password. Give it no file: a code in it is good once.",
    )];
    if challenge {
        lines.push(Line(
            "static-challenge \"Verification code: \" 1",
            "Asks for the code; 1: what is typed is shown.",
        ));
    }
    lines.push(Line("auth-retry interact", "Asks again if it was refused."));
    Step::Put { file: "client.ovpn", place: Place::Clients, lines }
}
