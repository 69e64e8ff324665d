//! `mfactl credential`: the phones, tokens and security keys of a user.

mod add;
mod change;
mod list;

use std::io::{BufRead, Write};

use clap::Subcommand;
use mfa_core::record::Name;
use serde::Serialize;

use crate::failure::Failure;
use crate::person::Person;
use crate::report::json;
use crate::world::World;
use change::Done;

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a user has enrolled, never a secret
    List {
        /// The login name
        user: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make a new one, for codes: show its secret, and write it once a code made from it has been typed
    Add(Box<add::Args>),
    /// Call one something else; what has been used stays so
    Rename {
        /// The login name
        user: String,
        /// What it is called
        old: String,
        /// What it shall be called: 1 to 32 printable characters
        #[arg(value_parser = name)]
        new: Name,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove one: neither its codes nor its touch are good any more
    Remove {
        /// The login name
        user: String,
        /// What it is called
        name: String,
        /// Also if it is the last one; then recovery codes and all else that is enrolled go, too
        #[arg(long)]
        last: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make the record good for the user id that the user has now, if it was made for another
    Rebind {
        /// The login name
        user: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Report<'a> {
    user: &'a str,
    /// Whether anything was.
    changed: bool,
}

/// Runs the command.
///
/// # Errors
/// Why it was not done.
pub fn run(
    command: &Command,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let find = |user: &str| Person::find(&world.base, user);
    let (Done { user, changed, said }, as_json) = match command {
        Command::List { user, json } => return list::list(&find(user)?, *json, world, output),
        Command::Add(args) => return add::add(&find(&args.user)?, args, world, input, output),
        Command::Rename { user, old, new, json } => {
            (change::rename(&find(user)?, old, new, world)?, *json)
        }
        Command::Remove { user, name, last, json } => {
            (change::remove(&find(user)?, name, *last, world)?, *json)
        }
        Command::Rebind { user, json } => (change::rebind(&find(user)?, world)?, *json),
    };
    if as_json {
        return json(output, &Report { user: &user, changed });
    }
    writeln!(output, "{user}: {said}").map_err(Failure::Output)
}

fn name(text: &str) -> Result<Name, String> {
    let expected = "1 to 32 printable characters, no blank at either end";
    Name::new(text).ok_or_else(|| expected.to_owned())
}
