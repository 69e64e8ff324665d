//! Logins where the administrator has laid something down.

use std::fs;

use nix::unistd::{Group, User};

use super::tests::{STEP, Stage, code};
use super::*;

/// What is another with a login.
type Change = fn(&mut Stage);

/// A user with a file by time, on a host with this policy.
fn stage(rules: &str) -> Stage {
    let policy = format!("version = 1\n{rules}");
    Stage::new("\" TOTP_AUTH").with_etc(&[("policy.toml", &policy)])
}

fn rule(condition: &str, effect: &str) -> String {
    format!("[[rule]]\nname = \"the rule\"\n{condition}\n{effect}\n")
}

const LIST: &str = "[[bypass]]\nid = \"b7\"\nnetwork = \"192.0.2.0/24\"\nservices = [\"sshd\"]\nreason = \"VPN\"\n";

fn own_group() -> String {
    let user = User::from_uid(nix::unistd::Uid::effective()).unwrap().unwrap();
    Group::from_gid(user.gid).unwrap().unwrap().name
}

#[test]
fn without_a_matching_rule_a_code_is_required() {
    for rules in ["", &rule("users = [\"nobody else\"]", "skip = \"x\"")] {
        let mut stage = stage(rules).types(&[&code(STEP), "000000"]);
        assert_eq!(stage.login(""), Outcome::Accepted);
        assert!(!stage.last_log().contains(" rule="), "{}", stage.last_log());
        assert_eq!(stage.login(""), Outcome::Denied);
    }
}

#[test]
fn a_rule_skips() {
    let condition =
        format!("groups = [\"{}\"]\nhosts = [\"prod-?\"]\nfrom = [\"192.0.2.0/28\"]", own_group());
    let mut stage = stage(&rule(&condition, "skip = \"no phones here\""));
    for (line, outcome) in [
        ("", Outcome::Accepted),
        ("skip=success", Outcome::Accepted),
        ("skip=ignore", Outcome::Ignored),
    ] {
        assert_eq!(stage.login(line), outcome);
        assert!(stage.prompts.is_empty() && stage.said.is_empty());
        let log = stage.last_log();
        assert!(
            log.starts_with("skipped user=")
                && log.contains(" why=\"no phones here\" rule=\"the rule\" source=192.0.2.7 "),
            "{log}"
        );
    }
    stage.remote = Some("192.0.2.77".to_owned());
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
}

#[test]
fn a_skip_still_forwards_the_password() {
    let mut stage = stage(&rule("", "skip = \"x\"")).types(&["hunter2"]);
    assert_eq!(stage.login("forward_pass"), Outcome::Accepted);
    assert_eq!(stage.prompts, [("Password: ".to_owned(), false)]);
    assert_eq!(stage.first_pass.as_deref(), Some(&b"hunter2"[..]));
    assert_eq!(stage.login("forward_pass"), Outcome::Denied, "nobody answers");
    // What another module asked for is there already.
    assert_eq!(stage.login("use_first_pass forward_pass"), Outcome::Accepted);
    assert!(stage.prompts.is_empty());
}

#[test]
fn whom_nobody_knows_nobody_skips() {
    for (rules, list) in [(rule("", "skip = \"x\""), ""), (String::new(), LIST)] {
        let mut stage = stage(&rules).with_etc(&[("bypass.toml", list)]);
        stage.user = Some("no such user".to_owned());
        for line in ["", "nullok", "skip=ignore"] {
            assert_eq!(stage.login(line), Outcome::Denied);
            assert_eq!(stage.reason(), "unknown_user");
            assert!(stage.prompts.is_empty(), "as for those who are skipped");
        }
        // Whoever that is has no account here, as roles of a database have none.
        assert_eq!(stage.login("user=root"), Outcome::Accepted, "{}", stage.last_log());
    }
}

