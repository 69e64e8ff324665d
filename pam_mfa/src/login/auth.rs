//! The auth phase.

use std::ffi::CStr;

use super::facts::Facts;
use super::{Login, Outcome, Phase, files, rule};
use crate::Paths;
use crate::args::{Args, Enroll};
use crate::pam::Host;
use crate::person::Person;

/// Who is it? Asks for a second factor, unless the policy or the line says otherwise.
pub(crate) fn authenticate(host: &mut impl Host, args: &[&CStr], paths: Paths) -> Outcome {
    let typed = host.user();
    let args = match Args::read(args, paths.owner) {
        Ok(args) => args,
        Err((reason, option)) => {
            let facts = Facts::gather(host, typed.unwrap_or_default());
            return facts.refuse(host, reason, &option, false);
        }
    };
    if args.enroll != Enroll::Never {
        // What an earlier attempt of this login confirmed was not let in.
        drop(host.kept());
    }
    let person = Person::find(typed);
    let mut facts = Facts::gather(host, person.name.clone());
    let ruling =
        files(host, &args, &facts, paths).and_then(|files| rule(host, &mut facts, &person, files));
    let ruling = match ruling {
        Ok(ruling) => ruling,
        Err(denied) => return denied,
    };
    let login = Login { args: &args, facts: &facts, person: &person, ruling: &ruling, paths };
    if args.debug {
        login.describe(host);
    }
    let outcome = login.decide(host, Phase::Auth);
    if outcome != Outcome::Denied {
        login.leave_token(host);
    }
    outcome
}
