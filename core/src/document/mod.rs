//! TOML documents, read key by key; mistakes in them are said by line and cause, never with a value,
//! which may be a secret.

pub(crate) mod date;

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::audit::Value;
use crate::reason::Reason;

pub use date::Day;

/// A mistake in a document, one pointer wide: there is hardly a value that is read without room for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(Box<Fault>);

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1 on, where one can be named.
    pub line: Option<usize>,
    /// The column in it, from 1 on, in characters.
    pub column: Option<usize>,
    /// What is wrong, in a few words.
    pub cause: Cow<'static, str>,
    /// It is of a version that this program does not know.
    pub is_newer: bool,
}

impl Mistake {
    /// One of the whole document.
    #[must_use]
    pub fn new(cause: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Fault { line: None, column: None, cause: cause.into(), is_newer: false }))
    }

    /// One of a whole line, from 1 on.
    pub(crate) fn in_line(line: usize, cause: String) -> Self {
        let mut mistake = Self::new(cause);
        mistake.0.line = Some(line);
        mistake
    }

    /// One of what begins at a byte of `text`.
    #[cold]
    fn at(text: &str, at: usize, cause: impl Into<Cow<'static, str>>) -> Self {
        let (line, column) = position(text, at);
        let mut mistake = Self::new(cause);
        (mistake.0.line, mistake.0.column) = (Some(line), Some(column));
        mistake
    }

    /// The reason for a record.
    #[must_use]
    pub fn reason(&self) -> Reason {
        if self.is_newer { Reason::NewerRecord } else { Reason::BadRecord }
    }
}

impl Deref for Mistake {
    type Target = Fault;

    fn deref(&self) -> &Fault {
        &self.0
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
type Cause = Cow<'static, str>;

/// Reads a whole document.
pub(crate) fn read<T>(
    text: &[u8],
    content: impl FnOnce(&mut Table) -> Result<T, Mistake>,
) -> Result<T, Mistake> {
    let (text, parsed) = parse(text)?;
    let mut table = Table { text, at: 0, fields: parsed.get_ref(), known: Vec::new() };
    let content = content(&mut table)?;
    table.no_more()?;
    Ok(content)
}

fn parse(text: &[u8]) -> Result<(&str, Spanned<DeTable<'_>>), Mistake> {
    let text = std::str::from_utf8(text).map_err(|_| Mistake::new("not UTF-8"))?;
    let parsed = DeTable::parse(text).map_err(|error| mistake(&error, text))?;
    Ok((text, parsed))
}

/// The version of what is read and written.
const VERSION: u64 = 1;

/// A table, in which every key has to be asked for.
pub(crate) struct Table<'t> {
    text: &'t str,
    /// Where it begins, in bytes.
    at: usize,
    fields: &'t DeTable<'t>,
    /// What was asked for.
    known: Vec<&'static str>,
}

/// Reads a table into whatever its caller makes of it, and is one type for all of them.
type Content<'c, 't> = dyn FnMut(&mut Table<'t>) -> Result<(), Mistake> + 'c;

impl<'t> Table<'t> {
    /// The first question to a whole document: of another version nothing else can be said.
    pub(crate) fn version(&mut self) -> Result<(), Mistake> {
        self.version_or(0)
    }

    /// The same where people may leave the version out.
    pub(crate) fn version_if_said(&mut self) -> Result<(), Mistake> {
        self.version_or(VERSION)
    }

    fn version_or(&mut self, left_out: u64) -> Result<(), Mistake> {
        let version = self.natural("version")?.unwrap_or(left_out);
        if version == VERSION {
            return Ok(());
        }
        let is_newer = version > VERSION;
        let cause = if is_newer { "of a newer version; this program knows 1" } else { "not 1" };
        let mut mistake = Mistake::new(format!("version: {cause}"));
        mistake.0.is_newer = is_newer;
        Err(mistake)
    }

    /// A text, without a copy unless something in it is escaped.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<&'t str>, Mistake> {
        self.value(key, text)
    }

    /// A whole number of the range.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Mistake> {
        self.value(key, |value| number(value, &range))
    }

