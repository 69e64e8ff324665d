//! What the list holds.

use std::io::Write;

use mfa_core::policy::{BYPASS, Bypass, files, position};
use nix::unistd::Uid;
use serde::Serialize;

use super::entry::{Row, expires, services};
use super::{find, understand};
use crate::failure::Failure;
use crate::report::{alarm, head, json, table};
use crate::time::day;
use crate::world::World;

#[derive(Serialize)]
struct Listing<'a> {
    bypasses: Vec<Row<'a>>,
}

pub fn list(as_json: bool, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let (_, entries) = read(world)?;
    let now = (world.clock)();
    if as_json {
        let bypasses = entries.iter().map(|entry| Row::new(entry, now)).collect();
        return json(output, &Listing { bypasses });
    }
    let head = head(["id", "network", "services", "state", "expires", "owner", "reason"]);
    let rows = entries.iter().map(|entry| fields(entry, now));
    table(output, world.colour, &std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

pub fn show(id: &str, as_json: bool, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let (text, entries) = read(world)?;
    let entry = find(&entries, id)?;
    let now = (world.clock)();
    if as_json {
        return json(output, &Row::new(entry, now));
    }
    let (line, _) = position(&String::from_utf8_lossy(&text), entry.at);
    let [id, network, services, state, expires, owner, reason] = fields(entry, now);
    let created = entry.created.map_or_else(|| "-".to_owned(), day);
    let file = format!("{}:{line}", world.etc.join(BYPASS).display());
    let rows = [
        ("id", id),
        ("network", network),
        ("services", services),
        ("state", state),
        ("created", created),
        ("expires", expires),
        ("owner", owner),
        ("reason", reason),
        ("file", file),
    ];
    table(output, world.colour, &rows.map(|(name, value)| [name.to_owned(), value]))
}

/// The text of the file, and what it says.
fn read(world: &World) -> Result<(Vec<u8>, Vec<Bypass>), Failure> {
    let text = files::read(world.etc, BYPASS, Uid::effective())?.unwrap_or_default();
    let entries = understand(world, &text)?;
    Ok((text, entries))
}

fn fields(entry: &Bypass, now: u64) -> [String; 7] {
    [
        entry.id.clone(),
        entry.network.to_string(),
        services(entry),
        if entry.is_expired(now) { alarm("expired") } else { "active".to_owned() },
        expires(entry),
        entry.owner.clone().unwrap_or_else(|| "-".to_owned()),
        entry.reason.clone(),
    ]
}
