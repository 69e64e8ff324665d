//! Security keys in mappings of pam_u2f, as far as some service goes by them.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use mfa_core::account::Key;
use mfa_core::store::{Keeper, Mapping};
use mfa_core::u2f::{MAX_DEVICES, Options, USUAL_FILE, usual_origin};
use nix::unistd::Uid;

use crate::failure::Failure;
use crate::homes::Home;
use crate::pam_d::{Line, Phase, Stacks};
use crate::world::World;

/// The mappings of this machine, each once.
#[derive(Debug, Default)]
pub struct Mappings(Vec<Place>);

/// A mapping, for any user.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Below the home, unless it is absolute.
    path: String,
    options: Options,
}

/// What a person's keys are, and where they were found.
#[derive(Debug, Default)]
pub struct Found {
    /// Each once.
    pub keys: Vec<Key>,
    /// The mappings that have them.
    pub paths: Vec<PathBuf>,
}

impl Mappings {
    /// Those that services go by.
    ///
    /// # Errors
    /// [`Failure::Refused`]: a line leaves it to a file to say where its mapping is.
    pub fn of_services(stacks: &Stacks, world: &World) -> Result<Self, Failure> {
        let mut places = Vec::new();
        for line in stacks.services.values().flat_map(|stack| &stack.lines) {
            if asks_for_keys(line) {
                let place = Place::of_line(line, world)?;
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        Ok(Self(places))
    }

    /// This one alone, an administrator's, with keys for `origin` or for this machine.
    ///
    /// # Errors
    /// [`Failure::Refused`]: the path makes no sense.
    pub fn named(path: &Path, origin: Option<&str>, world: &World) -> Result<Self, Failure> {
        let wrong = |why: &dyn Display| Failure::Refused(format!("{}: {why}", path.display()));
        let path = std::path::absolute(path).map_err(|error| wrong(&error))?;
        let path = path.into_os_string().into_string().map_err(|_| wrong(&"not in UTF-8"))?;
        Ok(Self(vec![Place { path, options: options(origin, None, world) }]))
    }

    /// The keys of a person.
    ///
    /// # Errors
    /// What is wrong with a mapping, or [`Failure::Refused`]: nobody can tell what a key is for.
    pub fn find(&self, home: &Home) -> Result<Found, Failure> {
        let mut found = Found::default();
        for place in &self.0 {
            let mapping = place.mapping(home);
            let keys = mapping.read()?;
            if !keys.is_empty() {
                found.paths.push(mapping.path);
            }
            for key in keys {
                match found.keys.iter().find(|known| known.public == key.public) {
                    None => found.keys.push(key),
                    Some(known) if known.application == key.application => {}
                    Some(known) => {
                        return Err(Failure::Refused(format!(
                            "services take the same key for one of {} and of {}; name the mapping with \
                             --u2f and what its keys are for with --origin",
                            known.application, key.application
                        )));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// pam_u2f, or ours in its place.
fn asks_for_keys(line: &Line) -> bool {
    let is_ours = line.name() == "pam_mfa.so" && line.options.iter().any(|option| option == "u2f");
    line.phase == Phase::Auth && (is_ours || line.name() == "pam_u2f.so")
}

impl Place {
    fn of_line(line: &Line, world: &World) -> Result<Self, Failure> {
        // The last one counts.
        let value = |name: &str| {
            let mut options = line.options.iter().rev().filter_map(|option| option.to_str());
            options.find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
        };
        let has = |name: &str| line.options.iter().any(|option| option == name);
        let place = format!("{} line {}", line.file.display(), line.number);
        if has("sshformat") || value("conf").is_some() {
            return Err(Failure::Refused(format!(
                "{place} has conf= or sshformat, which are not followed here; name a mapping with --u2f"
            )));
        }
        let path = value("authfile").unwrap_or(USUAL_FILE).to_owned();
        // What is no sign stands for itself.
        let path = if has("expand") { path } else { path.replace('%', "%%") };
        let demands = |name| value(name) == Some("1");
        let options = Options {
            // pam_u2f passes over what is no number.
            max_devices: value("max_devices").and_then(|it| it.parse().ok()).unwrap_or(MAX_DEVICES),
            touch: value("userpresence") != Some("0"),
            verification: demands("userverification"),
            pin: demands("pinverification"),
            ..options(value("origin"), value("appid"), world)
        };
        Ok(Self { path, options })
    }

    fn mapping(&self, home: &Home) -> Mapping {
        let parts = self.path.split("%%").map(|part| part.replace("%u", &home.user));
        let path = PathBuf::from(parts.collect::<Vec<_>>().join("%"));
        let (path, keeper) = if path.is_absolute() {
            (path, Keeper::Owner(Uid::effective()))
        } else {
            (home.dir.join(path), Keeper::User(home.file.rights))
        };
        Mapping { path, keeper, user: home.user.clone(), options: self.options.clone() }
    }
}

fn options(origin: Option<&str>, appid: Option<&str>, world: &World) -> Options {
    let usual = || usual_origin(&world.host.to_string_lossy());
    let origin = origin.map_or_else(usual, str::to_owned);
    Options {
        appid: appid.map_or_else(|| origin.clone(), str::to_owned),
        origin,
        max_devices: MAX_DEVICES,
        touch: true,
        verification: false,
        pin: false,
    }
}
