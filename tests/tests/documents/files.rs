//! Files that documents show: TOML and lines of PAM, read by what reads them on a host.

use mfa_core::options;
use mfa_core::policy::{Policy, bypass};
use mfa_core::record::Record;

/// What is wrong with this TOML: a policy, a bypass list or a record.
///
/// # Errors
/// What its reader says.
pub fn toml(text: &str) -> Result<(), String> {
    let has = |word: &str| text.lines().any(|line| line.starts_with(word));
    let read = if has("[[bypass]]") {
        bypass::read(text.as_bytes()).map(drop)
    } else if has("user =") {
        return Record::read(whole(text).as_bytes())
            .map(drop)
            .map_err(|mistake| format!("{mistake:?}"));
    } else {
        let whole = if has("version") { text.to_owned() } else { format!("version = 1\n{text}") };
        Policy::read(whole.as_bytes()).map(drop)
    };
    read.map_err(|mistake| format!("{mistake:?}"))
}

/// With something in the place of what a document leaves out of a record: what is long.
fn whole(text: &str) -> String {
    let long = [
        ("public = \"...\"", format!("public = \"{}==\"", "BwcH".repeat(21) + "Bw")),
        ("handle = \"...\"", "handle = \"aGFuZGxl\"".to_owned()),
        (
            "AAAA...\"",
            format!(
                "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAcH{}AAAABHNzaDo=\"",
                "BwcH".repeat(10)
            ),
        ),
        ("hashes = [\"...\"]", format!("hashes = [\"{}\"]", "07".repeat(32))),
    ];
    long.iter().fold(text.to_owned(), |text, (shown, meant)| text.replace(shown, meant))
}

/// What is wrong with a line of PAM, if our module is on it.
///
/// # Errors
/// The option that is wrong, or what lacks.
pub fn pam_line(line: &str) -> Result<(), String> {
    let words = words(line);
    let Some(at) = words.iter().position(|word| word.rsplit('/').next() == Some("pam_mfa.so"))
    else {
        return Ok(());
    };
    // In a text often only the end of a line is shown.
    if at > 0 {
        let kind = words[0].trim_start_matches('-');
        if !["auth", "account", "session"].contains(&kind) || at != 2 {
            return Err(format!("{line}: no line of PAM begins so"));
        }
    }
    for word in &words[at + 1..] {
        let (name, has_value) =
            word.split_once('=').map_or((word.as_str(), false), |(name, _)| (name, true));
        if !options::is_known(name, has_value) {
            return Err(format!("{line}: there is no option {word}"));
        }
    }
    Ok(())
}

/// As pam.conf(5) has them: blanks in brackets part nothing. What authselect puts a condition behind is the line.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    let line = line.split('#').next().unwrap_or_default();
    let mut rest = line.split(" {").next().unwrap_or_default().trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_pam() {
        for line in [
            "auth required pam_mfa.so nullok",
            "auth  [success=1 default=ignore]  pam_mfa.so [authtok_prompt=Your code: ] retry=2",
            "pam_mfa.so enroll account=yes # all",
            "auth required pam_mfa.so nullok {include if \"with-mfa\"}",
            "auth required pam_mfa.so secret=/srv/${USER}",
            "auth required pam_unix.so nonsense",
            "",
        ] {
            assert_eq!(pam_line(line), Ok(()), "{line}");
        }
        for line in [
            "auth required pam_mfa.so nulok",
            "auth pam_mfa.so",
            "authentication required pam_mfa.so",
            "auth required pam_mfa.so nullok=1",
        ] {
            assert!(pam_line(line).is_err(), "{line}");
        }
    }

    #[test]
    fn files_of_toml() {
        let rule = "[[rule]]\nname = \"a\"\nskip = \"b\"\n";
        assert_eq!(toml(rule), Ok(()));
        assert_eq!(toml(&format!("version = 1\n{rule}")), Ok(()));
        assert!(toml(&rule.replace("skip", "spik")).is_err());
        assert!(toml("[[bypass]]\nnetwork = \"a\"\n").is_err());
    }
}
