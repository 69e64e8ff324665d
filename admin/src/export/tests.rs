//! Records in a directory of the test's own, and what their files are worth.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mfa_core::account::CodeKind;
use mfa_core::codes::Hex;
use mfa_core::gauth::parse;
use mfa_core::otp::Otp;
use mfa_core::reason::Reason;
use mfa_core::record::{Codes, Id, Kept, Limit, Name};
use mfa_core::secret::Secret;
use mfa_core::store::{Lost, SystemRecord};
use mfa_core::verify::{Answer, Reply, Terms, Verdict, verify};
use nix::unistd::{Uid, User};

use super::*;
use crate::lab::{self, NOW};

const STEP: i64 = 56_666_667;

struct Lab {
    machine: lab::Lab,
    user: User,
}

impl Lab {
    /// Whoever runs this has this credential.
    fn new(credential: Credential, progress: Used, change: impl FnOnce(&mut Record)) -> Self {
        let user = User::from_uid(Uid::effective()).unwrap().unwrap();
        let lab = Self { machine: lab::Lab::new(), user };
        lab.machine.base().create().unwrap();
        let mut record = Record::new(&lab.user.name, lab.user.uid.as_raw());
        record.rate_limit = Limit { attempts: 100, seconds: 60 };
        let credentials = [(credential.id, progress)].into();
        record.credentials.push(credential);
        change(&mut record);
        let mut state = State { credentials, attempts: vec![NOW - 7], ..State::default() };
        state.codes = record.codes.iter().map(|codes| (codes.id, 1)).collect();
        let system = SystemRecord::new(lab.machine.base(), &lab.user.name, lab.user.uid).unwrap();
        system.edit(Lost::Refuse).unwrap().save(record, state).unwrap();
        lab
    }

    fn export(&self, args: &[&str]) -> Result<Vec<u8>, String> {
        let line = [&["export", &self.user.name], args].concat().join(" ");
        let said = self.machine.run(&line, "").map_err(|failure| failure.to_string())?;
        Ok(said.into_bytes())
    }
}

fn secret() -> Secret {
    Secret::new(b"12345678901234567890".to_vec())
}

fn totp() -> Credential {
    Credential {
        id: Id::new([1; 4]),
        name: Name::new("phone").unwrap(),
        method: Method::Totp { period: 30 },
        secret: Kept::Plain(secret()),
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        window: 5,
        created: None,
    }
}

fn hotp() -> Credential {
    Credential { method: Method::Hotp, ..totp() }
}

/// What a login with the file makes of the code of this counter or step.
fn log_in(file: &[u8], counter: i64) -> Result<(), Reason> {
    let code = Otp::new(&secret(), Algorithm::Sha1, Digits::SIX).text(counter.try_into().unwrap());
    let reply = Reply::Given(code.as_bytes());
    let answer = Answer { first_pass: None, reply, combined: false };
    let terms = Terms {
        learn_skew: false,
        advance_hotp: true,
        grace: 0,
        host: None,
        source: None,
        limits: None,
    };
    match verify(&parse(file), &answer, &terms, NOW).0 {
        Verdict::Accepted(_) => Ok(()),
        Verdict::Denied(denied) => Err(denied.reason),
    }
}

#[test]
fn codes_by_time_go_on() {
    let used = Used { skew: -3, ..Used::totp(STEP - 3) };
    let file = Lab::new(totp(), used, |_| {}).export(&[]).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    for line in ["\" RATE_LIMIT 100 60 1700000003\n", "\" WINDOW_SIZE 5\n", "\" TIME_SKEW -3\n"] {
        assert!(text.contains(line), "{text}");
    }
    for used in [STEP - 5, STEP - 4, STEP - 3] {
        assert_eq!(log_in(&file, used), Err(Reason::Reused));
    }
    assert_eq!(log_in(&file, STEP - 2), Ok(()));
    let list = text.lines().find(|line| line.starts_with("\" DISALLOW_REUSE ")).unwrap();
    assert_eq!(list.split(' ').count(), 2 + REMEMBERED, "all earlier ones count as used");
}

#[test]
fn every_used_code_in_the_widest_window_is_listed() {
    let credential = Credential { window: 100, ..totp() };
    let file = Lab::new(credential, Used::totp(STEP + 50), |_| {}).export(&[]).unwrap();
    for step in STEP - 49..=STEP + 50 {
        assert_eq!(log_in(&file, step), Err(Reason::Reused), "{}", step - STEP);
    }
}

#[test]
fn codes_by_counter_go_on() {
    let file = Lab::new(hotp(), Used::hotp(Some(7)), |_| {}).export(&[]).unwrap();
    assert!(log_in(&file, 6).is_err());
    assert_eq!(log_in(&file, 7), Ok(()));
    let lab = Lab::new(hotp(), Used::hotp(Some(0)), |_| {});
    assert!(lab.export(&[]).unwrap_err().contains("the counter 0"));
    let file = lab.export(&["--lossy"]).unwrap();
    assert!(log_in(&file, 0).is_err());
    assert_eq!(log_in(&file, 1), Ok(()));
}

