//! Patterns for the names of hosts: `*` stands for any text, `?` for one character.

/// A pattern, in lower case: names of hosts know no other (RFC 4343).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Reads a pattern of letters, digits, `-`, `.`, `_`, `*` and `?`; `None` if there is anything
    /// else in it, or nothing.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*?".contains(&byte);
        (!text.is_empty() && text.bytes().all(fits)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// Whether a name fits: as a whole, or its first label alone. It is this machine's own name
    /// (uname(2)), never one that somebody else says.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let label = name.split('.').next().unwrap_or_default();
        fits(self.0.as_bytes(), name.as_bytes()) || fits(self.0.as_bytes(), label.as_bytes())
    }

    /// As it was written, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Goes back to the last `*` alone, so that the time is bounded by the product of both lengths.
fn fits(mut pattern: &[u8], mut name: &[u8]) -> bool {
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                star = Some((rest, name));
                pattern = rest;
            }
            ([one, rest @ ..], [other, others @ ..]) if *one == b'?' || one == other => {
                (pattern, name) = (rest, others);
            }
            ([], []) => return true,
            _ => match star {
                Some((rest, [_, others @ ..])) => {
                    star = Some((rest, others));
                    (pattern, name) = (rest, others);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits() {
        for (pattern, name, fit) in [
            ("prod-*", "prod-7", true),
            ("prod-*", "prod-", true),
            ("prod-*", "prod", false),
            ("prod-*", "PROD-7.example.org", true),
            ("prod-?", "prod-7.example.org", true),
            ("prod-?", "prod-77.example.org", false),
            ("*.example.org", "prod-7.example.org", true),
            ("*.example.org", "example.org", false),
            ("Prod", "prod", true),
            ("*", "", true),
            ("?", "", false),
            ("*a*b*c", "xxaxxbxxbxxc", true),
            ("*a*b*c", "xxbxxaxxc", false),
            ("a", "ab", false),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(name), fit, "{pattern} {name}");
        }
        for text in ["", "[ab]", "{a,b}", "!a", "a b", "ä", "a/b"] {
            assert_eq!(Glob::new(text), None, "{text}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = Glob::new(&"*a".repeat(100)).unwrap();
        assert!(!pattern.matches(&"a".repeat(99)));
        assert!(pattern.matches(&"a".repeat(100)));
        assert!(!Glob::new(&format!("{}b", "*a".repeat(200))).unwrap().matches(&"a".repeat(5000)));
    }
}
