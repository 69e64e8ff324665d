//! `mfactl export`: a google-authenticator file of a system record, which goes on where the record is.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use mfa_core::account::{Change, Progress, REMEMBERED, RateLimit};
use mfa_core::gauth::{self, NewFile, NewMethod};
use mfa_core::otp::{Algorithm, Digits, step};
use mfa_core::record::{CodeKind, Credential, Method, Record};
use mfa_core::secret::ScratchCodes;
use mfa_core::state::{State, Used};
use mfa_core::store::GauthFile;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::log::changed;
use crate::person::Person;
use crate::report::json;
use crate::secret;
use crate::world::World;

/// How many steps ahead of now a code may have been used: half the widest window would do.
const AHEAD: i64 = 100;

/// Whose, and where to.
#[derive(Debug, Args)]
#[command(
    after_help = "The record stays, and counts. A file holds one credential, no hashed recovery codes, no \
                  security keys and no step above 60 seconds."
)]
pub struct Export {
    /// The login name
    pub user: String,
    /// What the credential is called; left out, the first one
    pub name: Option<String>,
    /// Write this file, mode 0400, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Put it in the place of a file that is there
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Leave out what the file cannot hold
    #[arg(long)]
    pub lossy: bool,
    /// Print one JSON object once the file is written
    #[arg(long, requires = "output")]
    pub json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    user: &'a str,
    credential: &'a str,
    file: &'a Path,
    /// What the file cannot hold.
    left_out: Vec<String>,
}

/// Runs the command. The record stays, and counts.
///
/// # Errors
/// Why there is no such file.
pub fn run(args: &Export, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    person.read()?;
    let (record, state) = person.record.read()?;
    let now = (world.clock)();
    let name = args.name.as_deref();
    let credential = match name {
        Some(name) => record.credential(name),
        None => record.credentials.first(),
    };
    let credential = credential.ok_or_else(|| match name {
        Some(name) => Failure::no_credential(&record, name),
        None => Failure::several(&record),
    })?;
    let losses = losses(&record, credential, &state, now);
    if !losses.is_empty() && !args.lossy {
        return Err(Failure::Refused(format!(
            "a google-authenticator file cannot hold {}; --lossy leaves that out",
            losses.join(", nor ")
        )));
    }
    let text = file(&record, credential, &state, world)?;
    let tell = |to: &str| {
        changed(world, ("user", &person.name), "export", credential.name.as_str(), to);
    };
    let Some(path) = &args.output else {
        tell("output");
        return output.write_all(&text).map_err(Failure::Output);
    };
    if path.symlink_metadata().is_ok() && !args.force {
        let why = format!("{} is there already; --force replaces it", path.display());
        return Err(Failure::Refused(why));
    }
    GauthFile::of_caller(path.clone()).install(&text)?;
    tell(&path.display().to_string());
    if args.json {
        let (user, credential) = (person.name.as_str(), credential.name.as_str());
        return json(output, &Report { user, credential, file: path, left_out: losses });
    }
    for loss in losses {
        writeln!(output, "Left out: {loss}.").map_err(Failure::Output)?;
    }
    let (user, path) = (&person.name, path.display());
    writeln!(
        output,
        "{path} goes on where the record of {user} is, and belongs to root: in a home, it must \
         belong to {user}.\nThe record still counts; `mfactl import --undo {user}` goes by the file \
         once it is in the home."
    )
    .map_err(Failure::Output)
}

