//! What a user has enrolled.

use std::io::Write;

use mfa_core::account::Port;
use mfa_core::otp::Algorithm;
use mfa_core::record::{Credential, Kept, Key, Method};
use mfa_core::state::State;
use mfa_core::verify::Factor;
use serde::Serialize;

use crate::failure::Failure;
use crate::person::Person;
use crate::report::{head, json, table};
use crate::time::date;
use crate::world::World;

#[derive(Serialize)]
struct Listing<'a> {
    user: &'a str,
    uid: u32,
    credentials: Vec<Row<'a>>,
    keys: Vec<KeyRow<'a>>,
}

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    r#type: &'static str,
    algorithm: &'static str,
    digits: usize,
    /// In seconds.
    period: Option<u64>,
    window: u8,
    /// In seconds since 1970.
    created: Option<u64>,
    id: String,
    sealed: bool,
    state: Knowledge,
}

/// A security key; likewise.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact")]
struct KeyRow<'a> {
    name: &'a str,
    r#type: &'static str,
    algorithm: &'static str,
    /// FIDO's relying party, or the application of an ssh key.
    relying_party: &'a str,
    touch: bool,
    verification: bool,
    pin: bool,
    /// Whether its counter is compared.
    counter: bool,
    /// In seconds since 1970.
    created: Option<u64>,
    id: String,
    state: Knowledge,
}

/// Whether the state knows a credential.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Knowledge {
    Known,
    /// But for the counter, which two consecutive codes have to tell.
    NoCounter,
    Unknown,
}

pub fn list(
    person: &Person,
    as_json: bool,
    world: &World,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let record = person.read()?;
    let state = person.read_state()?.unwrap_or_default();
    let rows = record.credentials.iter().map(|credential| Row::new(credential, &state));
    let rows: Vec<_> = rows.collect();
    let keys: Vec<_> = record.keys.iter().map(|key| KeyRow::new(key, &state)).collect();
    if as_json {
        let (user, uid) = (&record.user, record.uid);
        return json(output, &Listing { user, uid, credentials: rows, keys });
    }
    let head = head(["name", "type", "digits", "period", "created", "id", "state"]);
    let fields = std::iter::once(head).chain(rows.iter().map(Row::fields));
    let fields: Vec<_> = fields.chain(keys.iter().map(KeyRow::fields)).collect();
    table(output, world.colour, &fields)?;
    let mut known = rows.iter().map(|row| row.state).chain(keys.iter().map(|key| key.state));
    if known.any(|state| state == Knowledge::Unknown) {
        let why = "What the state does not know is denied, because it may have been used";
        writeln!(output, "{why}; see `mfactl state init {}`.", person.name)
            .map_err(Failure::Output)?;
    }
    Ok(())
}

impl<'a> Row<'a> {
    fn new(credential: &'a Credential, state: &State) -> Self {
        let (r#type, period) = match credential.method {
            Method::Totp { period } => ("totp", Some(period)),
            Method::Hotp => ("hotp", None),
        };
        Self {
            name: credential.name.as_str(),
            r#type,
            algorithm: credential.algorithm.name(),
            digits: credential.digits.count(),
            period,
            window: credential.window,
            created: credential.created,
            id: credential.id.to_string(),
            sealed: matches!(credential.secret, Kept::Sealed(_)),
            state: match state.credentials.get(&credential.id) {
                None => Knowledge::Unknown,
                Some(used) if period.is_none() && used.counter.is_none() => Knowledge::NoCounter,
                Some(_) => Knowledge::Known,
            },
        }
    }

