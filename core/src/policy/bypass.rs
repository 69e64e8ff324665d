//! bypass.toml: networks whose logins skip the second factor, with or without a policy.

use super::decide::Request;
use super::network::Network;
use super::{Mistake, network, reason, words};
use crate::document::{self, Table};

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// What the log calls it: 1 to 16 letters, digits and hyphens, one of its kind.
    pub id: String,
    /// Where it begins in the file, in bytes ([`crate::document::position`]).
    pub at: usize,
    /// Where logins come from.
    pub network: Network,
    /// PAM services; `None` for all.
    pub services: Option<Vec<String>>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// From when on it counts for nothing, in seconds since 1970.
    pub expires: Option<u64>,
}

impl Bypass {
    /// Whether it counts for nothing any more at `now`.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether it holds for a login at `now`, in seconds since 1970.
    #[must_use]
    pub fn holds(&self, request: &Request, now: u64) -> bool {
        let service = |services: &Vec<String>| services.iter().any(|one| one == request.service);
        !self.is_expired(now)
            && self.services.as_ref().is_none_or(service)
            && request.source.is_some_and(|source| self.network.contains(source))
    }
}

/// Reads the text of a list.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(text: &[u8]) -> Result<Vec<Bypass>, Mistake> {
    document::read(text, |table| {
        table.version_if_said()?;
        let mut entries: Vec<Bypass> = Vec::new();
        table.tables("bypass", |table| {
            let entry = entry(table)?;
            if entries.iter().any(|other| other.id == entry.id) {
                return Err(table.wrong(format!("another entry has the id {}", entry.id)));
            }
            entries.push(entry);
            Ok(())
        })?;
        Ok(entries)
    })
}

fn entry(table: &mut Table) -> Result<Bypass, Mistake> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let id = table.text("id")?;
    let id = table.needed("id", id)?;
    let id = Some(id).filter(|id| (1..=16).contains(&id.len()) && id.bytes().all(fits));
    let network = table.text("network")?;
    let network = table.needed("network", network)?;
    Ok(Bypass {
        id: table.valid("id", id, "not 1 to 16 letters, digits and hyphens")?.to_owned(),
        at: table.begins_at(),
        network: network::read(table, "network", network)?,
        services: words(table, "services")?,
        reason: match reason(table, "reason")? {
            Some(reason) => reason,
            None => return Err(table.wrong("reason is missing")),
        },
        owner: reason(table, "owner")?,
        created: table.moment("created")?,
        expires: table.moment("expires")?,
    })
}
