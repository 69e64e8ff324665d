//! The PAM module: a second factor for Linux logins.
//!
//! The hooks below are all that a host sees; what they decide is in [`login`].

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
#![deny(unsafe_code)]

mod args;
mod login;
mod pam;
mod path;
mod person;

use std::ffi::CStr;
use std::path::Path;

use ::pam::constants::{PamFlag, PamResultCode};
use ::pam::module::{PamHandle, PamHooks};

use login::Outcome;

/// Where things are on a host; tests have others.
#[derive(Debug, Clone, Copy)]
struct Paths<'a> {
    /// Where root keeps its locks; made by whoever needs it first.
    run: &'a Path,
    /// Where root keeps records; a host without it has none.
    records: &'a Path,
}

impl Paths<'static> {
    fn of_host() -> Self {
        Self { run: Path::new("/run/pam_mfa"), records: Path::new("/var/lib/pam_mfa") }
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
        code(login::guarded(&mut host, |host| login::authenticate(host, &args, Paths::of_host())))
    }

    /// There are no credentials to set.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// What the host is told. Nothing but a verified answer and what the administrator allows in its
/// place is a success.
fn code(outcome: Outcome) -> PamResultCode {
    match outcome {
        Outcome::Accepted => PamResultCode::PAM_SUCCESS,
        Outcome::Ignored => PamResultCode::PAM_IGNORE,
        Outcome::Denied => PamResultCode::PAM_AUTH_ERR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_code() {
        assert_eq!(code(Outcome::Accepted), PamResultCode::PAM_SUCCESS);
        assert_eq!(code(Outcome::Ignored), PamResultCode::PAM_IGNORE);
        assert_eq!(code(Outcome::Denied), PamResultCode::PAM_AUTH_ERR);
    }
}
