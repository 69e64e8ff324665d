//! mfa-enroll: makes a new second factor for your own account, with the flags, questions and exit
//! codes of google-authenticator.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod args;
mod confirm;
mod enrol;
mod failure;
mod plan;
mod qr;
mod question;
mod random;
mod refusal;
mod save;
mod talk;
mod uri;
mod whoami;

use std::env;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::SystemTime;

use args::Request;
use enrol::{Ending, World};
use failure::Failure;
use plan::Plan;
use save::Target;
use talk::Talk;
use terminal_size::{Width, terminal_size_of};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // There is nobody left to tell if this cannot be written.
            let _ = writeln!(io::stderr(), "mfa-enroll: {failure}.");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let plan = match args::read(env::args_os())? {
        Request::Enrol(args) => Plan::from(*args),
        Request::Show(text) => {
            return io::stdout().write_all(text.as_bytes()).map_err(Failure::Output);
        }
    };
    let target = Target::new(whoami::file(plan.file.clone(), env::var_os("HOME"))?)?;
    // A File keeps no copy of what goes through it, as io::stdout() would.
    let output = duplicate(io::stdout()).map_err(Failure::Output)?;
    let input = duplicate(io::stdin()).map_err(Failure::Input)?;
    let mut talk = Talk::new(BufReader::new(input), output);
    let world = World {
        person: whoami::person(),
        host: whoami::host(),
        columns: terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()),
        path: target.path(),
        exists: target.exists,
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system(),
    };
    match enrol::enrol(plan, &mut talk, &world)? {
        Ending::Declined => Ok(()),
        Ending::Agreed(enrolment) => {
            target.install(&enrolment.file)?;
            // It is done, whether or not anybody still listens.
            let _ = enrolment.farewell(&mut talk, &world);
            Ok(())
        }
    }
}

fn duplicate(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
