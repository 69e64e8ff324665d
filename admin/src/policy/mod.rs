//! `mfactl policy`: a new policy counts for good only once somebody has logged in under it.

mod login;
mod step;

use std::io::{self, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use clap::Subcommand;
use mfa_core::policy::trial::{PREVIOUS, boot_id};
use mfa_core::policy::{POLICY, Trial, Turn, files};
use nix::unistd::Uid;
use serde::Serialize;

use crate::check;
use crate::failure::Failure;
use crate::log;
use crate::report::json;
use crate::time::{length, moment};
use crate::world::World;
pub use login::Login;

/// What to do with the policy.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install a policy; unless it is confirmed in time, the old one comes back, reboot included
    Try(Try),
    /// Keep the policy that is on trial. From a login that came after it
    Confirm(Confirm),
    /// Put the old policy back now
    Revert(Revert),
    /// Which policy counts
    Status(Status),
}

#[derive(Debug, clap::Args)]
pub struct Try {
    /// The new policy
    file: PathBuf,

    /// How long to wait for `mfactl policy confirm`, such as 10m; a minute to a week
    #[arg(long = "for", value_name = "TIME", value_parser = length(60, 604_800))]
    length: u64,

    /// Print one JSON object, as `status` does
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Confirm {
    /// Print one JSON object, as `status` does
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Revert {
    /// Wait until the trial is over or confirmed; for whatever runs in the background
    #[arg(long, conflicts_with = "json")]
    when_due: bool,

    /// Print one JSON object, as `status` does
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Status {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the commands take turns by.
const TURN: &str = "policy";

/// How long to sleep between two looks: somebody may have confirmed.
const PAUSE: u64 = 5;

/// Runs the command.
///
/// # Errors
/// Why it was not done.
pub fn run(command: &Command, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Try(args) => begin(args, world, output),
        Command::Confirm(args) => confirm(args, world, output),
        Command::Revert(args) if args.when_due => await_end(world, output),
        Command::Revert(args) => {
            let _turn = turn(world)?;
            let trial = trial(world)?.ok_or_else(nothing)?;
            revert(&trial, world)?;
            say(args.json, "The old policy counts again", world, output)
        }
        Command::Status(args) => status(args, world, output),
    }
}

fn begin(args: &Try, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    // `mfactl check --policy FILE --json` has them for scripts.
    let findings: &mut dyn Write = if args.json { &mut io::sink() } else { &mut *output };
    let new = check::policy_text(&args.file, findings)?;
    let _turn = turn(world)?;
    if let Some(trial) = trial(world)? {
        if !trial.is_over((world.clock)(), &boot_id()) {
            let until = moment(trial.until);
            return Err(Failure::Refused(format!(
                "a policy is on trial until {until}; run `mfactl policy confirm` or `mfactl policy \
                 revert` first"
            )));
        }
        revert(&trial, world)?;
    }
    let old = files::read(world.etc, POLICY, Uid::effective())?;
    let (now, login) = ((world.clock)(), (world.login)());
    let trial = Trial {
        since: now,
        until: now.saturating_add(args.length),
        boot: boot_id(),
        session: login.newest,
        began: login.began,
        has_previous: old.is_some(),
    };
    let until = moment(trial.until);
    step::take(&step::begin(old, new, &trial), world.run, world.etc)?;
    log::changed(world, ("file", POLICY), "trial", "", &until);
    let sentence = format!(
        "On trial until {until}. Log in anew from another terminal, and run `mfactl policy confirm` \
         there; otherwise the old policy counts again from then on"
    );
    say(args.json, &sentence, world, output)
}

fn confirm(args: &Confirm, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let _turn = turn(world)?;
    let trial = trial(world)?.ok_or_else(nothing)?;
    if trial.is_over((world.clock)(), &boot_id()) {
        revert(&trial, world)?;
        return Err(Failure::Refused(
            "too late: the trial is over, and the old policy counts again".to_owned(),
        ));
    }
    match (world.login)().is_after(&trial) {
        Some(true) => {}
        Some(false) => {
            return Err(Failure::Refused(
                "this login was there before the new policy, and shows nothing; log in anew, and \
                 confirm from there"
                    .to_owned(),
            ));
        }
        None => {
            return Err(Failure::Refused(
                "this comes from no login, and shows nothing; log in at a terminal, and confirm \
                 from there"
                    .to_owned(),
            ));
        }
    }
    step::take(&step::confirm(), world.run, world.etc)?;
    log::changed(world, ("file", POLICY), "trial", &moment(trial.until), "confirmed");
    say(args.json, "The new policy stays", world, output)
}

/// Puts the old policy back once the trial is over; whoever reads the policy goes by it already.
fn await_end(world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    loop {
        let now = (world.clock)();
        let turn = turn(world)?;
        let Some(trial) = trial(world)? else { return Ok(()) };
        if trial.is_over(now, &boot_id()) {
            revert(&trial, world)?;
            return say(false, "The old policy counts again", world, output);
        }
        drop(turn);
        sleep(Duration::from_secs(trial.until.saturating_sub(now).min(PAUSE)));
    }
}

fn revert(trial: &Trial, world: &World) -> Result<(), Failure> {
    let previous = if trial.has_previous {
        let text = files::read(world.etc, PREVIOUS, Uid::effective())?;
        Some(text.ok_or_else(|| {
            let path = world.etc.join(PREVIOUS);
            Failure::Refused(format!(
                "{} is missing; put a policy into policy.toml, and remove policy.trial",
                path.display()
            ))
        })?)
    } else {
        None
    };
    step::take(&step::revert(previous), world.run, world.etc)?;
    log::changed(world, ("file", POLICY), "trial", &moment(trial.until), "reverted");
    Ok(())
}

/// Which policy counts.
#[derive(Serialize)]
struct Standing {
    /// `null` for none.
    file: Option<PathBuf>,
    on_trial: bool,
    /// The end of the trial, in seconds since 1970.
    until: Option<u64>,
}

impl Standing {
    fn find(world: &World) -> Result<Self, Failure> {
        let now = (world.clock)();
        let trial = trial(world)?;
        let file = files::in_force(trial.as_ref(), now).map(|name| world.etc.join(name));
        Ok(Self {
            file: file.filter(|file| file.exists()),
            on_trial: trial.as_ref().is_some_and(|trial| !trial.is_over(now, &boot_id())),
            until: trial.map(|trial| trial.until),
        })
    }

    fn sentence(&self, world: &World) -> String {
        let file = self.file.as_deref().map_or_else(
            || format!("There is no policy in {}", world.etc.display()),
            |file| format!("{} counts", file.display()),
        );
        let trial = match self.until.map(moment) {
            None => String::new(),
            Some(until) if self.on_trial => format!("; on trial until {until}"),
            Some(until) => {
                format!("; a trial ended at {until}, and `mfactl policy revert` tidies up")
            }
        };
        format!("{file}{trial}")
    }
}

fn status(args: &Status, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let sentence = Standing::find(world)?.sentence(world);
    say(args.json, &sentence, world, output)
}

/// What was done, in a sentence; or how things stand now, for scripts.
fn say(
    as_json: bool,
    sentence: &str,
    world: &World,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    if as_json {
        return json(output, &Standing::find(world)?);
    }
    writeln!(output, "{sentence}.").map_err(Failure::Output)
}

fn turn(world: &World) -> Result<Turn, Failure> {
    Ok(Turn::take(world.run, world.etc, TURN)?)
}

fn trial(world: &World) -> Result<Option<Trial>, Failure> {
    Ok(files::trial(world.etc, Uid::effective())?)
}

fn nothing() -> Failure {
    Failure::Refused("no policy is on trial".to_owned())
}

#[cfg(test)]
mod tests;
