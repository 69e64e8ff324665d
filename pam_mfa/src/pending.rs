//! An enrolment between the phases: confirmed in auth, written in account.

use mfa_core::notice::Kind;
use mfa_core::otp::{Algorithm, Digits};
use mfa_core::random::{self, NoRandomness};
use mfa_core::reason::Reason;
use mfa_core::record::{Credential, Kept, Method, Name, Record};
use mfa_core::secret::Secret;
use mfa_core::state::{State, Used};
use mfa_core::store::{Opened, Store, Trouble};
use nix::unistd::Uid;
use zeroize::Zeroizing;

use crate::Paths;

/// The time step of the new secret, s: what every app knows.
pub(crate) const PERIOD: u64 = 30;

/// What the log and commands call the new credential.
const NAME: &str = "phone";

/// How many of its codes are good at one moment.
const WINDOW: u8 = 3;

/// Whose secret it is, and that a code made from it was right. Wiped when dropped.
pub(crate) struct Pending {
    /// The login name, as the user database has it.
    pub(crate) user: String,
    /// The user id it had in auth.
    pub(crate) uid: u32,
    /// The new secret.
    pub(crate) secret: Secret,
    /// The time step of the code that was right: it and those before it are used up.
    pub(crate) step: u64,
    /// The ticket as it was typed, to be looked at again under the lock and spent; `None` where the
    /// line asks for none.
    pub(crate) ticket: Option<Zeroizing<Vec<u8>>>,
    /// What had no account of this person, to be asked again: a home may hold one by then.
    pub(crate) asked: Box<dyn Store>,
}

impl Pending {
    /// Makes it the user's first record, at `now`, s since 1970; durable when this returns without an
    /// error. A ticket is looked at again and spent.
    ///
    /// # Errors
    /// Why there is no record now; [`Reason::Changed`] if another login or the administrator made one.
    pub(crate) fn install(&self, paths: Paths, now: u64) -> Result<(), Trouble> {
        self.check_not_enrolled()?;
        let place = paths.record(&self.user, Uid::from_raw(self.uid))?;
        let mut edit = place.edit_vacant()?;
        if let Some(ticket) = &self.ticket {
            place.check_ticket(ticket, now)?;
        }
        let mut record = Record::new(&self.user, self.uid);
        let id =
            record.new_id(&random::system).map_err(|NoRandomness| internal("no randomness"))?;
        record.credentials.push(Credential {
            id,
            name: Name::new(NAME).ok_or_else(|| internal("no name"))?,
            method: Method::Totp { period: PERIOD },
            secret: Kept::Plain(self.secret.clone()),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            window: WINDOW,
            created: Some(now),
        });
        let used = Used::totp(self.step.try_into().unwrap_or(i64::MAX));
        let was_reset = edit.is_buried()?;
        let mut state = State { credentials: [(id, used)].into(), ..State::default() };
        if was_reset {
            state.notify(Kind::Reset, now);
        }
        edit.save(record, state)
    }

    fn check_not_enrolled(&self) -> Result<(), Trouble> {
        match self.asked.open() {
            Opened::NotEnrolled(Trouble { reason: Reason::NoFile | Reason::Reset, .. }) => Ok(()),
            Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => Err(trouble),
            Opened::Enrolled(_) => {
                let detail = format!("{}: enrolled meanwhile", self.asked.shown());
                Err(Trouble::new(Reason::Changed, detail))
            }
        }
    }
}

fn internal(detail: &str) -> Trouble {
    Trouble::new(Reason::Internal, detail)
}
