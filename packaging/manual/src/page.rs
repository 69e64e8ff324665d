//! A page as a whole: its title, and the tables in their places.

use roff::Roff;

use crate::file::File;

/// How all pages begin: without a date, since the same sources make the same page, and set as a terminal
/// needs it, with no word divided, ragged lines and one blank between sentences.
pub fn title(name: &str, section: u8) -> String {
    let name = name.to_uppercase();
    let version = env!("CARGO_PKG_VERSION");
    let apostrophe = Roff::new().render();
    format!(
        "{apostrophe}.TH {name} {section} \"\" \"pam_mfa {version}\" pam_mfa\n.nh\n.ad l\n.ss 12 0\n"
    )
}

/// Where a page goes.
pub fn path(name: &str, section: u8) -> String {
    format!("man{section}/{name}.{section}")
}

/// A page whose tables go where a line such as `.\" TABLE reasons` stands.
///
/// # Errors
/// A table that has no place, or a place that has no table.
pub fn framed(
    name: &str,
    section: u8,
    frame: &str,
    tables: &[(&str, Roff)],
) -> Result<File, String> {
    let mut text = title(name, section) + frame;
    for (table, entries) in tables {
        let place = format!(".\\\" TABLE {table}\n");
        if text.matches(&place).count() != 1 {
            return Err(format!("pages/{name}.{section}: no one place for the table {table}"));
        }
        text = text.replace(&place, &entries.to_roff());
    }
    if let Some((_, rest)) = text.split_once(".\\\" TABLE ") {
        let table = rest.lines().next().unwrap_or_default();
        return Err(format!("pages/{name}.{section}: there is no table {table}"));
    }
    Ok(File { path: path(name, section), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_place() {
        let table = || Roff::from_iter(["said"]);
        let fill = |frame, tables: &[(&str, Roff)]| framed("x", 8, frame, tables);
        let filled = fill("a\n.\\\" TABLE one\nb\n", &[("one", table())]).unwrap();
        assert!(filled.text.ends_with("a\nsaid\nb\n"), "{filled:?}");
        assert!(fill("a\n", &[("one", table())]).is_err());
        assert!(fill(".\\\" TABLE one\n", &[]).is_err());
    }
}
