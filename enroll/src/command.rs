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
use crate::key;
use crate::log::{self, Invoker, Log};
use crate::plan::{Owner, Plan};
use crate::qr_file::QrFile;
use crate::save::{HomeFile, Target, UserRecord, make_way};
use crate::talk::Talk;
use crate::token::{self, Tokens};
use crate::whoami;
use crate::world::World;

/// Where records are.
const LIB: &str = "/var/lib/pam_mfa";
/// Where the module keeps what the next boot may lose.
const RUN: &str = "/run/pam_mfa";

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
    let line: Vec<_> = env::args_os().collect();
    if key::is_meant(&line) {
        return keys(&line);
    }
    let plan = match args::read(line)? {
        Request::Enrol(args) => Plan::from(*args),
        Request::Show(text) => {
            return io::stdout().write_all(text.as_bytes()).map_err(Failure::Output);
        }
    };
    let base = Base::new(Path::new(LIB), Path::new(RUN));
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
    let invoker = Invoker::of_process();
    let world = World {
        person,
        columns: terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()),
        qr_file: qr_file.as_ref().map(|file| file.path.as_path()),
        ..around(&invoker)
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

/// What every command finds.
fn around(invoker: &Invoker) -> World<'_> {
    World {
        person: whoami::person(),
        host: whoami::host(),
        columns: None,
        qr_file: None,
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system,
        log: Log { invoker, write: &|line| log::write("mfa-enroll", line) },
        warn: &|sentence| complain(&sentence),
    }
}

/// A command line about security keys.
fn keys(line: &[OsString]) -> Result<(), Failure> {
    let command = match key::read(line)? {
        key::Request::Run(command) => command,
        key::Request::Show(text) => {
            return io::stdout().write_all(text.as_bytes()).map_err(Failure::Output);
        }
    };
    let invoker = Invoker::of_process();
    let world = around(&invoker);
    let base = Base::new(Path::new(LIB), Path::new(RUN));
    let ring = command.keyring(base, Path::new(RUN), env::var_os("HOME"), &world)?;
    let mut output = duplicate(io::stdout()).map_err(Failure::Output)?;
    let told =
        if command.is_for_scripts() { duplicate(io::stderr()) } else { duplicate(io::stdout()) };
    let input = duplicate(io::stdin()).map_err(Failure::Input)?;
    let mut talk = Talk::new(BufReader::new(input), told.map_err(Failure::Output)?);
    let mut tokens = Tokens::new(&token::start, world.random);
    key::run(&command, &*ring, &mut talk, &mut tokens, &world, &mut output)
}

fn complain(sentence: &impl Display) {
    // There is nobody left to tell if this cannot be written.
    let _ = writeln!(io::stderr(), "mfa-enroll: {sentence}.");
}

fn duplicate(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}
