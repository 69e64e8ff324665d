//! Commands of ours in running text, beside the definition of their command lines.

use clap::{Arg, Command};

/// What is wrong with these words, if they are a command of ours.
///
/// # Errors
/// The word that there is not.
pub fn check(text: &str) -> Result<(), String> {
    let mut words = text.split_whitespace().map(|word| word.trim_end_matches([',', ';', ':']));
    let program = words.by_ref().find(|word| *word != "sudo").unwrap_or_default();
    let mut command = match program.rsplit('/').next() {
        Some("mfactl") => mfactl::definition(),
        Some("mfa-enroll") => mfa_enroll::definition(),
        Some("make") => return make(words),
        _ => return Ok(()),
    };
    command.build();
    let mut words =
        words.take_while(|word| !matches!(*word, "|" | ">" | "<" | "&&" | "#")).peekable();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let flag = find(&command, |flag| has_long(flag, name));
            let takes_one = flag.ok_or(format!("{text}: there is no --{name}"))?;
            if takes_one && value.is_none() {
                words.next();
            }
        } else if let Some(letters) = word
            .strip_prefix('-')
            .filter(|letters| letters.starts_with(|letter: char| letter.is_ascii_alphabetic()))
        {
            for (at, letter) in letters.char_indices() {
                let flag = find(&command, |flag| flag.get_short() == Some(letter));
                if flag.ok_or(format!("{text}: there is no -{letter}"))? {
                    if at + 1 == letters.len() {
                        words.next();
                    }
                    break;
                }
            }
        } else if let Some(next) = command.find_subcommand(word) {
            command = next.clone();
        } else if command.has_subcommands()
            && command.get_positionals().next().is_none()
            && !is_a_place(word)
        {
            return Err(format!("{text}: {} has no {word}", command.get_name()));
        } else if !command.has_subcommands() && command.get_positionals().next().is_none() {
            return Err(format!("{text}: {} takes no {word}", command.get_name()));
        }
    }
    Ok(())
}

/// The same of targets of the Makefile.
fn make<'a>(words: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let rules = include_str!("../../../Makefile");
    let is_rule = |target: &str| rules.lines().any(|line| line.starts_with(&format!("{target}:")));
    let targets: Vec<_> = words.filter(|word| !word.contains('=')).collect();
    let of_others = targets.contains(&"-f");
    let none = targets.iter().find(|target| !of_others && !is_rule(target));
    none.map_or(Ok(()), |none| Err(format!("make has no {none}")))
}

/// A word for what somebody puts there.
fn is_a_place(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether there is such a flag, and whether it takes a value.
fn find(command: &Command, is_it: impl Fn(&Arg) -> bool) -> Option<bool> {
    command.get_arguments().find(|arg| is_it(arg)).map(|flag| flag.get_action().takes_values())
}

fn has_long(flag: &Arg, name: &str) -> bool {
    let aliases = flag.get_all_aliases().unwrap_or_default();
    flag.get_long() == Some(name) || aliases.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is() {
        for text in [
            "mfactl",
            "sudo mfactl codes alice --new",
            "/usr/sbin/mfactl COMMAND --help",
            "mfa-enroll -tdfuw 3 --json",
            "mfa-enroll -tDfw3",
            "mfa-enroll key add --user alice",
            "mfactl policy",
            "mfactl doctor --json | jq",
            "make compliance CASES=20000",
            "make -f /usr/share/others/Makefile theirs",
            "other --things",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_there_is_not() {
        for (text, missing) in [
            ("mfactl enrol alice", "mfactl has no enrol"),
            ("sudo mfactl codes alice --old", "there is no --old"),
            ("mfactl policy test", "policy has no test"),
            ("mfa-enroll -tz", "there is no -z"),
            ("mfactl codes alice -x", "there is no -x"),
            ("make chekc", "make has no chekc"),
        ] {
            let said = check(text).expect_err(text);
            assert!(said.contains(missing), "{said}");
        }
    }
}
