//! One line in the log for each decision, which nobody who logs in can forge.

use std::fmt;
use std::net::IpAddr;

use crate::reason::Reason;
use crate::verify::{Accepted, Denied, Factor};

/// Who asked to be let in, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The login name.
    pub user: &'a str,
    /// The client's address, where it is known by number.
    pub source: Option<IpAddr>,
    /// What the PAM client says of the remote host, where that is no number.
    pub host: Option<&'a str>,
    /// The terminal.
    pub tty: Option<&'a str>,
    /// Who called, where that is somebody else.
    pub invoker: Option<&'a str>,
    /// The rule of the policy that decided.
    pub rule: Option<&'a str>,
}

/// A decision, to be shown as a line for the log.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Whose login.
    pub subject: Subject<'a>,
    /// What was decided.
    pub decision: Decision<'a>,
}

/// What was decided about a login.
#[derive(Debug, Clone, Copy)]
pub enum Decision<'a> {
    /// A code was right.
    Accepted {
        /// Which.
        accepted: &'a Accepted,
        /// Its use could not be written down, which the administrator allows.
        unwritten: Option<&'a str>,
    },
    /// The last login from the same host still counts.
    Grace,
    /// A check of a while ago still counts.
    Fresh,
    /// Nobody was asked for a second factor.
    Skipped(Skip<'a>),
    /// A rule that is a dry run let somebody in; else it would have done this.
    WouldHave(Would),
    /// A code of a new secret was right; what the secret is for is not written yet.
    Confirmed,
    /// The new secret is written, and on disk.
    Enrolled,
    /// The user has not enrolled, and need not.
    Ignored {
        /// Why the user counts as not enrolled.
        reason: Reason,
        /// More about it.
        detail: &'a str,
    },
    /// Decided all the same, but less safely than it should be.
    Warned {
        /// What is missing.
        reason: Reason,
        /// More about it.
        detail: &'a str,
    },
    /// Not let in.
    Denied {
        /// The cause.
        denied: Denied,
        /// More about it, such as a path.
        detail: &'a str,
        /// Somebody was asked for a code.
        asked: bool,
    },
}

/// Why nobody was asked for a second factor.
#[derive(Debug, Clone, Copy)]
pub enum Skip<'a> {
    /// A rule says so, for this reason.
    Rule(&'a str),
    /// An entry of the bypass list does.
    Bypass {
        /// Which.
        id: &'a str,
        /// Why it is there.
        why: &'a str,
    },
    /// The user has not enrolled, and has time to.
    NotEnrolledYet,
}

/// What a rule would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Would {
    /// Let in without a second factor.
    Skip,
    /// Asked for one.
    Require,
    /// Not let in.
    Deny,
}

