//! The grammar of option lines, `" KEY VALUE`: found and replaced as google-authenticator does.

use zeroize::Zeroizing;

use super::scan::{skip, until};

const NEWLINES: &[u8] = b"\r\n";
const BLANKS: &[u8] = b" \t";

/// A line's content, and the line with the whole run of CR and LF that ends it.
fn lines(mut text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (content, ending) = until(text, NEWLINES);
        let rest = skip(ending, NEWLINES);
        let (line, _) = text.split_at(text.len() - rest.len());
        text = rest;
        Some((content, line))
    })
}

/// The value, if this is a line of `key`.
fn value<'a>(content: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let behind = content.strip_prefix(b"\" ")?.strip_prefix(key.as_bytes())?;
    let value = skip(behind, BLANKS);
    (behind.is_empty() || value.len() < behind.len()).then_some(value)
}

/// All option lines, found once.
pub(super) struct Options<'a>(Vec<&'a [u8]>);

impl<'a> Options<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        let contents = lines(text).map(|(content, _)| content);
        Self(contents.filter(|content| content.starts_with(b"\" ")).collect())
    }

    /// The value of the first line of `key`: without the blanks before it, with those after it.
    pub(super) fn get(&self, key: &str) -> Option<&'a [u8]> {
        self.0.iter().find_map(|content| value(content, key))
    }
}

/// [`Options::get`] of a text.
pub(super) fn get<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    Options::of(text).get(key)
}

/// Puts `new` on the first line of `key` and deletes the later ones; without any, a line is made
/// just below the secret. Either ends with one LF, whatever ended the old one.
pub(super) fn set(text: &[u8], key: &str, new: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for all at once: a vector that grows leaves a copy of the secret behind.
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + key.len() + new.len() + 5));
    let mut pending = Some([b"\" ", key.as_bytes(), b" ", new, b"\n"]);
    let present = get(text, key).is_some();
    for (content, line) in lines(text) {
        let replaced = value(content, key).is_some();
        if !replaced {
            out.extend_from_slice(line);
        }
        if replaced != present {
            continue;
        }
        if let Some(parts) = pending.take() {
            // A secret without a newline would otherwise grow by the new line.
            if !replaced && content.len() == line.len() {
                out.push(b'\n');
            }
            for part in parts {
                out.extend_from_slice(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_text(text: &str, key: &str, new: &str) -> String {
        String::from_utf8(set(text.as_bytes(), key, new.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn a_value_runs_to_the_end_of_its_line() {
        let text = b"S\r\n\" A  1 2 \r\n\n\" AB x\n\" C\n\"  D 1\n\" A 9";
        assert_eq!(get(text, "A"), Some(&b"1 2 "[..]));
        assert_eq!(get(text, "AB"), Some(&b"x"[..]));
        assert_eq!(get(text, "C"), Some(&b""[..]));
        assert_eq!(get(text, "D"), None);
        assert_eq!(get(b"\" A 5", "A"), Some(&b"5"[..]), "line 1 is looked at too");
    }

    #[test]
    fn a_new_line_goes_below_the_secret() {
        assert_eq!(set_text("S\n\" B 1\n12345678\n", "A", "7"), "S\n\" A 7\n\" B 1\n12345678\n");
        assert_eq!(set_text("S\r\n\r\nx", "A", "7"), "S\r\n\r\n\" A 7\nx");
        assert_eq!(set_text("S", "A", "7"), "S\n\" A 7\n");
    }

    #[test]
    fn a_rewrite_takes_the_newlines_and_the_duplicates() {
        assert_eq!(
            set_text("S\n\" A 1\r\n\n\n\" B\n\" A 2\n\" A\n9", "A", ""),
            "S\n\" A \n\" B\n9"
        );
        assert_eq!(set_text("S\n\" A 1", "A", "2"), "S\n\" A 2\n");
        assert_eq!(set_text("S\n\" AB 1\n", "A", "2"), "S\n\" A 2\n\" AB 1\n");
    }
}
