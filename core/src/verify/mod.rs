//! One answer against one account at one moment: a verdict and the changes it costs.
//!
//! Pure: nothing here reads a clock or a file. The order is google-authenticator's: the attempt is
//! counted, then what was answered is tried in passes, scratch codes before one-time codes. Recovery
//! codes, whose hashes take time, come last.

mod candidate;
mod grace;
mod hotp;
mod key;
mod origin;
mod passes;
mod rate;
mod recovery;
mod totp;

use crate::account::{Account, Change, RateLimit};
use crate::limit::{Pauses, SourceKey};
use crate::notice::Notice;
use crate::otp::{Algorithm, Digits, Otp};
use crate::reason::Reason;
use crate::secret::Secret;
use crate::wipe;
use origin::Origin;
use passes::passes;

pub use grace::is_fresh;
pub use key::{Held, Proof};

/// The longest answer that is looked at, in bytes: Linux-PAM itself passes on 512.
pub const MAX_ANSWER: usize = 1024;

/// What a login offers. Holds passwords and codes, so there is no `Debug`.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// What an earlier module asked for (`PAM_AUTHTOK`): a password with a code behind it.
    pub first_pass: Option<&'a [u8]>,
    /// What the person was asked here.
    pub reply: Reply<'a>,
    /// The reply is a password with a code behind it, not a code alone.
    pub combined: bool,
}

impl Answer<'_> {
    /// Whether there is nothing in it: who gives it has not guessed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let typed = match self.reply {
            Reply::Given(text) => text,
            Reply::NotAsked | Reply::Missing(_) => &[],
        };
        typed.is_empty() && self.first_pass.unwrap_or_default().is_empty()
    }
}

/// What became of the question.
#[derive(Clone, Copy)]
pub enum Reply<'a> {
    /// Nobody was asked.
    NotAsked,
    /// Somebody was asked in vain.
    Missing(Reason),
    /// The bytes that came back.
    Given(&'a [u8]),
}

/// What the administrator allows, from the options of the PAM line.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Three consecutive codes of another time teach us the person's clock.
    pub learn_skew: bool,
    /// A wrong code moves an HOTP counter on.
    pub advance_hotp: bool,
    /// Seconds for which a login from one host needs no further code; 0 means never.
    pub grace: u64,
    /// The host that the login comes from, as the PAM client names it.
    pub host: Option<&'a str>,
    /// Where the login comes from, under a policy: a record that root keeps takes down the sources that
    /// the user succeeds from, and does not let strangers use up their attempts.
    pub source: Option<SourceKey>,
    /// What failures bring, under a policy: also the strangers of a user have to wait, all together.
    pub limits: Option<Pauses>,
}

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The answer was right.
    Accepted(Accepted),
    /// It was not, or may not count.
    Denied(Denied),
}

/// What was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it was.
    pub factor: Factor,
    /// What the person calls the credential, where it has a name.
    pub credential: Option<String>,
    /// How far ahead of ours the code was, in steps or counts.
    pub drift: i64,
    /// The code would be accepted again.
    pub reusable: bool,
    /// How many recovery codes are left; `None` where there never were any.
    pub codes_left: Option<usize>,
    /// Where the code was found.
    pub input: Input,
    /// The length in bytes of the password before the code.
    pub prefix: usize,
    /// What was changed since the last login, and is to be told now.
    pub notices: Vec<Notice>,
}

/// What somebody has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// RFC 6238.
    Totp,
    /// RFC 4226.
    Hotp,
    /// A scratch code.
    Scratch,
    /// A recovery code.
    Recovery,
    /// A bypass code of the help desk.
    Bypass,
    /// A security key that signed what it was asked to.
    Key,
    /// A security key, or a certificate, that sshd has verified.
    SshKey,
}

impl Factor {
    const ALL: [Self; 7] = [
        Self::Totp,
        Self::Hotp,
        Self::Scratch,
        Self::Recovery,
        Self::Bypass,
        Self::Key,
        Self::SshKey,
    ];

    /// The word in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Hotp => "hotp",
            Self::Scratch => "scratch",
            Self::Recovery => "recovery",
            Self::Bypass => "bypass_code",
            Self::Key => "key",
            Self::SshKey => "ssh-key",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.name() == name)
    }
}

/// Which of the two inputs of an [`Answer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// `PAM_AUTHTOK`.
    FirstPass,
    /// What the person typed here.
    Reply,
}

/// What was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// The cause.
    pub reason: Reason,
    /// No other reading of the answer may be tried: the attempt ends here.
    pub is_final: bool,
    /// Seconds until another attempt can succeed, where that is known.
    pub wait: Option<u64>,
    /// The code was looked for at other times, too, which takes most of the time.
    pub searched: bool,
    /// What may be a recovery code was hashed, which takes as long.
    pub hashed: bool,
}

impl Denied {
    /// Denied for good.
    #[must_use]
    pub fn finally(reason: Reason) -> Self {
        Self { reason, is_final: true, wait: None, searched: false, hashed: false }
    }
}

/// What one code turned out to be; the changes go to the caller's list.
enum Check {
    Match { factor: Factor, drift: i64, reusable: bool },
    Miss(Reason),
    Deny(Denied),
}

