//! Mappings of every kind, beside codes and without.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use data_encoding::BASE64;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::*;
use crate::account::Change;
use crate::store::GauthFile;
use crate::u2f::MAX_DEVICES;
use crate::verify::{Denied, Verdict};

struct Lab {
    dir: TempDir,
}

impl Lab {
    /// With such a mapping, and such a google-authenticator file.
    fn new(mapping: Option<&str>, codes: Option<&str>) -> Self {
        let lab = Self { dir: TempDir::new().unwrap() };
        for (name, text) in [("u2f_keys", mapping), ("codes", codes)] {
            if let Some(text) = text {
                fs::write(lab.path(name), text).unwrap();
                fs::set_permissions(lab.path(name), Permissions::from_mode(0o600)).unwrap();
            }
        }
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn mapping(&self, keeper: Keeper) -> Mapping {
        let options = Options {
            origin: "pam://host".to_owned(),
            appid: "pam://host".to_owned(),
            max_devices: MAX_DEVICES,
            touch: true,
            verification: false,
            pin: false,
        };
        Mapping { path: self.path("u2f_keys"), keeper, user: "alice".to_owned(), options }
    }

    fn own(&self) -> Mapping {
        self.mapping(Keeper::User(Rights::of_caller()))
    }

    fn central(&self) -> Mapping {
        self.mapping(Keeper::Owner(Uid::effective()))
    }

    fn store(&self) -> Mapped {
        let codes = GauthFile {
            path: self.path("codes"),
            rights: Rights::of_caller(),
            rules: Rules { strict_owner: true, allowed_mode: 0o600, path: Trust::Anybody },
            run_dir: self.path("run"),
            overtaken_by: None,
        };
        Mapped { codes: Box::new(codes), keys: vec![KeyFile::Mapping(self.own())] }
    }
}

fn line(keys: usize) -> String {
    let points = (1..).take(keys).map(|key| BASE64.encode(&[key; 64]));
    let keys: Vec<_> = points.map(|point| format!("AAAA,{point},es256,+presence")).collect();
    format!("alice:{}\n", keys.join(":"))
}

const CODES: &str = "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n11111111\n";

fn denied() -> Verdict {
    Verdict::Denied(Denied::finally(Reason::WrongCode))
}

fn count(mapping: &Mapping) -> Result<usize, Reason> {
    mapping.read().map(|keys| keys.len()).map_err(|trouble| {
        let names_it = trouble.detail.contains(mapping.path.to_str().unwrap());
        assert!(names_it, "{trouble}");
        trouble.reason
    })
}

/// Credentials, keys, and why there are no more keys; or why there is no account.
type Found = Result<(usize, usize, Option<Reason>), Reason>;

fn found(account: &Account) -> (usize, usize, Option<Reason>) {
    let unread = account.unread_keys.as_ref().map(|(reason, _)| *reason);
    (account.credentials.len(), account.keys.len(), unread)
}

#[test]
fn keys_and_codes_are_one_account() {
    let (two, bad) = (line(2), "alice:nonsense");
    let no_file = Reason::NoFile;
    let cases: [(Option<&str>, Option<&str>, Found); 10] = [
        (Some(&two), Some(CODES), Ok((1, 2, None))),
        (Some("bob:x"), Some(CODES), Ok((1, 0, None))),
        (None, Some(CODES), Ok((1, 0, None))),
        (Some(bad), Some(CODES), Ok((1, 0, Some(Reason::BadMapping)))),
        (Some(&two), None, Ok((0, 2, None))),
        (Some(bad), None, Err(Reason::BadMapping)),
        (Some("bob:x"), None, Err(no_file)),
        (Some(""), None, Err(no_file)),
        (None, None, Err(no_file)),
        (Some(&two), Some(""), Err(Reason::EmptyFile)),
    ];
    for (mapping, codes, expected) in cases {
        let lab = Lab::new(mapping, codes);
        let store = lab.store();
        let opened = match store.open() {
            Opened::Enrolled(account) => Ok(found(&account)),
            Opened::NotEnrolled(trouble) => {
                assert_eq!(trouble.reason, no_file, "positively");
                Err(trouble.reason)
            }
            Opened::Broken(trouble) => {
                assert_ne!(trouble.reason, no_file, "perhaps");
                Err(trouble.reason)
            }
        };
        assert_eq!(opened, expected, "{mapping:?} {codes:?}");
        let mut seen = None;
        let outcome = store.transact(&mut |account| {
            seen = Some(found(account));
            (denied(), vec![])
        });
        assert_eq!(outcome.map(|_| seen.unwrap()).map_err(|it| it.reason), expected);
    }
}

#[test]
fn keys_are_read_again_for_each_decision() {
    for codes in [None, Some(CODES)] {
        let lab = Lab::new(Some(&line(2)), codes);
        let store = lab.store();
        assert!(matches!(store.open(), Opened::Enrolled(_)));
        fs::write(lab.path("u2f_keys"), line(1)).unwrap();
        let mut seen = 0;
        let decide = &mut |account: &Account| {
            seen = account.keys.len();
            (denied(), vec![])
        };
        store.transact(decide).unwrap();
        assert_eq!(seen, 1);
    }
}

#[test]
fn what_codes_cost_is_written_and_keys_cost_nothing() {
    let use_up = &mut |_: &Account| (denied(), vec![Change::ScratchUsed(11_111_111)]);
    let lab = Lab::new(Some(&line(1)), Some(CODES));
    assert_eq!(lab.store().transact(use_up).unwrap().written, Ok(()));
    assert!(!fs::read_to_string(lab.path("codes")).unwrap().contains("11111111"));
    let lab = Lab::new(Some(&line(1)), None);
    let written = lab.store().transact(use_up).unwrap().written;
    assert_eq!(written.unwrap_err().reason, Reason::CannotWrite);
    assert_eq!(fs::read_to_string(lab.path("u2f_keys")).unwrap(), line(1));
}

#[test]
fn the_users_own() {
    let lab = Lab::new(Some(&line(1)), None);
    assert_eq!(count(&lab.own()), Ok(1));
    for mode in [0o400, 0o644, 0o666] {
        lab.set_mode("u2f_keys", mode);
        assert_eq!(count(&lab.own()), Ok(1), "{mode:o}");
    }
    fs::rename(lab.path("u2f_keys"), lab.path("elsewhere")).unwrap();
    assert_eq!(count(&lab.own()), Ok(0), "none");
    symlink("elsewhere", lab.path("u2f_keys")).unwrap();
    assert_eq!(count(&lab.own()), Ok(1));
    assert_eq!(count(&Mapping { path: "/etc/hostname".into(), ..lab.own() }), Ok(0), "root's");
    assert_eq!(count(&Mapping { path: lab.path("no/u2f_keys"), ..lab.own() }), Ok(0));
    if Uid::effective().is_root() {
        chown(lab.path("elsewhere"), Some(54_321), None).unwrap();
        assert_eq!(count(&lab.own()), Err(Reason::WrongOwner));
    } else {
        let other = Rights { uid: Uid::from_raw(54_321), ..Rights::of_caller() };
        assert_eq!(lab.mapping(Keeper::User(other)).read().unwrap_err().reason, Reason::NoRights);
    }
}

#[test]
fn one_of_the_administrators() {
    let lab = Lab::new(Some(&line(1)), None);
    for mode in [0o600, 0o644] {
        lab.set_mode("u2f_keys", mode);
        assert_eq!(count(&lab.central()), Ok(1), "{mode:o}");
    }
    for mode in [0o664, 0o646] {
        lab.set_mode("u2f_keys", mode);
        assert_eq!(count(&lab.central()), Err(Reason::WrongMode), "{mode:o}");
    }
    lab.set_mode("u2f_keys", 0o644);
    lab.set_mode("", 0o777);
    assert_eq!(count(&lab.central()), Err(Reason::UnsafePath));
    let other = Mapping {
        path: "/etc/hostname".into(),
        ..lab.mapping(Keeper::Owner(Uid::from_raw(54_321)))
    };
    assert_eq!(count(&other), Err(Reason::WrongOwner));
}

#[test]
fn what_is_no_mapping() {
    let lab = Lab::new(None, None);
    let path = lab.path("u2f_keys");
    mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
    for mapping in [lab.own(), lab.central()] {
        assert_eq!(count(&mapping), Err(Reason::NotRegular), "and nobody waits");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(count(&lab.own()), Err(Reason::NotRegular));
    fs::remove_dir(&path).unwrap();
    symlink("u2f_keys", &path).unwrap();
    assert_eq!(count(&lab.own()), Err(Reason::SymlinkLoop));
    assert_eq!(count(&Mapping { path: "/dev/null".into(), ..lab.own() }), Err(Reason::NotRegular));

    fs::remove_file(&path).unwrap();
    let largest = usize::try_from(MAX_MAPPING).unwrap();
    fs::write(&path, line(1) + &"\n".repeat(largest - line(1).len())).unwrap();
    assert_eq!(count(&lab.own()), Ok(1));
    fs::write(&path, "\n".repeat(largest + 1)).unwrap();
    assert_eq!(count(&lab.own()), Err(Reason::TooBig));
    fs::write(&path, b"alice\0:x").unwrap();
    assert_eq!(count(&lab.own()), Err(Reason::HoldsNul));
}
