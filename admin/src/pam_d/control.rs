//! What Linux-PAM does with the answer of a module: the second word of a line (pam.conf(5)).

use std::ffi::OsStr;

/// What a module says, as far as it makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `PAM_SUCCESS`.
    Success,
    /// `PAM_IGNORE`: it has nothing to say.
    Ignore,
    /// Any error.
    Failure,
}

/// What is done then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The answer counts, unless another failed before.
    Ok,
    /// The same, and that is all, unless another failed before.
    Done,
    /// The stack fails.
    Bad,
    /// The same, and that is all.
    Die,
    /// Nothing.
    Ignore,
    /// What has been said before is forgotten.
    Reset,
    /// So many lines are passed over.
    Jump(usize),
}

/// The second word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// As it is written, in its brackets.
    pub text: String,
    success: Action,
    ignore: Action,
    failure: Action,
}

impl Control {
    /// Reads the word, without its brackets. One that means nothing to Linux-PAM fails whatever the
    /// module says, as there.
    #[must_use]
    pub fn read(word: &OsStr) -> Self {
        let text = word.to_string_lossy();
        let simple = |text: &str, success, failure| Self {
            text: text.to_owned(),
            success,
            ignore: Action::Ignore,
            failure,
        };
        match &*text.to_ascii_lowercase() {
            "required" => simple("required", Action::Ok, Action::Bad),
            "requisite" => simple("requisite", Action::Ok, Action::Die),
            "sufficient" => simple("sufficient", Action::Done, Action::Ignore),
            "optional" => simple("optional", Action::Ok, Action::Ignore),
            "substack" => simple("substack", Action::Ignore, Action::Ignore),
            pairs if pairs.contains('=') => Self::of_pairs(pairs),
            _ => Self { ignore: Action::Bad, ..simple(&text, Action::Bad, Action::Bad) },
        }
    }

    /// `success=ok default=die`. What is not named is bad.
    fn of_pairs(pairs: &str) -> Self {
        let on = |names: &[&str]| {
            let values = pairs.split_whitespace().filter_map(|pair| pair.split_once('='));
            let values: Vec<_> = values.collect();
            let value = |name: &&str| values.iter().find(|(key, _)| key == name);
            names.iter().find_map(value).map_or(Action::Bad, |(_, value)| action(value))
        };
        Self {
            text: format!("[{pairs}]"),
            success: on(&["success", "default"]),
            ignore: on(&["ignore", "default"]),
            failure: on(&["auth_err", "perm_denied", "default"]),
        }
    }

    /// What is done with an answer.
    #[must_use]
    pub fn on(&self, answer: Answer) -> Action {
        match answer {
            Answer::Success => self.success,
            Answer::Ignore => self.ignore,
            Answer::Failure => self.failure,
        }
    }
}

fn action(word: &str) -> Action {
    match word {
        "ok" => Action::Ok,
        "done" => Action::Done,
        "die" => Action::Die,
        "ignore" => Action::Ignore,
        "reset" => Action::Reset,
        _ => word.parse().ok().filter(|&lines| lines > 0).map_or(Action::Bad, Action::Jump),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(word: &str) -> [Action; 3] {
        let control = Control::read(word.as_ref());
        [Answer::Success, Answer::Ignore, Answer::Failure].map(|answer| control.on(answer))
    }

    #[test]
    fn words() {
        use Action::{Bad, Die, Done, Ignore, Jump, Ok, Reset};
        assert_eq!(on("required"), [Ok, Ignore, Bad]);
        assert_eq!(on("Requisite"), [Ok, Ignore, Die]);
        assert_eq!(on("sufficient"), [Done, Ignore, Ignore]);
        assert_eq!(on("optional"), [Ok, Ignore, Ignore]);
        assert_eq!(on("success=2 default=ignore"), [Jump(2), Ignore, Ignore]);
        assert_eq!(on("success=done  auth_err=die"), [Done, Bad, Die]);
        assert_eq!(on("default=reset ignore=ok success=0"), [Bad, Ok, Reset]);
        assert_eq!(on("requird"), [Bad; 3]);
        assert_eq!(Control::read("success=ok".as_ref()).text, "[success=ok]");
    }
}
