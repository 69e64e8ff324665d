//! What OpenSSH says of security keys, in its own formats.

mod authority;
mod public;

pub use authority::Authority;
pub use public::SkKey;
