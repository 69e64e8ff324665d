//! What is enrolled by other means: in people's homes, in oath-toolkit's file; and which lines of the
//! PAM configuration ask for it.

pub mod homes;
pub mod oath;
pub mod pam_d;
