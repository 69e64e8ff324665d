//! What a person has enrolled, as one hash.

use crate::account::{Account, CodeKind, CodeSet, Credential, Key, Method, Port};
use crate::codes::Hex;
use crate::digest::{Digest, digest};
use crate::otp::{Algorithm, Digits};
use crate::reason::Reason;
use crate::wipe;

/// Tells one enrolment from another: another secret, algorithm, length or period, another set of
/// codes, another key or other demands on it, one more or one less. Not how far it has been used, nor
/// what it is called.
///
/// Scratch codes do not count: they vanish from the file as they are used, and nobody gets new ones
/// without a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrolment(Digest);

impl Enrolment {
    /// What `account` has, all of it, whatever a rule takes.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let enrolment = whole(account);
        wipe::stack();
        Self(enrolment)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[inline(never)]
fn whole(account: &Account) -> Digest {
    let credentials = account.credentials.iter().map(credential);
    let parts = credentials.chain(account.code_sets.iter().map(code_set));
    let parts: Vec<Digest> = parts.chain(account.keys.iter().map(key)).collect();
    let parts: Vec<&[u8]> = parts.iter().map(Hex::as_bytes).collect();
    digest(&parts)
}

fn credential(credential: &Credential) -> Digest {
    // What cannot be read counts by the reason why.
    let secret = match &credential.secret {
        Ok(secret) => secret.as_bytes(),
        Err(reason) => reason.code().as_bytes(),
    };
    let algorithm = credential.algorithm.map_or_else(Reason::code, Algorithm::name);
    let digits = credential.digits.map_or(0, Digits::count);
    let (method, period) = match &credential.method {
        Method::Totp(totp) => ("totp", totp.period.unwrap_or(0)),
        Method::Hotp(_) => ("hotp", 0),
        Method::None => ("none", 0),
    };
    digest(&[
        secret,
        algorithm.as_bytes(),
        &digits.to_be_bytes(),
        method.as_bytes(),
        &period.to_be_bytes(),
    ])
}

fn code_set(set: &CodeSet) -> Digest {
    let kind: &[u8] = match set.kind {
        CodeKind::Recovery => b"recovery",
        CodeKind::Bypass => b"bypass",
    };
    let mut parts = vec![kind, set.salt.as_bytes()];
    parts.extend(set.hashes.iter().map(Hex::as_bytes));
    digest(&parts)
}

fn key(key: &Key) -> Digest {
    let port: &[u8] = match key.port {
        Port::Usb { .. } => b"usb",
        Port::Ssh => b"ssh",
    };
    let demands = [u8::from(key.touch), u8::from(key.verification)];
    digest(&[port, key.application.as_bytes(), key.public.as_bytes(), &demands])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Change, Counter, Progress};
    use crate::codes::{Hash, Salt};
    use crate::gauth;
    use crate::key::Public;
    use crate::secret::Secret;

    const FILE: &str = "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n\" DISALLOW_REUSE\n\" RATE_LIMIT 3 30\n\
                        11111111\n22222222\n";

    fn of(file: &str) -> Enrolment {
        Enrolment::of(&gauth::parse(file.as_bytes()))
    }

    #[test]
    fn what_a_login_writes_into_a_file_changes_nothing() {
        let mut text = zeroize::Zeroizing::new(FILE.as_bytes().to_vec());
        let used = Progress::StepUsed { step: 56_666_667, window: 3 };
        for change in [
            Change::Credential(0, used),
            Change::Credential(0, Progress::Skew(-2)),
            Change::ScratchUsed(11_111_111),
            Change::Login { slot: 0, host: "192.0.2.7".to_owned(), at: 1_700_000_010 },
        ] {
            let before = text.clone();
            text = gauth::apply(&text, &change);
            assert_ne!(text, before);
            assert_eq!(Enrolment::of(&gauth::parse(&text)), of(FILE), "{change:?}");
        }
        let counter = FILE.replace("TOTP_AUTH", "HOTP_COUNTER 1");
        let later = gauth::apply(counter.as_bytes(), &Change::Credential(0, Progress::Counter(9)));
        assert_ne!(*later, counter.as_bytes());
        assert_eq!(Enrolment::of(&gauth::parse(&later)), of(&counter));
    }

