//! One scenario with both modules: what is the same, and what differs for a reason that is known.

use std::fmt;

use crate::known::is_only_told;
use crate::lab::{Lab, Module, Seen};
use crate::scenario::{Expected, Login, Scenario};

/// The lines that only one of two sights has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Only with the original.
    pub theirs: Vec<String>,
    /// Only with ours.
    pub ours: Vec<String>,
}

impl Difference {
    fn between(theirs: &Seen, ours: &Seen) -> Self {
        let less = |these: &Seen, those: &Seen| {
            let mut left = these.clone();
            for line in those {
                if let Some(at) = left.iter().position(|other| other == line) {
                    left.remove(at);
                }
            }
            left
        };
        let difference = Self { theirs: less(theirs, ours), ours: less(ours, theirs) };
        if theirs != ours && difference.is_none() {
            let order = || vec!["in another order".to_owned()];
            return Self { theirs: order(), ours: order() };
        }
        difference
    }

    /// All of them.
    pub fn lines(&self) -> impl Iterator<Item = &String> {
        self.theirs.iter().chain(&self.ours)
    }

    fn is_none(&self) -> bool {
        self.lines().next().is_none()
    }
}

/// Runs a scenario with both modules.
///
/// # Errors
/// What differs without a reason, or is not as expected.
pub fn compare(lab: &Lab, scenario: &Scenario) -> Result<(), String> {
    let [theirs, ours] = [Module::Theirs, Module::Ours].map(|module| lab.run(scenario, module));
    for (login, (theirs, ours)) in scenario.logins.iter().zip(theirs.iter().zip(&ours)) {
        let mut difference = Difference::between(theirs, ours);
        let expected = match &login.expected {
            Expected::Differs(_, theirs, ours) => {
                let [theirs, ours] = [theirs, ours].map(|lines| meant(scenario, login, lines));
                Difference { theirs, ours }
            }
            Expected::Same | Expected::Both(_) => {
                difference.ours.retain(|line| !is_only_told(line));
                Difference::default()
            }
        };
        let is_as_said = match login.expected {
            Expected::Both(word) => theirs[0] == word && ours[0] == word,
            Expected::Same | Expected::Differs(..) => true,
        };
        if difference == expected && is_as_said {
            continue;
        }
        let sight = Sight { scenario, login, theirs, ours, difference: &difference };
        if matches!(login.expected, Expected::Same) && sight.is_explained() {
            // From here on the two have different files.
            return Ok(());
        }
        return Err(sight.to_string());
    }
    Ok(())
}

fn meant(scenario: &Scenario, login: &Login, lines: &[&str]) -> Vec<String> {
    let meaning = scenario.meaning(login.later);
    let texts = lines.iter().map(|line| meaning.of(line));
    texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

/// A login that is not as it should be, and everything of it.
pub struct Sight<'a> {
    /// Where it belongs.
    pub scenario: &'a Scenario,
    /// The login itself.
    pub login: &'a Login,
    /// With the original.
    pub theirs: &'a Seen,
    /// With ours.
    pub ours: &'a Seen,
    /// Without the hints that are not compared.
    pub difference: &'a Difference,
}

impl fmt::Display for Sight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scenario)?;
        writeln!(
            f,
            "after {} s, where this was expected: {:?}",
            self.login.later, self.login.expected
        )?;
        let Difference { theirs, ours } = self.difference;
        theirs.iter().try_for_each(|line| writeln!(f, "  only theirs: {line}"))?;
        ours.iter().try_for_each(|line| writeln!(f, "  only ours: {line}"))?;
        self.ours.iter().try_for_each(|line| writeln!(f, "  all of ours: {line}"))
    }
}
