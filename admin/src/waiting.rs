//! Who has to wait after too many answers, and until when.

use mfa_core::account::Account;
use mfa_core::limit::{Failures, Pauses, Whose};
use mfa_core::policy::{Files, Limits};
use mfa_core::verify::locked_until;
use nix::unistd::Uid;

use crate::world::World;

/// What the policy says about failures; `None` if there is none, or it cannot be read: that denies
/// everybody, and says so then.
#[must_use]
pub fn limits(world: &World) -> Option<Limits> {
    let files = Files::read(world.etc, Uid::effective(), (world.clock)()).ok()?;
    files.policy.map(|policy| policy.limits)
}

/// What the policy says about failures, and the failures there were.
#[derive(Default)]
pub struct Waiting {
    limits: Option<Pauses>,
    failures: Option<Failures>,
}

impl Waiting {
    /// Reads both. Without a policy no failures are counted; what cannot be read keeps nobody
    /// waiting, as in a login.
    #[must_use]
    pub fn read(world: &World) -> Self {
        let limits = limits(world).map(|limits| limits.pauses());
        Self { limits, failures: limits.and_then(|_| Failures::read(world.run).ok()) }
    }

    /// Until when a user has to wait, from one source or another, in seconds since 1970; `None` if not
    /// at all at `now`.
    #[must_use]
    pub fn until(&self, user: &str, account: Option<&Account>, now: u64) -> Option<u64> {
        let by_account = account.and_then(|account| locked_until(account, self.limits, now));
        let (limits, failures) = (self.limits, self.failures.as_ref());
        let by_failures =
            limits.zip(failures).and_then(|(limits, it)| it.until(Whose::User(user), limits, now));
        by_account.max(by_failures)
    }
}
