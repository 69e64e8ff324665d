//! `mfactl import`: what people have enrolled by other means becomes system records. From their homes,
//! from pam_u2f's mappings, from oath-toolkit's file, from otpauth URIs.

mod command;
mod draft;
mod gauth;
mod keys;
mod list;
pub mod oath;
mod places;
mod progress;
mod report;
mod undo;
mod write;

#[cfg(test)]
mod tests;

pub use command::{Import, run};
