//! The command line: one definition, for the parser, the help and the manual.

use clap::{Parser, Subcommand};

use crate::{credential, ticket};

/// What is enrolled on this machine, and what of it counts. For root
#[derive(Debug, Parser)]
#[command(name = "mfactl", version, infer_long_args = true, subcommand_required = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// One variant for each group of commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The credentials of a user: phones and tokens
    #[command(subcommand)]
    Credential(credential::Command),
    /// Issue a one-time ticket for enrolment at login
    Ticket(ticket::Args),
}
