//! What is found, laid out for people and for scripts.

use std::io::Write;

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

/// Writes rows in columns that are as wide as their widest field.
///
/// # Errors
/// [`Failure::Output`].
pub fn table<const N: usize>(output: &mut dyn Write, rows: &[[String; N]]) -> Result<(), Failure> {
    let width = |column: usize| {
        let fields = rows.iter().filter_map(|row| row.get(column));
        fields.map(|field| field.chars().count()).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let padded = row.iter().zip(widths).map(|(field, width)| format!("{field:width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        writeln!(output, "{}", line.trim_end()).map_err(Failure::Output)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        let rows = [["name", "id"], ["t\u{e9}l\u{e9}phone", "1"], ["x", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        let mut output = vec![];
        table(&mut output, &rows).unwrap();
        let text = String::from_utf8(output).unwrap();
        assert_eq!(text, "name       id\nt\u{e9}l\u{e9}phone  1\nx\n");
    }
}