    fn fields(&self) -> [String; 7] {
        let kind = if self.algorithm == Algorithm::default().name() {
            self.r#type.to_owned()
        } else {
            format!("{} {}", self.r#type, self.algorithm)
        };
        [
            self.name.to_owned(),
            kind,
            self.digits.to_string(),
            self.period.map_or_else(dash, |period| format!("{period} s")),
            self.created.map_or_else(dash, date),
            self.id.clone(),
            self.state.name().to_owned(),
        ]
    }
}

impl<'a> KeyRow<'a> {
    fn new(key: &'a Key, state: &State) -> Self {
        let pin = matches!(key.port, Port::Usb { pin: true, .. });
        let is_known = state.keys.contains_key(&key.id) || !key.counts;
        Self {
            name: key.name.as_str(),
            r#type: if key.is_ssh() { Factor::SshKey } else { Factor::Key }.name(),
            algorithm: key.public.kind(),
            relying_party: &key.application,
            touch: key.touch,
            verification: key.verification,
            pin,
            counter: key.counts,
            created: key.created,
            id: key.id.to_string(),
            state: if is_known { Knowledge::Known } else { Knowledge::Unknown },
        }
    }

    fn fields(&self) -> [String; 7] {
        [
            self.name.to_owned(),
            format!("{} {}", self.r#type, self.algorithm),
            dash(),
            dash(),
            self.created.map_or_else(dash, date),
            self.id.clone(),
            self.state.name().to_owned(),
        ]
    }
}

impl Knowledge {
    fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::NoCounter => "no counter",
            Self::Unknown => "unknown",
        }
    }
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use crate::lab::{Lab, hotp, ssh_key, totp, usb_key};

    #[test]
    fn a_table_without_secrets() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "t\u{f6}ken")]);
        let said = lab.run("credential list daemon", "").unwrap();
        assert_eq!(
            said,
            "name   type         digits  period  created     id        state\n\
             phone  totp         6       30 s    2023-11-14  00000001  known\n\
             t\u{f6}ken  hotp SHA256  8       -       -           00000002  known\n"
        );
        let said = lab.run("credential list daemon --json", "").unwrap();
        assert!(!said.contains("secret"), "{said}");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["user"], "daemon");
        let token = serde_json::json!({
            "name": "t\u{f6}ken", "type": "hotp", "algorithm": "SHA256", "digits": 8,
            "period": null, "window": 3, "created": null, "id": "00000002", "sealed": false,
            "state": "known",
        });
        assert_eq!(said["credentials"][1], token);
        assert_eq!(said["credentials"][0]["created"], 1_700_000_000);
    }

    #[test]
    fn keys_are_in_it() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.add_keys("daemon", vec![usb_key(2, "blue"), ssh_key(3, "laptop")]);
        let said = lab.run("credential list daemon", "").unwrap();
        assert_eq!(
            said,
            "name    type           digits  period  created     id        state\n\
             phone   totp           6       30 s    2023-11-14  00000001  known\n\
             blue    key eddsa      -       -       2023-11-14  00000002  known\n\
             laptop  ssh-key eddsa  -       -       2023-11-14  00000003  known\n"
        );
        let said = lab.run("credential list daemon --json", "").unwrap();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let blue = serde_json::json!({
            "name": "blue", "type": "key", "algorithm": "eddsa", "relying_party": "pam://host",
            "touch": true, "verification": false, "pin": false, "counter": true,
            "created": 1_700_000_000, "id": "00000002", "state": "known",
        });
        assert_eq!(said["keys"][0], blue);
        std::fs::remove_file(record.state_path()).unwrap();
        let said = lab.run("credential list daemon", "").unwrap();
        assert!(said.contains("00000003  unknown\n"), "{said}");
    }

    #[test]
    fn what_the_state_does_not_know() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        std::fs::remove_file(record.state_path()).unwrap();
        let said = lab.run("credential list daemon", "").unwrap();
        assert!(said.contains("00000001  unknown\n"), "{said}");
        assert!(said.ends_with("see `mfactl state init daemon`.\n"), "{said}");
        let said = lab.run("credential list daemon --json", "").unwrap();
        assert!(said.contains("\"state\":\"unknown\""), "{said}");
    }

    #[test]
    fn who_has_none() {
        let lab = Lab::new();
        let none = lab.refused("credential list daemon");
        assert!(none.contains("daemon has no system record"), "{none}");
        let nobody = lab.refused("credential list no.such.user");
        assert!(nobody.contains("there is no user \"no.such.user\""), "{nobody}");
    }
}
