//! mfactl: the administrator's command. What is enrolled on this machine, and what of it counts.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod app;
mod apply;
mod bypass;
mod check;
mod cli;
mod codes;
pub mod command;
mod credential;
mod doctor;
mod enrolment;
mod events;
mod explain;
mod export;
mod facts;
mod failure;
mod finding;
mod forget;
mod fresh;
mod homes;
pub mod import;
#[cfg(test)]
mod lab;
mod lint;
mod log;
mod pam_d;
mod person;
mod policy;
mod report;
mod reset;
mod seal;
mod secret;
mod show;
mod snippet;
mod source;
mod state;
mod ticket;
mod time;
mod unlock;
mod users;
mod verify;
mod waiting;
mod world;

use clap::{Command, CommandFactory};

/// The whole command line, for whoever explains it.
#[must_use]
pub fn definition() -> Command {
    cli::Cli::command()
}
