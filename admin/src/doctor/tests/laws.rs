//! In policy.toml and bypass.toml.

use super::*;

pub const LAWS: &[Case] = &[
    (
        |it| it.replace("/etc/pam_mfa/policy.toml", "skip", "skipp"),
        &["bad_policy - /etc/pam_mfa/policy.toml:6"],
    ),
    (
        |it| {
            it.write("/etc/pam_mfa/policy.previous", "version = 1\nstore = 1\n");
            it.write(
                "/etc/pam_mfa/policy.trial",
                "version = 1\nsince = 0\nuntil = 1\nboot = \"x\"\nsession = 0\nbegan = 0\n\
                 has_previous = true\n",
            );
        },
        &["bad_policy - /etc/pam_mfa/policy.previous:2"],
    ),
    (
        |it| it.write("/etc/pam_mfa/policy.trial", "version = 1\n"),
        &["bad_policy - /etc/pam_mfa/policy.trial"],
    ),
    (
        |it| it.write("/etc/pam_mfa/bypass.toml", &BYPASS[..40]),
        &["bad_bypass - /etc/pam_mfa/bypass.toml:3"],
    ),
    (
        |it| it.append("/etc/pam_mfa/bypass.toml", "created = 2020-01-01\nexpires = 2023-01-01"),
        &["bypass_expired - /etc/pam_mfa/bypass.toml:1"],
    ),
    (
        |it| {
            it.append(
                "/etc/pam_mfa/bypass.toml",
                "[[bypass]]\nid = \"b2\"\nnetwork = \"127.0.0.1\"\nreason = \"x\"",
            );
        },
        &["bypass_loopback - /etc/pam_mfa/bypass.toml:5"],
    ),
    (
        |it| {
            it.rule("[[rule]]\nname = \"late\"\ngroups = [\"sre\"]\nservices = [\"sshd\"]\ndeny = \"x\"");
        },
        &["rule_not_reached - /etc/pam_mfa/policy.toml:11"],
    ),
    (
        |it| {
            it.rule(
                "[[rule]]\nname = \"near\"\nfrom = [\"192.0.2.0/24\"]\ndeny = \"x\"\n\
                 [[rule]]\nname = \"nearer\"\nfrom = [\"192.0.2.7\"]\nhosts = [\"*\"]\ndeny = \"x\"\n\
                 [[rule]]\nname = \"wider\"\nfrom = [\"192.0.0.0/16\"]\ndeny = \"x\"",
            );
        },
        &["rule_not_reached - /etc/pam_mfa/policy.toml:15"],
    ),
    (
        |it| it.rule("[[rule]]\nname = \"x\"\ngroups = [\"sre\", \"wheel\"]\ndeny = \"x\""),
        &["no_such_group - /etc/pam_mfa/policy.toml:11"],
    ),
    (
        |it| it.rule("[[rule]]\nname = \"x\"\nusers = [\"alcie\", \"down\"]\ndeny = \"x\""),
        &["no_such_user - /etc/pam_mfa/policy.toml:11"],
    ),
];
