//! Text to policy.

use super::rule::{Demand, Effect, Rule, Touch};
use super::{
    Factors, Glob, Keep, Limits, MAX_FRESH, MAX_PAUSE, Mistake, Policy, duration, network, reason,
    words,
};
use crate::document::{self, Table};
use crate::ssh::Authority;

pub(super) fn policy(text: &[u8]) -> Result<Policy, Mistake> {
    document::read(text, |table| {
        table.version()?;
        let keep = table.text("store")?.map(Keep::of_word);
        let mut rules: Vec<Rule> = Vec::new();
        Ok(Policy {
            store: keep
                .map(|keep| table.valid("store", keep, "not auto, system or home"))
                .transpose()?,
            recheck: words(table, "recheck")?.unwrap_or_default(),
            local: words(table, "local")?.unwrap_or_default(),
            authorities: authorities(table)?,
            limits: table.table("limits", limits)?.unwrap_or_default(),
            rules: {
                table.tables("rule", |table| {
                    let rule = rule(table)?;
                    if rules.iter().any(|other| other.name == rule.name) {
                        return Err(table.wrong("another rule has the same name"));
                    }
                    rules.push(rule);
                    Ok(())
                })?;
                rules
            },
        })
    })
}

fn authorities(table: &mut Table) -> Result<Vec<Authority>, Mistake> {
    let Some(lines) = table.some_texts("ssh_ca")? else { return Ok(Vec::new()) };
    let authorities = lines.into_iter().map(Authority::of_line).collect();
    table.valid("ssh_ca", authorities, "not a public key of ssh, such as \"ssh-ed25519 AAAA...\"")
}

fn limits(table: &mut Table) -> Result<Limits, Mistake> {
    let usual = Limits::default();
    let failures = table.number("failures", 1..=100)?.and_then(|number| number.try_into().ok());
    Ok(Limits {
        failures: failures.unwrap_or(usual.failures),
        pause_max: length(table, "pause_max", MAX_PAUSE)?.unwrap_or(usual.pause_max),
        source_exempt: network::list(table, "source_exempt")?.unwrap_or_default(),
    })
}

fn rule(table: &mut Table) -> Result<Rule, Mistake> {
    let name = reason(table, "name")?;
    Ok(Rule {
        name: match name {
            Some(name) => name,
            None => return Err(table.wrong("name is missing")),
        },
        at: table.begins_at(),
        users: words(table, "users")?,
        groups: words(table, "groups")?,
        services: words(table, "services")?,
        hosts: hosts(table)?,
        from: network::list(table, "from")?,
        enforce: enforce(table)?,
        effect: effect(table)?,
    })
}

fn hosts(table: &mut Table) -> Result<Option<Vec<Glob>>, Mistake> {
    let Some(texts) = table.some_texts("hosts")? else { return Ok(None) };
    let globs = texts.into_iter().map(Glob::new).collect();
    table
        .valid("hosts", globs, "not a name of letters, digits, hyphens and dots, with * and ?")
        .map(Some)
}

/// Exactly one of the three, and what belongs to it.
fn effect(table: &mut Table) -> Result<Effect, Mistake> {
    let skip = reason(table, "skip")?.map(Effect::Skip);
    let deny = reason(table, "deny")?.map(Effect::Deny);
    let require = demand(table)?.map(Effect::Require);
    match (skip, deny, require) {
        (Some(effect), None, None) | (None, Some(effect), None) | (None, None, Some(effect)) => {
            Ok(effect)
        }
        _ => Err(table.wrong("a rule has exactly one of skip, deny and require")),
    }
}

fn demand(table: &mut Table) -> Result<Option<Demand>, Mistake> {
    let require = table.some_texts("require")?;
    let fresh = length(table, "fresh", MAX_FRESH)?;
    let enrolled_by = table.moment("enrolled_by")?;
    let touch = match table.text("touch")? {
        Some(word) => Some(table.valid("touch", Touch::of_word(word), "not sshd or unverified")?),
        None => None,
    };
    // All keys have been asked for: one that is misspelt explains what lacks.
    table.no_more()?;
    let Some(words) = require else {
        if fresh.is_some() || enrolled_by.is_some() || touch.is_some() {
            return Err(table.wrong("fresh, touch and enrolled_by mean nothing without require"));
        }
        return Ok(None);
    };
    let mut factors = Factors::NONE;
    let known = words.into_iter().all(|word| factors.add(word)).then_some(());
    table.valid("require", known, Factors::UNKNOWN)?;
    if touch.is_some() && !factors.ssh_key {
        return Err(table.wrong("touch means nothing where require has no ssh-key"));
    }
    Ok(Some(Demand { factors, touch: touch.unwrap_or_default(), fresh, enrolled_by }))
}

fn enforce(table: &mut Table) -> Result<bool, Mistake> {
    let enforce = table.flag("enforce")?;
    if enforce == Some(false) && table.has("skip") {
        return Err(table.wrong("enforce = false beside skip means nothing"));
    }
    Ok(enforce.unwrap_or(true))
}

fn length(table: &mut Table, key: &'static str, most: u64) -> Result<Option<u64>, Mistake> {
    let Some(text) = table.text(key)? else { return Ok(None) };
    let expected = "not a time such as 30s, 5m, 12h or 30d, or one that is too long";
    table.valid(key, duration::seconds(text, most), expected).map(Some)
}
