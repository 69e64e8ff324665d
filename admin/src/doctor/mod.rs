//! `mfactl doctor`: what a login of each service meets, and what is wrong with it.
//!
//! All facts are gathered first, then judged, then shown.

mod clock;
mod diagnosis;
mod facts;
mod host;
mod keys;
mod laws;
mod line;
mod module;
mod module_file;
mod records;
mod rights;
mod service;
mod show;
mod sshd;
mod sudoers;
mod template;

#[cfg(test)]
mod tests;

use std::io::Write;

use serde::Serialize;

use crate::failure::Failure;
use crate::pam_d::{Line, Phase};
use crate::report::json;
use crate::world::World;
use diagnosis::{Diagnosis, Severity};
use facts::Facts;
use host::Host;
use line::{in_words, is_ours};
use show::show;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code, fit for monitoring: 0 if nothing is wrong, 1 if there are warnings \
                        alone, 2 if there are errors, or if nobody could look."
)]
pub struct Args {
    /// Look at this service alone, and at what all depend on
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Report<'a> {
    services: Vec<ServiceReport<'a>>,
    findings: &'a [Diagnosis],
}

#[derive(Serialize)]
struct ServiceReport<'a> {
    service: &'a str,
    /// What sshd lets in, for its service alone.
    sshd: Option<String>,
    /// In the order of a login.
    lines: Vec<LineReport<'a>>,
}

#[derive(Serialize)]
struct LineReport<'a> {
    phase: &'static str,
    file: String,
    line: usize,
    control: &'a str,
    module: String,
    options: Vec<String>,
    /// How many substacks it lies in.
    level: usize,
    /// What it does, for lines of ours.
    meaning: Option<String>,
}

pub fn doctor(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    // Monitoring has to know that nobody looked.
    let nobody = |why: Failure| Failure::Ill { errors: true, what: why.to_string() };
    world.require_root().map_err(nobody)?;
    examine(args, &Host::here((world.clock)()), world.colour, output)
}

/// [`doctor`] of any machine.
fn examine(
    args: &Args,
    host: &Host,
    coloured: bool,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let only = args.service.as_deref();
    let facts = Facts::gather(host, only);
    let found = facts.judge(only);
    if args.json {
        json(output, &Report::new(&facts, &found))?;
    } else {
        show(&facts, &found, coloured, output)?;
    }
    match found.iter().map(|found| found.severity).max() {
        None => Ok(()),
        Some(worst) => {
            Err(Failure::Ill { errors: worst == Severity::Error, what: show::sum(&found) })
        }
    }
}

impl<'a> Report<'a> {
    fn new(facts: &'a Facts, findings: &'a [Diagnosis]) -> Self {
        let services = facts.services.iter().map(|(service, stack)| ServiceReport {
            service,
            sshd: facts.sshd_of(service).map(sshd::Sshd::in_words),
            lines: stack
                .lines
                .iter()
                .filter(|line| line.phase != Phase::Password)
                .map(LineReport::new)
                .collect(),
        });
        Self { services: services.collect(), findings }
    }
}

impl<'a> LineReport<'a> {
    fn new(line: &'a Line) -> Self {
        let options = line.options.iter().map(|option| option.to_string_lossy().into_owned());
        Self {
            phase: line.phase.name(),
            file: line.file.display().to_string(),
            line: line.number,
            control: &line.control.text,
            module: line.module.display().to_string(),
            options: options.collect(),
            level: line.level,
            meaning: is_ours(line).then(|| in_words(line)),
        }
    }
}
