//! What is known of security keys that sshd has verified, as far as its settings say.

use std::fs;
use std::path::PathBuf;

use super::config::{Config, Section, Setting};
use super::{OF_PAM, Sshd, about, at};
use crate::doctor::diagnosis::{Diagnosis, Word};
use crate::doctor::host::Host;
use crate::doctor::template::is_roots_alone;

/// The settings that decide whether a key has to be touched.
const OF_TOUCH: [&str; 4] =
    ["authorizedkeyscommand", "authorizedkeysfile", "pubkeyauthentication", "pubkeyauthoptions"];

/// Keys that sshd lets in although nobody has touched them.
pub struct Untouched {
    criteria: Option<String>,
    setting: Setting,
    why: String,
}

/// Those for everybody, and those of each `Match`.
pub fn untouched(host: &Host, config: &Config) -> Vec<Untouched> {
    let sections = config.sections.iter().filter(|section| {
        section.criteria.is_none() || OF_TOUCH.iter().any(|it| section.settings.contains_key(*it))
    });
    sections.filter_map(|section| of_section(host, config, section)).collect()
}

fn of_section(host: &Host, config: &Config, section: &Section) -> Option<Untouched> {
    let get = |keyword| config.get(section, keyword);
    let options = get("pubkeyauthoptions").value;
    let is_demanded = options
        .split(|it: char| it == ',' || it.is_whitespace())
        .any(|option| option.eq_ignore_ascii_case("touch-required"));
    if is_demanded || !get("pubkeyauthentication").value.eq_ignore_ascii_case("yes") {
        return None;
    }
    let criteria = section.criteria.clone();
    let command = get("authorizedkeyscommand");
    if !command.value.eq_ignore_ascii_case("none") {
        let why = "what AuthorizedKeysCommand prints may let keys in without a touch".to_owned();
        return Some(Untouched { criteria, setting: command, why });
    }
    let setting = get("authorizedkeysfile");
    let theirs = setting.value.split_whitespace().find(|name| !is_roots(host, name))?;
    let why = format!(
        "{theirs} is not root's alone, and may say no-touch-required to let keys in without a touch"
    );
    // What is not written cannot be named.
    let written = Some(setting).filter(|setting| setting.line.is_some());
    let setting = written.unwrap_or_else(|| get("pubkeyauthoptions"));
    Some(Untouched { criteria, setting, why })
}

/// Whether only root writes what a name of AuthorizedKeysFile leads to (sshd_config(5), TOKENS).
fn is_roots(host: &Host, name: &str) -> bool {
    if name.eq_ignore_ascii_case("none") {
        return true;
    }
    if !name.starts_with('/') || name.contains("%h") {
        return false;
    }
    let mut paths = vec![host.root.clone()];
    for part in name.split('/') {
        paths = paths.into_iter().flat_map(|path| below(path, part)).collect();
    }
    paths.iter().all(|path| is_roots_alone(host, path))
}

/// What a part of a name may stand for in a directory: all that is there, or else the directory, where
/// it would be made.
fn below(directory: PathBuf, part: &str) -> Vec<PathBuf> {
    if !part.contains('%') {
        return vec![directory.join(part)];
    }
    let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
    let entries: Vec<_> = entries.map(|entry| entry.path()).collect();
    if entries.is_empty() { vec![directory] } else { entries }
}

impl Sshd {
    /// Keys that are not known to be touched, where a rule says that sshd sees to it.
    pub fn untouched_keys(&self) -> Vec<Diagnosis> {
        let found = self.untouched.iter().map(|Untouched { criteria, setting, why }| {
            let cause = format!("{why}, but a rule says touch = \"sshd\"");
            let mend = "set PubkeyAuthOptions touch-required, and reload sshd";
            let found = at(Word::TouchNotDemanded, setting, &cause, mend);
            match criteria {
                None => found,
                Some(criteria) => about(found, criteria),
            }
        });
        found.collect()
    }

    /// Keys that are not shown to anybody who believes it: to auth, or if `is_believed` to session.
    pub fn unseen_keys(&self, is_believed: bool) -> Vec<Diagnosis> {
        let found = self.sections().filter_map(|section| {
            let shows = is_believed && self.ways_of(section).past_pam || self.shows_auth(section);
            if shows || !self.is_on(section, "pubkeyauthentication") {
                return None;
            }
            let methods = self.config.get(section, "authenticationmethods");
            let cause = "a rule takes ssh-key, but no key is verified before auth, which sees none";
            let mend = "set AuthenticationMethods publickey,keyboard-interactive";
            let found = at(Word::KeyUnseen, &methods, cause, mend);
            Some(match &section.criteria {
                None => found,
                Some(criteria) => about(found, criteria),
            })
        });
        found.collect()
    }

    /// Whether a way in leads from a key to PAM's auth.
    fn shows_auth(&self, section: &Section) -> bool {
        self.chains(section).iter().any(|chain| {
            let key = chain.iter().position(|method| method == "publickey");
            let pam = chain.iter().position(|method| OF_PAM.contains(&method.as_str()));
            let is_enabled = chain.iter().all(|method| self.is_enabled(section, method));
            is_enabled && key.zip(pam).is_some_and(|(key, pam)| key < pam)
        })
    }
}
