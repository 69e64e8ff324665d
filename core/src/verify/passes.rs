//! The passes over an answer: every reading of it is tried until one is right or final.

use subtle::{Choice, ConstantTimeEq};

use super::candidate::{Candidate, Kind, candidates};
use super::{Accepted, Answer, Check, Denied, Factor, MAX_ANSWER, Reply, Terms};
use super::{hotp, recovery, totp};
use crate::account::{Account, Change, Credential, Hotp, Method, Others, Progress};
use crate::otp::Otp;
use crate::reason::Reason;

/// Tries every reading of the answer until one is right or final.
pub(super) fn passes(
    account: &Account,
    answer: &Answer,
    terms: &Terms,
    now: u64,
    changes: &mut Vec<Change>,
) -> Result<Accepted, Denied> {
    let (generators, useless) = generators(account);
    if let (Some(reason), true, true) =
        (useless, generators.is_empty(), account.code_sets.is_empty())
    {
        return Err(Denied::finally(reason));
    }
    let mut reason = unread(answer);
    let mut search = Search { terms, now, searched: false, missed: None };
    let mut result = None;
    let lengths: Vec<_> = generators.iter().map(|generator| generator.otp.digits()).collect();
    for Candidate { input, prefix, length, code, kind } in candidates(answer, &lengths) {
        let (check, credential) = if kind.may_be_scratch() && is_among(code, &account.scratch_codes)
        {
            changes.push(Change::ScratchUsed(code));
            let factor = Factor::Scratch;
            (Check::Match { factor, drift: 0, reusable: false }, None)
        } else if kind == Kind::Scratch {
            (Check::Miss(Reason::WrongCode), None)
        } else {
            search.one_time_code(&generators, code, length, changes)
        };
        match check {
            Check::Match { factor, drift, reusable } => {
                let credential = credential.and_then(|credential| credential.name.clone());
                result = Some(Ok(Accepted {
                    factor,
                    credential,
                    drift,
                    reusable,
                    codes_left: recovery::left(account),
                    input,
                    prefix,
                    notices: account.notices.clone(),
                }));
                break;
            }
            Check::Deny(denied) => {
                result = Some(Err(denied));
                break;
            }
            // A used code says more than a wrong reading of the same answer.
            Check::Miss(_) if reason == Reason::Reused => {}
            Check::Miss(why) => reason = why,
        }
    }
    let mut hashed = false;
    if result.is_none() {
        match recovery::check(account, answer, now, changes) {
            Ok(accepted) => result = Some(Ok(accepted)),
            Err(why) => {
                hashed = why.is_some();
                reason = why.filter(|_| reason != Reason::Reused).unwrap_or(reason);
            }
        }
    }
    if let Some((place, counter)) = search.missed.filter(|_| terms.advance_hotp) {
        let next = Progress::Counter(counter.saturating_add(1));
        changes.push(Change::Credential(place, next));
    }
    // What cannot be used may be just what the code was of, and why its length is unknown.
    let is_open = matches!(reason, Reason::WrongCode | Reason::NotACode);
    let reason = useless.filter(|_| is_open).unwrap_or(reason);
    let denied = Denied { is_final: false, ..Denied::finally(reason) };
    result.unwrap_or(Err(denied)).map_err(|denied| Denied {
        searched: search.searched,
        hashed,
        ..denied
    })
}

/// A credential that can be used, and its place in the account.
struct Generator<'a> {
    place: usize,
    credential: &'a Credential,
    otp: Otp,
}

/// Those that can be used, and why one of the others cannot.
fn generators(account: &Account) -> (Vec<Generator<'_>>, Option<Reason>) {
    let mut useless = None;
    let usable = account.credentials.iter().enumerate().filter_map(|(place, credential)| {
        match generator(credential) {
            Ok(otp) => Some(Generator { place, credential, otp }),
            Err(reason) => {
                useless = Some(reason);
                None
            }
        }
    });
    (usable.collect(), useless)
}

