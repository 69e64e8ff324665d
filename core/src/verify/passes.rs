//! The passes over an answer: every reading of it is tried until one is right or final.

use subtle::{Choice, ConstantTimeEq};

use super::candidate::{Candidate, Kind, candidates};
use super::{Accepted, Answer, Check, Denied, Factor, MAX_ANSWER, Reply, Terms, hotp, totp};
use crate::account::{Account, Change, Method};
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
    let credential = &account.credential;
    let secret = credential.secret.as_ref().map_err(|reason| Denied::finally(*reason))?;
    let digits = credential.digits.map_err(Denied::finally)?;
    let algorithm = credential.algorithm.map_err(Denied::finally)?;
    let otp = Otp::new(secret, algorithm, digits);

    let mut reason = unread(answer);
    let mut searched = false;
    let mut hotp_missed = None;
    let mut result = None;
    for Candidate { input, prefix, code, kind } in candidates(answer, digits) {
        let check = if kind.may_be_scratch() && is_among(code, &account.scratch_codes) {
            changes.push(Change::ScratchUsed(code));
            Check::Match { factor: Factor::Scratch, drift: 0, reusable: false }
        } else if kind == Kind::Scratch {
            Check::Miss(Reason::WrongCode)
        } else {
            match &credential.method {
                Method::None => Check::Miss(Reason::NoMethod),
                Method::Totp(totp) => {
                    let check =
                        totp::check(&otp, credential.window, totp, code, terms, now, changes);
                    searched |= terms.learn_skew && matches!(check, Check::Miss(_));
                    check
                }
                Method::Hotp { counter } => {
                    let check = hotp::check(&otp, credential.window, *counter, code, changes);
                    hotp_missed = matches!(check, Check::Miss(_)).then_some(*counter);
                    check
                }
            }
        };
        match check {
            Check::Match { factor, drift, reusable } => {
                result = Some(Ok(Accepted { factor, drift, reusable, input, prefix }));
                break;
            }
            Check::Deny(denied) => {
                result = Some(Err(Denied { searched: searched || denied.searched, ..denied }));
                break;
            }
            // A used code says more than a wrong reading of the same answer.
            Check::Miss(_) if reason == Reason::Reused => {}
            Check::Miss(why) => reason = why,
        }
    }
    if let Some(counter) = hotp_missed.filter(|_| terms.advance_hotp) {
        changes.push(Change::Counter(counter.saturating_add(1)));
    }
    result.unwrap_or(Err(Denied { reason, is_final: false, wait: None, searched }))
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
