//! A code from paper, or from the help desk, against the hashes of a record.

use super::{Accepted, Answer, Factor, Input, MAX_ANSWER, Reply};
use crate::account::{Account, Change, CodeKind, CodeSet};
use crate::codes::{Canonical, Salt, Suffix, canonical, hash, position, suffixes};
use crate::reason::Reason;

/// Tries every reading of the answer; `None` if nothing was hashed.
pub(super) fn check(
    account: &Account,
    answer: &Answer,
    now: u64,
    changes: &mut Vec<Change>,
) -> Result<Accepted, Option<Reason>> {
    let mut reason = None;
    let readings = if account.code_sets.is_empty() { Vec::new() } else { readings(answer) };
    for Reading { input, prefix, code } in readings {
        for (set, codes) in account.code_sets.iter().enumerate() {
            let Some(place) = position(&hash(&code, &codes.salt), &codes.hashes) else { continue };
            let over = codes.expires.is_some_and(|end| end <= now);
            match codes.used {
                Err(why) => reason = Some(why),
                Ok(_) if codes.is_used(place) => reason = Some(Reason::Reused),
                Ok(_) if over => reason = Some(Reason::Expired),
                Ok(_) => {
                    changes.push(Change::CodeUsed { set, code: place });
                    let factor = match codes.kind {
                        CodeKind::Recovery => Factor::Recovery,
                        CodeKind::Bypass => Factor::Bypass,
                    };
                    let spent = usize::from(codes.kind == CodeKind::Recovery);
                    return Ok(Accepted {
                        factor,
                        credential: None,
                        drift: 0,
                        reusable: false,
                        codes_left: left(account).map(|left| left.saturating_sub(spent)),
                        input,
                        prefix,
                        notices: account.notices.clone(),
                    });
                }
            }
        }
        reason = reason.or(Some(Reason::WrongCode));
    }
    Err(reason)
}

/// As much work as [`check`] is for who has one set of codes.
pub(super) fn hash_in_vain(answer: &Answer) {
    for reading in readings(answer) {
        std::hint::black_box(hash(&reading.code, &Salt::new([0; 16])));
    }
}

/// How many recovery codes are left; `None` where there never were any.
pub(super) fn left(account: &Account) -> Option<usize> {
    let recovery = account.code_sets.iter().filter(|set| set.kind == CodeKind::Recovery);
    let left: Vec<_> = recovery.map(CodeSet::left).collect();
    (!left.is_empty()).then(|| left.iter().sum())
}

struct Reading {
    input: Input,
    /// Bytes before the code.
    prefix: usize,
    code: Canonical,
}

fn readings(answer: &Answer) -> Vec<Reading> {
    let behind_a_password = |input, text: &[u8]| -> Vec<Reading> {
        suffixes(text).map(|Suffix { prefix, code }| Reading { input, prefix, code }).collect()
    };
    let fits = |text: &&[u8]| text.len() <= MAX_ANSWER;
    let mut found = Vec::new();
    if let Some(text) = answer.first_pass.filter(fits) {
        found.extend(behind_a_password(Input::FirstPass, text));
    }
    if let Reply::Given(text) = answer.reply {
        match text {
            text if !fits(&text) => {}
            text if answer.combined => found.extend(behind_a_password(Input::Reply, text)),
            text => {
                let whole = |code| Reading { input: Input::Reply, prefix: 0, code };
                found.extend(canonical(text).map(whole));
            }
        }
    }
    found
}
