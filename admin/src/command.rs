//! One run of the command, from its arguments to its exit code.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use mfa_core::random;
use mfa_core::store::Base;
use terminal_size::{Width, terminal_size_of};

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::log::{self, Invoker};
use crate::world::World;
use crate::{credential, ticket};

/// mfactl with the arguments and streams of this process. Exit codes are stable: 0 for done, 1 for
/// what could not be done, after a sentence on stderr, 2 for a command line that makes no sense, and
/// 3 where `check` or a dry run found mistakes.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let world = World {
        base: Base::new(Path::new("/var/lib/pam_mfa"), Path::new("/run/pam_mfa")),
        pam_d: PathBuf::from("/etc/pam.d"),
        invoker: Invoker::of_process(),
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system,
        log: &log::write,
        columns: terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()),
    };
    match run(&cli.command, &world, &mut io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // There is nobody left to tell if this cannot be written.
            let _ = writeln!(io::stderr(), "mfactl: {failure}.");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Credential(command) => credential::run(command, world, output),
        Command::Ticket(args) => ticket::ticket(args, world, output),
    }
}
