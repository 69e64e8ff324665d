//! The lines of a PAM configuration file, cut up as Linux-PAM 1.5.2 was seen to do it; pam.conf(5)
//! leaves the odd ones open.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// One line that may mean something, with the lines that continue it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The first line, from 1 on.
    pub line: usize,
    /// At least one word.
    pub words: Vec<OsString>,
}

/// Cuts a file into its rules. A line that ends with a backslash goes on in the next one that is
/// neither blank nor a comment; behind a comment a backslash means nothing.
#[must_use]
pub fn rules(text: &[u8]) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut pending: Option<(usize, Vec<u8>)> = None;
    for (line, text) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let end = text.iter().position(|byte| b"#\0".contains(byte));
        let (text, comment) = text.split_at(end.unwrap_or(text.len()));
        let Some(last) = text.iter().rposition(|byte| !BLANKS.contains(byte)) else { continue };
        let (text, _) = text.split_at(last + 1);
        let (first, mut joined) = pending.take().unwrap_or((line, Vec::new()));
        if let Some(text) = text.strip_suffix(b"\\").filter(|_| comment.is_empty()) {
            joined.extend_from_slice(text);
            joined.push(b' ');
            pending = Some((first, joined));
        } else {
            joined.extend_from_slice(text);
            rules.push(Rule { line: first, words: words(&joined) });
        }
    }
    // To Linux-PAM a file that ends in the middle of a rule is broken. Here it is better to know.
    rules.extend(pending.map(|(line, text)| Rule { line, words: words(&text) }));
    rules.retain(|rule| !rule.words.is_empty());
    rules
}

const BLANKS: &[u8] = b" \t\n";

/// Words are separated by blanks. One that begins with `[` ends at `]`, whatever comes behind it, and
/// holds blanks, and `]` where `\]` is written; without one it goes on to the rule's end.
fn words(text: &[u8]) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let mut word = Vec::new();
        match byte {
            b'[' => {
                while let Some(byte) = rest.next().filter(|&byte| byte != b']') {
                    match (byte, rest.peek()) {
                        (b'\\', Some(b']')) => word.extend(rest.next()),
                        _ => word.push(byte),
                    }
                }
            }
            byte if BLANKS.contains(&byte) => continue,
            byte => {
                word.push(byte);
                while let Some(byte) = rest.next_if(|byte| !BLANKS.contains(byte)) {
                    word.push(byte);
                }
            }
        }
        words.push(OsString::from_vec(word));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, String)> {
        let shown = |rule: Rule| {
            let words: Vec<_> = rule.words.iter().map(|word| word.to_str().unwrap()).collect();
            (rule.line, words.join("|"))
        };
        rules(text.as_bytes()).into_iter().map(shown).collect()
    }

    fn one(text: &str) -> String {
        let rules = read(text);
        assert_eq!(rules.len(), 1, "{rules:?}");
        rules.into_iter().next().unwrap().1
    }

    #[test]
    fn lines_that_go_on() {
        for text in ["m a \\\n b", "m a\\\nb", "m a \\  \n b", "m a \\\n\n b", "m a \\\n# c\n b\n"]
        {
            assert_eq!(one(text), "m|a|b", "{text}");
        }
        assert_eq!(
            read("m a \\\n b # c \\\n c\nn"),
            [(1, "m|a|b".into()), (3, "c".into()), (4, "n".into())]
        );
        assert_eq!(read("\n# c \\\nm\n\nn x"), [(3, "m".into()), (5, "n|x".into())]);
        assert_eq!(one("m a \\"), "m|a", "the file's end");
        assert_eq!(one("m a\\\r"), "m|a\\\r", "no continuation");
        assert_eq!(read("\\\n \\\n"), []);
    }

    #[test]
    fn comments_begin_anywhere() {
        assert_eq!(one("m a#b c"), "m|a");
        assert_eq!(one("m [a#b c] d"), "m|a");
        assert_eq!(one("m a\0b"), "m|a", "a C string ends there");
    }

    #[test]
    fn brackets() {
        assert_eq!(one("m [secret=/a b] c"), "m|secret=/a b|c");
        assert_eq!(one("m secret=[/a b] c"), "m|secret=[/a|b]|c", "only at the start of a word");
        assert_eq!(one("m [a \\] b]c d"), "m|a ] b|c|d");
        assert_eq!(one("m [a [b] c] d"), "m|a [b|c]|d");
        assert_eq!(one("auth [success=ok]m x"), "auth|success=ok|m|x");
        assert_eq!(one("m [] x"), "m||x");
        assert_eq!(one("m [a b"), "m|a b");
        assert_eq!(one("m [a \\\n b] x"), "m|a   b|x");
        assert_eq!(one("m [a\\b]"), "m|a\\b");
    }

    #[test]
    fn blanks_are_spaces_and_tabs() {
        assert_eq!(one(" \ta\t\tb "), "a|b");
        assert_eq!(one("a\u{b}b c\r"), "a\u{b}b|c\r");
        assert_eq!(read(" \n\t\n#\n"), []);
    }
}