    /// Seconds since 1970, or another number that is not negative.
    pub(crate) fn natural(&mut self, key: &'static str) -> Result<Option<u64>, Mistake> {
        Ok(self.number(key, 0..=i64::MAX)?.map(i64::unsigned_abs))
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Result<Vec<&'t str>, Mistake> {
        Ok(self.value(key, |value| list(value, text))?.unwrap_or_default())
    }

    /// A list of texts that is not empty, if it is there at all: nobody could tell whether none means
    /// nobody or everybody.
    pub(crate) fn some_texts(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Vec<&'t str>>, Mistake> {
        self.value(key, |value| match list(value, text)? {
            none if none.is_empty() => Err("an empty list; leave the key out instead".into()),
            texts => Ok(texts),
        })
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Mistake> {
        self.value(key, |value| match value {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err("not true or false".into()),
        })
    }

    /// A date, whose day begins at 00:00 UTC, or a date and time with its offset from UTC: seconds
    /// since 1970.
    pub(crate) fn moment(&mut self, key: &'static str) -> Result<Option<u64>, Mistake> {
        self.value(key, |value| match value {
            DeValue::Datetime(moment) => date::seconds(moment).ok_or_else(|| {
                "not a date such as 2027-01-15, nor a time such as 2027-01-15T08:00:00Z".into()
            }),
            _ => Err("not a date such as 2027-01-15".into()),
        })
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// Where the table begins, in bytes.
    pub(crate) fn begins_at(&self) -> usize {
        self.at
    }

    /// A list of whole numbers.
    pub(crate) fn numbers(&mut self, key: &'static str) -> Result<Vec<i64>, Mistake> {
        Ok(self.value(key, |value| list(value, whole))?.unwrap_or_default())
    }

    /// A list of pairs of whole numbers.
    pub(crate) fn pairs(&mut self, key: &'static str) -> Result<Vec<(i64, i64)>, Mistake> {
        let pair = |value: &'t DeValue<'t>| match list(value, whole)?.as_slice() {
            &[one, other] => Ok((one, other)),
            _ => Err("not a pair".into()),
        };
        Ok(self.value(key, |value| list(value, pair))?.unwrap_or_default())
    }

    /// What must be there.
    pub(crate) fn needed<T>(&self, key: &'static str, value: Option<T>) -> Result<T, Mistake> {
        value.ok_or_else(|| self.invalid(key, "missing"))
    }

    /// What must have come of the value of `key`.
    pub(crate) fn valid<T>(
        &self,
        key: &'static str,
        value: Option<T>,
        expected: &str,
    ) -> Result<T, Mistake> {
        value.ok_or_else(|| self.invalid(key, expected))
    }

    /// The value of `key` is not what is expected, or is not there.
    #[cold]
    #[inline(never)] // once, not for each type of value
    fn invalid(&self, key: &'static str, cause: &str) -> Mistake {
        match self.fields.get(key) {
            Some(there) => self.mistake(there, &format!("{key}: {cause}")),
            None => self.wrong(format!("{key} is missing")),
        }
    }

    fn value<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'t DeValue<'t>) -> Result<T, Cause>,
    ) -> Result<Option<T>, Mistake> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value.get_ref()).map(Some).map_err(|cause| self.invalid(key, &cause))
    }

    /// Reads a table that is the value of a key.
    pub(crate) fn table<T>(
        &mut self,
        key: &'static str,
        mut content: impl FnMut(&mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        let mut found = None;
        let Some(value) = self.get(key) else { return Ok(found) };
        self.enter(value, &mut |table| {
            found = Some(content(table)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads all tables of the array that is the value of a key (`[[key]]`).
    pub(crate) fn tables<T>(
        &mut self,
        key: &'static str,
        mut content: impl FnMut(&mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let mut all = Vec::new();
        self.each(key, &mut |table| {
            all.push(content(table)?);
            Ok(())
        })?;
        Ok(all)
    }

    fn each(&mut self, key: &'static str, content: &mut Content<'_, 't>) -> Result<(), Mistake> {
        let Some(value) = self.get(key) else { return Ok(()) };
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.mistake(value, &format!("not written as [[{key}]]")));
        };
        items.iter().try_for_each(|item| self.enter(item, content))
    }

    /// Reads all tables in the table that is the value of a key (`[key.NAME]`).
    pub(crate) fn named_tables<T>(
        &mut self,
        key: &'static str,
        content: fn(&str, &mut Table<'t>) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let mut all = Vec::new();
        self.table(key, |table| {
            for (name, value) in table.fields {
                table.enter(value, &mut |inner| {
                    all.push(content(name.get_ref(), inner)?);
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        Ok(all)
    }

    #[inline(never)]
    fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.fields.get(key)
    }

    fn enter(
        &self,
        value: &'t Spanned<DeValue<'t>>,
        content: &mut Content<'_, 't>,
    ) -> Result<(), Mistake> {
        let DeValue::Table(fields) = value.get_ref() else {
            return Err(self.mistake(value, "not a table"));
        };
        let mut table =
            Table { text: self.text, at: value.span().start, fields, known: Vec::new() };
        content(&mut table)?;
        table.no_more()
    }

    /// Refuses the keys that nobody asked for; where all were asked for as they came, there are none.
    pub(crate) fn no_more(&self) -> Result<(), Mistake> {
        if self.known.is_empty() {
            return Ok(());
        }
        let unknown = |name: &str| !self.known.contains(&name);
        let Some(name) = self.fields.keys().find(|name| unknown(name.get_ref())) else {
            return Ok(());
        };
        let known = self.known.join(", ");
        let shown = Value(name.get_ref());
        Err(self.mistake(name, &format!("no key {shown} here; there are {known}")))
    }

    /// A mistake in what stands there.
    #[cold]
    #[inline(never)]
    fn mistake<T>(&self, there: &Spanned<T>, cause: &str) -> Mistake {
        Mistake::at(self.text, there.span().start, cause.to_owned())
    }

    /// A mistake of the table as a whole.
    #[cold]
    pub(crate) fn wrong(&self, cause: impl Into<Cow<'static, str>>) -> Mistake {
        Mistake::at(self.text, self.at, cause)
    }
}

/// The line and the column of a byte, from 1 on; the column in characters.
#[must_use]
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

fn mistake(error: &Error, text: &str) -> Mistake {
    // The parser speaks of the syntax alone and quotes nothing.
    let cause = error.message().replace('\n', " ");
    match error.span() {
        Some(span) => Mistake::at(text, span.start, cause),
        None => Mistake::new(cause),
    }
}

fn text<'t>(value: &'t DeValue<'_>) -> Result<&'t str, Cause> {
    match value {
        DeValue::String(text) => Ok(text),
        _ => Err("not a text in quotation marks".into()),
    }
}

fn whole(value: &DeValue) -> Result<i64, Cause> {
    let number = match value {
        DeValue::Integer(it) => i64::from_str_radix(it.as_str(), it.radix()).ok(),
        _ => None,
    };
    number.ok_or("not a whole number".into())
}

fn number(value: &DeValue, range: &RangeInclusive<i64>) -> Result<i64, Cause> {
    let number = whole(value).ok().filter(|number| range.contains(number));
    number.ok_or_else(|| match (range.start(), range.end()) {
        (0, &i64::MAX) => "not a whole number from 0 on".into(),
        (start, end) => format!("not a whole number from {start} to {end}").into(),
    })
}

fn list<'t, T>(
    value: &'t DeValue<'t>,
    mut read: impl FnMut(&'t DeValue<'t>) -> Result<T, Cause>,
) -> Result<Vec<T>, Cause> {
    let DeValue::Array(items) = value else { return Err("not a list in square brackets".into()) };
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        all.push(read(item.get_ref())?);
    }
    Ok(all)
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
        times: Vec<i64>,
        seen: Vec<(i64, i64)>,
    }

    fn sample(text: &str) -> Result<Sample, Mistake> {
        read(text.as_bytes(), |table| {
            table.version()?;
            Ok(Sample {
                digits: table.number("digits", 6..=8)?,
                name: table.text("name")?.map(str::to_owned),
                times: table.numbers("times")?,
                seen: table.pairs("seen")?,
            })
        })
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
            ("times = [1, 1.5]", "times: not a whole number"),
            ("seen = [[1, 2], [3]]", "seen: not a pair"),
            (
                "colour = \"hunter2\"",
                "no key colour here; there are version, digits, name, times, seen",
            ),
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
            ("digits = 6", false, "version: not 1"),
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
