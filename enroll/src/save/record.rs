//! The record that root keeps of a user.

use std::path::{Path, PathBuf};

use mfa_core::codes::{self, Canonical, Drawn};
use mfa_core::notice::Kind;
use mfa_core::random::{NoRandomness, Random};
use mfa_core::reason::Reason;
use mfa_core::record::{
    self, CodeKind, Codes, Credential, Kept, Limit, MAX_CREDENTIALS, Name, Record,
};
use mfa_core::state::{State, Used};
use mfa_core::store::{Base, Lost, Presence, SystemRecord, Trouble};
use nix::unistd::User;
use zeroize::Zeroizing;

use super::{Factor, Target};
use crate::app::FIRST_COUNTER;
use crate::failure::{Failure, RecordFailure};
use crate::plan::{Method, Plan, USUAL_CODES};
use crate::world::World;

/// A user's record and the name of a credential in it, new or to be replaced.
pub struct UserRecord {
    base: Base,
    store: SystemRecord,
    path: PathBuf,
    user: User,
    name: Name,
    /// What was there when the questions were asked.
    before: Option<Record>,
    /// Whether there are recovery codes that are still good.
    has_codes: bool,
    /// A file in the home that logins go by until there is a record.
    home_file: Option<PathBuf>,
}

impl UserRecord {
    /// Looks at the record, if there is one: nobody should scan a code that cannot be saved.
    ///
    /// # Errors
    /// Why nothing of this `name` can be written for `user`.
    pub fn new(base: Base, user: User, name: Name) -> Result<Self, RecordFailure> {
        let store = SystemRecord::new(base.clone(), &user.name, user.uid)
            .map_err(|_| RecordFailure::BadUserName(user.name.clone()))?;
        let presence = store.look()?;
        let there = (presence == Presence::Here).then(|| store.read()).transpose();
        let (before, state) = there?.unzip();
        if let Some(record) = &before {
            has_room(record, &name)?;
        }
        let has_codes = before
            .as_ref()
            .zip(state.as_ref())
            .is_some_and(|(record, state)| codes_left(record, state) > 0);
        let looks_home = matches!(presence, Presence::Absent | Presence::NoRecords);
        let home_file = Some(user.dir.join(".google_authenticator"))
            .filter(|file| looks_home && file.symlink_metadata().is_ok());
        Ok(Self { path: store.path(), base, store, user, name, before, has_codes, home_file })
    }

    /// The user's name in the user database.
    pub fn user(&self) -> &str {
        &self.user.name
    }

    fn limit(&self, plan: &Plan) -> Limit {
        match plan.rate_limit() {
            Some((attempts, seconds)) => Limit { attempts, seconds },
            None => self.before.as_ref().map(|record| record.rate_limit).unwrap_or_default(),
        }
    }

    fn changed(&self) -> Trouble {
        let detail = format!("{}: since the questions were asked", self.path.display());
        Trouble { reason: Reason::Changed, detail, errno: None }
    }
}

impl Target for UserRecord {
    /// `None` leaves those that there are.
    type Codes = Option<Drawn>;

    fn path(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Option<(&str, &str)> {
        Some((self.user(), self.name.as_str()))
    }

    fn question(&self) -> String {
        let (user, name) = (self.user(), self.name.as_str());
        match &self.before {
            Some(record) if record.credential(name).is_some() => format!(
                "{user} has a credential {name:?}; the codes of its old secret end with it.\n\
                 Replace it?"
            ),
            Some(record) => {
                let names = record.names().map(|other| format!("{:?}", other.as_str()));
                let names = names.collect::<Vec<_>>().join(", ");
                format!("{user} has {names}.\nAdd {name:?}?")
            }
            None => format!("Write all this to {}?", self.path.display()),
        }
    }

    fn caution(&self) -> Option<String> {
        let file = self.home_file.as_ref()?.display();
        Some(format!(
            "once this is written, {file} counts only for PAM lines with secret= or store=home"
        ))
    }

    fn rate_limit(&self, plan: &Plan) -> Option<(u8, u16)> {
        let Limit { attempts, seconds } = self.limit(plan);
        Some((attempts, seconds))
    }

    /// Codes on paper stay good unless new ones are asked for by number.
    fn draw(&self, plan: &Plan, random: &Random) -> Result<Option<Drawn>, NoRandomness> {
        let usual = if self.has_codes { 0 } else { USUAL_CODES };
        match plan.codes.unwrap_or(usual) {
            0 => Ok(None),
            count => codes::draw(random, count.into()).map(Some),
        }
    }

    fn texts(codes: &Option<Drawn>) -> Vec<Zeroizing<String>> {
        let codes = codes.iter().flat_map(|drawn| &drawn.codes);
        codes.map(Canonical::grouped).collect()
    }

    fn heading(&self, codes: &Option<Drawn>) -> &'static str {
        match (codes, self.has_codes) {
            (Some(_), false) => "The recovery codes, each good once, are:",
            (Some(_), true) => {
                "The recovery codes, each good once and in place of all old ones, are:"
            }
            (None, true) => "The recovery codes stay what they are.",
            (None, false) => "There are no recovery codes.",
        }
    }