impl fmt::Display for Would {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skip => "skip",
            Self::Require => "require",
            Self::Deny => "deny",
        })
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Subject { user, source, host, tty, invoker, rule } = self.subject;
        let word = match self.decision {
            Decision::Accepted { .. } | Decision::Grace | Decision::Fresh => "accepted",
            Decision::Skipped(_) | Decision::WouldHave(_) => "skipped",
            Decision::Confirmed => "confirmed",
            Decision::Enrolled => "enrolled",
            Decision::Ignored { .. } => "ignored",
            Decision::Warned { .. } => "warning",
            Decision::Denied { .. } => "denied",
        };
        write!(f, "{word} user={}", Name(user))?;
        match self.decision {
            Decision::Accepted { accepted, unwritten } => {
                write!(f, " factor={}", accepted.factor.name())?;
                if let Some(name) = &accepted.credential {
                    write!(f, " credential={}", Name(name))?;
                }
                if matches!(accepted.factor, Factor::Totp | Factor::Hotp) {
                    write!(f, " drift={:+}", accepted.drift)?;
                }
                if let (Factor::Recovery, Some(left)) = (accepted.factor, accepted.codes_left) {
                    write!(f, " left={left}")?;
                }
                if let Some(why) = unwritten {
                    write!(f, " reuse=possible detail={}", Value(why))?;
                } else if accepted.reusable {
                    f.write_str(" reuse=allowed")?;
                }
            }
            Decision::Grace => f.write_str(" factor=grace")?,
            Decision::Fresh => f.write_str(" factor=fresh")?,
            Decision::Skipped(Skip::Rule(why)) => write!(f, " why={}", Value(why))?,
            Decision::Skipped(Skip::Bypass { id, why }) => {
                write!(f, " bypass={id} why={}", Value(why))?;
            }
            Decision::Skipped(Skip::NotEnrolledYet) => f.write_str(" why=not_enrolled_yet")?,
            Decision::WouldHave(would) => write!(f, " would={would}")?,
            Decision::Confirmed | Decision::Enrolled => {}
            Decision::Ignored { reason, detail } | Decision::Warned { reason, detail } => {
                tell(f, reason, None, detail)?;
            }
            Decision::Denied { denied, detail, .. } => tell(f, denied.reason, denied.wait, detail)?,
        }
        if let Some(rule) = rule {
            write!(f, " rule={}", Value(rule))?;
        }
        if let Some(source) = source {
            write!(f, " source={source}")?;
        }
        for (key, value) in [("host", host), ("tty", tty), ("ruser", invoker)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                write!(f, " {key}={}", Value(value).to_string().replace(' ', "\\x20"))?;
            }
        }
        // The original's words, which log filters look for.
        match self.decision {
            Decision::Accepted { .. } => {
                write!(f, " Accepted google_authenticator for {}", Name(user))
            }
            Decision::Denied { asked: true, .. } => {
                write!(f, " Invalid verification code for {}", Name(user))
            }
            Decision::Denied { .. }
            | Decision::Grace
            | Decision::Fresh
            | Decision::Skipped(_)
            | Decision::WouldHave(_)
            | Decision::Confirmed
            | Decision::Enrolled
            | Decision::Ignored { .. }
            | Decision::Warned { .. } => Ok(()),
        }
    }
}

fn tell(
    f: &mut fmt::Formatter<'_>,
    reason: Reason,
    wait: Option<u64>,
    detail: &str,
) -> fmt::Result {
    write!(f, " reason={}", reason.code())?;
    if let Some(wait) = wait {
        write!(f, " wait={wait}s")?;
    }
    if !detail.is_empty() {
        write!(f, " detail={}", Value(detail))?;
    }
    Ok(())
}

/// The longest value that is shown whole, in bytes.
const SHOWN: usize = 256;

/// A value as lines hold it: bare where it is one plain word, else quoted and escaped.
pub struct Value<'a>(pub &'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0, b"._@-:/+%~") {
            return f.write_str(self.0);
        }
        f.write_str(&quoted(self.0))
    }
}

/// What people outside choose, such as names: blanks are escaped too, so that no part of it reads
/// like the words that log filters look for.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0, b"._@-") {
            return f.write_str(self.0);
        }
        f.write_str(&quoted(self.0).replace(' ', "\\x20"))
    }
}

