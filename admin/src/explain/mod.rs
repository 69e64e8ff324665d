//! `mfactl explain`: what becomes of a login, and why.

mod keys;
mod meanwhile;
mod trace;
mod verdict;

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;

use mfa_core::policy::files::in_force;
use mfa_core::policy::{
    BYPASS, Bypass, Decided, Files, Keep, MAX_SIZE, Policy, Request, Requirement, decide, files,
    is_in,
};
use mfa_core::source::address;
use nix::unistd::{Uid, User};
use serde::Serialize;

use crate::enrolment::{Enrolment, Stored};
use crate::failure::Failure;
use crate::finding::Finding;
use crate::person::Person;
use crate::report::{json, table};
use crate::source;
use crate::world::World;
use trace::Entry;
use verdict::{Outcome, Verdict};

#[derive(Debug, clap::Args)]
#[command(after_help = "Options of the PAM line (store=, enroll, u2f, ssh_agent, skip=ignore, \
                        policy_error=require) may change it further.")]
pub struct Args {
    /// The login name
    #[arg(long)]
    user: String,

    /// The PAM service, such as sshd or sudo
    #[arg(long)]
    service: String,

    /// Where the login comes from: a numeric address; left out, none is known
    #[arg(long, value_name = "ADDRESS", value_parser = numeric)]
    source: Option<IpAddr>,

    /// The terminal, as PAM_TTY has it
    #[arg(long)]
    tty: Option<String>,

    /// Go by this policy instead of the one that counts
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn numeric(text: &str) -> Result<IpAddr, &'static str> {
    address(text).ok_or("a numeric address such as 192.0.2.7; names are never looked up")
}

/// All that is known of a login.
#[derive(Serialize)]
struct Explained<'a> {
    user: &'a str,
    service: &'a str,
    source: Option<IpAddr>,
    tty: Option<&'a str>,
    node: &'a str,
    /// The file of the policy; `null` for none.
    policy: Option<PathBuf>,
    rules: Vec<Entry>,
    /// The entries whose network the login comes from.
    bypasses: Vec<Entry>,
    stored: Stored,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Runs the command.
///
/// # Errors
/// Why nobody can tell.
pub fn run(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    let Ok(Some(user)) = User::from_name(&person.name) else {
        return Err(Failure::UserGone(person.name));
    };
    let now = (world.clock)();
    let Read { file, text, policy, bypasses, list } = read(args, world, now)?;

    let node = world.host.to_string_lossy();
    let request =
        Request { user: &user.name, service: &args.service, source: args.source, node: &node };
    let mut in_group = |group: &str| is_in(group, &user.name, Some(&user));
    let rules = policy.as_ref().map_or(&[][..], |policy| &policy.rules);
    let keep = policy.as_ref().and_then(|policy| policy.store).unwrap_or(Keep::Auto);
    let enrolment = Enrolment::kept(keep, &person, world);
    let decided = decide(rules, &bypasses, &request, &mut in_group, now);
    let demand = match &decided {
        Ok(Decided { requirement: Requirement::Require(demand), .. }) => Some(*demand),
        _ => None,
    };
    let mut verdict = Verdict::of(decided, policy.is_some(), &enrolment, now);
    let asks = demand.filter(|_| verdict.outcome == Outcome::Require);
    if let Some(demand) = demand.filter(|_| verdict.would.is_none()) {
        let account = enrolment.account.as_ref().ok().and_then(Option::as_deref);
        let account = account.filter(|_| asks.is_some());
        verdict.says.extend(keys::says(&demand, policy.as_ref(), &request, account));
    }
    if let (Some(demand), Some(policy)) = (asks, &policy) {
        let terms = (&demand, &policy.limits);
        meanwhile::add(&mut verdict, terms, &request, &enrolment, world);
    }
    let explained = Explained {
        user: &user.name,
        service: &args.service,
        source: args.source,
        tty: args.tty.as_deref(),
        node: &node,
        rules: trace::rules((file.as_deref(), &text), rules, &request, &mut in_group),
        bypasses: trace::bypasses((&world.etc.join(BYPASS), &list), &bypasses, &request, now),
        stored: enrolment.stored,
        verdict,
        policy: file,
    };
    if args.json { json(output, &explained) } else { explained.write(world.colour, output) }
}

/// What decides, and the texts that lines are counted in.
struct Read {
    /// The policy's file; `None` for no policy.
    file: Option<PathBuf>,
    text: String,
    policy: Option<Policy>,
    bypasses: Vec<Bypass>,
    list: String,
}

fn read(args: &Args, world: &World, now: u64) -> Result<Read, Failure> {
    let Files { policy, bypasses } =
        Files::read(world.etc, Uid::effective(), now).map_err(|trouble| {
            Failure::Refused(format!(
                "nobody gets in, or with policy_error=require on the PAM line everybody is asked: \
                 {trouble}"
            ))
        })?;
    let list = installed(world, BYPASS)?;
    if let Some(file) = &args.policy {
        let text = source::read(file, MAX_SIZE)?;
        let policy = Policy::read(&text)
            .map_err(|mistake| Failure::Refused(Finding::in_text(file, &mistake).to_string()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        return Ok(Read { file: Some(file.clone()), text, policy: Some(policy), bypasses, list });
    }
    let trial = files::trial(world.etc, Uid::effective())?;
    let name = in_force(trial.as_ref(), now).filter(|_| policy.is_some());
    let text = name.map_or(Ok(String::new()), |name| installed(world, name))?;
    Ok(Read { file: name.map(|name| world.etc.join(name)), text, policy, bypasses, list })
}

/// The text of a file in /etc/pam_mfa.
fn installed(world: &World, name: &str) -> Result<String, Failure> {
    let text = files::read(world.etc, name, Uid::effective())?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

impl Explained<'_> {
    fn write(&self, colour: bool, output: &mut dyn Write) -> Result<(), Failure> {
        let source = self.source.map_or("no address".to_owned(), |source| source.to_string());
        let tty = self.tty.map(|tty| format!(" at {tty}")).unwrap_or_default();
        let Self { user, service, node, .. } = self;
        let policy = match &self.policy {
            Some(file) => file.display().to_string(),
            None => "none: everybody is asked, as google-authenticator does".to_owned(),
        };
        let stored = self.stored.in_words();
        writeln!(
            output,
            "Login:   {user} by {service} from {source}{tty}, on {node}\n\
             Policy:  {policy}\nStored:  {stored}"
        )
        .map_err(Failure::Output)?;
        let rows: Vec<_> = self.rules.iter().chain(&self.bypasses).map(Entry::row).collect();
        table(output, colour, &rows)?;
        for sentence in &self.verdict.says {
            writeln!(output, "{sentence}.").map_err(Failure::Output)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
