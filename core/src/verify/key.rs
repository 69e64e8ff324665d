//! A security key that has signed, or that sshd has verified.

use super::{Accepted, Denied, Factor, Input, recovery};
use crate::account::{Account, Change, Key, Port};
use crate::key::{self, Assertion, Message, Public};
use crate::reason::Reason;

/// What shows that somebody holds a key.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The key signed what it was asked to.
    Signed {
        /// Which key it is said to be.
        held: Held<'a>,
        /// What came of it.
        assertion: &'a Assertion,
        /// What it was asked to sign.
        message: &'a Message,
    },
    /// sshd has verified it.
    BySshd {
        /// Which key.
        held: Held<'a>,
        /// sshd saw to it that it was touched.
        was_touched: bool,
    },
    /// sshd has verified a certificate of an authority that the policy trusts; it has this name.
    Certified(&'a str),
}

/// A key, as whoever holds it shows it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// It is reached by ssh.
    pub by_ssh: bool,
    /// Its public half.
    pub public: &'a Public,
    /// What it was made for.
    pub application: &'a str,
}

impl Held<'_> {
    fn is(self, key: &Key) -> bool {
        *self.public == key.public
            && self.application == key.application
            && self.by_ssh == (key.port == Port::Ssh)
    }
}

pub(super) fn judge(
    account: &Account,
    proof: &Proof,
    changes: &mut Vec<Change>,
) -> Result<Accepted, Denied> {
    let (factor, credential) = check(account, proof, changes).map_err(Denied::finally)?;
    Ok(Accepted {
        factor,
        credential,
        drift: 0,
        reusable: false,
        codes_left: recovery::left(account),
        input: Input::Reply,
        prefix: 0,
        notices: account.notices.clone(),
    })
}

fn check(
    account: &Account,
    proof: &Proof,
    changes: &mut Vec<Change>,
) -> Result<(Factor, Option<String>), Reason> {
    let enrolled = |held: &Held| {
        let mut keys = account.keys.iter().enumerate();
        keys.find(|(_, key)| held.is(key)).ok_or(Reason::KeyUnknown)
    };
    match proof {
        Proof::Signed { held, assertion, message } => {
            let (place, key) = enrolled(held)?;
            let counter = key::verify(key, assertion, message)?;
            changes.extend(counter.map(|counter| Change::KeyUsed(place, counter)));
            Ok((Factor::Key, key.name.clone()))
        }
        Proof::BySshd { held, was_touched } => {
            let (_, key) = enrolled(held)?;
            // What sshd does not tell, nobody here knows.
            match (key.touch && !was_touched, key.verification) {
                (true, _) => Err(Reason::TouchUnverified),
                (false, true) => Err(Reason::KeyUnverified),
                (false, false) => Ok((Factor::SshKey, key.name.clone())),
            }
        }
        Proof::Certified(name) => Ok((Factor::SshKey, Some((*name).to_owned()))),
    }
}

#[cfg(test)]
mod tests {}
