//! What a stack comes to, if its modules say this and that: as Linux-PAM 1.5.2 goes through it.

use super::control::{Action, Answer};
use super::stack::Line;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// `PAM_SUCCESS`.
    pub passes: bool,
    /// The lines whose modules were called, in order.
    pub called: Vec<&'a Line>,
}

/// Goes through the lines of one phase.
pub fn dispatch<'a>(lines: &[&'a Line], answer: impl Fn(&Line) -> Answer) -> Outcome<'a> {
    let mut called = Vec::new();
    let mut verdict = None;
    // What it was where each substack began that the line lies in.
    let mut before = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        before.truncate(line.level);
        if line.is_substack() {
            before.push(verdict);
            continue;
        }
        called.push(*line);
        let said = answer(line);
        match line.control.on(said) {
            Action::Ok | Action::Done if said == Answer::Failure => verdict = Some(false),
            action @ (Action::Ok | Action::Done) => {
                if verdict.is_none() && said == Answer::Success {
                    verdict = Some(true);
                }
                if action == Action::Done && verdict == Some(true) {
                    at = end(lines, at, line.level);
                }
            }
            Action::Bad => verdict = Some(false),
            Action::Die => {
                verdict = Some(false);
                at = end(lines, at, line.level);
            }
            Action::Ignore => {}
            Action::Reset => verdict = before.last().copied().flatten(),
            Action::Jump(count) => {
                for _ in 0..count {
                    let Some(next) = behind(lines, at, line.level) else {
                        verdict = Some(false);
                        break;
                    };
                    at = next;
                }
            }
        }
    }
    Outcome { passes: verdict == Some(true), called }
}

/// Behind the substack that the line before `at` lies in.
fn end(lines: &[&Line], at: usize, level: usize) -> usize {
    let rest = lines.iter().skip(at);
    at + rest.take_while(|line| level == 0 || line.level >= level).count()
}

/// Behind the line at `at`, or the substack that it names; `None` if what it should lie in has ended.
fn behind(lines: &[&Line], at: usize, level: usize) -> Option<usize> {
    lines.get(at).filter(|line| line.level >= level)?;
    let deeper = lines.iter().skip(at + 1).take_while(|line| line.level > level);
    Some(at + 1 + deeper.count())
}

#[cfg(test)]
mod tests {
    use super::super::rule::rules;
    use super::super::{Places, Texts};
    use super::*;
    use crate::pam_d::stack::{Phase, Walk};

    /// The modules that are called, in order, and whether it passes. A module says its name: `yes`,
    /// `no`, or anything else for nothing. Files `sub` hold the lines behind `--`.
    fn run(text: &str) -> (String, bool) {
        let dir = tempfile::TempDir::new().unwrap();
        let (text, sub) = text.split_once("--").unwrap_or((text, ""));
        let of = |text: &str| text.replace(';', "\n").replace("# ", "auth ");
        std::fs::write(dir.path().join("sub"), of(sub)).unwrap();
        let places = Places { directories: vec![dir.path().to_owned()], file: "none".into() };
        let mut texts = Texts::default();
        let mut walk = Walk::new(&places, &mut texts);
        walk.rules(dir.path(), rules(of(text).as_bytes()), None);
        let lines = walk.stack.of(Phase::Auth);
        let outcome = dispatch(&lines, |line| match line.name().trim_end_matches('2') {
            "yes" => Answer::Success,
            "no" => Answer::Failure,
            _ => Answer::Ignore,
        });
        let called: Vec<_> = outcome.called.iter().map(|line| line.name()).collect();
        (called.join(" "), outcome.passes)
    }

    #[test]
    fn what_stacks_come_to() {
        for (text, called, passes) in [
            ("", "", false),
            ("# required x", "x", false),
            ("# required x; # required yes", "x yes", true),
            ("# required no; # required yes", "no yes", false),
            ("# requisite no; # required yes", "no", false),
            ("# sufficient yes; # required no", "yes", true),
            ("# required no; # sufficient yes; # required yes2", "no yes yes2", false),
            ("# sufficient no; # required yes", "no yes", true),
            ("# sufficient no", "no", false),
            ("# optional no; # optional yes", "no yes", true),
            // A jump says nothing by itself.
            ("# [success=1 default=ignore] yes; # requisite no; # required yes2", "yes yes2", true),
            ("# [success=1 default=ignore] yes; # requisite no", "yes", false),
            ("# [success=2 default=ignore] yes; # required yes2", "yes", false),
            ("# required no; # [default=reset] x; # required yes", "no x yes", true),
            ("# [success=ok default=ok] no; # required yes", "no yes", false),
            ("# requird yes; # required yes2", "yes yes2", false),
            // What ends a substack ends that alone.
            (
                "# substack sub; # required yes2 -- # sufficient yes; # requisite no",
                "yes yes2",
                true,
            ),
            ("# substack sub; # required yes2 -- # requisite no; # required yes", "no yes2", false),
            ("# include sub; # required no -- # sufficient yes", "yes", true),
            // To a jump a substack is one line.
            (
                "# [success=1 default=ignore] yes; # substack sub; # required yes2 \
                 -- # required no; # required no2",
                "yes yes2",
                true,
            ),
            (
                "# required yes; # substack sub -- # required no; # [default=reset] x",
                "yes no x",
                true,
            ),
        ] {
            assert_eq!(run(text), (called.to_owned(), passes), "{text}");
        }
    }
}
