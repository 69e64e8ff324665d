//! Security keys by way of ssh: real ones but for the token, and agents that lie.

mod agent;
mod fake;
mod key;

pub use agent::SshAgent;
pub use fake::{FakeAgent, Fault, Question};
pub use key::{KeyFile, PROVIDER};
