//! Policy and bypass list, each of any bytes, and logins that they decide: `POLICY NUL LIST`.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use mfa_core::policy::{
    Bypass, Decided, Effect, Factors, MAX_FRESH, MAX_PAUSE, Policy, Request, Requirement, Rule,
    Touch, Trial, bypass, decide,
};
use mfa_core::reason::Reason;

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;

fuzz_target!(|input: &[u8]| {
    let mut texts = input.splitn(2, |&byte| byte == 0);
    let text = texts.next().unwrap_or_default();
    let bypasses = bypass::read(texts.next().unwrap_or_default()).unwrap_or_default();
    if let Ok(trial) = Trial::read(text) {
        assert_eq!(Trial::read(trial.to_text().as_bytes()).as_ref(), Ok(&trial));
        assert!(trial.is_over(NOW, "") && trial.is_over(trial.until, &trial.boot));
    }
    let policy = match Policy::read(text) {
        Ok(policy) => policy,
        Err(mistake) => {
            let lines = text.split(|&byte| byte == b'\n').count();
            assert!(mistake.line.is_none_or(|line| (1..=lines).contains(&line)));
            assert_eq!(mistake.line.is_some(), mistake.column.is_some_and(|column| column > 0));
            return;
        }
    };
    assert!((1..=100).contains(&policy.limits.failures));
    assert!((1..=MAX_PAUSE).contains(&policy.limits.pause_max));
    assert!(policy.local.iter().chain(&policy.recheck).all(|service| !service.is_empty()));
    assert!(policy.authorities.iter().all(|authority| !authority.blob().is_empty()));
    for rule in &policy.rules {
        sound(rule);
    }
    for user in ["alice", "root"] {
        for service in ["sshd", "sudo"] {
            for source in [None, Some("192.0.2.7"), Some("2001:db8::7"), Some("fe80::1")] {
                let source = source.map(|text| text.parse().expect("an address"));
                let request = Request { user, service, source, node: "prod-7.example.org" };
                login(&policy.rules, &bypasses, &request);
            }
        }
    }
});

fn sound(rule: &Rule) {
    assert!(!rule.name.is_empty() && !rule.name.contains(char::is_control));
    for names in [&rule.users, &rule.groups, &rule.services].into_iter().flatten() {
        assert!(!names.is_empty() && names.iter().all(|name| !name.is_empty()));
    }
    if let Effect::Require(demand) = &rule.effect {
        let Factors { otp, recovery, key, ssh_key } = demand.factors;
        assert!(otp || recovery || key || ssh_key);
        assert!(ssh_key || demand.touch == Touch::Proven);
        assert!(demand.fresh.is_none_or(|fresh| (1..=MAX_FRESH).contains(&fresh)));
    } else if let Effect::Skip(_) = rule.effect {
        assert!(rule.enforce);
    }
}

/// Nobody gets in whom no rule and no entry lets in, and a group that is asked about is one of a rule
/// whose other conditions hold.
fn login(rules: &[Rule], bypasses: &[Bypass], request: &Request) {
    let in_group = |group: &str| match group {
        "staff" => Ok(request.user == "alice"),
        "sre" => Ok(false),
        _ => Err(Reason::NoGroup),
    };
    let Ok(Decided { requirement, rule }) =
        decide(rules, bypasses, request, &mut { in_group }, NOW)
    else {
        let asked = |rule: &Rule| rule.groups.is_some() && others_hold(rule, request);
        assert!(rules.iter().any(asked), "nobody was asked about");
        return;
    };
    if let Some(rule) = rule {
        assert!(others_hold(rule, request), "{}", rule.name);
    }
    match requirement {
        Requirement::Skip(why) => assert_eq!(effect(rule), Some(&Effect::Skip(why.to_owned()))),
        Requirement::Deny(why) => assert_eq!(effect(rule), Some(&Effect::Deny(why.to_owned()))),
        Requirement::Require(_) => assert!(!bypasses.iter().any(|entry| entry.holds(request, NOW))),
        Requirement::Bypass(entry) => {
            assert!(request.source.is_some_and(|source: IpAddr| entry.network.contains(source)));
            assert!(entry.expires.is_none_or(|expires| NOW < expires));
            assert!(!matches!(effect(rule), Some(Effect::Skip(_) | Effect::Deny(_))));
        }
    }
}

fn effect(rule: Option<&Rule>) -> Option<&Effect> {
    rule.map(|rule| &rule.effect)
}

fn others_hold(rule: &Rule, request: &Request) -> bool {
    let among = |names: &Option<Vec<String>>, name: &str| {
        names.as_ref().is_none_or(|names| names.iter().any(|one| one == name))
    };
    let from = rule.from.as_ref().is_none_or(|networks| {
        request.source.is_some_and(|it| networks.iter().any(|network| network.contains(it)))
    });
    from && among(&rule.users, request.user) && among(&rule.services, request.service)
}
