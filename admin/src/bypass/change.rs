//! New entries, other terms, fewer entries.

use std::io::Write;

use mfa_core::policy::{BYPASS, Bypass, Network, NoNetwork, Turn, bypass};
use mfa_enroll::log::Invoker;
use nix::unistd::{Uid, User};
use serde::Serialize;

use super::entry::{Row, check_width, expires, services, summary, warnings};
use super::expiry::Expiry;
use super::{edit, find, understand};
use crate::failure::Failure;
use crate::log::changed;
use crate::report::json;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "It replaces the second factor alone. Every login that it lets in is logged with its id."
)]
pub struct Add {
    /// The network, such as 203.0.113.0/28 or 2001:db8::/32, or one address; no names
    #[arg(value_parser = network)]
    network: Network,

    /// Why, for whoever reads the list after you
    #[arg(long, value_parser = printable)]
    reason: String,

    /// The PAM services that it is for; all unless given
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = service)]
    services: Option<Vec<String>>,

    /// When it ends: 30d or another time from now, a date (00:00 UTC), or never
    #[arg(long, value_name = "WHEN", default_value = "never", value_parser = Expiry::read)]
    expires: Expiry,

    /// Who answers for it; whoever logged in to run this unless given
    #[arg(long, value_parser = printable)]
    owner: Option<String>,

    /// Take a network wider than /8 (IPv6: /16), too
    #[arg(long)]
    force: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "mfactl bypass set [OPTIONS] <ID>",
    group = clap::ArgGroup::new("terms").required(true).multiple(true)
)]
pub struct Set {
    /// Its id, as `list` shows it
    id: String,

    /// Another network
    #[arg(long, group = "terms", value_parser = network)]
    network: Option<Network>,

    /// Another reason
    #[arg(long, group = "terms", value_parser = printable)]
    reason: Option<String>,

    /// The PAM services that it is for, in place of those before
    #[arg(long, group = "terms", value_name = "A,B", value_delimiter = ',', value_parser = service)]
    services: Option<Vec<String>>,

    /// For all services
    #[arg(long, group = "terms", conflicts_with = "services")]
    all_services: bool,

    /// When it ends: 30d or another time from now, a date (00:00 UTC), or never
    #[arg(long, group = "terms", value_name = "WHEN", value_parser = Expiry::read)]
    expires: Option<Expiry>,

    /// Who answers for it
    #[arg(long, group = "terms", value_parser = printable)]
    owner: Option<String>,

    /// Take a network wider than /8 (IPv6: /16), too
    #[arg(long)]
    force: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Its id, as `list` shows it
    id: String,

    /// Print one JSON object: the entry as it was
    #[arg(long)]
    json: bool,
}

fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|why: NoNetwork| why.to_string())
}

/// As [`bypass::read`] has it.
fn printable(text: &str) -> Result<String, String> {
    let fits = (1..=200).contains(&text.len()) && !text.contains(char::is_control);
    let expected = || "1 to 200 printable characters".to_owned();
    fits.then(|| text.to_owned()).ok_or_else(expected)
}

/// The name of a file in /etc/pam.d.
fn service(text: &str) -> Result<String, String> {
    let is_name = |symbol: char| symbol.is_ascii_graphic() && symbol != '/';
    let fits = !text.is_empty() && text.chars().all(is_name);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "the name of a PAM service, such as sshd".to_owned())
}

/// For scripts.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    entry: Row<'a>,
    warnings: &'a [String],
}

pub fn add(args: &Add, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    check_width(args.network, args.force)?;
    let now = (world.clock)();
    let expires = args.expires.at(now)?;
    let (turn, text, entries) = begin(world)?;
    let entry = Bypass {
        id: new_id(&entries, world)?,
        at: text.len(),
        network: args.network,
        services: args.services.clone(),
        reason: args.reason.clone(),
        owner: args.owner.clone().or_else(|| name_of(&world.invoker)),
        created: Some(now),
        expires,
    };
    save(&turn, &text, &entries, (None, Some(&entry)), world)?;
    report(&entry, &entries, args.json, world, output)
}

pub fn set(args: &Set, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    if let Some(network) = args.network {
        check_width(network, args.force)?;
    }
    let now = (world.clock)();
    let (turn, text, entries) = begin(world)?;
    let before = find(&entries, &args.id)?;
    let mut entry = before.clone();
    entry.network = args.network.unwrap_or(entry.network);
    if args.services.is_some() || args.all_services {
        entry.services.clone_from(&args.services);
    }
    if let Some(reason) = &args.reason {
        entry.reason.clone_from(reason);
    }
    if args.owner.is_some() {
        entry.owner.clone_from(&args.owner);
    }
    if let Some(expiry) = args.expires {
        entry.expires = expiry.at(now)?;
    }
    if entry != *before {
        save(&turn, &text, &entries, (Some(before), Some(&entry)), world)?;
    }
    report(&entry, &entries, args.json, world, output)
}

