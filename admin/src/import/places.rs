//! What the services of this machine would make of system records.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::pam_d::{Places, Survey, Use, survey, why_without_root};
use crate::world::World;

/// Where the PAM configuration is.
pub fn of(world: &World) -> Places {
    Places {
        directories: vec![world.pam_d.clone(), PathBuf::from("/usr/lib/pam.d")],
        ..Places::default()
    }
}

/// What it says of codes.
pub fn look(world: &World) -> Survey {
    survey(&of(world))
}

/// Services that would go on by the file: then a code counts there and with the record, twice.
///
/// # Errors
/// [`Failure::Refused`] if there is one, or if there may be.
pub fn check(survey: &Survey) -> Result<(), Failure> {
    let place = |one: &Use| {
        let option = one.stays_with_file()?;
        Some(format!("{option} in {} line {}", one.file.display(), one.line))
    };
    let mut named: Vec<_> = survey.uses.iter().filter_map(place).collect();
    named.dedup();
    if !named.is_empty() {
        return Err(Failure::Refused(format!(
            "the file stays in use by {}: a service that goes by it knows nothing of the record, so \
             a code counts twice; take that away, or say --force",
            named.join(", ")
        )));
    }
    match survey.unread.first() {
        None => Ok(()),
        Some((path, error)) => Err(Failure::Refused(format!(
            "{} cannot be read ({error}), so nobody can tell whether secret= names the file there; \
             make it readable, or say --force",
            path.display()
        ))),
    }
}

/// The services that ask for codes without root's rights, and why they have none: they cannot read
/// system records.
pub fn without_root(survey: &Survey) -> BTreeMap<String, &'static str> {
    let asks = survey.uses.iter();
    asks.filter_map(|one| Some((one.service.clone(), why_without_root(&one.service)?))).collect()
}
