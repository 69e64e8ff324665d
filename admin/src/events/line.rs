//! One line of ours in the log: `accepted user=alice factor=totp source=192.0.2.7 ...`.

/// What happened, and what is said of it. Anybody who can write to the log may have made it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The service that asked, or the command: `mfactl`, `mfa-enroll`.
    pub service: String,
    /// The first word: accepted, denied, changed ...
    pub event: String,
    /// Keys and values, in order.
    pub fields: Vec<(String, String)>,
}

impl Line {
    /// Reads what `program` logged; `None` if it is no line of ours.
    ///
    /// Values are bare words, or in quotation marks with everything escaped that is not printable
    /// ASCII ([`mfa_core::audit::Value`]). What stands behind the last one is for other filters.
    #[must_use]
    pub fn read(program: &str, message: &str) -> Option<Self> {
        // pam_syslog(3) puts "MODULE(SERVICE:TYPE): " before it.
        let (service, text) = match message.strip_prefix("pam_mfa(") {
            Some(rest) => {
                let (place, text) = rest.split_once("): ")?;
                (place.rsplit_once(':')?.0, text)
            }
            None if ["mfactl", "mfa-enroll"].contains(&program) => (program, message),
            None => return None,
        };
        let (event, mut rest) = text.split_once(' ')?;
        let mut fields = Vec::new();
        while let Some((key, value, behind)) = field(rest) {
            fields.push((key.to_owned(), value));
            rest = behind;
        }
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
        (is_word(event) && !fields.is_empty()).then(|| Self {
            service: service.to_owned(),
            event: event.to_owned(),
            fields,
        })
    }

    /// The first value of that key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }
}

/// The first key, its value, and what follows.
fn field(text: &str) -> Option<(&str, String, &str)> {
    let (key, rest) = text.split_once('=')?;
    let is_key = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if key.is_empty() || !key.bytes().all(is_key) {
        return None;
    }
    match rest.strip_prefix('"') {
        None => {
            let (value, behind) = rest.split_once(' ').unwrap_or((rest, ""));
            Some((key, value.to_owned(), behind))
        }
        Some(quoted) => {
            let (value, behind) = unquoted(quoted)?;
            let behind = behind.strip_prefix(' ').or(behind.is_empty().then_some(""))?;
            Some((key, value, behind))
        }
    }
}

/// What [`std::ascii::escape_default`] was made of, up to the closing mark.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        value.push(match byte {
            b'"' => {
                let behind = text.split_at_checked(text.len() - rest.len())?.1;
                return Some((String::from_utf8_lossy(&value).into_owned(), behind));
            }
            b'\\' => {
                let (&mark, behind) = rest.split_first()?;
                rest = behind;
                match mark {
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'n' => b'\n',
                    b'x' => {
                        let (digits, behind) = rest.split_at_checked(2)?;
                        rest = behind;
                        u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
                    }
                    other => other,
                }
            }
            byte => byte,
        });
    }
}

#[cfg(test)]
mod tests {
    use mfa_core::audit::{Decision, Event, Subject};
    use mfa_core::reason::Reason;
    use mfa_core::verify::Denied;

    use super::*;

    #[test]
    fn what_the_module_writes_is_read_back() {
        let user = "x\naccepted user=root \"\\";
        let subject = Subject {
            user,
            source: mfa_core::source::address("2001:db8::1"),
            host: None,
            tty: Some("p t s"),
            invoker: None,
            rule: None,
        };
        let denied = Denied { wait: Some(30), ..Denied::finally(Reason::RateLimited) };
        let decision = Decision::Denied { denied, detail: "two words", asked: true };
        let event = Event { subject, decision };
        let line = Line::read("sshd", &format!("pam_mfa(sshd:auth): {event}")).unwrap();
        assert_eq!((line.service.as_str(), line.event.as_str()), ("sshd", "denied"));
        let fields = [
            ("user", user),
            ("reason", "rate_limited"),
            ("wait", "30s"),
            ("detail", "two words"),
            ("source", "2001:db8::1"),
            ("tty", "p t s"),
        ];
        assert_eq!(line.fields, fields.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_none_of_ours() {
        for (program, message) in [
            ("sshd", "accepted user=alice"),
            ("sshd", "pam_unix(sshd:auth): denied user=alice"),
            ("sshd", "pam_mfa(sshd:auth): "),
            ("sshd", "pam_mfa(sshd:auth): a sentence of words"),
            ("sshd", "pam_mfa(sshd:auth: denied user=alice"),
            ("mfactl", "Changed user=alice"),
            ("mfactl", "changed user=\"alice"),
            ("mfactl", "changed user=\"\\x4"),
            ("mfactl", ""),
        ] {
            assert_eq!(Line::read(program, message), None, "{message}");
        }
        let line = Line::read("mfactl", "changed user=alice what=\"x\"y before=z").unwrap();
        assert_eq!(line.fields.len(), 1, "what is malformed ends it");
    }
}
