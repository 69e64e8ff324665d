//! What a picture of a terminal shows, beside what there was.

/// Compares them line by line, but for what differs each time.
///
/// # Errors
/// Where they differ.
pub fn compare(shown: &str, printed: &str) -> Result<(), String> {
    let (shown, printed) = (lines(shown), lines(printed));
    if matches(&shown, &printed) {
        return Ok(());
    }
    Err(format!("is shown with\n{}\nbut prints\n{}", shown.join("\n"), printed.join("\n")))
}

/// Lines; `...` is any number of them.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [first, rest @ ..] if first == "..." => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        [first, rest @ ..] => printed.first() == Some(first) && matches(rest, &printed[1..]),
    }
}

/// Those that say something, with marks in the place of what differs each time: numbers, secrets, pictures.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let line = if line.contains(['█', '▀', '▄']) {
            "(picture)".to_owned()
        } else {
            marked(line)
        };
        if line != "(picture)" || lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

fn marked(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        rest = &rest[word.len()..];
        if word.is_empty() {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            text.push_str(&mark(&word));
        }
    }
    text
}

/// A number is N, whatever it is; a secret or recovery code is a mark as well.
fn mark(word: &str) -> String {
    let is_base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        "N".to_owned()
    } else if word.len() >= 16 && word.bytes().all(is_base32) {
        "SECRET".to_owned()
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_each_time_does_not_matter() {
        let shown = "Scan this:\n█▀▀█\nKey: GEZDGNBVGY3TQOJQ\n...\nThe next one comes in 12 s.\n";
        let printed =
            "Scan this:\n\n██▀\n▄██\nKey: ABCDEFGHIJKLMNOPQRST\na\nb\nThe next one comes in 3 s.\n";
        assert_eq!(compare(shown, printed), Ok(()));
        for (old, new) in [("next", "last"), ("█▀▀█\n", ""), ("Scan this", "Scan that")] {
            assert!(compare(&shown.replace(old, new), printed).is_err(), "{new}");
        }
        assert!(compare("a\n", "a\nb\n").is_err());
        assert!(compare("a\nb\n", "a\n").is_err());
    }
}
