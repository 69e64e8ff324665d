//! What a user has enrolled.

use std::io::Write;

use mfa_core::otp::Algorithm;
use mfa_core::record::{Credential, Kept, Method};
use mfa_core::state::State;
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
    if as_json {
        let listing = Listing { user: &record.user, uid: record.uid, credentials: rows };
        return json(output, &listing);
    }
    let head = head(["name", "type", "digits", "period", "created", "id", "state"]);
    let fields: Vec<_> = std::iter::once(head).chain(rows.iter().map(Row::fields)).collect();
    table(output, world.colour, &fields)?;
    if rows.iter().any(|row| row.state == Knowledge::Unknown) {
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
        let dash = || "-".to_owned();
        let kind = if self.algorithm == Algorithm::default().name() {
            self.r#type.to_owned()
        } else {
            format!("{} {}", self.r#type, self.algorithm)
        };
        let state = match self.state {
            Knowledge::Known => "known",
            Knowledge::NoCounter => "no counter",
            Knowledge::Unknown => "unknown",
        };
        [
            self.name.to_owned(),
            kind,
            self.digits.to_string(),
            self.period.map_or_else(dash, |period| format!("{period} s")),
            self.created.map_or_else(dash, date),
            self.id.clone(),
            state.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::lab::{Lab, hotp, totp};

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