#[test]
fn the_bypass_list_needs_no_policy() {
    let mut stage = Stage::new("\" TOTP_AUTH").with_etc(&[("bypass.toml", LIST)]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    let log = stage.last_log();
    assert!(log.contains(" bypass=b7 why=VPN source=192.0.2.7 "), "{log}");
    assert!(stage.prompts.is_empty());
    for (remote, service) in [
        (Some("192.0.3.7"), "sshd"),
        (Some("client.example"), "sshd"),
        (None, "sshd"),
        (Some("192.0.2.7"), "login"),
    ] {
        stage.remote = remote.map(str::to_owned);
        stage.service = service.to_owned();
        assert_eq!(stage.login(""), Outcome::Denied, "{remote:?} {service}");
        assert_eq!(stage.prompts.len(), 2);
    }
    stage.service = "sshd".to_owned();
    stage.remote = Some("::ffff:192.0.2.9".to_owned());
    assert_eq!(stage.login(""), Outcome::Accepted);
    // Without a policy nullok is what it was.
    fs::remove_file(stage.path()).unwrap();
    stage.remote = None;
    assert_eq!(stage.login("nullok"), Outcome::Ignored);
}

#[test]
fn a_rule_denies_and_says_why_whatever_the_bypass_list_says() {
    let mut stage =
        stage(&rule("", "deny = \"come through the VPN\"")).with_etc(&[("bypass.toml", LIST)]);
    assert_eq!(stage.login("nullok"), Outcome::Denied);
    assert_eq!(stage.reason(), "policy_denies");
    assert!(stage.prompts.is_empty());
    assert_eq!(stage.said, ["access requires MFA: come through the VPN"]);
}

#[test]
fn nullok_means_nothing_to_a_policy() {
    let mut stage = stage("");
    fs::remove_file(stage.path()).unwrap();
    assert_eq!(stage.login("nullok"), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2, "asked like any other");
    assert_eq!(stage.reason(), "no_file");
    assert!(stage.log.borrow()[0].contains(" reason=nullok_ignored "), "{:?}", stage.log);
}

#[test]
fn who_has_time_to_enrol() {
    // NOW is 2023-11-14.
    let demand = |day| rule("", &format!("require = [\"otp\"]\nenrolled_by = {day}"));
    let mut early = stage(&demand("2023-11-15"));
    fs::remove_file(early.path()).unwrap();
    assert_eq!(early.login(""), Outcome::Accepted);
    assert_eq!(
        early.shown,
        ["From 2023-11-15 on access requires MFA: enrol with mfa-enroll, or ask the administrator"]
    );
    assert!(early.last_log().contains(" why=not_enrolled_yet "), "{}", early.last_log());
    assert_eq!(early.login("skip=ignore"), Outcome::Ignored);

    let mut late = stage(&demand("2023-11-14"));
    fs::remove_file(late.path()).unwrap();
    assert_eq!(late.login(""), Outcome::Denied);
    assert_eq!(late.prompts.len(), 2, "asked like any other");
    assert_eq!(late.said, ["access requires MFA: enrol with mfa-enroll, or ask the administrator"]);

    // Who has enrolled is asked before that, too; what is broken is not missing.
    let mut stage = stage(&demand("2023-11-15")).types(&["000000"]);
    assert_eq!(stage.login(""), Outcome::Denied);
    fs::write(stage.path(), "").unwrap();
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "empty_file");
}

#[test]
fn a_rule_takes_only_what_it_names() {
    for (factors, by_phone, by_paper) in [
        ("\"otp\"", Outcome::Accepted, Outcome::Denied),
        ("\"recovery\"", Outcome::Denied, Outcome::Accepted),
        ("\"otp\", \"recovery\"", Outcome::Accepted, Outcome::Accepted),
    ] {
        let policy = format!("version = 1\n{}", rule("", &format!("require = [{factors}]")));
        let mut stage = Stage::new("\" TOTP_AUTH\n11111111")
            .with_etc(&[("policy.toml", &policy)])
            .types(&[&code(STEP), "11111111"]);
        assert_eq!(stage.login(""), by_phone, "{factors}");
        assert_eq!(stage.login(""), by_paper, "{factors}");
        assert!(stage.last_log().contains(" rule=\"the rule\" "), "{}", stage.last_log());
    }
    let mut stage = stage(&rule("", "require = [\"recovery\"]")).types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!((stage.reason().as_str(), stage.prompts.len()), ("no_factor", 1));
}

