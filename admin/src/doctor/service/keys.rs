//! Lines of ours that ask for security keys, or believe what sshd says of them.

use super::{Service, at, reads_user_environment};
use crate::doctor::diagnosis::{Diagnosis, Word};
use crate::doctor::line::{has, is_ours};
use crate::pam_d::{Line, Phase};

/// Services by which people who are logged in become somebody else, wherever they sit.
const FROM_ANYWHERE: [&str; 4] = ["sudo", "sudo-i", "su", "su-l"];

/// The service by which nobody is at this machine, and whose session line believes sshd.
const SSHD: &str = "sshd";

impl Service<'_> {
    /// What is wrong with the lines.
    pub(super) fn keys(&self) -> Vec<Diagnosis> {
        let ours: Vec<_> = self.stack.lines.iter().filter(|line| is_ours(line)).collect();
        let mut found = Vec::new();
        for line in &ours {
            found.extend(self.keys.judge(line));
            found.extend(self.place(line));
            found.extend(self.agent(line));
            found.extend(self.trust(line));
        }
        found.extend(self.ssh_key(ours.iter().any(|line| self.trusts(line))));
        found
    }

    /// Whether a key in this machine's port is for those who sit at it.
    fn place(&self, line: &Line) -> Option<Diagnosis> {
        let by_policy =
            self.laws.policy().is_some_and(|it| it.local.iter().any(|it| it == self.name));
        let name = self.name;
        match (has(line, "u2f"), by_policy || has(line, "local")) {
            (true, _) if name == SSHD => {
                let cause = "nobody who comes by sshd is at this machine, so u2f asks for no key";
                Some(at(line, Word::NotLocal, cause, "take u2f out of the line"))
            }
            (true, false) => {
                let cause = format!("{name} is not local, so u2f asks for no key");
                let mend = format!("add local = [{name:?}] to the policy, or local to the line");
                Some(at(line, Word::NotLocal, cause, mend))
            }
            (true, true) if self.has_sshd && FROM_ANYWHERE.contains(&name) => {
                let cause = format!(
                    "people who came by ssh use {name}, too: whoever sits at this machine is asked to \
                     touch the key for them"
                );
                let mend = "take it out of what is local, or sshd off the machine";
                Some(at(line, Word::LocalFromAfar, cause, mend))
            }
            _ => None,
        }
    }

    /// Whether the line can find the agent that it asks.
    fn agent(&self, line: &Line) -> Option<Diagnosis> {
        let sudoers = self.sudoers.filter(|_| has(line, "ssh_agent"))?;
        (!sudoers.keeps_agent()).then(|| {
            let cause =
                "sudo takes SSH_AUTH_SOCK out of the environment, so ssh_agent finds no agent";
            let mend = "add Defaults env_keep += \"SSH_AUTH_SOCK\" to sudoers";
            at(line, Word::AgentNotKept, cause, mend)
        })
    }

    /// Whether the line believes the environment where sshd has written it.
    fn trusts(&self, line: &Line) -> bool {
        has(line, "trust_auth_info") && line.phase == Phase::Session && self.name == SSHD
    }

    /// What is wrong with believing it.
    fn trust(&self, line: &Line) -> Vec<Diagnosis> {
        if !has(line, "trust_auth_info") {
            return Vec::new();
        }
        if !self.trusts(line) {
            let cause = "trust_auth_info has no effect here";
            let mend = "put it on the session line of sshd's service; auth believes sshd anyway";
            return vec![at(line, Word::Misplaced, cause, mend)];
        }
        let phases = [Phase::Auth, Phase::Session];
        let lines = self.stack.lines.iter().filter(|it| phases.contains(&it.phase));
        let reads = lines.filter(|it| reads_user_environment(it));
        let found = reads.map(|env| {
            let place = format!("{}:{}", env.file.display(), env.number);
            let cause = format!(
                "pam_env.so with user_readenv ({place}) lets people say themselves which key they \
                 came by, and trust_auth_info believes it"
            );
            let mend = format!("take user_readenv out of {place}, or trust_auth_info out of here");
            at(line, Word::UserEnvironment, cause, mend)
        });
        found.collect()
    }

    /// Whether keys that sshd has verified can come to count, where a rule takes them; `is_believed` in
    /// the session as well.
    fn ssh_key(&self, is_believed: bool) -> Vec<Diagnosis> {
        let Some(sshd) = self.sshd else { return Vec::new() };
        let mut rules = self.laws.taking_ssh_key(self.name).peekable();
        if rules.peek().is_none() {
            return Vec::new();
        }
        let mut found = sshd.unseen_keys(is_believed);
        if rules.any(|demand| demand.touch == mfa_core::policy::Touch::BySshd) {
            found.extend(sshd.untouched_keys());
        }
        found
    }
}
