//! An entry of the list: how it is shown, and what is to be said of it.

use mfa_core::policy::{Bypass, Network};
use serde::Serialize;

use crate::failure::Failure;
use crate::lint::{FORWARDED, is_of_this_host};
use crate::time::day;

/// For scripts. Every key is always there; what does not apply is null.
#[derive(Serialize)]
pub struct Row<'a> {
    id: &'a str,
    network: String,
    /// All services, if null.
    services: Option<&'a [String]>,
    reason: &'a str,
    owner: Option<&'a str>,
    /// In seconds since 1970.
    created: Option<u64>,
    /// In seconds since 1970.
    expires: Option<u64>,
    expired: bool,
}

impl<'a> Row<'a> {
    pub fn new(entry: &'a Bypass, now: u64) -> Self {
        Self {
            id: &entry.id,
            network: entry.network.to_string(),
            services: entry.services.as_deref(),
            reason: &entry.reason,
            owner: entry.owner.as_deref(),
            created: entry.created,
            expires: entry.expires,
            expired: entry.is_expired(now),
        }
    }
}

/// The services, `sshd,sudo` or `all`.
pub fn services(entry: &Bypass) -> String {
    entry.services.as_ref().map_or_else(|| "all".to_owned(), |services| services.join(","))
}

/// When it ends, `2027-05-21` or `never`.
pub fn expires(entry: &Bypass) -> String {
    entry.expires.map_or_else(|| "never".to_owned(), day)
}

/// All of it but its id, for the log.
pub fn summary(entry: &Bypass) -> String {
    let owner = entry.owner.as_deref().unwrap_or("-");
    format!(
        "network:{} services:{} expires:{} owner:{owner} reason:{}",
        entry.network,
        services(entry),
        expires(entry),
        entry.reason
    )
}

/// Refuses a network that is wide enough to be a mistake, unless it is meant.
///
/// # Errors
/// That.
pub fn check_width(network: Network, force: bool) -> Result<(), Failure> {
    let widest = if network.address().is_ipv4() { 8 } else { 16 };
    if force || network.prefix() >= widest {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "{network} is wider than /{widest}; with --force it is taken all the same"
    )))
}

/// What an administrator may not have meant.
pub fn warnings(entry: &Bypass, all: &[Bypass], now: u64) -> Vec<String> {
    let network = &entry.network;
    let mut warnings = Vec::new();
    if is_of_this_host(network) {
        warnings.push(format!("{network} holds for this host itself: {FORWARDED}"));
    }
    let others = all.iter().filter(|other| {
        other.id != entry.id
            && !other.is_expired(now)
            && other.network.overlaps(network)
            && share_services(entry, other)
    });
    warnings
        .extend(others.map(|other| format!("{network} overlaps {}, {}", other.id, other.network)));
    warnings
}

fn share_services(one: &Bypass, other: &Bypass) -> bool {
    match (&one.services, &other.services) {
        (Some(one), Some(other)) => one.iter().any(|service| other.contains(service)),
        _ => true,
    }
}
