//! What is to become a system record, before anything is written.

use mfa_core::account;
use mfa_core::codes::{Hash, Hex, canonical, hash};
use mfa_core::otp::{Algorithm, Digits};
use mfa_core::record::{
    CodeKind, Codes, Credential, Kept, Key, Limit, MAX_CODES, Method, Name, Record,
};
use mfa_core::secret::{ScratchCodes, Secret};
use mfa_core::state::{State, Used};

use crate::failure::Failure;
use crate::world::World;

/// A record and its state, nothing of it on disk yet.
#[derive(Debug)]
pub struct Draft {
    /// What is enrolled.
    pub record: Record,
    /// What of it counts as used.
    pub state: State,
}

/// A credential as it is kept elsewhere.
#[derive(Debug)]
pub struct Found {
    /// What it is called there, if anything that can be a name.
    pub name: Option<Name>,
    /// What moves a code on.
    pub method: Method,
    /// The shared secret.
    pub secret: Secret,
    /// The hash.
    pub algorithm: Algorithm,
    /// The length of a code.
    pub digits: Digits,
    /// How many codes are good at one moment, 1 to 100.
    pub window: u8,
    /// How far it has come.
    pub used: Used,
}

impl Draft {
    /// For this user, with nothing in it.
    pub fn new(user: &str, uid: u32) -> Self {
        Self { record: Record::new(user, uid), state: State::default() }
    }

    /// Adds a credential. Where it has no name it is called by what it usually is.
    ///
    /// # Errors
    /// [`Failure::NoRandomness`].
    pub fn add(&mut self, found: Found, world: &World) -> Result<(), Failure> {
        let id = self.record.new_id(world.random)?;
        let usual = match found.method {
            Method::Totp { .. } => "phone",
            Method::Hotp => "token",
        };
        let wanted = found.name.as_ref().map_or(usual, Name::as_str);
        let name = self
            .free_name(wanted)
            .ok_or_else(|| Failure::Refused(format!("no credential can be called {wanted:?}")))?;
        self.record.credentials.push(Credential {
            id,
            name,
            method: found.method,
            secret: Kept::Plain(found.secret),
            algorithm: found.algorithm,
            digits: found.digits,
            window: found.window,
            created: Some((world.clock)()),
        });
        self.state.credentials.insert(id, found.used);
        Ok(())
    }

    /// Adds a security key, called by a number. How often it has signed nobody knows: its next use is
    /// believed, and from then on it has to count on.
    ///
    /// # Errors
    /// [`Failure::NoRandomness`].
    pub fn add_key(&mut self, key: account::Key, world: &World) -> Result<(), Failure> {
        let id = self.record.new_id(world.random)?;
        let is_free = |name: &String| self.record.names().all(|other| other.as_str() != name);
        let name = (1..100).map(|number| format!("key {number}")).find(is_free);
        let name = name.and_then(|name| Name::new(&name));
        let name = name.ok_or_else(|| Failure::Refused("there are too many keys".to_owned()))?;
        self.record.keys.push(Key {
            id,
            name,
            port: key.port,
            public: key.public,
            application: key.application,
            touch: key.touch,
            verification: key.verification,
            counts: true,
            created: Some((world.clock)()),
        });
        self.state.keys.insert(id, 0);
        Ok(())
    }

    /// The name, with a number behind it if another credential has it.
    fn free_name(&self, wanted: &str) -> Option<Name> {
        let numbered = (2..100).map(|number| {
            let end = format!(" {number}");
            let room = 32_usize.saturating_sub(end.len());
            wanted.chars().take(room).collect::<String>().trim_end().to_owned() + &end
        });
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(|name| self.record.credential(name).is_none())?;
        Name::new(&name)
    }

    /// Adds scratch codes as recovery codes, of which only hashes are kept.
    ///
    /// # Errors
    /// [`Failure::NoRandomness`].
    pub fn add_codes(&mut self, codes: &ScratchCodes, world: &World) -> Result<(), Failure> {
        let mut codes = codes.to_vec();
        codes.sort_unstable();
        codes.dedup();
        for codes in codes.chunks(MAX_CODES) {
            let mut salt = [0; 16];
            (world.random)(&mut salt)?;
            let salt = Hex::new(salt);
            let hashes: Vec<Hash> = codes
                .iter()
                .filter_map(|code| canonical(code.to_string().as_bytes()))
                .map(|code| hash(&code, &salt))
                .collect();
            let id = self.record.new_id(world.random)?;
            let (kind, created) = (CodeKind::Recovery, Some((world.clock)()));
            self.record.codes.push(Codes { id, kind, salt, hashes, created, expires: None });
            self.state.codes.insert(id, 0);
        }
        Ok(())
    }

    /// What is in it, for people to read.
    pub fn summary(&self) -> String {
        let mut parts: Vec<_> = self
            .record
            .credentials
            .iter()
            .map(|credential| {
                let method = match credential.method {
                    Method::Totp { period: 30 } => "by time".to_owned(),
                    Method::Totp { period } => format!("by time, every {period} s"),
                    Method::Hotp => "by counter".to_owned(),
                };
                format!("{} ({method}, window {})", credential.name.as_str(), credential.window)
            })
            .collect();
        let keys = self.record.keys.iter();
        parts.extend(keys.map(|key| format!("{} (security key)", key.name.as_str())));
        let Limit { attempts, seconds } = self.record.rate_limit;
        parts.push(format!("{attempts} answers in {seconds} s"));
        match self.scratch_codes() {
            0 => {}
            1 => parts.push("1 scratch code".to_owned()),
            codes => parts.push(format!("{codes} scratch codes")),
        }
        parts.join(", ")
    }

    /// How many scratch codes it holds.
    pub fn scratch_codes(&self) -> usize {
        self.record.codes.iter().map(|codes| codes.hashes.len()).sum()
    }
}