#[test]
fn a_dry_run_lets_everybody_in_and_says_what_it_would_have_done() {
    type Prepare = fn(&Stage);
    let cases: [(&str, Prepare, &str); 4] = [
        ("deny = \"x\"", |_| (), "deny"),
        ("require = [\"otp\"]", |_| (), "require"),
        ("require = [\"recovery\"]", |_| (), "deny"),
        ("require = [\"otp\"]", |stage| fs::remove_file(stage.path()).unwrap(), "deny"),
    ];
    for (effect, prepare, would) in cases {
        let mut stage = stage(&rule("", &format!("{effect}\nenforce = false")));
        prepare(&stage);
        assert_eq!(stage.login(""), Outcome::Accepted);
        assert!(stage.prompts.is_empty() && stage.said.is_empty());
        let expected = format!(" would={would} rule=\"the rule\" ");
        assert!(stage.last_log().contains(&expected), "{}", stage.last_log());
    }
}

#[test]
fn a_mistake_denies_or_asks_everybody() {
    for (name, text, reason) in [
        ("policy.toml", "version = 1\ncolour = 1", "bad_policy"),
        ("policy.toml", "version = 2", "newer_policy"),
        (
            "policy.toml",
            "version = 1\n[[rule]]\nname = \"x\"\ngroups = [\"no such group\"]\nskip = \"x\"",
            "no_group",
        ),
        ("bypass.toml", &LIST[..60], "bad_policy"),
    ] {
        let mut stage = Stage::new("\" TOTP_AUTH").with_etc(&[("bypass.toml", LIST), (name, text)]);
        for line in ["", "policy_error=deny", "nullok"] {
            assert_eq!(stage.login(line), Outcome::Denied, "{text}");
            assert_eq!(stage.reason(), reason);
            assert!(stage.prompts.is_empty());
        }
        if reason != "no_group" {
            let mut stage = stage.types(&["000000", &code(STEP)]);
            assert_eq!(stage.login("policy_error=require nullok"), Outcome::Denied);
            assert_eq!(stage.login("policy_error=require"), Outcome::Accepted);
            assert!(stage.log.borrow()[0].contains(&format!(
                "warning user={} reason={reason} ",
                stage.user.clone().unwrap()
            )));
        }
    }
}

#[test]
fn the_policy_says_whose_record_counts_unless_the_line_does() {
    let policy = "version = 1\nstore = \"system\"";
    let mut stage = Stage::with_records().with_etc(&[("policy.toml", policy)]);
    assert_eq!(stage.login_with(""), Outcome::Denied);
    assert!(stage.last_log().contains(".toml"), "{}", stage.last_log());
    assert_eq!(stage.login_with("store=home"), Outcome::Denied);
    assert!(stage.last_log().contains(".google_authenticator"), "{}", stage.last_log());
}

