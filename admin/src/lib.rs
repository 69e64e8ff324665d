//! mfactl: the administrator's command. What is enrolled on this machine, and what of it counts.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod cli;
pub mod command;
mod credential;
mod failure;
pub mod import;
mod log;
mod person;
mod ticket;
mod time;
mod world;
