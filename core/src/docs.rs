//! What the documents list, for tests that they list what there is.

use std::collections::BTreeSet;

/// The names in the first column of all tables whose first column is called so: what stands there between
/// backticks, without a value.
pub(crate) fn names(text: &str, column: &str) -> BTreeSet<String> {
    let header = format!("| {column} |");
    let mut names = BTreeSet::new();
    let mut is_in = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with(&header) {
            is_in = true;
        } else if !line.starts_with('|') {
            is_in = false;
        } else if is_in {
            let cell = line.split(" | ").next().unwrap_or_default();
            let words = cell.split('`').skip(1).step_by(2);
            let word = |word: &str| word.split([' ', '=']).next().unwrap_or_default().to_owned();
            names.extend(words.map(word));
        }
    }
    assert!(!names.is_empty(), "no table with {header}");
    names
}