fn generator(credential: &Credential) -> Result<Otp, Reason> {
    let secret = credential.secret.as_ref().map_err(|reason| *reason)?;
    let (digits, algorithm) = (credential.digits?, credential.algorithm?);
    Ok(Otp::new(secret, algorithm, digits))
}

/// The search for the credential that a one-time code is of.
struct Search<'a> {
    terms: &'a Terms<'a>,
    now: u64,
    /// A code was looked for at other times, too.
    searched: bool,
    /// The place and the counter of a credential that a wrong code may move on.
    missed: Option<(usize, i64)>,
}

impl Search<'_> {
    /// First among the codes that are good now, of all credentials; then further away, so that a
    /// chance hit there hides no right code.
    fn one_time_code<'a>(
        &mut self,
        generators: &[Generator<'a>],
        code: u32,
        length: usize,
        changes: &mut Vec<Change>,
    ) -> (Check, Option<&'a Credential>) {
        let mut miss = Reason::WrongCode;
        for search in [Self::current, Self::elsewhere] {
            let mut denied = None;
            for generator in generators.iter().filter(|one| one.otp.digits().count() == length) {
                let mut progress = Vec::new();
                let check = search(self, generator, code, &mut progress);
                let change = |step| Change::Credential(generator.place, step);
                changes.extend(progress.into_iter().map(change));
                match check {
                    Check::Match { .. } => return (check, Some(generator.credential)),
                    Check::Deny(why) => denied = denied.or(Some(why)),
                    Check::Miss(why) if miss == Reason::WrongCode => miss = why,
                    Check::Miss(_) => {}
                }
            }
            if let Some(denied) = denied {
                return (Check::Deny(denied), None);
            }
        }
        (Check::Miss(miss), None)
    }

    fn current(&mut self, one: &Generator, code: u32, progress: &mut Vec<Progress>) -> Check {
        let window = one.credential.window;
        match &one.credential.method {
            Method::None => Check::Miss(Reason::NoMethod),
            Method::Totp(totp) => totp::current(&one.otp, window, totp, code, self.now, progress),
            Method::Hotp(hotp) => {
                let check = hotp::current(&one.otp, window, hotp, code, progress);
                if let Hotp { counter: Some(counter), others: Others::Advance } = hotp {
                    let missed = matches!(check, Check::Miss(_));
                    self.missed = missed.then_some((one.place, *counter));
                }
                check
            }
        }
    }

    fn elsewhere(&mut self, one: &Generator, code: u32, progress: &mut Vec<Progress>) -> Check {
        let window = one.credential.window;
        match &one.credential.method {
            Method::Totp(totp) if self.terms.learn_skew => {
                self.searched = true;
                totp::elsewhere(&one.otp, window, totp, code, self.now, progress)
            }
            Method::Hotp(hotp) => hotp::elsewhere(&one.otp, window, hotp, code, progress),
            Method::Totp(_) | Method::None => Check::Miss(Reason::WrongCode),
        }
    }
}

/// Takes the same time whichever it is.
fn is_among(code: u32, codes: &[u32]) -> bool {
    codes.iter().fold(Choice::from(0), |found, other| found | other.ct_eq(&code)).into()
}

/// The reason if no reading of the answer has the form of a code.
fn unread(answer: &Answer) -> Reason {
    let text = match answer.reply {
        Reply::Given(text) => text,
        Reply::Missing(reason) => return reason,
        Reply::NotAsked => match answer.first_pass {
            Some(text) => text,
            None => return Reason::NoAnswer,
        },
    };
    match text {
        [] => Reason::EmptyAnswer,
        // What sshd passes on for those it does not let in begins with a backspace.
        [0x08, ..] => Reason::DummyPassword,
        _ if text.len() > MAX_ANSWER => Reason::AnswerTooLong,
        _ => Reason::NotACode,
    }
}
