//! TOML documents, read key by key; mistakes in them are said by line and cause, never with a value,
//! which may be a secret.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::reason::Reason;

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1 on, where one can be named.
    pub line: Option<usize>,
    /// What is wrong, in a few words.
    pub cause: Cow<'static, str>,
    /// It is of a version that this program does not know.
    pub is_newer: bool,
}

impl Mistake {
    /// One of the whole document.
    #[must_use]
    pub fn new(cause: impl Into<Cow<'static, str>>) -> Self {
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

/// What is wrong with one value.
pub(crate) type Cause = Cow<'static, str>;

/// Reads a whole document.
pub(crate) fn read<T>(
    text: &[u8],
    content: impl FnOnce(&mut Table) -> Result<T, Mistake>,
) -> Result<T, Mistake> {
    let text = std::str::from_utf8(text).map_err(|_| Mistake::new("not UTF-8"))?;
    let parsed = DeTable::parse(text).map_err(|error| mistake(&error, text))?;
    let mut table = Table { text, at: 0, fields: parsed.get_ref(), known: Vec::new() };
    let content = content(&mut table)?;
    table.no_more()?;
    Ok(content)
}

/// The version of what is read and written.
const VERSION: i64 = 1;

/// A table, in which every key has to be asked for.
pub(crate) struct Table<'t> {
    text: &'t str,
    /// Where it begins, in bytes.
    at: usize,
    fields: &'t DeTable<'t>,
    /// What was asked for.
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    /// The first question to a whole document: of another version nothing else can be said.
    pub(crate) fn version(&mut self) -> Result<(), Mistake> {
        let version = self.required("version", |value| number(value, 0..=i64::MAX))?;
        if version == VERSION {
            return Ok(());
        }
        let is_newer = version > VERSION;
        let cause = if is_newer { "of a newer version; this program knows 1" } else { "not 1" };
        Err(Mistake { is_newer, ..Mistake::new(format!("version: {cause}")) })
    }

    /// The value of a key that need not be there.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'t DeValue<'t>) -> Result<T, Cause>,
    ) -> Result<Option<T>, Mistake> {
        self.known.push(key);
        let Some(value) = self.fields.get(key) else { return Ok(None) };
        let read = read(value.get_ref()).map(Some);
        read.map_err(|cause| self.mistake(value, &format!("{key}: {cause}")))
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'t DeValue<'t>) -> Result<T, Cause>,
    ) -> Result<T, Mistake> {
        let lacks = Mistake { line: Some(line(self.text, self.at)), ..lacks(key) };
        self.optional(key, read)?.ok_or(lacks)
    }

    /// Reads a table that is the value of a key.
    pub(crate) fn table<T>(
        &mut self,
        key: &'static str,
        content: impl FnOnce(&mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        self.known.push(key);
        self.fields.get(key).map(|value| self.enter(value, content)).transpose()
    }

    /// Reads all tables of the array that is the value of a key (`[[key]]`).
    pub(crate) fn tables<T>(
        &mut self,
        key: &'static str,
        mut content: impl FnMut(&mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        self.known.push(key);
        let Some(value) = self.fields.get(key) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.mistake(value, &format!("not written as [[{key}]]")));
        };
        items.iter().map(|item| self.enter(item, &mut content)).collect()
    }

    /// Reads all tables in the table that is the value of a key (`[key.NAME]`).
    pub(crate) fn named_tables<T>(
        &mut self,
        key: &'static str,
        mut content: impl FnMut(&str, &mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let read = self.table(key, |table| {
            let all = table.fields.iter();
            all.map(|(name, value)| table.enter(value, |inner| content(name.get_ref(), inner)))
                .collect()
        });
        Ok(read?.unwrap_or_default())
    }

    fn enter<T>(
        &self,
        value: &'t Spanned<DeValue<'t>>,
        content: impl FnOnce(&mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<T, Mistake> {
        let DeValue::Table(fields) = value.get_ref() else {
            return Err(self.mistake(value, "not a table"));
        };
        let mut table =
            Table { text: self.text, at: value.span().start, fields, known: Vec::new() };
        let content = content(&mut table)?;
        table.no_more()?;
        Ok(content)
    }

    /// Refuses the keys that nobody asked for; where all were asked for as they came, there are none.
    fn no_more(&self) -> Result<(), Mistake> {
        if self.known.is_empty() {
            return Ok(());
        }
        let unknown = |name: &str| !self.known.contains(&name);
        let Some(name) = self.fields.keys().find(|name| unknown(name.get_ref())) else {
            return Ok(());
        };
        let known = self.known.join(", ");
        Err(self.mistake(name, &format!("no such key; there are {known}")))
    }

    /// A mistake in what stands there.
    fn mistake<T>(&self, there: &Spanned<T>, cause: &str) -> Mistake {
        let line = Some(line(self.text, there.span().start));
        Mistake { line, ..Mistake::new(cause.to_owned()) }
    }

    /// A mistake of the table as a whole.
    pub(crate) fn wrong(&self, cause: impl Into<Cow<'static, str>>) -> Mistake {
        Mistake { line: Some(line(self.text, self.at)), ..Mistake::new(cause) }
    }
}

fn lacks(key: &str) -> Mistake {
    Mistake::new(format!("{key} is missing"))
}

/// The line of a byte.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

fn mistake(error: &Error, text: &str) -> Mistake {
    let line = error.span().map(|span| line(text, span.start));
    // The parser speaks of the syntax alone and quotes nothing.
    Mistake { line, ..Mistake::new(error.message().replace('\n', " ")) }
}

/// A text, without a copy unless something in it is escaped.
pub(crate) fn text<'t>(value: &'t DeValue<'_>) -> Result<&'t str, Cause> {
    match value {
        DeValue::String(text) => Ok(text),
        _ => Err("not a text in quotation marks".into()),
    }
}

/// A whole number of the range.
pub(crate) fn number(value: &DeValue, range: RangeInclusive<i64>) -> Result<i64, Cause> {
    let number = match value {
        DeValue::Integer(it) => i64::from_str_radix(it.as_str(), it.radix()).ok(),
        _ => None,
    };
    let fits = number.filter(|number| range.contains(number));
    fits.ok_or_else(|| {
        if range == (0..=i64::MAX) {
            return "not a whole number from 0 on".into();
        }
        format!("not a whole number from {} to {}", range.start(), range.end()).into()
    })
}

/// Seconds since 1970, or another number that is not negative.
pub(crate) fn natural(value: &DeValue) -> Result<u64, Cause> {
    let number = number(value, 0..=i64::MAX)?;
    Ok(number.unsigned_abs())
}

/// All values of an array.
pub(crate) fn list<'t, T>(
    value: &'t DeValue<'t>,
    read: impl FnMut(&'t DeValue<'t>) -> Result<T, Cause>,
) -> Result<Vec<T>, Cause> {
    match value {
        DeValue::Array(items) => items.iter().map(Spanned::get_ref).map(read).collect(),
        _ => Err("not a list in square brackets".into()),
    }
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

    #[derive(Debug, Default, PartialEq, Eq)]
    struct Sample {
        digits: Option<i64>,
        name: Option<String>,
        times: Vec<u64>,
    }

    fn sample(text: &str) -> Result<Sample, Mistake> {
        read(text.as_bytes(), |table| {
            table.version()?;
            Ok(Sample {
                digits: table.optional("digits", |value| number(value, 6..=8))?,
                name: table.optional("name", text_of)?,
                times: table.optional("times", |value| list(value, natural))?.unwrap_or_default(),
            })
        })
    }

    fn text_of(value: &DeValue) -> Result<String, Cause> {
        text(value).map(str::to_owned)
    }

    fn said(text: &str) -> String {
        sample(text).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_name_the_line_and_no_value() {
        for (line, said_of_it) in [
            ("digits = \"hunter2\"", "digits: not a whole number from 6 to 8"),
            ("digits = 9", "digits: not a whole number from 6 to 8"),
            ("name = 5555555", "name: not a text in quotation marks"),
            ("name = [\"hunter2\"]", "name: not a text in quotation marks"),
            ("times = \"hunter2\"", "times: not a list in square brackets"),
            ("times = [1, -1]", "times: not a whole number from 0 on"),
            ("colour = \"hunter2\"", "no such key; there are version, digits, name, times"),
            ("name = \"a\"\nname = \"b\"", "duplicate key"),
        ] {
            let last = 1 + line.lines().count();
            assert_eq!(said(&format!("version = 1\n{line}")), format!("line {last}: {said_of_it}"));
        }
        let open = said("version = 1\nname = \"hunter2");
        assert!(open.starts_with("line 2: ") && !open.contains("hunter2"), "{open}");
    }

    #[test]
    fn versions() {
        assert_eq!(sample("version = 1"), Ok(Sample::default()));
        for (text, is_newer, said) in [
            ("version = 2\ncolour = 1", true, "version: of a newer version; this program knows 1"),
            ("version = 0", false, "version: not 1"),
            ("version = \"1\"", false, "line 1: version: not a whole number from 0 on"),
            (
                "version = 99999999999999999999",
                false,
                "line 1: version: not a whole number from 0 on",
            ),
            ("digits = 6", false, "line 1: version is missing"),
        ] {
            let mistake = sample(text).unwrap_err();
            assert_eq!((mistake.is_newer, mistake.to_string().as_str()), (is_newer, said));
        }
        assert_eq!(read(b"\xff", |_| Ok(())).unwrap_err().to_string(), "not UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn quoted_text_is_read_back(name in ".{0,40}") {
            let text = format!("version = 1\nname = {}", Quoted(&name));
            proptest::prop_assert_eq!(sample(&text).unwrap().name, Some(name));
        }
    }
}
