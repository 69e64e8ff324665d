//! New names, fewer credentials, another user id.

use mfa_core::fresh::forget;
use mfa_core::notice::Kind;
use mfa_core::record::{Name, Record};
use mfa_core::store::Lost;

use crate::failure::Failure;
use crate::log::{changed, enrolled};
use crate::person::Person;
use crate::time::moment;
use crate::world::World;

/// What came of it.
pub struct Done {
    pub user: String,
    /// Whether anything was changed.
    pub changed: bool,
    /// The sentence about it, without the user.
    pub said: String,
}

impl Done {
    fn changed(user: &str, said: String) -> Self {
        Self { user: user.to_owned(), changed: true, said }
    }
}

pub fn rename(person: &Person, old: &str, new: &Name, world: &World) -> Result<Done, Failure> {
    let (mut edit, mut record) = person.edit(Lost::Refuse)?;
    let user = &person.name;
    let what = what(&record, old)?;
    if old != new.as_str() && record.names().any(|other| other == new) {
        return Err(Failure::Refused(format!(
            "{user} has a credential or key {:?} already; rename or remove that one first",
            new.as_str()
        )));
    }
    let credentials = record.credentials.iter_mut().map(|credential| &mut credential.name);
    let keys = record.keys.iter_mut().map(|key| &mut key.name);
    credentials
        .chain(keys)
        .filter(|name| name.as_str() == old)
        .for_each(|name| *name = new.clone());
    let state = edit.state().cloned().unwrap_or_default();
    edit.save(record, state)?;
    changed(world, ("user", user), what, old, new.as_str());
    Ok(Done::changed(user, format!("{old:?} is called {:?} now.", new.as_str())))
}

pub fn remove(person: &Person, name: &str, last: bool, world: &World) -> Result<Done, Failure> {
    let (mut edit, mut record) = person.edit(Lost::Refuse)?;
    let user = &person.name;
    let what = what(&record, name)?;
    let mut state = edit.state().cloned().unwrap_or_default();
    if record.names().count() > 1 {
        record.credentials.retain(|credential| credential.name.as_str() != name);
        record.keys.retain(|key| key.name.as_str() != name);
        state.retain(&record);
        state.notify(Kind::Removed, (world.clock)());
        edit.save(record, state)?;
        forget(world.run, user, None)?;
        changed(world, ("user", user), what, name, "");
        return Ok(Done::changed(user, format!("{name:?} is removed.")));
    }
    if !last {
        return Err(Failure::Refused(format!(
            "{name:?} is the last {what} of {user}; with --last it goes, and the record, its \
             recovery codes included, with it"
        )));
    }
    // First the tombstone: at no moment does what the home holds count again.
    edit.bury(&format!("mfactl credential remove --last, {}\n", moment((world.clock)())))?;
    edit.remove()?;
    forget(world.run, user, None)?;
    changed(world, ("user", user), "enrolment", &enrolled(&record, &state), "tombstone");
    let said = format!(
        "{name:?} was the last; record and state are gone. A tombstone stays: what {user} has in the \
         home does not count either.\n`mfactl credential add {user}` enrols again."
    );
    Ok(Done::changed(user, said))
}

pub fn rebind(person: &Person, world: &World) -> Result<Done, Failure> {
    let user = &person.name;
    let uid = person.uid()?;
    let mut edit = person.record.edit(Lost::Refuse)?;
    let Some(mut record) = edit.record().cloned() else {
        return Err(Failure::NoRecord(user.clone()));
    };
    let was = std::mem::replace(&mut record.uid, uid.as_raw());
    if was == record.uid {
        let said = format!("the record is for uid {uid} already.");
        return Ok(Done { user: user.clone(), changed: false, said });
    }
    let state = edit.state().cloned().unwrap_or_default();
    edit.save(record, state)?;
    changed(world, ("user", user), "uid", &was.to_string(), &uid.to_string());
    let said = format!("the record was for uid {was} and is for uid {uid} now.");
    Ok(Done::changed(user, said))
}

