//! The keys in the record that root keeps of a user.

use std::path::{Path, PathBuf};

use mfa_core::account::{Counter, Key};
use mfa_core::fresh::forget;
use mfa_core::notice::Kind;
use mfa_core::reason::Reason;
use mfa_core::record::{self, CodeKind, MAX_CREDENTIALS, Name, Record};
use mfa_core::state::State;
use mfa_core::store::{Base, Edit, Lost, Presence, SystemRecord, Trouble};
use nix::unistd::User;

use super::keyring::{Keyring, admit};
use crate::failure::{Failure, KeyFailure, RecordFailure};
use crate::world::World;

/// A user's record and its keys.
pub struct UserKeys {
    base: Base,
    /// Where checks are that still count, `/run/pam_mfa`.
    run: PathBuf,
    store: SystemRecord,
    path: PathBuf,
    user: User,
    before: Option<(Record, State)>,
    keys: Vec<Key>,
}

impl UserKeys {
    /// Looks at the record, if there is one.
    ///
    /// # Errors
    /// Why it cannot be changed.
    pub fn new(base: Base, run: &Path, user: User) -> Result<Self, RecordFailure> {
        let store = SystemRecord::new(base.clone(), &user.name, user.uid)
            .map_err(|_| RecordFailure::BadUserName(user.name.clone()))?;
        let is_there = store.look()? == Presence::Here;
        let before = is_there.then(|| store.read()).transpose()?;
        let keys = before.as_ref().map(|(record, state)| keys(record, state)).unwrap_or_default();
        Ok(Self { path: store.path(), run: run.to_owned(), base, store, user, before, keys })
    }
}

impl Keyring for UserKeys {
    fn path(&self) -> &Path {
        &self.path
    }

    fn user(&self) -> &str {
        &self.user.name
    }

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn admit(&self, name: Option<&Name>) -> Result<(), Failure> {
        let there = self.before.as_ref().zip(name);
        there.map_or(Ok(()), |((record, _), name)| has_room(record, name))
    }

    fn created(&self, place: usize) -> Option<u64> {
        self.before.as_ref()?.0.keys.get(place)?.created
    }

    fn caution(&self) -> Option<String> {
        let user = self.user();
        let is_safe = self.before.as_ref().is_some_and(|(record, state)| {
            let recovery = record.codes.iter().filter(|codes| codes.kind == CodeKind::Recovery);
            record.names().next().is_some()
                || recovery.map(|codes| state.codes_left(codes)).sum::<usize>() > 0
        });
        (!is_safe).then(|| {
            format!(
                "this key is all that {user} has: without it {user} is locked out. `mfactl codes {user} \
                 --new` makes recovery codes, and `mfa-enroll key add --user {user}` adds a second key"
            )
        })
    }

    /// A key of a record has a name.
    fn add(&self, key: &Key, world: &World) -> Result<(), Failure> {
        self.base
            .create()
            .map_err(|error| RecordFailure::Directory(self.base.dir.clone(), error))?;
        let edit = self.store.edit(Lost::Refuse).map_err(RecordFailure::Trouble)?;
        let mut record = edit
            .record()
            .cloned()
            .unwrap_or_else(|| Record::new(self.user(), self.user.uid.as_raw()));
        let mut state = edit.state().cloned().unwrap_or_default();
        let name =
            key.name.as_deref().and_then(Name::new).ok_or(RecordFailure::Trouble(Trouble {
                reason: Reason::Internal,
                detail: "a key without a name".to_owned(),
                errno: None,
            }))?;
        has_room(&record, &name)?;
        admit(&keys(&record, &state), key)?;
        let id = record.new_id(world.random)?;
        let (counts, counter) = match key.counter {
            Counter::Unchecked => (false, 0),
            Counter::Last(counter) => (true, counter.unwrap_or(0)),
        };
        state.keys.insert(id, counter);
        record.keys.push(record::Key {
            id,
            name: name.clone(),
            port: key.port.clone(),
            public: key.public.clone(),
            application: key.application.clone(),
            touch: key.touch,
            verification: key.verification,
            counts,
            created: Some((world.clock)()),
        });
        save(edit, record, state, (Kind::Enrolled, world))?;
        world.log.changed(("user", self.user()), "key", "", name.as_str());
        Ok(())
    }

    fn remove(&self, place: usize, world: &World) -> Result<(), Failure> {
        let user = self.user();
        let edit = self.store.edit(Lost::Refuse).map_err(RecordFailure::Trouble)?;
        let before = self.before.as_ref().map(|(record, _)| record);
        let Some(mut record) = edit.record().filter(|record| before == Some(record)).cloned()
        else {
            let detail = format!("{}: just now", self.path.display());
            let trouble = Trouble { reason: Reason::Changed, detail, errno: None };
            return Err(RecordFailure::Trouble(trouble).into());
        };
        let name = record.keys.remove(place).name;
        if record.names().next().is_none() {
            return Err(KeyFailure::Last(user.to_owned(), name.as_str().to_owned()).into());
        }
        let state = edit.state().cloned().unwrap_or_default();
        save(edit, record, state, (Kind::Removed, world))?;
        world.log.changed(("user", user), "key", name.as_str(), "");
        forget(&self.run, user, None).map_err(RecordFailure::Trouble)?;
        Ok(())
    }
}

/// Saves a record that was changed, and tells its user.
fn save(
    mut edit: Edit,
    record: Record,
    mut state: State,
    (kind, world): (Kind, &World),
) -> Result<(), RecordFailure> {
    let now = (world.clock)();
    state.retain(&record);
    if edit.record().is_none() && edit.is_buried()? {
        state.notify(Kind::Reset, now);
    }
    state.notify(kind, now);
    Ok(edit.save(record, state)?)
}

fn has_room(record: &Record, name: &Name) -> Result<(), Failure> {
    if record.names().any(|other| other == name) {
        return Err(KeyFailure::NameTaken(record.user.clone(), name.as_str().to_owned()).into());
    }
    if record.names().count() >= MAX_CREDENTIALS {
        return Err(RecordFailure::Full(record.user.clone()).into());
    }
    Ok(())
}

fn keys(record: &Record, state: &State) -> Vec<Key> {
    // Secrets are nobody's business here.
    record::account(record, state, &|_, _| Err(Reason::Sealed)).keys
}