#[test]
fn grace_periods_are_for_hosts_without_a_policy() {
    let options = format!("\" TOTP_AUTH\n\" LAST0 192.0.2.7 {}", super::tests::NOW - 50);
    let mut stage = Stage::new(&options).with_etc(&[("policy.toml", "version = 1")]);
    assert_eq!(stage.login("grace_period=60"), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
}

#[test]
fn a_check_counts_as_long_as_the_rule_says() {
    let mut stage = stage(&rule("", "require = [\"otp\"]\nfresh = \"5m\"")).types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert_eq!(stage.prompts.len(), 1);
    let mut stage = stage.later(299);
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert!(stage.prompts.is_empty());
    assert!(stage.last_log().contains(" factor=fresh rule=\"the rule\" "), "{}", stage.last_log());
    let elsewhere: [Change; 3] = [
        |stage| stage.remote = Some("192.0.2.8".to_owned()),
        |stage| stage.service = "login".to_owned(),
        |stage| {
            fs::write(stage.path(), format!("A{}\n\" TOTP_AUTH\n", super::tests::SECRET)).unwrap();
        },
    ];
    for change in elsewhere {
        let (remote, service) = (stage.remote.clone(), stage.service.clone());
        let text = fs::read(stage.path()).unwrap();
        change(&mut stage);
        assert_eq!(stage.login(""), Outcome::Denied);
        assert_eq!(stage.prompts.len(), 2);
        fs::write(stage.path(), text).unwrap();
        (stage.remote, stage.service) = (remote, service);
    }
    assert_eq!(stage.login(""), Outcome::Accepted);
    let mut stage = stage.later(1);
    assert_eq!(stage.login(""), Outcome::Denied, "it was not prolonged");
}

#[test]
fn a_check_counts_only_by_a_factor_of_the_rule_and_never_before_a_limit() {
    let rules = rule("", "require = [\"otp\"]\nfresh = \"5m\"");
    let policy = format!("version = 1\n{rules}");
    let mut stage = Stage::new("\" TOTP_AUTH\n\" RATE_LIMIT 2 30")
        .with_etc(&[("policy.toml", &policy)])
        .types(&[&code(STEP), "000000"]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert_eq!(stage.login(""), Outcome::Accepted);
    stage.service = "login".to_owned();
    assert_eq!(stage.login(""), Outcome::Denied);
    stage.service = "sshd".to_owned();
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "rate_limited");

    let other = policy.replace("otp", "recovery");
    let mut stage = Stage::new("\" TOTP_AUTH\n11111111")
        .with_etc(&[("policy.toml", &policy)])
        .types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    let mut stage = stage.with_etc(&[("policy.toml", &other)]);
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
}

/// sudo, by a terminal, asks again in its account phase.
fn sudo(effect: &str) -> Stage {
    let rules = format!("recheck = [\"sudo\"]\n{}", rule("", effect));
    let mut stage = stage(&rules);
    stage.service = "sudo".to_owned();
    stage.remote = None;
    stage
}

#[test]
fn account_asks_again_unless_a_check_counts() {
    let mut stage = sudo("require = [\"otp\"]\nfresh = \"5m\"").types(&[&code(STEP)]);
    let line = format!("secret={}", stage.path().display());
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert_eq!(stage.account(&line), Outcome::Ignored, "the same handle");
    assert!(stage.prompts.is_empty());
    stage.forks();
    assert_eq!(stage.account(&line), Outcome::Accepted, "still fresh");
    assert!(stage.prompts.is_empty());
    let mut stage = stage.later(300).types(&["000000", &code(STEP + 10)]);
    assert_eq!(stage.account(&line), Outcome::Denied);
    assert_eq!(stage.account(&line), Outcome::Accepted);
    assert_eq!(stage.prompts.len(), 1);
    // Another session of the same terminal.
    stage.forks();
    stage.leader = stage.leader.map(|leader| mfa_core::fresh::Leader { started: 9, ..leader });
    assert_eq!(stage.account(&line), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
    // Nobody can tell.
    stage.leader = None;
    assert_eq!(stage.account(&line), Outcome::Denied);
}

#[test]
fn account_asks_nobody_else() {
    let mut stage = sudo("require = [\"otp\"]");
    for service in ["cron", "su", "systemd-user", "sshd", ""] {
        stage.service = service.to_owned();
        assert_eq!(stage.account(""), Outcome::Ignored, "{service}");
        assert!(stage.prompts.is_empty() && stage.log.borrow().is_empty());
    }
    for effect in ["skip = \"x\"", "require = [\"otp\"]\nenforce = false"] {
        let mut stage = sudo(effect);
        assert_eq!(stage.account(""), Outcome::Ignored);
        assert!(stage.prompts.is_empty());
    }
    // Scripts of root's have nobody to ask, and root nothing to win.
    let mut stage = sudo("require = [\"otp\"]");
    stage.user = Some("root".to_owned());
    for (invoker, outcome) in [("root", Outcome::Ignored), ("alice", Outcome::Denied)] {
        stage.invoker = Some(invoker.to_owned());
        assert_eq!(stage.account(""), outcome, "{invoker}");
    }
    let mut stage = sudo("deny = \"no sudo here\"");
    assert_eq!(stage.account(""), Outcome::Denied);
    assert_eq!(stage.said, ["access requires MFA: no sudo here"]);
    // Groups that nobody can look up are not looked up for those whom it does not ask.
    let rules =
        "recheck = [\"sudo\"]\n[[rule]]\nname = \"x\"\ngroups = [\"no such\"]\ndeny = \"x\"";
    let mut stage = self::stage(rules);
    stage.service = "cron".to_owned();
    assert_eq!(stage.account(""), Outcome::Ignored);
    stage.service = "sudo".to_owned();
    assert_eq!(stage.account(""), Outcome::Denied);
    assert_eq!(stage.reason(), "no_group");
}

#[test]
fn a_session_needs_a_token_that_auth_left() {
    let mut stage = stage("").types(&[&code(STEP)]);
    assert_eq!(stage.session(""), Outcome::Denied, "a bare key");
    assert_eq!(stage.reason(), "no_check");
    assert!(stage.said[0].starts_with("access requires MFA: this login was by a key alone"));
    stage.variables.insert(c"PAM_MFA_CHECK".into(), "0".repeat(32));
    assert_eq!(stage.session(""), Outcome::Denied, "forged");

    assert_eq!(stage.login(""), Outcome::Accepted);
    stage.forks();
    let token = stage.variables.get(c"PAM_MFA_CHECK").unwrap().clone();
    assert_eq!(stage.session(""), Outcome::Ignored);
    assert!(!stage.variables.contains_key(c"PAM_MFA_CHECK"), "the user's programs see none");
    stage.variables.insert(c"PAM_MFA_CHECK".into(), token);
    assert_eq!(stage.session(""), Outcome::Denied, "used");
}

#[test]
fn a_token_is_of_one_user_and_place() {
    let changes: [Change; 2] = [
        |stage| stage.user = Some("daemon".to_owned()),
        |stage| stage.remote = Some("192.0.2.8".to_owned()),
    ];
    for change in changes {
        let mut stage = stage("").types(&[&code(STEP)]);
        assert_eq!(stage.login(""), Outcome::Accepted);
        change(&mut stage);
        assert_eq!(stage.session(""), Outcome::Denied);
    }
    let mut stage = stage("").types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    let mut stage = stage.later(601);
    assert_eq!(stage.session(""), Outcome::Denied);
}

#[test]
fn a_session_of_others_and_of_those_whom_the_policy_lets_by() {
    let mut bare = Stage::new("\" TOTP_AUTH").with_etc(&[("bypass.toml", LIST)]);
    assert_eq!(bare.session(""), Outcome::Ignored, "no policy");
    let mut stage = stage("").with_etc(&[("bypass.toml", LIST)]);
    assert_eq!(stage.session(""), Outcome::Ignored, "a bypass");
    // A name is an address only by a variable, which is not believed here.
    stage.variables.insert(c"SSH_CONNECTION".into(), "192.0.2.7 1 192.0.2.1 22".to_owned());
    stage.remote = Some("client.example".to_owned());
    assert_eq!(stage.session(""), Outcome::Denied);
    stage.service = "sudo".to_owned();
    assert_eq!(stage.session("colour"), Outcome::Ignored);
    for (effect, outcome) in [
        ("skip = \"x\"", Outcome::Ignored),
        ("deny = \"x\"", Outcome::Denied),
        ("deny = \"x\"\nenforce = false", Outcome::Ignored),
        ("require = [\"otp\"]\nenforce = false", Outcome::Ignored),
        ("require = [\"otp\"]\nenrolled_by = 2023-11-15", Outcome::Denied),
    ] {
        let mut stage = self::stage(&rule("", effect));
        let line = format!("secret={}", stage.path().display());
        assert_eq!(stage.session(&line), outcome, "{effect}");
        assert!(stage.prompts.is_empty());
    }
    let mut stage = self::stage(&rule("", "require = [\"otp\"]\nenrolled_by = 2023-11-15"));
    fs::remove_file(stage.path()).unwrap();
    let line = format!("secret={}", stage.path().display());
    assert_eq!(stage.session(&line), Outcome::Ignored, "there is time to enrol");
    let mut stage = self::stage("colour = 1");
    assert_eq!(stage.session(""), Outcome::Denied);
    assert_eq!(stage.session("policy_error=require"), Outcome::Denied, "nobody is asked here");
}

#[test]
fn who_fails_too_often_has_to_wait_and_nobody_else() {
    let list = [("policy.toml", "version = 1\nlimits = { failures = 3, pause_max = \"1m\" }")];
    let mut stage = Stage::new("\" TOTP_AUTH").with_etc(&list);
    for _ in 0..3 {
        stage = stage.types(&["000000"]);
        assert_eq!(stage.login(""), Outcome::Denied);
        assert_eq!(stage.reason(), "wrong_code");
    }
    let mut stage = stage.types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "too_many_failures");
    assert!(stage.prompts.is_empty());
    assert_eq!(stage.said, ["Too many wrong answers; try again in 30 s"]);
    // Not from elsewhere, and unknown people are kept waiting alike.
    stage.remote = Some("192.0.2.8".to_owned());
    assert_eq!(stage.login(""), Outcome::Accepted);
    stage.remote = Some("192.0.2.9".to_owned());
    stage.user = Some("no such user".to_owned());
    for _ in 0..3 {
        stage = stage.types(&["000000"]);
        assert_eq!(stage.login(""), Outcome::Denied);
    }
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "too_many_failures");
    // It is over after a while, and all of it after a success.
    let mut stage = stage.later(30).types(&[&code(STEP + 1)]);
    stage.user = Some(User::from_uid(nix::unistd::Uid::effective()).unwrap().unwrap().name);
    stage.remote = Some("192.0.2.7".to_owned());
    assert_eq!(stage.login(""), Outcome::Accepted);
    let mut stage = stage.types(&["000000", "000001"]);
    assert_eq!(stage.login("retry=2"), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
}

#[test]
fn a_pause_comes_before_a_fresh_check_and_ends_it() {
    let rules = rule("", "require = [\"otp\"]\nfresh = \"5m\"");
    let policy = format!("version = 1\nlimits = {{ failures = 1 }}\n{rules}");
    let mut stage =
        Stage::new("\" TOTP_AUTH").with_etc(&[("policy.toml", &policy)]).types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    stage.service = "login".to_owned();
    let mut stage = stage.types(&["000000"]);
    assert_eq!(stage.login(""), Outcome::Denied);
    stage.service = "sshd".to_owned();
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "too_many_failures");
    let mut stage = stage.later(30);
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2, "asked again");
}

