//! A file to be written.

/// A page or a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Below the directory of all.
    pub path: String,
    /// What is in it.
    pub text: String,
}
