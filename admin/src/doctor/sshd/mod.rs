//! Which ways into sshd lead through PAM's auth, and so to us.

mod config;
mod keys;

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use config::{Config, Section, Setting};
use keys::Untouched;

/// The settings that decide.
const DECIDING: [&str; 5] = [
    "usepam",
    "authenticationmethods",
    "kbdinteractiveauthentication",
    "passwordauthentication",
    "pubkeyauthentication",
];

/// The methods of which PAM's auth is a part.
const OF_PAM: [&str; 2] = ["keyboard-interactive", "password"];

/// The ways that lead in, by what has to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ways {
    /// One leads past PAM's auth, a key alone.
    pub past_pam: bool,
    /// One leads through PAM's auth alone.
    pub pam_alone: bool,
}

/// sshd, as far as its files are there.
pub struct Sshd {
    config: Config,
    untouched: Vec<Untouched>,
}

impl Sshd {
    /// Reads how it is set up.
    pub fn look(host: &Host) -> Option<Self> {
        let config = Config::look(host)?;
        Some(Self { untouched: keys::untouched(host, &config), config })
    }

    /// The service that it asks PAM for.
    pub fn service(&self) -> String {
        let everybody = self.config.sections.first();
        let name = everybody.and_then(|section| section.settings.get("pamservicename"));
        name.map_or_else(|| "sshd".to_owned(), |setting| setting.value.clone())
    }

    /// All ways, whoever they are for.
    pub fn ways(&self) -> Ways {
        self.sections().map(|section| self.ways_of(section)).fold(Ways::default(), |all, one| {
            Ways {
                past_pam: all.past_pam || one.past_pam,
                pam_alone: all.pam_alone || one.pam_alone,
            }
        })
    }

    /// Where it is known from, and what it means.
    pub fn in_words(&self) -> String {
        let from = if self.config.is_effective { "sshd -T" } else { "sshd_config, as read here" };
        let ways = self.ways();
        let key = if ways.past_pam { "; a key alone gets in without auth" } else { "" };
        let alone = if ways.pam_alone { "; auth alone gets in" } else { "" };
        format!("{from}{key}{alone}")
    }

    /// Sections that decide something.
    fn sections(&self) -> impl Iterator<Item = &Section> {
        let decides = |section: &Section| {
            section.criteria.is_none()
                || DECIDING.iter().any(|&keyword| section.settings.contains_key(keyword))
        };
        self.config.sections.iter().filter(move |section| decides(section))
    }

    fn is_on(&self, section: &Section, keyword: &str) -> bool {
        self.config.get(section, keyword).value.eq_ignore_ascii_case("yes")
    }

    /// Whether a method, without what may stand behind its colon, can succeed.
    fn is_enabled(&self, section: &Section, method: &str) -> bool {
        let keyword = match method {
            "keyboard-interactive" => "kbdinteractiveauthentication",
            "password" => "passwordauthentication",
            "publickey" => "pubkeyauthentication",
            "hostbased" => "hostbasedauthentication",
            "gssapi-with-mic" => "gssapiauthentication",
            _ => return true,
        };
        self.is_on(section, keyword)
    }

    /// Each list of methods that leads in, if all of them succeed.
    fn chains(&self, section: &Section) -> Vec<Vec<String>> {
        let value = self.config.get(section, "authenticationmethods").value;
        let value = if value.eq_ignore_ascii_case("any") {
            "publickey hostbased gssapi-with-mic keyboard-interactive password"
        } else {
            &value
        };
        let method = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        let chains = value.split_whitespace().map(|chain| chain.split(',').map(method).collect());
        chains.collect()
    }

    fn ways_of(&self, section: &Section) -> Ways {
        let through_pam = |method: &String| OF_PAM.contains(&method.as_str());
        let mut chains = self.chains(section);
        chains.retain(|chain| chain.iter().all(|method| self.is_enabled(section, method)));
        Ways {
            past_pam: chains.iter().any(|chain| !chain.iter().any(through_pam)),
            pam_alone: chains.iter().any(|chain| chain.iter().all(through_pam)),
        }
    }

    /// What is wrong with it, where our line `takes_password` with the code in it, and where there is
    /// a policy or not.
    pub fn judge(&self, takes_password: bool, has_policy: bool) -> Vec<Diagnosis> {
        let everybody = self.config.sections.first();
        let pam = everybody.map(|section| self.config.get(section, "usepam"));
        if let Some(off) = pam.filter(|setting| !setting.value.eq_ignore_ascii_case("yes")) {
            let cause = "UsePAM is off: sshd asks nobody for a code";
            return vec![at(Word::WithoutPam, &off, cause, "set UsePAM yes, and reload sshd")];
        }
        let sections = self.sections();
        let found = sections.filter_map(|section| {
            let found = self.judge_section(section, takes_password, has_policy)?;
            Some(match &section.criteria {
                None => found,
                Some(criteria) => about(found, criteria),
            })
        });
        found.collect()
    }

    fn judge_section(
        &self,
        section: &Section,
        takes_password: bool,
        has_policy: bool,
    ) -> Option<Diagnosis> {
        let chains = self.chains(section);
        let through_pam = |method: &String| OF_PAM.contains(&method.as_str());
        if !chains.iter().flatten().any(through_pam) {
            let methods = self.config.get(section, "authenticationmethods");
            let cause =
                "AuthenticationMethods never reaches PAM's auth: nobody is asked for a code";
            let mend = "set AuthenticationMethods publickey,keyboard-interactive";
            return Some(at(Word::MethodsWithoutPam, &methods, cause, mend));
        }
        let asks = self.is_on(section, "kbdinteractiveauthentication")
            || takes_password && self.is_on(section, "passwordauthentication");
        if !asks {
            let off = self.config.get(section, "kbdinteractiveauthentication");
            let cause = "KbdInteractiveAuthentication is off: sshd cannot ask for a code";
            let mend = "set KbdInteractiveAuthentication yes, and reload sshd";
            return Some(at(Word::NobodyAsked, &off, cause, mend));
        }
        if self.ways_of(section).past_pam && !has_policy {
            let methods = self.config.get(section, "authenticationmethods");
            let cause = "a key alone gets in without a code";
            let mend = "set AuthenticationMethods publickey,keyboard-interactive";
            return Some(at(Word::KeyAlone, &methods, cause, mend));
        }
        None
    }
}

fn at(word: Word, setting: &Setting, cause: &str, mend: &str) -> Diagnosis {
    Diagnosis::new(word, (&setting.file, setting.line), cause, mend)
}

fn about(mut found: Diagnosis, criteria: &str) -> Diagnosis {
    found.finding.cause = format!("for Match {criteria}, {}", found.finding.cause);
    found
}