    #[test]
    fn another_file_is_another_enrolment() {
        for (from, to) in [
            ("GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJR"),
            ("GEZDGNBVGY3TQOJQ", "!"),
            ("TOTP_AUTH", "HOTP_COUNTER 1"),
            ("TOTP_AUTH", "SOMETHING"),
            ("TOTP_AUTH", "TOTP_AUTH\n\" STEP_SIZE 60"),
            ("TOTP_AUTH", "TOTP_AUTH\n\" STEP_SIZE 600"),
            ("TOTP_AUTH", "TOTP_AUTH\n\" DIGITS 8"),
            ("TOTP_AUTH", "TOTP_AUTH\n\" ALGORITHM SHA256"),
        ] {
            assert_ne!(of(&FILE.replace(from, to)), of(FILE), "{to}");
        }
    }

    /// One part of an account after the other, in every way it can differ.
    #[test]
    fn every_part_counts() {
        let set = |kind, salt, hashes: &[u8]| CodeSet {
            kind,
            salt: Salt::new([salt; 16]),
            hashes: hashes.iter().map(|&hash| Hash::new([hash; 32])).collect(),
            used: Ok(0),
            expires: None,
        };
        let mut account = gauth::parse(FILE.as_bytes());
        let phone = account.credentials[0].clone();
        account.credentials.push(Credential { name: Some("spare".to_owned()), ..phone });
        account.code_sets = vec![set(CodeKind::Recovery, 1, &[1, 2])];
        let blue = Key {
            name: Some("blue".to_owned()),
            port: Port::Usb { handle: vec![7], pin: false },
            public: Public::eddsa(&[7; 32]).unwrap(),
            application: "pam://host".to_owned(),
            touch: true,
            verification: false,
            counter: Counter::Last(Ok(41)),
        };
        account.keys = vec![blue];
        let before = Enrolment::of(&account);

        let same: [&dyn Fn(&mut Account); 6] = [
            &|it| it.keys[0].name = None,
            &|it| it.keys[0].counter = Counter::Last(Ok(42)),
            &|it| it.credentials[1].name = Some("renamed".to_owned()),
            &|it| it.code_sets[0].used = Ok(1),
            &|it| it.rate_limit = None,
            &|it| it.scratch_codes = gauth::parse(b"A\n33333333").scratch_codes,
        ];
        for edit in same {
            let mut account = account.clone();
            edit(&mut account);
            assert_eq!(Enrolment::of(&account), before);
        }

        let other: [&dyn Fn(&mut Account); 21] = [
            &|it| it.keys.clear(),
            &|it| it.keys.push(it.keys[0].clone()),
            &|it| it.keys[0].port = Port::Ssh,
            &|it| it.keys[0].application = "pam://other".to_owned(),
            &|it| it.keys[0].public = Public::eddsa(&[8; 32]).unwrap(),
            &|it| it.keys[0].touch = false,
            &|it| it.keys[0].verification = true,
            &|it| it.credentials[1].secret = Ok(Secret::new(b"1234567891".to_vec())),
            &|it| it.credentials[1].secret = Err(Reason::NoState),
            &|it| it.credentials[1].secret = Err(Reason::Sealed),
            &|it| it.credentials[1].algorithm = Ok(Algorithm::Sha512),
            &|it| it.credentials[1].digits = Ok(Digits::new(7).unwrap()),
            &|it| it.credentials[1].method = Method::None,
            &|it| it.credentials.truncate(1),
            &|it| it.credentials.push(it.credentials[0].clone()),
            &|it| it.credentials.clear(),
            &|it| it.code_sets.clear(),
            &|it| it.code_sets[0].kind = CodeKind::Bypass,
            &|it| it.code_sets[0] = set(CodeKind::Recovery, 2, &[1, 2]),
            &|it| it.code_sets[0] = set(CodeKind::Recovery, 1, &[1, 3]),
            &|it| it.code_sets.push(set(CodeKind::Bypass, 3, &[1])),
        ];
        let mut seen = vec![before];
        for (place, edit) in other.iter().enumerate() {
            let mut account = account.clone();
            edit(&mut account);
            let enrolment = Enrolment::of(&account);
            assert!(!seen.contains(&enrolment), "edit {place}");
            seen.push(enrolment);
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", of(FILE)), "Enrolment(Hex(..))");
    }
}
