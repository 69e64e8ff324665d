//! Recovery codes: long enough that their hashes can be kept in a file, short enough to type.

mod draw;
mod hash;
mod text;

pub use draw::{Drawn, draw};
pub use hash::{Hash, Hex, ITERATIONS, Salt, hash, position};
pub use text::{Canonical, SYMBOLS, Suffix, canonical, suffixes};
