//! Security keys by way of OpenSSH: what an agent answers, what sshd has verified, and the files that
//! name keys (PROTOCOL.u2f, PROTOCOL.agent, PROTOCOL.sshsig, PROTOCOL.certkeys; sshd(8)).
//!
//! Pure but for [`authorized_keys::open`]. What is here says what was written; whether a signature is
//! right and whose key it is, [`crate::key`] says.

pub mod agent;
pub mod auth_info;
mod authority;
pub mod authorized_keys;
mod certificate;
mod line;
mod public;
mod signature;
pub mod sshsig;
#[cfg(test)]
mod vectors;

pub use authority::Authority;
pub use certificate::Certificate;
pub use line::Line;
pub use public::{NoSkKey, SkKey};