#[test]
fn what_the_file_cannot_hold_is_left_out_only_if_told() {
    let salt = Hex::new([1; 16]);
    let codes = |kind, hashes: usize, expires| Codes {
        id: Id::new([100 + u8::try_from(hashes).unwrap(); 4]),
        kind,
        salt,
        hashes: vec![Hex::new([2; 32]); hashes],
        created: None,
        expires,
    };
    let tablet = || Credential {
        id: Id::new([9; 4]),
        name: Name::new("tablet").unwrap(),
        secret: Kept::Plain(Secret::new(vec![2; 20])),
        ..totp()
    };
    let needs_lossy = |loss: &str, change: &dyn Fn(&mut Record)| {
        let lab = Lab::new(totp(), Used::totp(STEP), change);
        let said = lab.export(&[]).unwrap_err();
        assert!(said.contains(loss) && said.contains("--lossy"), "{said}");
        assert!(parse(&lab.export(&["--lossy"]).unwrap()).credentials[0].secret.is_ok());
    };
    needs_lossy("a second credential (\"tablet\")", &|record| record.credentials.push(tablet()));
    needs_lossy("SHA1 and 8 digits for", &|record| {
        record.credentials[0].digits = Digits::new(8).unwrap();
    });
    needs_lossy("4 recovery codes", &|record| {
        record.codes.push(codes(CodeKind::Recovery, 5, None));
    });
    needs_lossy("a bypass code", &|record| {
        record.codes.push(codes(CodeKind::Bypass, 2, Some(NOW + 1)));
    });
    // What does not count any more is no loss.
    let lab = Lab::new(totp(), Used::totp(STEP), |record| {
        record.codes.push(codes(CodeKind::Recovery, 1, None));
        record.codes.push(codes(CodeKind::Bypass, 2, Some(NOW)));
    });
    assert!(lab.export(&[]).is_ok());
}

#[test]
fn what_no_file_can_say() {
    let hour = Credential { method: Method::Totp { period: 3_600 }, ..totp() };
    for (credential, used, why) in [
        (hour, Used::totp(1), "codes of 1 to 60 s, not of 3600 s"),
        (hotp(), Used::hotp(None), "nobody knows the counter"),
        (totp(), Used::totp(STEP + 101), "a much later time"),
        (totp(), Used::default(), "nobody knows which codes"),
        (
            Credential { secret: Kept::Sealed("AAAA".to_owned()), ..totp() },
            Used::totp(STEP),
            "this host has no key",
        ),
    ] {
        let said = Lab::new(credential, used, |_| {}).export(&["--lossy"]).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn one_of_several_by_name() {
    let lab = Lab::new(totp(), Used::totp(STEP), |record| {
        let name = Name::new("token").unwrap();
        record.credentials.push(Credential {
            id: Id::new([9; 4]),
            name,
            secret: Kept::Plain(Secret::new(vec![2; 20])),
            ..hotp()
        });
    });
    assert!(lab.export(&["none"]).unwrap_err().contains("no credential \"none\""));
    let said = lab.export(&["phone"]).unwrap_err();
    assert!(said.contains("a second credential (\"token\")"), "{said}");
}

#[test]
fn keys_are_left_out() {
    let lab = Lab::new(totp(), Used::totp(STEP), |record| {
        record.keys.push(lab::usb_key(2, "blue"));
    });
    let said = lab.export(&[]).unwrap_err();
    assert!(said.contains("cannot hold a security key (\"blue\"); --lossy"), "{said}");
    assert!(lab.export(&["--lossy"]).is_ok());
    assert!(lab.export(&["blue"]).unwrap_err().contains("is a security key, and has no secret"));
    let alone = Lab::new(totp(), Used::totp(STEP), |record| {
        record.credentials.clear();
        record.keys.push(lab::usb_key(2, "blue"));
    });
    assert!(alone.export(&["--lossy"]).unwrap_err().contains("keys have no secret"));
}

#[test]
fn a_file_that_is_there_stays() {
    let lab = Lab::new(totp(), Used::totp(STEP), |_| {});
    let path = lab.machine.dir.path().join("out");
    let args = ["--output", path.to_str().unwrap()];
    let said = String::from_utf8(lab.export(&args).unwrap()).unwrap();
    assert!(said.contains("goes on where the record of"), "{said}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o400);
    assert_eq!(fs::read(&path).unwrap(), lab.export(&[]).unwrap());
    assert!(lab.export(&args).unwrap_err().contains("--force"));
    assert!(lab.export(&[&args[..], &["--force"]].concat()).is_ok());
}
