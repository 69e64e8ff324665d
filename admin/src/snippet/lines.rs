//! What several services have in common.

use super::distro::Distro;
use super::text::{Line, Place, Step};

/// Who can be asked.
pub const ENROL: &str = "People enrol by themselves with mfa-enroll; root enrols others with: \
                         mfactl credential add NAME";

/// Why the line may be one too many.
pub const ASKED_ALREADY: &str = "If the stack of the password asks for a code already (mfa in \
                                 pam-auth-update, with-mfa in authselect), leave the auth line of \
                                 pam_mfa.so out, or people are asked twice.";

/// After the password.
pub const CODE: Line =
    Line("auth required pam_mfa.so nullok", "Asks for a code, after the password.");

/// A code behind the stack that asks for the password: `common-auth`, or what this line of Fedora's
/// includes.
pub fn code_below(file: &'static str, distro: Distro, stack: &'static str) -> Step {
    let password = if distro.is_debian() { "@include common-auth" } else { stack };
    Step::Put { file, place: Place::Below(password), lines: vec![CODE] }
}
