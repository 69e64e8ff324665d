//! The PAM module: a second factor for Linux logins.
//!
//! The hooks below are all that a host sees; what they decide is in [`login`].

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
#![deny(unsafe_code)]

mod agent;
mod args;
mod login;
mod pam;
mod path;
mod pending;
mod person;
mod ruling;
mod terminal;
mod wait;

use std::ffi::CStr;
use std::path::Path;

use ::pam::constants::{PamFlag, PamResultCode};
use ::pam::module::{PamHandle, PamHooks};
use mfa_core::store::{Base, SystemRecord, Trouble};
use nix::unistd::Uid;

use login::{Outcome, Phase};

/// Where things are on a host; tests have others.
#[derive(Debug, Clone, Copy)]
struct Paths<'a> {
    /// Where root keeps its locks; made by whoever needs it first.
    run: &'a Path,
    /// Where root keeps records; a host without it has none.
    records: &'a Path,
    /// Where the policy is, and the bypass list; a host without them does as it always did.
    etc: &'a Path,
    /// What asks keys in this machine's ports.
    helper: &'a Path,
    /// Whom both must belong to.
    owner: Uid,
}

impl Paths<'static> {
    fn of_host() -> Self {
        Self {
            run: Path::new("/run/pam_mfa"),
            records: Path::new("/var/lib/pam_mfa"),
            etc: Path::new("/etc/pam_mfa"),
            helper: Path::new(mfa_core::helper::PATH),
            owner: Uid::from_raw(0),
        }
    }
}

impl Paths<'_> {
    /// The place of one user's system record.
    fn record(self, user: &str, uid: Uid) -> Result<SystemRecord, Trouble> {
        SystemRecord::new(Base::new(self.records, self.run), user, uid)
            .map_err(|reason| Trouble::new(reason, ""))
    }
}

struct PamMfa;

#[allow(unsafe_code)] // the exported hooks, which hand C's pointers to safe code
mod hooks {
    use super::PamMfa;
    ::pam::pam_hooks!(PamMfa);
}

impl PamHooks for PamMfa {
    fn sm_authenticate(handle: &mut PamHandle, args: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        let mut host = pam::Handle::new(handle);
        let outcome =
            login::guarded(&mut host, |host| login::authenticate(host, &args, Paths::of_host()));
        code(Phase::Auth, outcome)
    }

    fn acct_mgmt(handle: &mut PamHandle, args: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        let mut host = pam::Handle::new(handle);
        let outcome =
            login::guarded(&mut host, |host| login::account(host, &args, Paths::of_host()));
        code(Phase::Account, outcome)
    }

    fn sm_open_session(handle: &mut PamHandle, args: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        let mut host = pam::Handle::new(handle);
        let outcome =
            login::guarded(&mut host, |host| login::open_session(host, &args, Paths::of_host()));
        code(Phase::Session, outcome)
    }

    /// There are no credentials to set.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// What the host is told. In auth, nothing but a verified answer and what the administrator allows in
/// its place is a success; in account, nothing but an enrolment that is on disk, or a verified answer. Who is denied in
/// account has authenticated, and is told that something else is in the way (pam_acct_mgmt(3)).
fn code(phase: Phase, outcome: Outcome) -> PamResultCode {
    match (phase, outcome) {
        (_, Outcome::Accepted) => PamResultCode::PAM_SUCCESS,
        (_, Outcome::Ignored) => PamResultCode::PAM_IGNORE,
        (Phase::Auth, Outcome::Denied) => PamResultCode::PAM_AUTH_ERR,
        (Phase::Account, Outcome::Denied) => PamResultCode::PAM_PERM_DENIED,
        (Phase::Session, Outcome::Denied) => PamResultCode::PAM_SESSION_ERR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_code() {
        for (phase, outcome, expected) in [
            (Phase::Auth, Outcome::Accepted, PamResultCode::PAM_SUCCESS),
            (Phase::Auth, Outcome::Ignored, PamResultCode::PAM_IGNORE),
            (Phase::Auth, Outcome::Denied, PamResultCode::PAM_AUTH_ERR),
            (Phase::Account, Outcome::Accepted, PamResultCode::PAM_SUCCESS),
            (Phase::Account, Outcome::Ignored, PamResultCode::PAM_IGNORE),
            (Phase::Account, Outcome::Denied, PamResultCode::PAM_PERM_DENIED),
            (Phase::Session, Outcome::Accepted, PamResultCode::PAM_SUCCESS),
            (Phase::Session, Outcome::Ignored, PamResultCode::PAM_IGNORE),
            (Phase::Session, Outcome::Denied, PamResultCode::PAM_SESSION_ERR),
        ] {
            assert_eq!(code(phase, outcome), expected, "{phase:?} {outcome:?}");
        }
    }
}
