//! `mfactl credential`: the phones and tokens of a user.

use std::io::Write;

use clap::Subcommand;
use mfa_core::record::{Method, Record};

use crate::failure::Failure;
use crate::person::Person;
use crate::world::World;

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a user has enrolled, never a secret
    List {
        /// The login name
        user: String,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it was not done.
pub fn run(command: &Command, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::List { user } => {
            let record = Person::find(&world.base, user)?.read()?;
            list(&record, output)
        }
    }
}

fn list(record: &Record, output: &mut dyn Write) -> Result<(), Failure> {
    for credential in &record.credentials {
        let method = match credential.method {
            Method::Totp { period } => format!("totp  every {period} s"),
            Method::Hotp => "hotp".to_owned(),
        };
        let (id, name) = (credential.id, credential.name.as_str());
        writeln!(output, "{id}  {name}  {method}").map_err(Failure::Output)?;
    }
    Ok(())
}
