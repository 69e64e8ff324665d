//! The same of a security key that is plugged into this machine.

use std::fmt;
use std::io::{self, BufRead, Write};

use mfa_core::account::{Account, Counter};
use mfa_core::reason::Reason;
use mfa_core::verify::{Denied, Held, Proof, Verdict, verify_key};
use mfa_enroll::talk::Talk;
use mfa_enroll::token::Tokens;
use serde::Serialize;

use super::TERMS;
use crate::enrolment::Stored;
use crate::failure::Failure;
use crate::report::json;
use crate::time::moment;
use crate::waiting::Waiting;
use crate::world::World;

/// Every key is always there; what does not apply is null.
#[derive(Debug, Serialize)]
struct Report<'a> {
    user: &'a str,
    stored: Stored,
    /// Whether a login would accept it, but for limits.
    accepted: bool,
    /// Why not.
    reason: Option<&'static str>,
    /// What the key is called that answered.
    credential: Option<&'a str>,
    /// How often it has signed.
    counter: u32,
    /// How often it had when it last counted, where that is compared and known.
    last_counter: Option<u32>,
    /// In seconds since 1970.
    locked_until: Option<u64>,
}

pub fn verify(
    user: &str,
    stored: Stored,
    account: &Account,
    as_json: bool,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let keys = &account.keys;
    let mut tokens = Tokens::new(world.keys, world.random);
    let (place, assertion, message) = if as_json {
        tokens.assert(&mut Talk::new(input, io::stderr()), keys)?
    } else {
        tokens.assert(&mut Talk::new(input, &mut *output), keys)?
    };
    let unknown = || Failure::Refused("the key that answered is none of these".to_owned());
    let key = keys.get(place).ok_or_else(unknown)?;
    let held = Held { by_ssh: false, public: &key.public, application: &key.application };
    let proof = Proof::Signed { held, assertion: &assertion, message: &message };
    let now = (world.clock)();
    let unlimited = Account { rate_limit: None, ..account.clone() };
    let denied = match verify_key(&unlimited, &proof, &TERMS, now).0 {
        Verdict::Accepted(_) => None,
        Verdict::Denied(Denied { reason, .. }) => Some(reason),
    };
    let last_counter = match key.counter {
        Counter::Last(last) => last.ok(),
        Counter::Unchecked => None,
    };
    let report = Report {
        user,
        stored,
        accepted: denied.is_none(),
        reason: denied.map(Reason::code),
        credential: key.name.as_deref(),
        counter: assertion.counter,
        last_counter,
        locked_until: Waiting::read(world).until(user, Some(account), now),
    };
    if as_json {
        json(output, &report)?;
    } else {
        write!(output, "{report}").map_err(Failure::Output)?;
    }
    let why = |reason| Failure::Refused(format!("a login would be denied: {reason}"));
    denied.map_or(Ok(()), |reason| Err(why(reason)))
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, counter, .. } = self;
        match self.credential {
            Some(name) => write!(f, "{user}: {name:?} answered, and its counter says {counter}")?,
            None => write!(f, "{user}: a key answered, and its counter says {counter}")?,
        }
        match self.last_counter {
            Some(last) => writeln!(f, "; it said {last} when it last counted.")?,
            None => writeln!(f, ", which is not compared.")?,
        }
        if let Some(until) = self.locked_until {
            writeln!(f, "{user}: no answer is looked at until {}.", moment(until))?;
        }
        if self.accepted {
            writeln!(f, "A login would accept it, where it may ask for keys.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::lab::{Lab, ssh_key, totp, usb_key};

    #[test]
    fn which_key_and_whether_it_was_copied() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let none = lab.refused("verify daemon --key");
        assert!(none.contains("no key that could be asked in a USB port"), "{none}");
        lab.add_keys("daemon", vec![ssh_key(4, "laptop"), usb_key(2, "blue"), usb_key(3, "red")]);
        let before = record.read().unwrap();
        let failure = lab.run("verify daemon --key", "").unwrap_err();
        assert!(failure.to_string().contains("no key was plugged in"), "{failure}");
        lab.token.set(Some((3, 7)));
        let said = lab.run("verify daemon --key", "").unwrap();
        assert_eq!(
            said,
            "Touch your key.\n\
             daemon: \"red\" answered, and its counter says 7; it said 0 when it last counted.\n\
             A login would accept it, where it may ask for keys.\n"
        );
        let said = lab.run("verify daemon --key --json", "").unwrap();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let expected = serde_json::json!({
            "user": "daemon", "stored": "system", "accepted": true, "reason": null,
            "credential": "red", "counter": 7, "last_counter": 0, "locked_until": null,
        });
        assert_eq!(said, expected);
        assert_eq!(record.read().unwrap(), before, "nothing is changed");

        let (kept, mut state) = record.read().unwrap();
        state.keys.insert(kept.keys[2].id, 7);
        record.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
        let failure = lab.run("verify daemon --key", "").unwrap_err();
        assert!(failure.to_string().contains("there may be a copy of it"), "{failure}");
        lab.token.set(Some((9, 7)));
        let failure = lab.run("verify daemon --key", "").unwrap_err();
        assert!(failure.to_string().contains("no key that is plugged in is an enrolled one"));
        fs::remove_file(record.state_path()).unwrap();
        assert!(lab.run("verify daemon --key", "").is_err());
    }
}
