//! The google-authenticator state file: secret, options and state in one text.
//!
//! Line 1 is the secret in base32; lines that begin with a quotation mark are options, the others
//! scratch codes. The parser is as loose as the original, for files that people edited; a rewrite
//! changes only the lines it must, byte for byte as the original does.

mod create;
mod edit;
mod lines;
mod parse;
mod scan;
mod scratch;

pub use create::{NewFile, NewMethod};
pub use edit::apply;
pub(crate) use parse::host_name;
pub use parse::parse;

/// The largest file that is read, in bytes.
pub const MAX_SIZE: u64 = 64 * 1024;

/// The keys of the login records.
const LOGIN_KEYS: [&str; 10] =
    ["LAST0", "LAST1", "LAST2", "LAST3", "LAST4", "LAST5", "LAST6", "LAST7", "LAST8", "LAST9"];
