//! What is found, laid out for people and for scripts.

use std::io::Write;

use anstream::adapter::strip_str;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Room for the largest object that holds secrets, so that no shorter copy of them is left behind.
const ROOM: usize = 16 * 1024;

/// `object` as JSON, on a line of its own.
///
/// # Errors
/// [`Failure::Output`], if it cannot be put into words.
pub fn line(object: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer(&mut *line, object).map_err(|error| Failure::Output(error.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// Writes that line.
///
/// # Errors
/// [`Failure::Output`].
pub fn json(output: &mut dyn Write, object: &impl Serialize) -> Result<(), Failure> {
    output.write_all(&line(object)?).map_err(Failure::Output)
}

/// The first row of a table.
pub fn head<const N: usize>(names: [&str; N]) -> [String; N] {
    names.map(|name| styled(name, Style::new().bold()))
}

/// A field that somebody should look at.
pub fn alarm(text: &str) -> String {
    styled(text, AnsiColor::Red.on_default())
}

/// Text in a style.
pub fn styled(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// The same without styles, unless `colour` says that they are wanted.
pub fn painted(text: &str, colour: bool) -> String {
    if colour { text.to_owned() } else { strip_str(text).to_string() }
}

/// Writes rows in columns that are as wide as their widest field, in colour only where `colour` says
/// so.
///
/// # Errors
/// [`Failure::Output`].
pub fn table<const N: usize>(
    output: &mut dyn Write,
    colour: bool,
    rows: &[[String; N]],
) -> Result<(), Failure> {
    let shown = |field: &str| strip_str(field).to_string().chars().count();
    let width = |column: usize| {
        let fields = rows.iter().filter_map(|row| row.get(column));
        fields.map(|field| shown(field)).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::new();
        for (field, width) in row.iter().zip(widths) {
            let room = " ".repeat(width.saturating_sub(shown(field)) + 2);
            line.push_str(&(field.clone() + &room));
        }
        let line = painted(line.trim_end(), colour);
        writeln!(output, "{line}").map_err(Failure::Output)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        let row = |row: [&str; 2]| row.map(str::to_owned);
        let rows =
            [head(["name", "id"]), row(["t\u{e9}l\u{e9}phone", "1"]), [alarm("x"), String::new()]];
        let shown = |colour| {
            let mut output = vec![];
            table(&mut output, colour, &rows).unwrap();
            String::from_utf8(output).unwrap()
        };
        assert_eq!(shown(false), "name       id\nt\u{e9}l\u{e9}phone  1\nx\n");
        assert_eq!(
            shown(true),
            "\x1b[1mname\x1b[0m       \x1b[1mid\x1b[0m\nt\u{e9}l\u{e9}phone  1\n\x1b[31mx\x1b[0m\n"
        );
    }
}