/// The log's word for what has this name.
fn what(record: &Record, name: &str) -> Result<&'static str, Failure> {
    if record.key(name).is_some() {
        return Ok("key");
    }
    let credential = record.credential(name).map(|_| "credential");
    credential.ok_or_else(|| Failure::no_credential(record, name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mfa_core::reason::Reason;
    use mfa_core::record::Id;
    use mfa_core::state::Used;
    use mfa_core::store::{Opened, Presence, Store};

    use crate::lab::{Lab, hotp, totp, uid_of, usb_key};

    #[test]
    fn a_new_name_and_the_same_state() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        let (_, before) = record.read().unwrap();
        let said = lab.run("credential rename daemon phone Pixel_8", "").unwrap();
        assert_eq!(said, "daemon: \"phone\" is called \"Pixel_8\" now.\n");
        let (after, state) = record.read().unwrap();
        assert_eq!((after.credentials[0].name.as_str(), state), ("Pixel_8", before));
        assert!(lab.run("credential rename daemon Pixel_8 Pixel_8", "").is_ok());
        for (line, words) in [
            ("rename daemon Pixel_8 token", "has a credential or key \"token\" already"),
            (
                "rename daemon phone other",
                "no credential \"phone\"; there is \"Pixel_8\", \"token\"",
            ),
        ] {
            let sentence = lab.refused(&format!("credential {line}"));
            assert!(sentence.contains(words), "{sentence}");
        }
        assert_eq!(record.read().unwrap().0, after);
    }

    #[test]
    fn the_last_one_takes_all_with_it_and_leaves_a_tombstone() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        assert_eq!(
            lab.run("credential remove daemon phone", "").unwrap(),
            "daemon: \"phone\" is removed.\n"
        );
        let (left, state) = record.read().unwrap();
        assert_eq!(left.credentials.len(), 1);
        assert_eq!(
            state.credentials.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [Id::new([0, 0, 0, 2])]
        );

        let sentence = lab.refused("credential remove daemon token");
        assert!(sentence.contains("with --last"), "{sentence}");
        assert!(record.read().is_ok());
        let said = lab.run("credential remove daemon token --last", "").unwrap();
        assert!(said.contains("record and state are gone") && said.contains("tombstone"), "{said}");
        assert_eq!(record.look(), Ok(Presence::Reset));
        assert!(!record.state_path().exists());
        let Opened::NotEnrolled(trouble) = record.open() else { panic!() };
        assert_eq!(trouble.reason, Reason::Reset);
        assert!(lab.refused("credential remove daemon token --last").contains("no system record"));
    }

    #[test]
    fn keys_as_well() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.add_keys("daemon", vec![usb_key(2, "blue")]);
        let said = lab.run("credential rename daemon blue green", "").unwrap();
        assert_eq!(said, "daemon: \"blue\" is called \"green\" now.\n");
        assert!(lab.refused("credential rename daemon green phone").contains("\"phone\" already"));
        assert!(lab.refused("credential rename daemon phone green").contains("\"green\" already"));
        assert!(lab.refused("credential add daemon --name green").contains("\"green\" already"));
        lab.run("credential remove daemon phone", "").unwrap();
        let (kept, state) = record.read().unwrap();
        assert_eq!((kept.credentials.len(), kept.keys[0].name.as_str()), (0, "green"));
        assert_eq!((state.credentials.len(), state.keys.len()), (0, 1));
        let sentence = lab.refused("credential remove daemon green");
        assert!(
            sentence.contains("\"green\" is the last key of daemon; with --last"),
            "{sentence}"
        );
        lab.run("credential add daemon --name spare --no-confirm", "").unwrap();
        lab.run("credential remove daemon spare", "").unwrap();
        lab.run("credential remove daemon green --last", "").unwrap();
        assert_eq!(record.look(), Ok(Presence::Reset));
        let lines = lab.log.borrow();
        assert!(lines[0].contains("what=key before=blue after=green"), "{lines:?}");
        assert!(lines[4].contains("what=enrolment before=green after=tombstone"), "{lines:?}");
    }

    #[test]
    fn a_name_that_came_back() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let text = fs::read_to_string(record.path()).unwrap();
        let uid = uid_of("daemon");
        let other = text.replace(&format!("uid = {uid}"), "uid = 4711");
        fs::write(record.path(), other).unwrap();
        for line in ["list daemon", "rename daemon phone x", "remove daemon phone --last"] {
            let sentence = lab.refused(&format!("credential {line}"));
            assert!(sentence.contains("`mfactl credential rebind daemon`"), "{sentence}");
        }
        let said = lab.run("credential rebind daemon", "").unwrap();
        assert_eq!(
            said,
            format!("daemon: the record was for uid 4711 and is for uid {uid} now.\n")
        );
        let (_, state) = record.read().unwrap();
        assert_eq!(*state.credentials.get(&Id::new([0, 0, 0, 1])).unwrap(), Used::totp(0));
        let said = lab.run("credential rebind daemon", "").unwrap();
        assert!(said.contains("already"), "{said}");
        assert!(lab.refused("credential rebind bin").contains("bin has no system record"));
    }

    #[test]
    fn a_user_who_is_gone() {
        let lab = Lab::new();
        lab.enrol_uid("gone.user", 4711, vec![totp(1, "phone")]);
        assert!(lab.refused("credential rebind gone.user").contains("the user database has no"));
        assert!(lab.run("credential list gone.user", "").unwrap().contains("known"));
        assert!(lab.run("credential remove gone.user phone --last", "").is_ok());
    }

    #[test]
    fn a_state_that_is_lost_is_nothing_to_build_on() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        fs::remove_file(record.state_path()).unwrap();
        let sentence = lab.refused("credential rename daemon phone x");
        assert!(sentence.contains("mfactl state init daemon"), "{sentence}");
        assert!(!record.state_path().exists());
    }
}
