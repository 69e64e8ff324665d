//! One of our lines by itself, of whatever phase.

use super::{Service, at};
use crate::doctor::diagnosis::{Diagnosis, Word};
use crate::doctor::line::{enrols, has, unknown, value};
use crate::pam_d::Line;

/// What pam_u2f calls its options: they say how keys in this machine's port are asked.
const OF_U2F: [&str; 18] = [
    "authfile",
    "expand",
    "openasuser",
    "cue",
    "cue_prompt",
    "origin",
    "appid",
    "nouserok",
    "max_devices",
    "userpresence",
    "userverification",
    "pinverification",
    "interactive",
    "prompt",
    "nodetect",
    "authpending_file",
    "debug_file",
    "conf",
];

impl Service<'_> {
    /// What is wrong with a line of ours, whatever stands around it.
    pub(super) fn line(&self, line: &Line) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        let module = line.module.display();
        match (self.modules.of(&line.module), &self.modules.usual) {
            (None, _) => found.push(at(
                line,
                Word::NoModule,
                format!("there is no {module}, so every login fails"),
                "install the module, or correct its path",
            )),
            (Some(file), Some(usual)) if file != *usual => found.push(at(
                line,
                Word::OtherModule,
                format!(
                    "{module} is another file than {}, which other lines load",
                    usual.display()
                ),
                "say pam_mfa.so without a path, and remove the other file",
            )),
            _ => {}
        }
        found.extend(unknown(line).map(|option| {
            let cause = format!("there is no option {option:?}, so every login is denied");
            at(line, Word::UnknownOption, cause, "correct it, or take it out")
        }));
        let of_u2f =
            || OF_U2F.iter().find(|option| has(line, option) || value(line, option).is_some());
        if let Some(option) = of_u2f().filter(|_| !has(line, "u2f")) {
            let cause = format!("{option} stands without u2f, so every login is denied");
            found.push(at(line, Word::BadOption, cause, "add u2f, or take it out"));
        }
        if enrols(line) {
            let contradicted = ["secret", "forward_pass", "use_first_pass"]
                .iter()
                .any(|option| has(line, option) || value(line, option).is_some())
                || value(line, "store").is_some_and(|store| store == "home");
            if !has(line, "account=yes") {
                let cause = "enroll stands without account=yes, so every login is denied";
                let mend = "add account=yes, and the line account required pam_mfa.so";
                found.push(at(line, Word::BadOption, cause, mend));
            } else if contradicted {
                let cause = "enroll does not go with secret=, store=home, forward_pass or \
                             use_first_pass, so every login is denied";
                found.push(at(line, Word::BadOption, cause, "take one of them out"));
            }
        }
        found
    }
}