#[test]
fn a_pause_that_nobody_met_ends_a_fresh_check() {
    let rules = rule("", "require = [\"otp\"]\nfresh = \"5m\"");
    for (failures, outcome) in [(1, Outcome::Denied), (2, Outcome::Accepted)] {
        let policy = format!("version = 1\nlimits = {{ failures = {failures} }}\n{rules}");
        let mut stage =
            Stage::new("\" TOTP_AUTH").with_etc(&[("policy.toml", &policy)]).types(&[&code(STEP)]);
        assert_eq!(stage.login(""), Outcome::Accepted);
        stage.service = "login".to_owned();
        let mut stage = stage.types(&["000000"]);
        assert_eq!(stage.login(""), Outcome::Denied);
        stage.service = "sshd".to_owned();
        let mut stage = stage.later(30);
        assert_eq!(stage.login(""), outcome, "{failures}");
    }
}

#[test]
fn what_is_no_guess_is_no_failure() {
    let mut stage = stage("limits = { failures = 1 }");
    assert_eq!(stage.login(""), Outcome::Denied, "nobody answers");
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
    assert_eq!(stage.reason(), "conversation_failed");
}

/// Else a stranger would learn who is enrolled by answering nothing a few times.
#[test]
fn an_empty_answer_is_no_guess_whoever_it_is_for() {
    for user in [None, Some("no such user")] {
        let mut stage = stage("limits = { failures = 2 }");
        stage.user = user.map(str::to_owned).or(stage.user);
        for _ in 0..5 {
            stage = stage.types(&[""]);
            assert_eq!(stage.login(""), Outcome::Denied);
            assert_eq!(stage.prompts.len(), 1, "{user:?}: {}", stage.last_log());
        }
        for _ in 0..2 {
            stage = stage.types(&["000000"]);
            assert_eq!(stage.login(""), Outcome::Denied);
        }
        assert_eq!(stage.login(""), Outcome::Denied);
        assert_eq!(stage.reason(), "too_many_failures", "{user:?}");
    }
}

