//! Records in a directory of the test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use mfa_core::secret::Secret;
use mfa_core::store::{Opened, Store};

use super::*;
use crate::lab::{self, secret, totp};

struct Lab(lab::Lab);

impl Lab {
    fn new(users: &[&str]) -> Self {
        let lab = Self(lab::Lab::new());
        for user in users {
            lab.enrol(user);
        }
        lab
    }

    fn base(&self) -> Base {
        self.0.base()
    }

    fn system(&self, user: &str) -> SystemRecord {
        SystemRecord::new(self.base(), user, Uid::from_raw(1000)).unwrap()
    }

    /// With two credentials.
    fn enrol(&self, user: &str) {
        self.0.enrol_uid(user, 1000, vec![totp(1, "phone"), totp(2, "spare")]);
    }

    fn run(&self, what: &str) -> Result<String, String> {
        self.0.run(what, "").map_err(|failure| format!("{}{failure}", self.0.said.borrow()))
    }

    /// How many of the user's secrets are sealed, of two.
    fn sealed(&self, user: &str) -> usize {
        let record = self.system(user).read_record().unwrap();
        let is_sealed = |one: &&Credential| matches!(one.secret, Kept::Sealed(_));
        record.credentials.iter().filter(is_sealed).count()
    }

    /// What a login finds.
    fn secrets(&self, user: &str) -> Vec<Result<Secret, Reason>> {
        let Opened::Enrolled(account) = self.system(user).open() else { panic!("{user}") };
        account.credentials.into_iter().map(|one| one.secret).collect()
    }
}

#[test]
fn there_and_back() {
    let lab = Lab::new(&["alice", "bob"]);
    let plain = fs::read(lab.system("alice").path()).unwrap();
    let said = lab.run("seal").unwrap();
    assert!(said.starts_with("Records sealed: 2; sealed before: 0.\nKeep a copy of "), "{said}");
    let [_, key] = lab.base().keys;
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    for user in ["alice", "bob"] {
        assert_eq!(lab.sealed(user), 2);
        assert_eq!(lab.secrets(user), [Ok(secret(1)), Ok(secret(2))]);
    }

    lab.enrol("carol");
    assert!(lab.run("seal").unwrap().starts_with("Records sealed: 1; sealed before: 2."));
    let said = lab.run("unseal").unwrap();
    assert!(said.starts_with("Records unsealed: 3; not sealed before: 0.\nThe key "), "{said}");
    assert_eq!(fs::read(lab.system("alice").path()).unwrap(), plain);
    assert!(key.exists());
    assert!(lab.run("unseal").unwrap().starts_with("Records unsealed: 0; not sealed before: 3."));
}

#[test]
fn no_key_is_made_beside_one_that_is_missing() {
    let lab = Lab::new(&["alice", "bob"]);
    lab.run("seal").unwrap();
    lab.enrol("carol");
    let [_, key] = lab.base().keys;
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert_eq!(lab.secrets("alice"), [Err(Reason::Sealed), Err(Reason::Sealed)]);
    let said = lab.run("seal").unwrap_err();
    assert!(said.contains("alice is sealed with a key that is not here"), "{said}");
    assert!(!key.exists());
    let said = lab.run("unseal").unwrap_err();
    assert!(said.contains("alice: failed: ") && said.contains("has no key"), "{said}");

    let put = |bytes: &[u8]| {
        fs::write(&key, bytes).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    };
    put(&[7; KEY_BYTES]);
    assert_eq!(lab.secrets("alice"), [Err(Reason::OtherKey), Err(Reason::OtherKey)]);
    let said = lab.run("seal").unwrap_err();
    assert!(
        said.contains("alice: failed: ") && said.ends_with("2 of 3 failed, see above"),
        "{said}"
    );
    put(&kept);
    lab.system("carol").edit(Lost::Refuse).unwrap().remove().unwrap();
    assert!(lab.run("unseal").is_ok());
    assert_eq!(lab.secrets("bob"), [Ok(secret(1)), Ok(secret(2))]);
}

#[test]
fn what_cannot_be_changed_does_not_keep_others() {
    let lab = Lab::new(&["alice", "bob", "carol"]);
    fs::write(lab.system("bob").path(), "version = 1\n").unwrap();
    fs::remove_file(lab.system("carol").state_path()).unwrap();
    let said = lab.run("seal").unwrap_err();
    assert!(said.contains("bob: failed: ") && said.contains("carol: failed: "), "{said}");
    assert!(
        said.contains("Records sealed: 1;") && said.ends_with("2 of 3 failed, see above"),
        "{said}"
    );
    assert_eq!((lab.sealed("alice"), lab.sealed("carol")), (2, 0));
}

#[test]
fn one_at_a_time() {
    let lab = Lab::new(&["alice"]);
    let _turn = take_turns(&lab.base()).unwrap();
    assert!(lab.run("seal").unwrap_err().contains("is locked by another run"));
    assert_eq!(lab.sealed("alice"), 0);
}

#[test]
fn no_records() {
    let lab = Lab::new(&[]);
    for what in ["seal", "unseal"] {
        assert!(lab.run(what).unwrap_err().contains("no system records"));
    }
    assert!(!lab.base().keys[1].exists());
}
