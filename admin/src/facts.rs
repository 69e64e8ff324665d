//! What there is to know of somebody's factors, without a secret.

use mfa_core::account::{
    Account, CodeKind, CodeSet, Counter, Key, LoginSlot, Method, Port, Totp, UsedSteps,
};
use mfa_core::reason::Reason;
use mfa_core::verify::Factor;
use serde::Serialize;

use crate::enrolment::{Enrolment, Stored};
use crate::time::moment;
use crate::waiting::Waiting;

/// Every key is always there; what does not apply is null.
#[derive(Debug, Serialize)]
pub struct Facts {
    /// The login name.
    pub user: String,
    /// Where it is kept.
    pub stored: Stored,
    factors: Vec<Enrolled>,
    /// Scratch codes included.
    recovery_codes_left: usize,
    /// Those that have not expired.
    bypass_codes_left: usize,
    /// In seconds since 1970.
    last_used: Option<u64>,
    /// In seconds since 1970.
    locked_until: Option<u64>,
    /// The reason's word, and all there is to say about it.
    trouble: Option<(&'static str, String)>,
}

/// What makes one-time codes, or signs.
#[derive(Debug, Serialize)]
struct Enrolled {
    r#type: &'static str,
    name: Option<String>,
    /// Why it does not count.
    unusable: Option<&'static str>,
}

impl Facts {
    /// What an enrolment says at `now`, in seconds since 1970.
    #[must_use]
    pub fn of(enrolment: Enrolment, waiting: &Waiting, now: u64) -> Self {
        let Enrolment { user, stored, account, written } = enrolment;
        let (account, trouble) = match account {
            Ok(account) => (account, None),
            Err(trouble) => (None, Some((trouble.reason.code(), trouble.to_string()))),
        };
        let account = account.as_deref();
        let left = |kind| account.map_or(0, |account| codes_left(account, kind, now));
        let scratch_codes = account.map_or(0, |account| account.scratch_codes.len());
        Self {
            locked_until: waiting.until(&user, account, now),
            user,
            stored,
            factors: account.map(enrolled).unwrap_or_default(),
            recovery_codes_left: scratch_codes + left(CodeKind::Recovery),
            bypass_codes_left: left(CodeKind::Bypass),
            last_used: account.and_then(|account| last_used(account, now)).or(written),
            trouble,
        }
    }