#[test]
fn names_that_nobody_has_leave_no_files() {
    let mut stage = stage("limits = { failures = 1 }");
    for number in 0..30 {
        for typed in ["000000", "000001"] {
            stage = stage.types(&[typed]);
            stage.user = Some(format!("no such user {number}"));
            assert_eq!(stage.login(""), Outcome::Denied);
        }
    }
    assert_eq!(stage.reason(), "source_limited");
    assert_eq!(stage.files_in_run(), ["failures"]);
}

#[test]
fn who_comes_from_a_name_does_not_pass_for_who_sits_here() {
    let mut stage = stage("limits = { failures = 1 }");
    stage.service = "login".to_owned();
    stage.variables.clear();
    stage.remote = Some("client.example".to_owned());
    for reason in ["wrong_code", "too_many_failures"] {
        stage = stage.types(&["000000"]);
        assert_eq!(stage.login(""), Outcome::Denied);
        assert_eq!(stage.reason(), reason);
    }
    let mut stage = stage.types(&[&code(STEP)]);
    stage.remote = None;
    assert_eq!(stage.login(""), Outcome::Accepted, "{}", stage.last_log());
}

#[test]
fn nobody_enrols_what_the_rule_does_not_take() {
    for (takes, asked) in [("otp", "Code from the app: "), ("recovery", "Verification code: ")] {
        let policy = format!("version = 1\n{}", rule("", &format!("require = [\"{takes}\"]")));
        let mut stage =
            Stage::with_records().with_etc(&[("policy.toml", &policy)]).types(&["000000"]);
        assert_eq!(stage.login_with("store=system enroll account=yes"), Outcome::Denied);
        assert_eq!(stage.prompts[0].0, asked);
        assert_eq!(stage.shown.is_empty(), takes == "recovery", "no secret is shown");
    }
}

