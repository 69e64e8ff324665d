//! One run of the command, from its arguments to its exit code.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use mfa_core::random;
use mfa_core::store::Base;
use nix::unistd::gethostname;
use terminal_size::{Width, terminal_size_of};

use crate::cli::{Cli, Command};
use crate::codes::{bypass as bypass_code, recovery};
use crate::failure::Failure;
use crate::log::{self, Invoker};
use crate::policy::Login;
use crate::world::World;
use crate::{
    apply, bypass, check, credential, doctor, events, explain, export, forget, homes, import,
    policy, reset, seal, show, state, ticket, unlock, users, verify,
};

/// mfactl with the arguments and streams of this process. Exit codes are stable: 0 for done, 1 for
/// what could not be done, after a sentence on stderr, 2 for a command line that makes no sense, and
/// 3 where mistakes were found; the doctor's say how bad it is.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let run = Path::new("/run/pam_mfa");
    let world = World {
        base: Base::new(Path::new("/var/lib/pam_mfa"), run),
        pam_d: PathBuf::from("/etc/pam.d"),
        etc: Path::new("/etc/pam_mfa"),
        run,
        host: gethostname().unwrap_or_else(|_| "localhost".into()),
        invoker: Invoker::of_process(),
        login: &Login::of_process,
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system,
        log: &log::write,
        journal: &events::journal,
        logs: ["/var/log/auth.log", "/var/log/secure"].map(PathBuf::from).into(),
        everyone: &homes::everyone,
        columns: terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()),
        colour: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        has_terminal: io::stdin().is_terminal() && io::stdout().is_terminal(),
    };
    match run_here(&cli.command, &world) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // There is nobody left to tell if this cannot be written.
            let _ = writeln!(io::stderr(), "mfactl: {failure}.");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// With the streams of this process. A File keeps no copy of what goes through it, as io::stdout()
/// would.
fn run_here(command: &Command, world: &World) -> Result<(), Failure> {
    let duplicate = |fd: BorrowedFd| fd.try_clone_to_owned().map(File::from);
    let mut output = duplicate(io::stdout().as_fd()).map_err(Failure::Output)?;
    let input = duplicate(io::stdin().as_fd()).map_err(Failure::Input)?;
    run(command, world, &mut BufReader::new(input), &mut output)
}

/// Runs one command.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(
    command: &Command,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    // Files can be checked by anybody, and the doctor has exit codes of its own.
    if !matches!(command, Command::Check(_) | Command::Doctor(_)) {
        world.require_root()?;
    }
    match command {
        Command::Ticket(args) => ticket::ticket(args, world, output),
        Command::Credential(command) => credential::run(command, world, input, output),
        Command::Codes(args) => recovery::codes(args, world, output),
        Command::BypassCode(args) => bypass_code::bypass_code(args, world, output),
        Command::Bypass(command) => bypass::run(command, world, output),
        Command::Show(args) => show::show(args, world, output),
        Command::Unlock(args) => unlock::unlock(args, world, output),
        Command::Users(args) => users::users(args, world, output),
        Command::Reset(args) => reset::reset(args, world, input, output),
        Command::Verify(args) => verify::verify(args, world, input, output),
        Command::Log(args) => events::log(args, world, output),
        Command::State(command) => state::run(command, world, output),
        Command::Forget(args) => forget::forget(args, world, output),
        Command::Check(args) => check::check(args, world, output),
        Command::Explain(args) => explain::run(args, world, output),
        Command::Policy(command) => policy::run(command, world, output),
        Command::Doctor(args) => doctor::doctor(args, world, output),
        Command::Apply(args) => apply::apply(args, world, input, output),
        Command::Import(args) => import::run(args, world, output),
        Command::Export(args) => export::run(args, world, output),
        Command::Seal => seal::seal(world, output),
        Command::Unseal => seal::unseal(world, output),
    }
}