    /// The factors in one line: the names, or the kind of what has none.
    #[must_use]
    pub fn factors(&self) -> String {
        let one = |Enrolled { r#type, name, unusable }: &Enrolled| {
            let name =
                name.as_ref().map_or((*r#type).to_owned(), |name| format!("{name} ({type})"));
            unusable.map_or(name.clone(), |why| format!("{name}: {why}"))
        };
        match &self.trouble {
            Some((reason, _)) => (*reason).to_owned(),
            None if self.factors.is_empty() => "-".to_owned(),
            None => self.factors.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }

    /// Whether something keeps the user from logging in.
    #[must_use]
    pub fn is_troubled(&self) -> bool {
        self.trouble.is_some() || self.factors.iter().any(|factor| factor.unusable.is_some())
    }

    /// The codes that are left, in few words.
    #[must_use]
    pub fn codes(&self) -> String {
        match self.bypass_codes_left {
            0 => self.recovery_codes_left.to_string(),
            bypass => format!("{} + {bypass} bypass", self.recovery_codes_left),
        }
    }

    /// When the last answer was given, for people.
    #[must_use]
    pub fn last_used(&self) -> String {
        self.last_used.map_or("-".to_owned(), moment)
    }

    /// Until when no answer is looked at, for people.
    #[must_use]
    pub fn locked_until(&self) -> String {
        self.locked_until.map_or("-".to_owned(), moment)
    }

    /// All of it, a label and a value each.
    #[must_use]
    pub fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = vec![
            ["user".to_owned(), self.user.clone()],
            ["stored".to_owned(), self.stored.in_words().to_owned()],
            ["factors".to_owned(), self.factors()],
            ["codes left".to_owned(), self.codes()],
            ["last used".to_owned(), self.last_used()],
            ["locked until".to_owned(), self.locked_until()],
        ];
        rows.extend(self.trouble.iter().map(|(_, why)| ["trouble".to_owned(), why.clone()]));
        rows
    }
}

fn enrolled(account: &Account) -> Vec<Enrolled> {
    let generators = account.credentials.iter().filter_map(|credential| {
        let factor = match &credential.method {
            Method::Totp(_) => Factor::Totp,
            Method::Hotp(_) => Factor::Hotp,
            Method::None => return None,
        };
        let unusable = credential.secret.as_ref().err().map(|reason| reason.code());
        Some(Enrolled { r#type: factor.name(), name: credential.name.clone(), unusable })
    });
    let keys = account.keys.iter().map(|key| {
        let unusable = match key.counter {
            Counter::Last(last) => last.err().map(Reason::code),
            Counter::Unchecked => None,
        };
        Enrolled { r#type: kind(key).name(), name: key.name.clone(), unusable }
    });
    generators.chain(keys).collect()
}

/// The factor that a key is.
pub fn kind(key: &Key) -> Factor {
    match key.port {
        Port::Usb { .. } => Factor::Key,
        Port::Ssh => Factor::SshKey,
    }
}

fn codes_left(account: &Account, kind: CodeKind, now: u64) -> usize {
    let good = |set: &&CodeSet| set.kind == kind && set.expires.is_none_or(|end| end > now);
    account.code_sets.iter().filter(good).map(CodeSet::left).sum()
}

/// The latest attempt or login that is kept, or the latest time whose code counts as used. What was
/// used up in advance was so by now.
fn last_used(account: &Account, now: u64) -> Option<u64> {
    let strangers = account.rate_limit.iter().flatten().flat_map(|limit| limit.times.clone());
    let familiar = account.sources.iter().flat_map(|sources| sources.familiar.clone());
    let logins = account.logins.iter().flatten().filter_map(|slot| match slot {
        LoginSlot::Login { at, .. } => u64::try_from(*at).ok(),
        LoginSlot::Empty | LoginSlot::Malformed => None,
    });
    let codes = account.credentials.iter().filter_map(|credential| match &credential.method {
        Method::Totp(totp) => code_used(totp),
        Method::Hotp(_) | Method::None => None,
    });
    strangers.chain(familiar).chain(logins).chain(codes).map(|time| time.min(now)).max()
}

/// When the latest code was used, in seconds since 1970, by our clock.
fn code_used(totp: &Totp) -> Option<u64> {
    let step = match totp.used.as_ref()?.as_ref().ok()? {
        UsedSteps::UpTo(step) => *step,
        UsedSteps::List(steps) => *steps.iter().max()?,
    };
    let at = u64::try_from(step.saturating_sub(totp.skew)).ok().filter(|&step| step > 0)?;
    at.checked_mul(totp.period.ok()?)
}

#[cfg(test)]
mod tests {
    use mfa_core::gauth::parse;

    use super::*;

    fn at_home(text: &str, now: u64) -> Facts {
        let account = Ok(Some(Box::new(parse(text.as_bytes()))));
        let user = "alice".to_owned();
        let enrolment = Enrolment { user, stored: Stored::Home, account, written: Some(7) };
        Facts::of(enrolment, &Waiting::default(), now)
    }

    #[test]
    fn what_a_file_tells() {
        let text = "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n";
        let facts = at_home(text, 1000);
        assert_eq!((facts.factors(), facts.codes()), ("totp".to_owned(), "0".to_owned()));
        assert_eq!(
            (facts.last_used, facts.locked_until),
            (Some(7), None),
            "else when it was written"
        );
        for (options, last_used) in [
            ("\" DISALLOW_REUSE 10 30\n", 900),
            ("\" TIME_SKEW 10\n\" DISALLOW_REUSE 10 30\n", 600),
            ("\" DISALLOW_REUSE 40\n", 1000),
            ("\" LAST0 10.0.0.1 950\n\" DISALLOW_REUSE 30\n", 950),
            ("\" RATE_LIMIT 3 30 980 990\n\" LAST0 10.0.0.1 950\n", 990),
        ] {
            assert_eq!(at_home(&format!("{text}{options}"), 1000).last_used, Some(last_used));
        }
        let facts =
            at_home(&format!("{text}\" RATE_LIMIT 2 30 980 990\n22222222\n33333333\n"), 1000);
        assert_eq!((facts.codes(), facts.locked_until), ("2".to_owned(), Some(1011)));
    }

    #[test]
    fn only_scratch_codes_are_no_generator() {
        let facts = at_home("GEZDGNBVGY3TQOJQ\n22222222\n", 1000);
        assert_eq!((facts.factors(), facts.is_troubled()), ("-".to_owned(), false));
        let facts = at_home("???\n\" TOTP_AUTH\n", 1000);
        assert_eq!((facts.factors(), facts.is_troubled()), ("totp: bad_secret".to_owned(), true));
    }
}