#[test]
fn the_day_by_which_to_enrol_has_begun_at_midnight() {
    let rules = rule("", "require = [\"otp\"]\nenrolled_by = 2023-11-14T22:13:30Z");
    let mut stage = stage(&rules);
    fs::remove_file(stage.path()).unwrap();
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "no_file");
    let mut none = self::stage("");
    fs::remove_file(none.path()).unwrap();
    assert_eq!(none.login(""), Outcome::Denied);
    assert!(none.said.is_empty(), "nobody is told who has not enrolled: {:?}", none.said);
}

#[test]
fn a_home_that_is_not_there_may_hold_a_file_tomorrow() {
    let mut stage = stage(&rule("", "require = [\"otp\"]\nenrolled_by = 2023-11-15"));
    let line = format!("secret={}", stage.path().with_file_name("home").join("f").display());
    assert_eq!(stage.login_with(&line), Outcome::Denied, "{}", stage.last_log());
    assert_eq!(stage.reason(), "no_directory");
}

#[test]
fn a_check_by_a_code_on_paper_ends_with_the_phone() {
    let policy = format!("version = 1\n{}", rule("", "require = [\"recovery\"]\nfresh = \"5m\""));
    let mut stage = Stage::new("\" TOTP_AUTH\n11111111\n22222222")
        .with_etc(&[("policy.toml", &policy)])
        .types(&["11111111"]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert_eq!(stage.login(""), Outcome::Accepted, "fresh");
    assert!(stage.prompts.is_empty());
    let text = fs::read_to_string(stage.path()).unwrap();
    fs::write(stage.path(), text.replacen("GEZ", "GEY", 1)).unwrap();
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2, "another phone");
}