    fn install(&self, factor: Factor<Option<Drawn>>, world: &World) -> Result<(), Failure> {
        self.base
            .create()
            .map_err(|error| RecordFailure::Directory(self.base.dir.clone(), error))?;
        let mut edit = self.store.edit(Lost::Refuse).map_err(RecordFailure::Trouble)?;
        if edit.record() != self.before.as_ref() {
            return Err(RecordFailure::Trouble(self.changed()).into());
        }
        let mut record =
            self.before.clone().unwrap_or_else(|| Record::new(self.user(), self.user.uid.as_raw()));
        let mut state = edit.state().cloned().unwrap_or_default();
        record.rate_limit = self.limit(&factor.plan);
        let replaced = record.credential(self.name.as_str()).map_or("", |_| self.name.as_str());
        let drawn = factor.codes.as_ref().map(|drawn| drawn.hashes.len().to_string());
        let left = codes_left(&record, &state).to_string();
        self.put(factor, &mut record, &mut state, world)?;
        state.retain(&record);
        let now = (world.clock)();
        if edit.record().is_none() && edit.is_buried().map_err(RecordFailure::Trouble)? {
            state.notify(Kind::Reset, now);
        }
        state.notify(Kind::Enrolled, now);
        edit.save(record, state).map_err(RecordFailure::Trouble)?;
        let user = ("user", self.user());
        world.log.changed(user, "credential", replaced, self.name.as_str());
        if let Some(drawn) = drawn {
            world.log.changed(user, "recovery_codes", &left, &drawn);
        }
        Ok(())
    }
}

impl UserRecord {
    fn put(
        &self,
        factor: Factor<Option<Drawn>>,
        record: &mut Record,
        state: &mut State,
        world: &World,
    ) -> Result<(), NoRandomness> {
        let Factor { plan, secret, codes, used } = factor;
        let created = Some((world.clock)());
        let id = record.new_id(world.random)?;
        let signed = |moment: u64| i64::try_from(moment).unwrap_or(i64::MAX);
        let (method, used) = match plan.method() {
            // Of a new secret no code has been used.
            Method::Totp => {
                let period = plan.period().into();
                (record::Method::Totp { period }, Used::totp(used.map_or(0, signed)))
            }
            Method::Hotp => {
                let next = used.map_or(FIRST_COUNTER, |counter| counter.saturating_add(1));
                (record::Method::Hotp, Used::hotp(Some(signed(next))))
            }
        };
        state.credentials.insert(id, used);
        let credential = Credential {
            id,
            name: self.name.clone(),
            method,
            secret: Kept::Plain(secret),
            algorithm: plan.algorithm,
            digits: plan.digits,
            window: plan.window(),
            created,
        };
        match record.credentials.iter_mut().find(|other| other.name == self.name) {
            Some(old) => *old = credential,
            None => record.credentials.push(credential),
        }
        if let Some(Drawn { salt, hashes, .. }) = codes {
            record.codes.retain(|codes| codes.kind != CodeKind::Recovery);
            let (id, kind) = (record.new_id(world.random)?, CodeKind::Recovery);
            record.codes.push(Codes { id, kind, salt, hashes, created, expires: None });
            state.codes.insert(id, 0);
        }
        Ok(())
    }
}

/// Whether a credential can be called so: a new one, or in the place of the one that is.
fn has_room(record: &Record, name: &Name) -> Result<(), RecordFailure> {
    let user = || record.user.clone();
    if record.key(name.as_str()).is_some() {
        return Err(RecordFailure::NameOfKey(user(), name.as_str().to_owned()));
    }
    let is_new = record.credential(name.as_str()).is_none();
    if is_new && record.names().count() >= MAX_CREDENTIALS {
        return Err(RecordFailure::Full(user()));
    }
    Ok(())
}

/// How many recovery codes are left.
fn codes_left(record: &Record, state: &State) -> usize {
    let recovery = record.codes.iter().filter(|codes| codes.kind == CodeKind::Recovery);
    recovery.map(|codes| state.codes_left(codes)).sum()
}

#[cfg(test)]
mod tests;