fn is_word(text: &str, marks: &[u8]) -> bool {
    (1..=SHOWN).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

/// In quotation marks, with everything that is not printable ASCII escaped.
fn quoted(text: &str) -> String {
    let bytes = text.as_bytes();
    let (shown, hidden) = bytes.split_at(bytes.len().min(SHOWN));
    let more = if hidden.is_empty() { "" } else { "..." };
    format!("\"{}{more}\"", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Input;

    fn line(user: &str, decision: Decision) -> String {
        let source = crate::source::address("192.0.2.7");
        let subject =
            Subject { user, source, host: None, tty: Some("ssh"), invoker: None, rule: None };
        Event { subject, decision }.to_string()
    }

    fn denied(reason: Reason, detail: &str, asked: bool) -> Decision<'_> {
        Decision::Denied { denied: Denied::finally(reason), detail, asked }
    }

    #[test]
    fn an_accepted_code() {
        let accepted = &Accepted {
            factor: Factor::Totp,
            credential: None,
            drift: 1,
            reusable: true,
            codes_left: None,
            input: Input::Reply,
            prefix: 0,
            notices: vec![],
        };
        assert_eq!(
            line("alice", Decision::Accepted { accepted, unwritten: None }),
            "accepted user=alice factor=totp drift=+1 reuse=allowed source=192.0.2.7 tty=ssh \
             Accepted google_authenticator for alice"
        );
        let named = &Accepted { credential: Some("old phone".to_owned()), ..accepted.clone() };
        assert!(
            line("alice", Decision::Accepted { accepted: named, unwritten: None })
                .contains(" factor=totp credential=\"old\\x20phone\" drift=+1 ")
        );
        let recovery =
            &Accepted { factor: Factor::Recovery, codes_left: Some(4), ..accepted.clone() };
        assert!(
            line("alice", Decision::Accepted { accepted: recovery, unwritten: None })
                .contains(" factor=recovery left=4 ")
        );
        let unwritten = Some("Read-only file system");
        assert!(
            line("alice", Decision::Accepted { accepted, unwritten })
                .contains(" reuse=possible detail=\"Read-only file system\" ")
        );
    }

    #[test]
    fn an_enrolment() {
        assert_eq!(
            line("alice", Decision::Confirmed),
            "confirmed user=alice source=192.0.2.7 tty=ssh"
        );
        assert_eq!(
            line("alice", Decision::Enrolled),
            "enrolled user=alice source=192.0.2.7 tty=ssh"
        );
    }

    #[test]
    fn a_skip_says_why_and_by_which_rule() {
        let said = |decision| {
            let source = crate::source::address("192.0.2.7");
            let rule = Some("wave 2");
            let subject =
                Subject { user: "alice", source, host: None, tty: None, invoker: None, rule };
            Event { subject, decision }.to_string()
        };
        for (decision, expected) in [
            (
                Decision::Skipped(Skip::Rule("no phones here")),
                "skipped user=alice why=\"no phones here\"",
            ),
            (
                Decision::Skipped(Skip::Bypass { id: "b7", why: "VPN" }),
                "skipped user=alice bypass=b7 why=VPN",
            ),
            (Decision::Skipped(Skip::NotEnrolledYet), "skipped user=alice why=not_enrolled_yet"),
            (Decision::WouldHave(Would::Deny), "skipped user=alice would=deny"),
            (Decision::Fresh, "accepted user=alice factor=fresh"),
        ] {
            assert_eq!(said(decision), format!("{expected} rule=\"wave 2\" source=192.0.2.7"));
        }
    }

    #[test]
    fn a_denial_says_why() {
        assert_eq!(
            line("alice", denied(Reason::WrongMode, "/home/alice/x: mode 0644", true)),
            "denied user=alice reason=wrong_mode detail=\"/home/alice/x: mode 0644\" \
             source=192.0.2.7 tty=ssh Invalid verification code for alice"
        );
        let not_asked = line("alice", denied(Reason::UnknownOption, "colour", false));
        assert!(
            not_asked.ends_with(" reason=unknown_option detail=colour source=192.0.2.7 tty=ssh")
        );
    }

    #[test]
    fn nobody_can_forge_a_line() {
        let forged = line("x\naccepted user=root \"", denied(Reason::UnknownUser, "", true));
        assert!(
            forged.starts_with("denied user=\"x\\naccepted\\x20user=root\\x20\\\"\" reason="),
            "{forged}"
        );
        assert!(forged.ends_with("for \"x\\naccepted\\x20user=root\\x20\\\"\""), "{forged}");
        assert!(line("", denied(Reason::NoUser, "", true)).contains(" user=\"\" "));
        assert!(line("\u{202e}", denied(Reason::UnknownUser, "", true)).is_ascii());
        assert!(line(&"x".repeat(10_000), denied(Reason::UnknownUser, "", true)).len() < 800);
    }
}