pub fn remove(args: &Remove, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let (turn, text, entries) = begin(world)?;
    let entry = find(&entries, &args.id)?;
    save(&turn, &text, &entries, (Some(entry), None), world)?;
    if args.json {
        return json(output, &Row::new(entry, (world.clock)()));
    }
    writeln!(output, "{}, {}, is removed.", entry.id, entry.network).map_err(Failure::Output)
}

/// Waits for others, and reads what they have left.
fn begin(world: &World) -> Result<(Turn, String, Vec<Bypass>), Failure> {
    let turn = Turn::take(world.run, world.etc, BYPASS)?;
    let text = turn.read()?;
    let entries = understand(world, &text)?;
    Ok((turn, String::from_utf8_lossy(&text).into_owned(), entries))
}

/// An entry as it was and as it is to be; `None` where there is none.
type Change<'a> = (Option<&'a Bypass>, Option<&'a Bypass>);

/// Puts the changed list in place once it reads as it was meant, and says so in the log.
fn save(
    turn: &Turn,
    text: &str,
    entries: &[Bypass],
    change: Change,
    world: &World,
) -> Result<(), Failure> {
    let text = edit::apply(text, change)?;
    let (before, after) = change;
    let mut meant: Vec<_> = entries.iter().map(without_place).collect();
    let after_it = after.map(without_place);
    match before.and_then(|before| entries.iter().position(|entry| entry == before)) {
        Some(place) => drop(meant.splice(place..=place, after_it)),
        None => meant.extend(after_it),
    }
    let is_meant = |read: &[Bypass]| read.iter().map(without_place).eq(meant.iter().cloned());
    if !bypass::read(text.as_bytes()).is_ok_and(|read| is_meant(&read)) {
        return Err(Failure::Refused(format!(
            "the list would not read as it is meant; change {} by hand",
            world.etc.join(BYPASS).display()
        )));
    }
    let warning = turn.replace(text.as_bytes())?;
    let id = before.or(after).map_or("", |entry| &entry.id);
    let [before, after] = [before, after].map(|entry| entry.map(summary).unwrap_or_default());
    changed(world, ("id", id), "bypass", &before, &after);
    warning.map_or(Ok(()), |trouble| Err(trouble.into()))
}

/// As it would be anywhere in the file.
fn without_place(entry: &Bypass) -> Bypass {
    Bypass { at: 0, ..entry.clone() }
}

/// What holds from now on, and what should be thought of.
fn report(
    entry: &Bypass,
    entries: &[Bypass],
    as_json: bool,
    world: &World,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let now = (world.clock)();
    let warnings = warnings(entry, entries, now);
    if as_json {
        return json(output, &Report { entry: Row::new(entry, now), warnings: &warnings });
    }
    let Bypass { id, network, .. } = entry;
    let (services, expires) = (services(entry), expires(entry));
    writeln!(output, "{id}: {network}, services: {services}, expires: {expires}.")
        .map_err(Failure::Output)?;
    for warning in warnings {
        writeln!(output, "warning: {warning}.").map_err(Failure::Output)?;
    }
    Ok(())
}

/// An id that no entry has. It is random, so that the id of an entry which is gone hardly comes back
/// and the log stays clear.
fn new_id(entries: &[Bypass], world: &World) -> Result<String, Failure> {
    loop {
        let mut bytes = [0; 2];
        (world.random)(&mut bytes)?;
        let id = format!("b{:04x}", u16::from_be_bytes(bytes));
        if entries.iter().all(|entry| entry.id != id) {
            return Ok(id);
        }
    }
}

/// Who runs the command: whoever logged in, or else whom sudo names, or the user.
fn name_of(invoker: &Invoker) -> Option<String> {
    let name = |uid| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
    let login = invoker.login_uid.and_then(name);
    login.or_else(|| invoker.sudo_user.clone()).or_else(|| name(invoker.uid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::uid_of;

    #[test]
    fn whoever_logged_in_answers_for_it() {
        let [daemon, bin] = ["daemon", "bin"].map(uid_of);
        for (login_uid, sudo_user, owner) in [
            (Some(daemon), Some("alice"), "daemon"),
            (None, Some("alice"), "alice"),
            (None, None, "bin"),
        ] {
            let invoker = Invoker { uid: bin, login_uid, sudo_user: sudo_user.map(str::to_owned) };
            assert_eq!(name_of(&invoker).as_deref(), Some(owner));
        }
    }
}
