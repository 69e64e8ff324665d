//! One run of the command, from its arguments to its exit code.

use std::env;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use mfa_core::random;
use mfa_core::store::Base;
use terminal_size::{Width, terminal_size_of};

use crate::args::{self, Request};
use crate::enrol::{self, Enrolment};
use crate::failure::Failure;
use crate::log::{self, Invoker, Log};
use crate::plan::{Owner, Plan};
use crate::qr_file::QrFile;
use crate::save::{HomeFile, Target, UserRecord, make_way};
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
    let base = Base::new(Path::new("/var/lib/pam_mfa"), Path::new("/run/pam_mfa"));
    if let Some(Owner { user, name }) = &plan.owner {
        let user = whoami::another(user)?;
        let target = UserRecord::new(base, user, name.clone())?;
        let person = target.user().into();
        return carry_out(plan, &target, person);
    }
    let home = env::var_os("HOME");
    let file = whoami::file(plan.file.clone(), home.clone())?;
    if whoami::is_usual(&file, home) {
        whoami::record(base)?.map_or(Ok(()), |(record, user)| make_way(&record, &user))?;
    }
    let target = HomeFile::new(file)?;
    carry_out(plan, &target, whoami::person())
}

fn carry_out<T: Target>(plan: Plan, target: &T, person: OsString) -> Result<(), Failure> {
    let qr_file = plan.qr_file.clone().map(QrFile::new).transpose()?;
    // A File keeps no copy of what goes through it, as io::stdout() would.
    let output = duplicate(io::stdout()).map_err(Failure::Output)?;
    let input = duplicate(io::stdin()).map_err(Failure::Input)?;
    let mut talk = Talk::new(BufReader::new(input), output);
    let world = World {
        person,
        host: whoami::host(),
        columns: terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()),
        qr_file: qr_file.as_ref().map(|file| file.path.as_path()),
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system,
        log: Log { invoker: &Invoker::of_process(), write: &|line| log::write("mfa-enroll", line) },
        warn: &|sentence| complain(&sentence),
    };
    let Some(enrolment) = enrol::enrol(plan, &mut talk, target, &world)? else { return Ok(()) };
    let Enrolment { factor, picture, farewell } = enrolment;
    let install = || target.install(factor, &world);
    match qr_file.as_ref().zip(picture) {
        Some((file, picture)) => file.write_and(&picture, target.path(), install)?,
        None => install()?,
    }
    // It is done, whether or not anybody still listens.
    let _ = farewell.say(&mut talk, target, &world);
    Ok(())
}

fn complain(sentence: &impl Display) {
    // There is nobody left to tell if this cannot be written.
    let _ = writeln!(io::stderr(), "mfa-enroll: {sentence}.");
}

fn duplicate(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
