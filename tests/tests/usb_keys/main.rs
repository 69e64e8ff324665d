//! Logins with a security key in a port of this machine: the real module, mfa-fido and libfido2, a token in
//! software, and Debian's pam_u2f beside them.

mod asked;
mod desk;
mod faults;
mod fields;
mod files;
mod hostile;
mod oracle;
mod remote;
mod surroundings;
