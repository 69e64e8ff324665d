//! The command mfa-enroll, and what of it other commands use: asking and telling, what an app
//! is to know, its QR code, the code that confirms a secret, and the system's log.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod app;
pub mod args;
pub mod command;
pub mod confirm;
mod enrol;
pub mod failure;
pub mod helper;
mod key;
pub mod log;
mod plan;
pub mod qr;
pub mod qr_file;
mod question;
mod refusal;
mod report;
mod save;
mod show;
pub mod silent;
pub mod span;
pub mod talk;
pub mod token;
mod whoami;
mod world;

use clap::{Args, Command, Subcommand};

/// The whole command line, for whoever explains it.
#[must_use]
pub fn definition() -> Command {
    args::Args::augment_args(key::Word::augment_subcommands(Command::new("mfa-enroll")))
}
