//! The options of a PAM line: one table for whoever reads the line and whoever explains it.
//!
//! What is said of an option is for the manual and never for the module, in which none of it ends up.

mod tables;

pub use tables::{Google, Keys, Ours, PamU2f, REFUSED};

/// What stands behind the name of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nothing.
    Word,
    /// `=` and a value, such as `PATH`, or `one|two` where there are no others.
    Value(&'static str),
    /// Nothing, or `=` and this word.
    Either(&'static str),
}

impl Form {
    /// Whether an option may be written so, with a value or without one.
    #[must_use]
    pub fn takes(self, has_value: bool) -> bool {
        match self {
            Self::Word => !has_value,
            Self::Value(_) => has_value,
            Self::Either(_) => true,
        }
    }
}

/// What people read of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// As it is written on the line.
    pub name: &'static str,
    /// What stands behind it.
    pub form: Form,
    /// What it does. What is to be typed stands between backticks.
    pub meaning: &'static str,
}

/// Whether there is an option that is written so: with this name, and with a value or without one.
#[must_use]
pub fn is_known(name: &str, has_value: bool) -> bool {
    let form = None
        .or_else(|| Google::of_name(name).map(Google::form))
        .or_else(|| Ours::of_name(name).map(Ours::form))
        .or_else(|| Keys::of_name(name).map(Keys::form))
        .or_else(|| PamU2f::of_name(name).map(PamU2f::form));
    form.is_some_and(|form| form.takes(has_value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::docs;

    fn names(entries: &[&[Entry]]) -> BTreeSet<String> {
        entries.iter().flat_map(|group| group.iter()).map(|entry| entry.name.to_owned()).collect()
    }

    #[test]
    fn names_are_distinct() {
        let groups = [Google::ENTRIES, Ours::ENTRIES, Keys::ENTRIES, PamU2f::ENTRIES];
        let entries = groups.iter().map(|group| group.len()).sum::<usize>();
        assert_eq!(names(&groups).len(), entries);
        for entry in groups.into_iter().flatten() {
            let (with, without) = (is_known(entry.name, true), is_known(entry.name, false));
            assert_eq!((entry.form.takes(true), entry.form.takes(false)), (with, without));
            assert!(entry.meaning.matches('`').count() % 2 == 0, "{entry:?}");
        }
        assert!(is_known("echo-verification-code", false) && !is_known("Nullok", false));
        assert!(REFUSED.iter().all(|(name, _)| !is_known(name, false) && !is_known(name, true)));
    }

    #[test]
    fn the_documents_list_them() {
        let of_lines = docs::names(include_str!("../../../docs/pam-line.md"), "option");
        assert_eq!(of_lines, names(&[Google::ENTRIES, Ours::ENTRIES, Keys::ENTRIES]));

        let document = include_str!("../../../docs/security-keys.md");
        assert_eq!(docs::names(document, "option of the line"), names(&[Keys::ENTRIES]));
        let mut theirs = names(&[PamU2f::ENTRIES]);
        theirs.extend(REFUSED.iter().map(|(name, _)| (*name).to_owned()));
        theirs.insert("debug".to_owned()); // google-authenticator has it, too
        let document = include_str!("../../../docs/migrating-from-pam_u2f.md");
        assert_eq!(docs::names(document, "pam_u2f"), theirs);
    }
}
