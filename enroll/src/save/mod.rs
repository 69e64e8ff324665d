//! Where an enrolment goes: into a file, or into the record that root keeps of a user.

mod home;
mod record;

use std::path::Path;

use mfa_core::random::{NoRandomness, Random};
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::plan::Plan;
use crate::world::World;

pub use home::{HomeFile, make_way};
pub use record::UserRecord;

/// A place that can be written, as far as can be seen beforehand.
pub trait Target {
    /// The codes for a lost phone, as they are kept here.
    type Codes;

    /// The file that is written.
    fn path(&self) -> &Path;

    /// Whose credential it is and what it is called there; a file has no names.
    fn names(&self) -> Option<(&str, &str)>;

    /// Whether it may be written, as a question.
    fn question(&self) -> String;

    /// What else comes of writing it, that people may not expect.
    fn caution(&self) -> Option<String>;

    /// Attempts and seconds, once it is written; `None` for any number of them.
    fn rate_limit(&self, plan: &Plan) -> Option<(u8, u16)>;

    /// New codes for a lost phone.
    ///
    /// # Errors
    /// [`NoRandomness`].
    fn draw(&self, plan: &Plan, random: &Random) -> Result<Self::Codes, NoRandomness>;

    /// The codes as people type them.
    fn texts(codes: &Self::Codes) -> Vec<Zeroizing<String>>;

    /// What stands above the codes.
    fn heading(&self, codes: &Self::Codes) -> &'static str;

    /// Writes it; what was there is replaced whole, or not at all.
    ///
    /// # Errors
    /// Why what was there is as it was, but for [`Failure::is_in_place`].
    fn install(&self, factor: Factor<Self::Codes>, world: &World) -> Result<(), Failure>;
}

/// A new factor that its person has.
pub struct Factor<Codes> {
    /// What was decided about it.
    pub plan: Plan,
    /// The shared secret.
    pub secret: Secret,
    /// For a lost phone.
    pub codes: Codes,
    /// The step or counter of a code that must not be good again.
    pub used: Option<u64>,
}