/// What the file cannot hold of what still counts.
fn losses(record: &Record, credential: &Credential, state: &State, now: u64) -> Vec<String> {
    let mut losses = Vec::new();
    for other in record.credentials.iter().filter(|other| other.id != credential.id) {
        losses.push(format!("a second credential ({:?})", other.name.as_str()));
    }
    for key in &record.keys {
        losses.push(format!("a security key ({:?})", key.name.as_str()));
    }
    if credential.algorithm != Algorithm::default() || credential.digits != Digits::default() {
        losses.push(format!(
            "{} and {} digits for any module but pam_mfa",
            credential.algorithm.name(),
            credential.digits.count()
        ));
    }
    for codes in &record.codes {
        let left = state.codes_left(codes);
        let is_over = codes.expires.is_some_and(|end| end <= now);
        match codes.kind {
            _ if left == 0 || is_over => {}
            CodeKind::Recovery => {
                losses.push(format!("{left} recovery codes, of which there are only hashes"));
            }
            CodeKind::Bypass => losses.push("a bypass code".to_owned()),
        }
    }
    let used = state.credentials.get(&credential.id);
    if matches!(credential.method, Method::Hotp) && used.is_some_and(|used| used.counter == Some(0))
    {
        losses.push("the counter 0, so it begins at 1".to_owned());
    }
    losses
}

fn file(
    record: &Record,
    credential: &Credential,
    state: &State,
    world: &World,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let used = state.credentials.get(&credential.id).cloned().unwrap_or_default();
    let (method, progress) = match credential.method {
        Method::Totp { period } => by_time(period, credential.window, used, (world.clock)())?,
        Method::Hotp => (NewMethod::Hotp, vec![next(&record.user, &used)?]),
    };
    let new = NewFile {
        secret: secret::open(record, credential, &world.base)?,
        method,
        algorithm: credential.algorithm,
        digits: credential.digits,
        window: Some(credential.window),
        rate_limit: Some((record.rate_limit.attempts, record.rate_limit.seconds)),
        scratch_codes: ScratchCodes::default(),
    };
    let limit = RateLimit {
        attempts: record.rate_limit.attempts.into(),
        interval: record.rate_limit.seconds.into(),
        times: state.attempts.clone(),
    };
    let progress = progress.into_iter().map(|progress| Change::Credential(0, progress));
    let changes = progress.chain([Change::Attempts(limit)]);
    Ok(changes.fold(new.to_bytes(), |text, change| gauth::apply(&text, &change)))
}

fn next(name: &str, used: &Used) -> Result<Progress, Failure> {
    let counter = used.counter.ok_or_else(|| {
        Failure::Refused(format!(
            "nobody knows the counter of {name}'s token; log in once by two codes in a row first"
        ))
    })?;
    // 0 would mean that there is no counter.
    Ok(Progress::Counter(counter.max(1)))
}

/// The file lists used steps one by one: all that its window reaches back to, and as many as make our
/// module take all before them for used.
fn by_time(
    period: u64,
    window: u8,
    used: Used,
    now: u64,
) -> Result<(NewMethod, Vec<Progress>), Failure> {
    let seconds = u8::try_from(period).ok().filter(|&seconds| seconds <= 60).ok_or_else(|| {
        let why = format!("a google-authenticator file has codes of 1 to 60 s, not of {period} s");
        Failure::Refused(why)
    })?;
    let no_state = || Failure::Refused("nobody knows which codes have been used".to_owned());
    let last = used.step.ok_or_else(no_state)?;
    let current = i64::try_from(step(now, period)).unwrap_or(i64::MAX).saturating_add(used.skew);
    if last.saturating_sub(current) > AHEAD {
        return Err(Failure::Refused(
            "codes of a much later time count as used, more than a file can list; set the clock"
                .to_owned(),
        ));
    }
    let remembered = i64::try_from(REMEMBERED).unwrap_or(i64::MAX);
    let reach = current.saturating_sub(i64::from(window));
    let first = reach.min(last.saturating_sub(remembered - 1));
    let listed = (first.max(0)..=last).filter_map(|step| u64::try_from(step).ok()).collect();
    let method = NewMethod::Totp {
        period: (seconds != 30).then_some(seconds),
        disallow_reuse: Some(listed),
    };
    let mut progress = Vec::new();
    if used.skew != 0 {
        progress.push(Progress::Skew(used.skew));
    }
    if !used.sightings.is_empty() {
        progress.push(Progress::Sightings(used.sightings));
    }
    Ok((method, progress))
}

#[cfg(test)]
mod tests;
