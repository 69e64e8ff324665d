//! A host that is as it should be, and one mistake after the other on it.

mod callers;
mod keys;
mod laws;
mod machine;
mod people;
mod stacks;

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use mfa_core::record::Credential;
use mfa_core::store::Base;
use nix::errno::Errno;
use nix::unistd::Uid;
use serde_json::Value;
use tempfile::TempDir;

use super::diagnosis::Word;
use super::*;
use crate::lab::{NOW, enrol_in, totp};
use callers::CALLERS;
use keys::KEYS;
use laws::LAWS;
use machine::MACHINES;
use people::PEOPLE;
use stacks::STACKS;

const CLEAN: [(&str, &str); 11] = [
    ("/etc/pam.d/common-auth", AUTH),
    (
        "/etc/pam.d/common-account",
        "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
         account requisite pam_deny.so\n\
         account required pam_permit.so\n",
    ),
    ("/etc/pam.d/sshd", SSHD),
    ("/etc/pam.d/sudo", SUDO),
    ("/etc/ssh/sshd_config", "# sshd\nInclude /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"),
    ("/etc/ssh/sshd_config.d/local.conf", "PasswordAuthentication no\n"),
    (
        "/etc/sudoers",
        "root ALL=(ALL) NOPASSWD: ALL\n%admin ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    ),
    ("/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"),
    ("/usr/lib/x86_64-linux-gnu/security/pam_mfa.so", ""),
    ("/run/systemd/timesync/synchronized", ""),
    ("/etc/pam_mfa/policy.toml", POLICY),
];

const AUTH: &str = "auth [success=1 default=ignore] pam_unix.so nullok\n\
    auth requisite pam_deny.so\n\
    auth required pam_permit.so\n";

const SSHD: &str = "@include common-auth\n\
    auth required pam_mfa.so\n\
    account required pam_nologin.so\n\
    @include common-account\n\
    account required pam_mfa.so\n\
    session required pam_mfa.so\n\
    session required pam_env.so user_readenv=1\n\
    session required pam_unix.so\n";

const SUDO: &str = "@include common-auth\n\
    auth required pam_mfa.so\n\
    @include common-account\n\
    account required pam_mfa.so\n\
    session required pam_limits.so\n";

const POLICY: &str = "version = 1\nrecheck = [\"sudo\"]\n\
    [[rule]]\nname = \"machines\"\nusers = [\"alice\"]\nskip = \"automation\"\n\
    [[rule]]\nname = \"production\"\ngroups = [\"sre\"]\nrequire = [\"otp\"]\n";

const BYPASS: &str = "[[bypass]]\nid = \"b1\"\nnetwork = \"192.0.2.0/24\"\nreason = \"office\"\n";

/// A machine in a directory.
struct Seed {
    root: TempDir,
    /// What programs print, by their first word.
    programs: RefCell<Vec<(&'static str, &'static str)>>,
    file_system: RefCell<i64>,
}

impl Seed {
    /// One on which nothing is wrong.
    fn clean() -> Self {
        let root = TempDir::new().unwrap();
        let seed = Self { root, programs: RefCell::default(), file_system: RefCell::new(0xef53) };
        for (path, text) in CLEAN {
            seed.write(path, text);
        }
        seed.write("/etc/pam_mfa/bypass.toml", BYPASS);
        fs::create_dir_all(seed.at("/var/lib")).unwrap();
        seed.enrol("alice", 1000, totp(1, "phone"));
        seed
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for directory in path.ancestors().skip(1).take_while(|it| *it != self.root.path()) {
            // That of records has been made by those who know its mode.
            if !directory.starts_with(self.at("/var/lib/pam_mfa")) {
                fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
            }
        }
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.at(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    fn sudo(&self, from: &str, to: &str) {
        self.replace("/etc/pam.d/sudo", from, to);
    }

    fn sshd(&self, from: &str, to: &str) {
        self.replace("/etc/pam.d/sshd", from, to);
    }

    fn sshd_config(&self, lines: &str) {
        self.append("/etc/ssh/sshd_config", lines);
    }

    fn sudoers(&self, line: &str) {
        self.append("/etc/sudoers", line);
    }

    fn rule(&self, lines: &str) {
        self.append("/etc/pam_mfa/policy.toml", lines);
    }

    fn append(&self, path: &str, line: &str) {
        let text = fs::read_to_string(self.at(path)).unwrap_or_default();
        self.write(path, &format!("{text}{line}\n"));
    }

    fn remove(&self, path: &str) {
        let path = self.at(path);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), Permissions::from_mode(mode)).unwrap();
    }

    fn enrol(&self, user: &str, uid: u32, credential: Credential) {
        let base = Base::new(&self.at("/var/lib/pam_mfa"), &self.at("/run/pam_mfa"));
        enrol_in(base, user, uid, vec![credential]);
    }

    fn with<T>(&self, owner: u32, then: &dyn Fn(&Host) -> T) -> T {
        let host = Host {
            root: self.root.path().to_owned(),
            owner,
            now: NOW,
            uid: &|name| match name {
                "root" => Ok(Some(0)),
                "alice" => Ok(Some(1000)),
                "down" => Err(Errno::EIO),
                _ => Ok(None),
            },
            is_group: &|name| Ok(name == "sre"),
            run: &|argv| {
                let programs = self.programs.borrow();
                let found = programs.iter().find(|(program, _)| argv[0].ends_with(program));
                found.map(|(_, text)| (*text).to_owned())
            },
            file_system: &|_| Some(*self.file_system.borrow()),
        };
        then(&host)
    }

    /// What it prints with these options, without the directory, and how it ends.
    fn doctor_as(&self, owner: u32, service: Option<&str>, json: bool) -> (String, u8) {
        let args = Args { service: service.map(str::to_owned), json };
        let (output, code) = self.with(owner, &|host| {
            let mut output = Vec::new();
            let done = examine(&args, host, false, &mut output);
            (output, done.map_or_else(|failure| failure.exit_code(), |()| 0))
        });
        let root = self.root.path().to_str().unwrap();
        (String::from_utf8(output).unwrap().replace(root, ""), code)
    }

    fn doctor(&self, service: Option<&str>, json: bool) -> (String, u8) {
        self.doctor_as(Uid::effective().as_raw(), service, json)
    }

    /// Each finding as `word service file:line`.
    fn found(&self, owner: u32, service: Option<&str>) -> Vec<String> {
        let (json, code) = self.doctor_as(owner, service, true);
        let json: Value = serde_json::from_str(&json).unwrap();
        let findings = json["findings"].as_array().unwrap();
        let worst = if findings.iter().any(|it| it["severity"] == "error") { 2 } else { 1 };
        assert_eq!(code, if findings.is_empty() { 0 } else { worst });
        let shown = |it: &Value| {
            for key in ["cause", "mend"] {
                let text = it[key].as_str().unwrap();
                assert!(text.len() > 5 && !text.ends_with('.') && !text.contains("  "), "{text}");
            }
            let text = |key: &str| it[key].as_str().map(str::to_owned);
            let line = it["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
            let service = text("service").unwrap_or_else(|| "-".to_owned());
            format!("{} {service} {}{line}", text("word").unwrap(), text("file").unwrap())
        };
        findings.iter().map(shown).collect()
    }
}

/// A mistake, and what is to be found of it.
type Case = (fn(&Seed), &'static [&'static str]);

#[test]
fn a_host_that_is_as_it_should_be() {
    let seed = Seed::clean();
    let (said, code) = seed.doctor(None, false);
    assert!(said.ends_with("\nNothing is wrong.\n"), "{said}");
    assert_eq!(code, 0);
    assert_eq!(seed.found(Uid::effective().as_raw(), None), Vec::<String>::new());
}

fn each(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (number, (mistake, expected)) in cases.iter().enumerate() {
        let seed = Seed::clean();
        mistake(&seed);
        let found = seed.found(Uid::effective().as_raw(), None);
        if found != *expected {
            wrong.push(format!("case {number}: {found:#?} and not {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_in_stacks() {
    each(STACKS);
}

#[test]
fn mistakes_of_callers() {
    each(CALLERS);
}

#[test]
fn mistakes_of_machines() {
    each(MACHINES);
}

#[test]
fn mistakes_about_people() {
    each(PEOPLE);
}

#[test]
fn mistakes_in_laws() {
    each(LAWS);
}

#[test]
fn mistakes_about_keys() {
    each(KEYS);
}

#[test]
fn no_word_goes_unseen() {
    let cases = [STACKS, CALLERS, MACHINES, PEOPLE, LAWS, KEYS].concat();
    let words: Vec<_> = cases.iter().flat_map(|(_, found)| *found).collect();
    for word in Word::ALL {
        // These two have tests of their own.
        let is_apart = matches!(word, Word::WrongOwner | Word::NotLoaded);
        let is_seeded = words.iter().any(|found| found.split(' ').next() == Some(word.text()));
        assert!(is_seeded != is_apart, "{}", word.text());
    }
}

#[test]
fn every_word_is_explained() {
    let text = include_str!("../../../../docs/doctor.md");
    for word in Word::ALL {
        let name = format!("`{}`", word.text());
        let mut rows = text.lines().filter(|line| line.starts_with('|') && line.contains(&name));
        let row = rows.next().unwrap_or_else(|| panic!("{name} is not explained"));
        let severity = if word.severity() == Severity::Error { "| error |" } else { "| warning |" };
        assert!(row.contains(severity) && rows.next().is_none(), "{row}");
    }
}

#[test]
fn files_of_somebody_else() {
    let somebody = Uid::effective().as_raw() + 1;
    let found = Seed::clean().found(somebody, None);
    assert!(found.contains(&"wrong_owner - /etc/pam_mfa/policy.toml".to_owned()), "{found:?}");
    assert!(found.contains(&"wrong_owner - /var/lib/pam_mfa/state/alice".to_owned()), "{found:?}");
    assert!(found.iter().all(|found| found.starts_with("wrong_owner - /")), "{found:?}");
}

#[test]
fn keys_of_somebody_else() {
    let seed = Seed::clean();
    seed.write("/etc/ssh/keys/alice", "");
    seed.rule("[[rule]]\nname = \"keys\"\nrequire = [\"ssh-key\"]\ntouch = \"sshd\"");
    seed.sshd_config("AuthenticationMethods publickey,keyboard-interactive");
    seed.sshd_config("AuthorizedKeysFile /etc/ssh/keys/%u");
    let effective = Uid::effective().as_raw();
    assert_eq!(seed.found(effective, None), Vec::<String>::new());
    let found = seed.found(effective + 1, None);
    let untouched = "touch_not_demanded sshd /etc/ssh/sshd_config:5".to_owned();
    assert!(found.contains(&untouched), "{found:?}");
}

#[test]
fn one_service() {
    let seed = Seed::clean();
    seed.append("/etc/pam.d/sudo", "auth required pam_mfa.so");
    seed.append("/etc/pam.d/sshd", "auth required pam_mfa.so");
    let found = |service| seed.found(Uid::effective().as_raw(), Some(service));
    assert_eq!(found("sudo"), ["listed_twice sudo /etc/pam.d/sudo:6"]);
    assert_eq!(found("su"), ["not_loaded su /etc/pam.d/su"]);
    assert_eq!(found("common-auth"), ["not_loaded common-auth /etc/pam.d/common-auth"]);
}

#[test]
fn what_a_login_meets_in_its_order() {
    let seed = Seed::clean();
    seed.write(
        "/etc/pam.d/sudo",
        "account required pam_mfa.so\nauth substack common-auth\nauth required pam_mfa.so nullok\n",
    );
    let (said, code) = seed.doctor(Some("sudo"), false);
    let expected = "\
sudo
  auth     sudo:2         common-auth      substack
  auth     common-auth:1    pam_unix.so    [success=1 default=ignore]
  auth     common-auth:2    pam_deny.so    requisite
  auth     common-auth:3    pam_permit.so  required
  auth     sudo:3         pam_mfa.so       required
           asks for a code; who has not enrolled is not asked
  account  sudo:1         pam_mfa.so       required
           asks again where a check is no longer fresh
  warning  nullok  /etc/pam.d/sudo:3
           nullok has no effect, since there is a policy: it decides about those who have not enrolled; take it out once all have enrolled.

";
    assert_eq!(said, expected);
    assert_eq!(code, 1);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let seed = Seed::clean();
    seed.remove("/run/systemd");
    let show = |coloured| {
        seed.with(Uid::effective().as_raw(), &|host| {
            let mut output = Vec::new();
            let args = Args { service: None, json: false };
            examine(&args, host, coloured, &mut output).unwrap_err();
            String::from_utf8(output).unwrap()
        })
    };
    let (plain, coloured) = (show(false), show(true));
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(coloured.contains("\u{1b}[1m\u{1b}[33mwarning"), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}
