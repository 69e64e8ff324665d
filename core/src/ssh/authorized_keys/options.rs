//! What stands before the key on a line.

use super::expiry;

/// What a session may do, which does not matter here; each may have `no-` in front.
const SESSION: [&str; 5] =
    ["pty", "port-forwarding", "agent-forwarding", "x11-forwarding", "user-rc"];

/// What the options of a line demand of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// It counts only if it was touched.
    pub(super) touch: bool,
    /// It counts only if it knows its user.
    pub(super) verification: bool,
    /// From when on it does not count, in seconds since 1970.
    pub(super) expiry: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { touch: true, verification: false, expiry: None }
    }
}

impl Options {
    /// Reads options with commas between them, their names in any case; `None` if one is malformed or
    /// says something else. Of two that say the opposite the later counts, of two dates the earlier.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut options = Self::default();
        let mut rest = Some(text);
        while let Some(text) = rest {
            let (option, behind) = cut(text, b",");
            options.add(&option.to_ascii_lowercase())?;
            rest = behind;
        }
        Some(options)
    }

    fn add(&mut self, option: &str) -> Option<()> {
        if let Some(value) = option.strip_prefix("expiry-time=") {
            let date = value.strip_prefix('"')?.strip_suffix('"')?;
            let expiry = expiry::read(date)?;
            self.expiry = Some(self.expiry.map_or(expiry, |earlier| earlier.min(expiry)));
            return Some(());
        }
        let name = option.strip_prefix("no-");
        let (name, is_on) = (name.unwrap_or(option), name.is_none());
        match name {
            "touch-required" => self.touch = is_on,
            "verify-required" => self.verification = is_on,
            "restrict" if is_on => {}
            name if SESSION.contains(&name) => {}
            _ => return None,
        }
        Some(())
    }
}

/// The options of a line, and the rest of it.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    let (options, rest) = cut(line, b" \t");
    Some((options, rest?))
}

/// What stands before and behind the first of these that is not between quotation marks. A quotation
/// mark behind a backslash is none.
fn cut<'a>(text: &'a str, marks: &[u8]) -> (&'a str, Option<&'a str>) {
    let (mut before, mut is_quoted) = (0, false);
    let end = text.bytes().position(|byte| {
        is_quoted ^= byte == b'"' && before != b'\\';
        before = byte;
        !is_quoted && marks.contains(&byte)
    });
    let cut = end.and_then(|end| Some((text.get(..end)?, text.get(end + 1..)?)));
    cut.map_or((text, None), |(first, rest)| (first, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_they_say() {
        let usual = Options::default();
        for (text, expected) in [
            ("restrict", usual.clone()),
            ("restrict,pty,NO-X11-forwarding,no-user-rc", usual.clone()),
            ("no-touch-required", Options { touch: false, ..usual.clone() }),
            ("no-touch-required,touch-required", usual.clone()),
            ("Verify-Required,no-pty", Options { verification: true, ..usual.clone() }),
            (
                "expiry-time=\"20310101Z\",expiry-time=\"20300101Z\",expiry-time=\"20320101Z\"",
                Options { expiry: Some(1_893_456_000), ..usual.clone() },
            ),
        ] {
            assert_eq!(Options::read(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "pty,",
            ",pty",
            "no-restrict",
            "no-no-pty",
            "cert-authority",
            "from=\"192.0.2.0/24\"",
            "command=\"true\"",
            "principals=\"alice\"",
            "environment=\"A=B\"",
            "permitopen=\"host:22\"",
            "tunnel=\"0\"",
            "expiry-time=20300101",
            "expiry-time=\"20300101",
            "expiry-time=\"",
            "expiry-time=\"tomorrow\"",
            "expiry-time",
            "pty=\"yes\"",
            "pty x",
            "\"pty\"",
        ] {
            assert_eq!(Options::read(text), None, "{text}");
        }
    }

    #[test]
    fn blanks_and_commas_between_quotation_marks() {
        assert_eq!(split("a=\"b c\",d e f"), Some(("a=\"b c\",d", "e f")));
        assert_eq!(split("a=\"b \\\" c\"\te"), Some(("a=\"b \\\" c\"", "e")));
        assert_eq!(split("a=\"b c"), None);
        assert_eq!(split("abc"), None);
        assert_eq!(cut("a=\"b,c\",d,e", b","), ("a=\"b,c\"", Some("d,e")));
    }
}
