//! `mfa-enroll key`: security keys, in a mapping of one's own or in the record that root keeps.

mod add;
mod args;
mod keyring;
mod mapping;
mod record;
mod show;
mod ssh;

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind;
use mfa_core::store::Base;
use serde::Serialize;

use crate::failure::Failure;
use crate::save::make_way;
use crate::talk::Talk;
use crate::token::Tokens;
use crate::whoami;
use crate::world::World;
use args::{Cli, Command};
use keyring::{Keyring, find, label};
use mapping::OwnKeys;
use record::UserKeys;
use show::Report;

pub use args::{Word, is_meant};

/// What the command line asks for.
pub enum Request {
    /// Something to be done.
    Run(Command),
    /// This text, and nothing else.
    Show(String),
}

/// Reads the command line, the program's name first.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn read(line: &[OsString]) -> Result<Request, Failure> {
    match Cli::try_parse_from(line) {
        Ok(Cli { word: Word::Key(command) }) => Ok(Request::Run(command)),
        Err(error)
            if !error.use_stderr()
                || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            Ok(Request::Show(error.to_string()))
        }
        Err(error) => {
            let text = error.to_string();
            let words = text.lines().map(str::trim).take_while(|line| !line.is_empty());
            let words = words.collect::<Vec<_>>().join(" ");
            let words = words.trim_start_matches("error: ");
            Err(Failure::Usage(format!("{words}; see mfa-enroll key --help")))
        }
    }
}

impl Command {
    /// Whether nothing but an object is printed.
    pub fn is_for_scripts(&self) -> bool {
        match self {
            Self::Add(args) => args.json,
            Self::List(args) => args.json,
            Self::Remove(args) => args.json,
        }
    }

    fn user(&self) -> Option<&str> {
        match self {
            Self::Add(args) => args.user.as_deref(),
            Self::List(args) => args.user.as_deref(),
            Self::Remove(args) => args.user.as_deref(),
        }
    }

    /// The keys that it is about: of a user whom root names, or one's own in `home`.
    ///
    /// # Errors
    /// Why they cannot be looked at, or must not be changed.
    pub fn keyring(
        &self,
        base: Base,
        run: &Path,
        home: Option<OsString>,
        world: &World,
    ) -> Result<Box<dyn Keyring>, Failure> {
        if let Some(user) = self.user() {
            return Ok(Box::new(UserKeys::new(base, run, whoami::another(user)?)?));
        }
        let user = whoami::myself()?;
        if matches!(self, Self::Add(_)) {
            whoami::record(base)?.map_or(Ok(()), |(record, user)| make_way(&record, &user))?;
        }
        let home = home.filter(|home| Path::new(home).is_absolute()).ok_or(Failure::NoHome)?;
        let origin = match self {
            Self::Add(args) => add::origin(args, world),
            // It is not in the file.
            Self::List(_) | Self::Remove(_) => add::usual_origin(world),
        };
        Ok(Box::new(OwnKeys::new(Path::new(&home), &user, &origin)?))
    }
}

#[derive(Serialize)]
struct Removed<'a> {
    user: &'a str,
    /// What was removed, as people call it.
    removed: &'a str,
}

/// Runs a command. `output` takes what there is to show, `talk` what there is to be done.
///
/// # Errors
/// Why it was not done.
pub fn run<R: BufRead, W: Write>(
    command: &Command,
    ring: &dyn Keyring,
    talk: &mut Talk<R, W>,
    tokens: &mut Tokens,
    world: &World,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let (user, file) = (ring.user(), ring.path().display());
    match command {
        Command::Add(args) => {
            let key = add::add(args, ring, talk, tokens, world)?;
            if args.json {
                let report = Report::new(ring, std::slice::from_ref(&key), ring.keys().len() + 1);
                object(output, &report)?;
            } else {
                // It is done, whether or not anybody still listens.
                let _ = writeln!(output, "The key is enrolled for {user}, in {file}.");
            }
            ring.caution().iter().for_each(|caution| (world.warn)(caution));
        }
        Command::List(args) if args.json => {
            return object(output, &Report::new(ring, ring.keys(), 1));
        }
        Command::List(_) if ring.keys().is_empty() => {
            writeln!(output, "{user} has no keys in {file}.").map_err(Failure::Output)?;
        }
        Command::List(_) => {
            output.write_all(show::lines(ring.keys()).as_bytes()).map_err(Failure::Output)?;
        }
        Command::Remove(args) => {
            let place = find(ring.keys(), &args.which)?;
            let removed = &label(ring.keys(), place);
            ring.remove(place, world)?;
            if args.json {
                return object(output, &Removed { user, removed });
            }
            let _ = writeln!(output, "The key {removed} of {user} counts no more.");
        }
    }
    Ok(())
}

fn object(output: &mut dyn Write, object: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(object).map_err(|error| Failure::Output(error.into()))?;
    line.push(b'\n');
    output.write_all(&line).map_err(Failure::Output)
}

#[cfg(test)]
mod tests;
