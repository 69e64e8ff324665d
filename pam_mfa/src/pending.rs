//! An enrolment between the phases: confirmed in auth, written in account.

use mfa_core::secret::Secret;
use zeroize::Zeroizing;

/// Whose secret it is, and that a code made from it was right. Wiped when dropped.
#[cfg_attr(not(test), expect(dead_code, reason = "WIRE: no record to enrol into yet"))]
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
}