#[test]
fn who_was_turned_down_has_no_token() {
    let mut stage = stage("").types(&["000000"]);
    assert_eq!(stage.login(""), Outcome::Denied);
    assert!(!stage.variables.contains_key(c"PAM_MFA_CHECK"));
    // And elsewhere nobody would come for it.
    let mut stage = stage.types(&[&code(STEP)]);
    stage.service = "login".to_owned();
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert!(!stage.variables.contains_key(c"PAM_MFA_CHECK"));
}

#[test]
fn at_a_source_that_is_exempt_any_number_may_fail() {
    for (exempt, denied_last) in
        [("192.0.2.0/24", "unknown_user"), ("198.51.100.1", "source_limited")]
    {
        let policy = format!("version = 1\nlimits = {{ source_exempt = [\"{exempt}\"] }}");
        let mut stage = Stage::new("").with_etc(&[("policy.toml", &policy)]);
        for number in 0..=10 {
            stage = stage.types(&["000000"]);
            stage.user = Some(format!("no such user {number}"));
            assert_eq!(stage.login(""), Outcome::Denied);
        }
        assert_eq!(stage.reason(), denied_last, "{exempt}");
    }
}

#[test]
fn a_mistake_that_asks_everybody_lets_nobody_by_who_has_not_enrolled() {
    let mut stage = stage("colour = 1");
    fs::remove_file(stage.path()).unwrap();
    assert_eq!(stage.login("nullok policy_error=require"), Outcome::Denied);
    assert_eq!(stage.reason(), "no_file");
}

#[test]
fn a_policy_for_homes_has_nobody_enrol_into_a_record() {
    for (store, prompts) in [("home", 2), ("system", 0)] {
        let policy = format!("version = 1\nstore = \"{store}\"");
        let mut stage = Stage::with_records().with_etc(&[("policy.toml", &policy)]);
        assert_eq!(stage.login_with("enroll account=yes"), Outcome::Denied);
        let asked_for_codes = stage.prompts.iter().filter(|(it, _)| it == "Verification code: ");
        assert_eq!(asked_for_codes.count(), prompts, "{store}: {:?}", stage.prompts);
    }
}

#[test]
fn a_password_is_asked_for_once_and_forwarded_or_nobody_gets_in() {
    let mut fresh = stage(&rule("", "require = [\"otp\"]\nfresh = \"5m\""))
        .types(&[&format!("pw{}", code(STEP))]);
    assert_eq!(fresh.login("forward_pass"), Outcome::Accepted, "{}", fresh.last_log());
    fresh.first_pass = None;
    assert_eq!(fresh.login("forward_pass"), Outcome::Denied, "nobody answers");
    assert_eq!(fresh.prompts[0].0, "Password: ");
    let mut fresh = fresh.types(&["pw"]);
    assert_eq!(fresh.login("forward_pass"), Outcome::Accepted);

    let mut skipped = stage(&rule("", "skip = \"x\""));
    skipped.first_pass = Some(b"pw".to_vec());
    assert_eq!(skipped.login("forward_pass try_first_pass"), Outcome::Accepted);
    assert!(skipped.prompts.is_empty(), "another module has asked for it");
}

#[test]
fn a_variable_stands_in_for_a_name_and_for_nothing_else() {
    let list = LIST.replace("192.0.2.0/24", "198.51.100.0/24");
    let mut stage = Stage::new("\" TOTP_AUTH").with_etc(&[("bypass.toml", &list)]);
    for (remote, outcome) in [
        (Some("client.example"), Outcome::Accepted),
        (Some("192.0.2.7"), Outcome::Denied),
        (Some(""), Outcome::Denied),
        (None, Outcome::Denied),
    ] {
        stage.remote = remote.map(str::to_owned);
        assert_eq!(stage.login(""), outcome, "{remote:?}");
    }
}