/// Why an answer would not even be looked at now, so that nobody need be asked.
///
/// # Errors
/// [`Reason::RateLimited`], [`Reason::BadRateLimit`] or [`Reason::TooManyFailures`].
pub fn admits(account: &Account, terms: &Terms, now: u64) -> Result<(), Denied> {
    count_attempt(account, &mut Origin::of(account, terms, now), now).1
}

fn count_attempt(
    account: &Account,
    origin: &mut Option<Origin>,
    now: u64,
) -> (Option<Change>, Result<(), Denied>) {
    let (attempt, verdict) = match &account.rate_limit {
        None => (None, Ok(())),
        Some(Err(reason)) => (None, Err(Denied::finally(*reason))),
        Some(Ok(limit)) => {
            let known = origin.as_mut().and_then(Origin::familiar);
            let times = known.as_deref().unwrap_or(&limit.times);
            let (times, verdict) = rate::attempt(limit, times, now);
            match known {
                Some(familiar) => {
                    *familiar = times;
                    (None, verdict)
                }
                None => (Some(Change::Attempts(RateLimit { times, ..*limit })), verdict),
            }
        }
    };
    (attempt, verdict.and_then(|()| origin.as_ref().map_or(Ok(()), |origin| origin.admits(now))))
}

/// Until when no answer would be looked at from some source or another, in seconds since 1970; `None` if
/// one from anywhere would be at `now`. For those who look after others' accounts.
#[must_use]
pub fn locked_until(account: &Account, limits: Option<Pauses>, now: u64) -> Option<u64> {
    let sources = account.sources.clone().unwrap_or_default();
    let limit = account.rate_limit.as_ref().and_then(|limit| limit.as_ref().ok());
    let rate = limit.into_iter().flat_map(|limit| {
        [&limit.times, &sources.familiar].map(|times| rate::free_at(limit, times, now))
    });
    let strangers = limits.and_then(|limits| sources.strangers_wait(limits, now));
    rate.flatten().chain(strangers.map(|wait| now.saturating_add(wait))).max()
}

/// Decides an attempt at `now`, seconds since 1970.
///
/// The verdict counts only once the changes are durable. They are due also when it is a denial.
#[must_use]
pub fn verify(
    account: &Account,
    answer: &Answer,
    terms: &Terms,
    now: u64,
) -> (Verdict, Vec<Change>) {
    let passes = &mut |changes: &mut _| passes(account, answer, terms, now, changes);
    let outcome = decide(account, terms, now, passes);
    wipe_registers(account);
    wipe::stack();
    outcome
}

/// Decides at `now`, seconds since 1970, whether a security key is enrolled and was used as it must be.
///
/// The verdict counts only once the changes are durable. Nobody guesses a key: one that is right uses
/// up no attempt.
#[must_use]
pub fn verify_key(
    account: &Account,
    proof: &Proof,
    terms: &Terms,
    now: u64,
) -> (Verdict, Vec<Change>) {
    decide(account, terms, now, &mut |changes| key::judge(account, proof, changes))
}

/// Another HMAC takes the place of what [`decide`] left in registers, before they are saved anywhere.
#[inline(never)]
fn wipe_registers(account: &Account) {
    for credential in &account.credentials {
        let algorithm = credential.algorithm.unwrap_or_default();
        let otp = Otp::new(&Secret::new(vec![0; 20]), algorithm, Digits::SIX);
        std::hint::black_box(otp.code(std::hint::black_box(0)));
    }
}

/// As much work as a wrong code costs, for those whose denial cost less: so that time does not tell
/// who has enrolled, or how.
pub fn work_in_vain(answer: &Answer, denied: Denied, terms: &Terms, now: u64) {
    if terms.learn_skew && !denied.searched {
        let otp = Otp::new(&Secret::new(vec![0; 20]), Algorithm::default(), Digits::SIX);
        // No code is so large.
        let _ = totp::search(&otp, u32::MAX, i64::try_from(now / 30).unwrap_or(0));
    }
    if !denied.hashed {
        recovery::hash_in_vain(answer);
    }
}

#[inline(never)]
fn decide(
    account: &Account,
    terms: &Terms,
    now: u64,
    judge: &mut dyn FnMut(&mut Vec<Change>) -> Result<Accepted, Denied>,
) -> (Verdict, Vec<Change>) {
    let mut origin = Origin::of(account, terms, now);
    let (attempt, admitted) = count_attempt(account, &mut origin, now);
    let mut changes = Vec::from_iter(attempt);
    let judged = admitted.and_then(|()| judge(&mut changes));
    if matches!(judged, Ok(Accepted { factor: Factor::Key | Factor::SshKey, .. })) {
        changes.retain(|change| !matches!(change, Change::Attempts(_)));
        origin = Origin::of(account, terms, now);
    }
    changes.extend(origin.and_then(|origin| origin.change(account, &judged, now)));
    let verdict = match judged {
        Ok(accepted) => {
            changes.extend(grace::record(account, terms, now));
            changes.extend((!accepted.notices.is_empty()).then_some(Change::Told));
            Verdict::Accepted(accepted)
        }
        Err(denied) => Verdict::Denied(denied),
    };
    (verdict, changes)
}

#[cfg(test)]
mod tests;
