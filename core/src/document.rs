//! TOML documents with a version, and mistakes in them: said by line and cause, never with a value,
//! which may be a secret.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer, Error};

use crate::reason::Reason;

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1 on, where one can be named.
    pub line: Option<usize>,
    /// What is wrong, in a few words.
    pub cause: String,
    /// It is of a version that this program does not know.
    pub is_newer: bool,
}

impl Mistake {
    /// One of the whole document.
    #[must_use]
    pub fn new(cause: impl Into<String>) -> Self {
        Self { line: None, cause: cause.into(), is_newer: false }
    }

    /// The reason for a record.
    #[must_use]
    pub fn reason(&self) -> Reason {
        if self.is_newer { Reason::NewerRecord } else { Reason::BadRecord }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.cause),
            None => f.write_str(&self.cause),
        }
    }
}

impl std::error::Error for Mistake {}

/// The version that is read and written.
const VERSION: i64 = 1;

/// Reads a document whose `version` is 1.
pub(crate) fn versioned<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Mistake> {
    let text = utf8(text)?;
    let mut table = DeTable::parse(text).map_err(|error| mistake(&error, text))?;
    // Taken out first: of a newer version nothing else can be said.
    match table.get_mut().remove("version").map(Spanned::into_inner) {
        Some(version) if version.as_integer().is_some_and(|it| it.as_str() == "1") => {}
        Some(version) => {
            let newer = version.as_integer().and_then(|it| it.as_str().parse().ok());
            let is_newer = newer.is_some_and(|version: i64| version > VERSION);
            let cause = if is_newer {
                "of a newer version; this program knows version 1"
            } else {
                "version is not 1"
            };
            return Err(Mistake { is_newer, ..Mistake::new(cause) });
        }
        None => return Err(Mistake::new("no version; it should say version = 1")),
    }
    T::deserialize(Deserializer::from(table)).map_err(|error| mistake(&error, text))
}

/// Reads a document that is kept within something that has a version.
pub(crate) fn plain<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Mistake> {
    let text = utf8(text)?;
    let table = DeTable::parse(text).map_err(|error| mistake(&error, text))?;
    T::deserialize(Deserializer::from(table)).map_err(|error| mistake(&error, text))
}

fn utf8(text: &[u8]) -> Result<&str, Mistake> {
    std::str::from_utf8(text).map_err(|_| Mistake::new("not UTF-8"))
}

fn mistake(error: &Error, text: &str) -> Mistake {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.bytes().filter(|&byte| byte == b'\n').count() + 1);
    Mistake { line, cause: without_value(error.message()), is_newer: false }
}

/// serde quotes what it cannot use.
fn without_value(message: &str) -> String {
    let quoting = ["invalid type: ", "invalid value: ", "unknown variant "];
    if quoting.iter().any(|start| message.starts_with(start)) {
        // What is expected comes last, and is ours.
        let expected = message.rsplit_once(", expected ").map_or("something else", |(_, it)| it);
        return format!("expected {expected}");
    }
    message.replace('\n', " ")
}

/// A text in quotation marks (TOML basic string).
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for symbol in self.0.chars() {
            match symbol {
                '"' | '\\' => write!(f, "\\{symbol}")?,
                _ if symbol.is_control() => write!(f, "\\u{:04X}", u32::from(symbol))?,
                _ => write!(f, "{symbol}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what is wrong matters here")]
    struct Sample {
        digits: Option<u8>,
        name: Option<String>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Totp,
    }

    fn mistake(text: &str) -> String {
        versioned::<Sample>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_name_the_line_and_no_value() {
        for text in [
            "version = 1\ndigits = \"hunter2\"",
            "version = 1\nname = 5555555",
            "version = 1\nkind = \"hunter2\"",
            "version = 1\ndigits = 5555555",
            "version = 1\nname = [\"hunter2\", \", expected hunter2\"]",
        ] {
            let mistake = mistake(text);
            assert!(mistake.starts_with("line 2: expected "), "{mistake}");
            assert!(!mistake.contains("hunter2") && !mistake.contains("5555555"), "{mistake}");
        }
        assert!(mistake("version = 1\n\ncolour = 1").starts_with("line 3: unknown field `colour`"));
        assert!(mistake("version = 1\nname = \"hunter2").starts_with("line 2: "));
        assert!(!mistake("version = 1\nname = \"hunter2").contains("hunter2"));
        assert!(mistake("version = 1\ndigits = 1\ndigits = 2").contains("duplicate key"));
    }

    #[test]
    fn versions() {
        assert!(versioned::<Sample>(b"version = 1").is_ok());
        for (text, is_newer) in [
            ("version = 2\ncolour = 1", true),
            ("version = 0", false),
            ("version = \"1\"", false),
            ("version = 99999999999999999999", false),
            ("digits = 6", false),
        ] {
            let mistake = versioned::<Sample>(text.as_bytes()).unwrap_err();
            assert_eq!(mistake.is_newer, is_newer, "{text}: {mistake}");
        }
        assert_eq!(versioned::<Sample>(b"\xff").unwrap_err().to_string(), "not UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn quoted_text_is_read_back(name in ".{0,40}") {
            let text = format!("name = {}", Quoted(&name));
            proptest::prop_assert_eq!(plain::<Sample>(text.as_bytes()).unwrap().name, Some(name));
        }
    }
}
