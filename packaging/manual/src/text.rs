//! Text to roff: what is to be typed in bold, what stands for something else in italics (man-pages(7)).

use roff::{Inline, bold, italic, roman};

/// A sentence in which what is to be typed stands between backticks.
pub fn sentence(text: &str) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 1 {
            inlines.extend(typed(part));
        } else if !part.is_empty() {
            inlines.push(roman(part));
        }
    }
    inlines
}

/// What is to be typed; words in capitals stand for something else.
pub fn typed(text: &str) -> Vec<Inline> {
    words(text)
        .into_iter()
        .map(|word| {
            let letters = word.chars().filter(char::is_ascii_alphabetic);
            let is_placeholder = letters.clone().count() > 0
                && letters.clone().all(|letter| letter.is_ascii_uppercase());
            if is_placeholder { italic(word) } else { bold(word) }
        })
        .collect()
}

/// `mfactl policy try [OPTIONS] --for <TIME> <FILE>`, as clap has it.
pub fn usage(line: &str) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for (place, word) in line.split(' ').enumerate() {
        if place > 0 {
            inlines.push(roman(" "));
        }
        let name = word.trim_matches(['<', '>', '[', ']', '.']);
        let (before, after) = word.split_once(name).unwrap_or((word, ""));
        match (before, after) {
            ("", _) => inlines.push(bold(name)),
            ("<", ">") => inlines.push(italic(name)),
            _ => inlines.extend([roman(before), italic(name), roman(after)]),
        }
    }
    inlines
}

/// Runs of letters and of anything else, in their order.
fn words(text: &str) -> Vec<&str> {
    let is_of_word = |symbol: char| symbol.is_ascii_alphanumeric() || symbol == '_';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|symbol| is_of_word(symbol) != is_of_word(first)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind;
    }
    words
}

#[cfg(test)]
mod tests {
    use roff::Roff;

    use super::*;

    fn shown(inlines: Vec<Inline>) -> String {
        Roff::new().text(inlines).to_roff()
    }

    #[test]
    fn what_is_typed_is_bold() {
        assert_eq!(
            shown(sentence("Say `store=home`, or `%u` for `FILE.pub`.")),
            "Say \\fBstore\\fR\\fB=\\fR\\fBhome\\fR, or \\fB%\\fR\\fBu\\fR for \\fIFILE\\fR\\fB.\\fR\\fBpub\\fR.\n"
        );
    }

    #[test]
    fn usages() {
        assert_eq!(
            shown(usage("mfactl check [OPTIONS] [FILE|USER]... --for <TIME>")),
            "\\fBmfactl\\fR \\fBcheck\\fR [\\fIOPTIONS\\fR] [\\fIFILE|USER\\fR]... \\fB\\-\\-for\\fR \\fITIME\\fR\n"
        );
    }
}
