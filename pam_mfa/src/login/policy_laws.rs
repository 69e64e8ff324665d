//! What holds whatever a policy says: nobody gets in without a code whom no rule lets by.

use std::fmt::Write;
use std::fs;
use std::net::IpAddr;

use mfa_core::policy::{Effect, Policy, Rule};
use nix::unistd::{Group, Uid, User};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::{option, prop_assert, prop_assert_eq};

use super::tests::{NOW, Stage};
use super::*;

fn me() -> User {
    User::from_uid(Uid::effective()).unwrap().unwrap()
}

fn own_group() -> String {
    Group::from_gid(me().gid).unwrap().unwrap().name
}

fn rule() -> impl Strategy<Value = String> {
    let condition = |key, values: [String; 2]| {
        option::weighted(0.3, select(values.to_vec()))
            .prop_map(move |value| value.map(|value| format!("{key} = [\"{value}\"]\n")))
    };
    let own = |values: [&str; 2]| values.map(str::to_owned);
    let conditions = (
        condition("users", [me().name, "nobody else".to_owned()]),
        condition("groups", [own_group(), "no such group".to_owned()]),
        condition("services", own(["sshd", "sudo"])),
        condition("hosts", own(["prod-*", "web"])),
        condition("from", own(["192.0.2.0/24", "198.51.100.0/24"])),
    );
    let require = "require = [\"otp\"]";
    let effect = prop_oneof![
        Just("skip = \"x\"".to_owned()),
        Just("deny = \"x\"".to_owned()),
        Just("deny = \"x\"\nenforce = false".to_owned()),
        Just(format!("{require}\nenforce = false")),
        Just(require.to_owned()),
        Just("require = [\"recovery\"]\nfresh = \"5m\"".to_owned()),
        Just(format!("{require}\nenrolled_by = 2023-11-15")),
        Just(format!("{require}\nenrolled_by = 2023-11-14")),
    ];
    (conditions, effect).prop_map(|((users, groups, services, hosts, from), effect)| {
        let conditions: String =
            [users, groups, services, hosts, from].into_iter().flatten().collect();
        format!("{conditions}{effect}\n")
    })
}

/// A policy, and perhaps one that somebody has mistyped.
fn policy() -> impl Strategy<Value = String> {
    let slip =
        (0_usize..400, 0_usize..12, select(vec!["", "x", "\n", "[[rule]]\n", "\"", "false"]));
    (vec(rule(), 0..4), option::weighted(0.3, slip)).prop_map(|(rules, slip)| {
        let mut text = "version = 1\n".to_owned();
        for (nth, rule) in rules.iter().enumerate() {
            write!(text, "[[rule]]\nname = \"{nth}\"\n{rule}").unwrap();
        }
        if let Some((at, length, other)) = slip {
            let begin = at.min(text.len());
            text.replace_range(begin..(begin + length).min(text.len()), other);
        }
        text
    })
}

/// Whether a rule is for a login by sshd on prod-7; `None` if nobody can tell.
fn is_for(rule: &Rule, source: Option<IpAddr>) -> Option<bool> {
    let has = |values: &Option<Vec<String>>, value: &str| {
        values.as_ref().is_none_or(|values| values.iter().any(|one| one == value))
    };
    let hosts = rule.hosts.as_ref();
    let is_here = hosts.is_none_or(|hosts| hosts.iter().any(|host| host.as_str() == "prod-*"));
    let from = rule.from.as_ref();
    let is_from =
        from.is_none_or(|nets| source.is_some_and(|it| nets.iter().any(|net| net.contains(it))));
    if !(has(&rule.users, &me().name) && has(&rule.services, "sshd") && is_here && is_from) {
        return Some(false);
    }
    let Some(groups) = &rule.groups else { return Some(true) };
    groups.iter().all(|group| *group == own_group()).then_some(true)
}

/// Whether the first rule that is for this login lets it by.
fn lets_by(text: &str, source: Option<IpAddr>, is_enrolled: bool) -> bool {
    let Ok(Policy { rules, .. }) = Policy::read(text.as_bytes()) else { return false };
    let rule = rules.iter().find(|rule| is_for(rule, source) != Some(false));
    let Some(rule) = rule.filter(|rule| is_for(rule, source) == Some(true)) else { return false };
    !rule.enforce
        || match &rule.effect {
            Effect::Skip(_) => true,
            Effect::Deny(_) => false,
            Effect::Require(demand) => {
                !is_enrolled && demand.enrolled_by.is_some_and(|enrolled_by| NOW < enrolled_by)
            }
        }
}

proptest::proptest! {
    #[test]
    fn nobody_gets_in_whom_no_rule_lets_by(
        text in policy(),
        is_enrolled in proptest::bool::ANY,
        // sshd has the address behind the name in a variable of its own, which a session does not believe.
        (remote, [in_auth, in_session]) in select(vec![
            (Some("192.0.2.7"), [Some("192.0.2.7"); 2]),
            (Some("client.example"), [Some("198.51.100.9"), None]),
            (None, [None, None]),
        ]),
        options in select(vec![
            "", "nullok", "skip=ignore", "policy_error=require", "forward_pass", "use_first_pass",
            "grace_period=3600", "no_increment_hotp nullok skip=ignore policy_error=require",
        ]),
    ) {
        let mut stage = Stage::new("\" TOTP_AUTH\n\" LAST0 192.0.2.7 1700000000")
            .with_etc(&[("policy.toml", &text)])
            .types(&["000000", "000000"]);
        if !is_enrolled {
            fs::remove_file(stage.path()).unwrap();
        }
        stage.remote = remote.map(str::to_owned);
        let source = |text: Option<&str>| text.and_then(mfa_core::source::address);

        let outcome = stage.login(options);
        let lets_by_auth = lets_by(&text, source(in_auth), is_enrolled);
        // A password that is to be forwarded is asked for, and typed.
        prop_assert_eq!(outcome != Outcome::Denied, lets_by_auth, "{}", stage.last_log());
        prop_assert!(outcome != Outcome::Ignored || options.contains("skip=ignore"));

        let line = format!("secret={} {options}", stage.path().display());
        stage.variables.clear();
        let lets_by_session = lets_by(&text, source(in_session), is_enrolled);
        let outcome = stage.session(&line);
        prop_assert_eq!(outcome != Outcome::Denied, lets_by_session, "{}", stage.last_log());
        prop_assert!(outcome != Outcome::Accepted);
    }
}
