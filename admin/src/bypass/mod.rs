//! `mfactl bypass`: the networks whose logins need no second factor, in bypass.toml.

mod change;
mod edit;
mod entry;
mod expiry;
mod list;

use std::io::Write;

use clap::Subcommand;
use mfa_core::policy::{BYPASS, Bypass, bypass};

use crate::failure::Failure;
use crate::finding::Finding;
use crate::world::World;

/// What to do with the list.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show all entries, those that have expired, too
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show all of one entry
    Show {
        /// Its id, as `list` shows it
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Let logins from a network in without a second factor
    Add(change::Add),
    /// Change an entry; what is not given stays as it is
    Set(change::Set),
    /// Remove an entry
    Remove(change::Remove),
}

/// Runs the command.
///
/// # Errors
/// Why it was not done; the file is as it was then.
pub fn run(command: &Command, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::List { json } => list::list(*json, world, output),
        Command::Show { id, json } => list::show(id, *json, world, output),
        Command::Add(args) => change::add(args, world, output),
        Command::Set(args) => change::set(args, world, output),
        Command::Remove(args) => change::remove(args, world, output),
    }
}

/// The entries in the text of the file.
fn understand(world: &World, text: &[u8]) -> Result<Vec<Bypass>, Failure> {
    bypass::read(text).map_err(|mistake| {
        let finding = Finding::in_text(&world.etc.join(BYPASS), &mistake);
        Failure::Refused(finding.to_string())
    })
}

/// The entry of this id.
fn find<'a>(entries: &'a [Bypass], id: &str) -> Result<&'a Bypass, Failure> {
    let found = entries.iter().find(|entry| entry.id == id);
    found.ok_or_else(|| {
        Failure::Refused(format!("no entry has the id {id:?}; `mfactl bypass list` shows them"))
    })
}

#[cfg(test)]
mod tests;
