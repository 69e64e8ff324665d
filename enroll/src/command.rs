//! One run of the command, from its arguments to its exit code.

use std::env;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::SystemTime;

use mfa_core::random;
use terminal_size::{Width, terminal_size_of};

use crate::args::{self, Request};
use crate::enrol::{self, Ending};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::qr_file::QrFile;
use crate::save::Target;
use crate::talk::Talk;
use crate::whoami;
use crate::world::World;

/// mfa-enroll with the arguments, streams and environment of this process: 0 when done or declined,
/// 1 after a sentence on stderr.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
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
    let qr_file = plan.qr_file.clone().map(QrFile::new).transpose()?;
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
        qr_file: qr_file.as_ref().map(|file| file.path.as_path()),
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system,
        warn: &|sentence| complain(&sentence),
    };
    match enrol::enrol(plan, &mut talk, &world)? {
        Ending::Declined => Ok(()),
        Ending::Agreed(enrolment) => {
            let install = || target.install(&enrolment.file);
            match qr_file.as_ref().zip(enrolment.picture.as_ref()) {
                Some((file, picture)) => file.write_and(picture, target.path(), install)?,
                None => install()?,
            }
            // It is done, whether or not anybody still listens.
            let _ = enrolment.farewell(&mut talk, &world);
            Ok(())
        }
    }
}

fn complain(sentence: &impl Display) {
    // There is nobody left to tell if this cannot be written.
    let _ = writeln!(io::stderr(), "mfa-enroll: {sentence}.");
}

fn duplicate(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
