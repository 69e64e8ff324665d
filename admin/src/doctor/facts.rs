//! What is gathered before anything is judged.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::clock::Clock;
use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use super::keys::Keys;
use super::laws::{Laws, unreadable};
use super::line::{GOOGLE, OURS, is_ours, value};
use super::module_file::Modules;
use super::records::Records;
use super::rights::Rights;
use super::service::Service;
use super::sshd::Sshd;
use super::sudoers::Sudoers;
use crate::pam_d::{Line, Phase, Places, Stack, Stacks};
use mfa_core::policy::Keep;

/// Files that services include, by how their names begin, with the names that Debian, Fedora, SUSE and
/// Arch give them. No program asks for such a service.
const INCLUDED: [&str; 7] = [
    "common-",
    "system-",
    "password-auth",
    "postlogin",
    "fingerprint-auth",
    "smartcard-auth",
    "config-util",
];

/// The services that sudo asks for, sudo(8).
const SUDO: [&str; 2] = ["sudo", "sudo-i"];

/// All that is known of a machine.
pub struct Facts<'a> {
    host: &'a Host<'a>,
    /// The services that load us, or the one that was asked for, in order.
    pub services: Vec<(String, Stack)>,
    /// All that load us.
    loading: BTreeSet<String>,
    unread: Vec<(PathBuf, io::Error)>,
    modules: Modules<'a>,
    /// sshd, if it is there.
    pub sshd: Option<Sshd>,
    sudoers: Sudoers,
    clock: Clock,
    laws: Laws,
    records: Records,
    rights: Rights,
    keys: Keys,
}

impl<'a> Facts<'a> {
    /// Looks at everything; of the services at `only` one, or at all that load us.
    pub fn gather(host: &'a Host<'a>, only: Option<&str>) -> Self {
        let places = Places {
            directories: ["/etc/pam.d", "/usr/lib/pam.d"].map(|path| host.at(path)).to_vec(),
            file: host.at("/etc/pam.conf"),
        };
        let Stacks { mut services, unread } = Stacks::read(&places);
        let modules = Modules::look(host);
        let lines = services.values_mut().flat_map(|stack| &mut stack.lines);
        for line in lines.filter(|line| modules.stands_in && line.name() == GOOGLE) {
            line.module.set_file_name(OURS);
        }
        let loads = |stack: &Stack| stack.lines.iter().any(is_ours);
        let loading = services.iter().filter(|(_, stack)| loads(stack));
        let loading = loading.map(|(name, _)| name.clone()).collect();
        let is_meant = |name: &str, stack: &Stack| match only {
            Some(only) => name == only,
            None => loads(stack) && !INCLUDED.iter().any(|beginning| name.starts_with(beginning)),
        };
        let services = services.into_iter().filter(|(name, stack)| is_meant(name, stack));
        let services: Vec<_> = services.collect();
        let lines: Vec<_> = services.iter().flat_map(|(_, stack)| &stack.lines).collect();
        let ours: Vec<_> = lines.iter().filter(|line| is_ours(line)).collect();
        let mut files: Vec<_> = ours.iter().filter_map(|line| modules.of(&line.module)).collect();
        files.sort();
        files.dedup();
        let rights = Rights::look(host, &lines, &files);
        Self {
            loading,
            unread,
            modules,
            sshd: Sshd::look(host),
            sudoers: Sudoers::look(host),
            clock: Clock::look(host),
            laws: Laws::look(host),
            records: Records::look(host),
            rights,
            keys: Keys::look(host, &services),
            services,
            host,
        }
    }

    /// All that is wrong: service by service, then what all of them depend on. `only` one was asked for.
    pub fn judge(&self, only: Option<&str>) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        if let Some(only) = only.filter(|only| !self.loading.contains(*only)) {
            let file = self.file(only);
            let cause = "the service does not load pam_mfa.so: it asks nobody for a code";
            let mend = "add auth required pam_mfa.so, or name another service";
            found.push(Diagnosis::new(Word::NotLoaded, (&file, None), cause, mend).of(only));
        }
        found.extend(self.services.iter().flat_map(|(name, stack)| self.service(name, stack)));
        found.extend(self.unread.iter().map(unreadable));
        found.extend(self.laws.judge(self.host.now));
        found.extend(self.unknown_rechecks());
        found.extend(self.records.judge(self.host.now, self.system_only()));
        found.extend(self.rights.judge(self.host.owner));
        found.extend(self.clock.judge());
        found
    }

    /// Whether it is a service of sshd's.
    pub fn sshd_of(&self, service: &str) -> Option<&Sshd> {
        self.sshd.as_ref().filter(|sshd| sshd.service() == service)
    }

    fn file(&self, service: &str) -> PathBuf {
        self.host.at("/etc/pam.d").join(service)
    }

    fn service(&self, name: &str, stack: &Stack) -> Vec<Diagnosis> {
        let service = Service {
            name,
            file: self.file(name),
            stack,
            laws: &self.laws,
            sshd: self.sshd_of(name),
            has_sshd: self.sshd.is_some(),
            sudoers: Some(&self.sudoers).filter(|_| SUDO.contains(&name)),
            keys: &self.keys,
            modules: &self.modules,
            keeps_records: self.host.at("/var/lib/pam_mfa").is_dir(),
            now: self.host.now,
        };
        let mut found = service.judge();
        if SUDO.contains(&name) && stack.of(Phase::Auth).into_iter().any(is_ours) {
            found.extend(self.sudoers.judge(name, self.rechecks().any(|it| it == name)));
        }
        found
    }

    fn rechecks(&self) -> impl Iterator<Item = &str> {
        self.laws.policy().into_iter().flat_map(|policy| policy.recheck.iter().map(String::as_str))
    }

    /// Services that should ask again and do not load us at all.
    fn unknown_rechecks(&self) -> Vec<Diagnosis> {
        let Some(file) = self.laws.policy_file() else { return Vec::new() };
        // What is looked at by itself has been told so.
        let is_told = |service: &str| self.services.iter().any(|(name, _)| name == service);
        let absent = self.rechecks().filter(|it| !self.loading.contains(*it) && !is_told(it));
        let found = absent.map(|service| {
            let cause = format!("recheck names {service:?}, which does not load pam_mfa.so");
            let mend =
                format!("add account required pam_mfa.so to {}", self.file(service).display());
            Diagnosis::new(Word::NoAccountLine, (file, None), cause, mend)
        });
        found.collect()
    }

    /// A service that looks at system records alone.
    fn system_only(&self) -> Option<&str> {
        let by_policy = self.laws.policy().is_some_and(|policy| policy.store == Some(Keep::System));
        let looks = |line: &&Line| match value(line, "store") {
            Some(store) => store == "system",
            None => by_policy && value(line, "secret").is_none(),
        };
        let mut services = self.services.iter();
        let found = services.find(|(_, stack)| {
            stack.of(Phase::Auth).iter().any(|line| is_ours(line) && looks(line))
        });
        found.map(|(name, _)| name.as_str())
    }
}
