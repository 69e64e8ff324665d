use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::gauth;
use crate::reason::Reason;
use crate::source::address;

const NOW: u64 = 1_700_000_010;
const FRESH: u64 = 300;
const FILE: &[u8] = b"GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n";

struct Lab {
    dir: TempDir,
    here: Place,
}

impl Lab {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), here: place(7) }
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    fn path(&self) -> PathBuf {
        self.run_dir().join("fresh/alice")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), Permissions::from_mode(0o600)).unwrap();
    }

    fn alice(&self) -> Scope<'_> {
        let enrolment = Enrolment::of(&gauth::parse(FILE));
        Scope { user: "alice", service: "sudo", place: &self.here, enrolment }
    }

    fn keep(&self, scope: &Scope, at: u64) {
        keep(&self.run_dir(), scope, Check { factor: Factor::Totp, at }).unwrap();
    }

    fn look(&self, scope: &Scope, now: u64) -> Option<u64> {
        look(&self.run_dir(), scope, &|_| true, FRESH, now).map(|check| check.at)
    }

    fn forget(&self, place: Option<&Place>) -> usize {
        forget(&self.run_dir(), "alice", place).unwrap()
    }
}

fn place(host: u8) -> Place {
    Place::of(address(&format!("192.0.2.{host}")), None, None, None).unwrap()
}

#[test]
fn for_so_long_and_not_before_it_was() {
    let lab = Lab::new();
    let alice = lab.alice();
    assert_eq!(lab.look(&alice, NOW), None);
    lab.keep(&alice, NOW);
    assert_eq!(fs::metadata(lab.path()).unwrap().permissions().mode() & 0o7777, 0o600);
    for (now, at) in [
        (NOW, Some(NOW)),
        (NOW + FRESH - 1, Some(NOW)),
        (NOW + FRESH, None),
        (NOW - 1, None),
        (0, None),
        (u64::MAX, None),
    ] {
        assert_eq!(lab.look(&alice, now), at, "{now}");
    }
    assert_eq!(look(&lab.run_dir(), &alice, &|_| true, 0, NOW), None, "0 s are none");
}

#[test]
fn for_the_same_user_service_place_and_enrolment() {
    let lab = Lab::new();
    let alice = lab.alice();
    lab.keep(&alice, NOW);
    let other = Enrolment::of(&gauth::parse(b"GEZDGNBVGY3TQOJR\n\" TOTP_AUTH\n"));
    for scope in [
        Scope { service: "su", ..alice },
        Scope { service: "", ..alice },
        Scope { place: &place(8), ..alice },
        Scope { enrolment: other, ..alice },
        Scope { user: "bob", ..alice },
    ] {
        assert_eq!(lab.look(&scope, NOW), None, "{scope:?}");
    }
    fs::copy(lab.path(), lab.run_dir().join("fresh/bob")).unwrap();
    assert_eq!(lab.look(&Scope { user: "bob", ..alice }, NOW), None, "nor by another's file");
    assert_eq!(lab.look(&alice, NOW), Some(NOW));
    let long = "x".repeat(300);
    assert_eq!(lab.look(&Scope { user: &long, ..alice }, NOW), None);
    let check = Check { factor: Factor::Totp, at: NOW };
    let trouble = keep(&lab.run_dir(), &Scope { user: &long, ..alice }, check).unwrap_err();
    assert_eq!(trouble.reason, Reason::BadUserName);
}

#[test]
fn for_rules_that_take_the_factor() {
    let lab = Lab::new();
    let alice = lab.alice();
    let look = |takes: &dyn Fn(Factor) -> bool| look(&lab.run_dir(), &alice, takes, FRESH, NOW + 9);
    let totp = Check { factor: Factor::Totp, at: NOW };
    let scratch = Check { factor: Factor::Scratch, at: NOW + 1 };
    for check in [totp, scratch] {
        keep(&lab.run_dir(), &alice, check).unwrap();
    }
    assert_eq!(look(&|_| true), Some(scratch), "the latest");
    assert_eq!(look(&|factor| factor == Factor::Totp), Some(totp));
    assert_eq!(look(&|factor| factor == Factor::Hotp), None);
    lab.write(lab.text().replace("scratch", "totp").replace("totp", "hotp"));
    assert_eq!(look(&|_| true), None, "the factor is part of the checksum");
}

#[test]
fn a_user_has_at_most_so_many_and_one_a_scope() {
    let lab = Lab::new();
    let places: Vec<_> = (0..20).map(place).collect();
    for (at, place) in (NOW..).zip(&places) {
        lab.keep(&Scope { place, ..lab.alice() }, at);
    }
    assert_eq!(lab.text().lines().count(), 1 + lines::MOST);
    let left = |place| lab.look(&Scope { place, ..lab.alice() }, NOW + 30).is_some();
    assert!(places[..4].iter().all(|place| !left(place)), "the oldest are forgotten");
    assert!(places[4..].iter().all(left));

    for at in NOW + 20..NOW + 30 {
        lab.keep(&Scope { place: &places[19], ..lab.alice() }, at);
    }
    assert!(places[4..].iter().all(left), "nobody pushes others out");
    assert_eq!(lab.text().lines().count(), 1 + lines::MOST);

    // The clock was ahead and is right again.
    lab.keep(&Scope { place: &places[0], ..lab.alice() }, NOW - 100);
    assert_eq!(lab.text().lines().count(), 2);
}

#[test]
fn nothing_that_is_damaged_counts() {
    let lab = Lab::new();
    let alice = lab.alice();
    lab.keep(&alice, NOW);
    let text = lab.text();
    let is_fresh = || lab.look(&alice, NOW + 100).is_some();
    for length in 0..text.len() - 1 {
        lab.write(&text[..length]);
        assert!(!is_fresh(), "{length} bytes");
    }
    for at in 0..text.len() - 1 {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            lab.write(&bytes);
            assert!(!is_fresh(), "bit {bit} of byte {at}");
        }
    }
    for (from, to) in
        [("1700000010", "1700000011"), ("17", "+17"), (" ", "  "), ("fresh 1", "fresh 2")]
    {
        lab.write(text.replacen(from, to, 1));
        assert!(!is_fresh(), "{from}");
    }
    lab.write(vec![b'\n'; 1 << 20]);
    assert!(!is_fresh());
    // Whatever was there, a new check is remembered.
    lab.keep(&alice, NOW);
    assert_eq!(lab.text(), text);
    // Lines behind those of ours are never looked at.
    lab.write(text.replacen('\n', &"\nx".repeat(100), 1));
    assert!(!is_fresh());
}

#[test]
fn only_what_this_process_alone_can_have_written_counts() {
    let lab = Lab::new();
    let alice = lab.alice();
    lab.keep(&alice, NOW);
    let is_fresh = || lab.look(&alice, NOW + 1).is_some();
    let fresh = lab.run_dir().join("fresh");
    for (path, right, wrong) in
        [(lab.path(), 0o600, 0o640), (fresh, 0o700, 0o720), (lab.run_dir(), 0o700, 0o701)]
    {
        fs::set_permissions(&path, Permissions::from_mode(wrong)).unwrap();
        assert!(!is_fresh(), "{path:?}");
        fs::set_permissions(&path, Permissions::from_mode(right)).unwrap();
        assert!(is_fresh());
    }
    let elsewhere = lab.dir.path().join("elsewhere");
    fs::rename(lab.path(), &elsewhere).unwrap();
    symlink(&elsewhere, lab.path()).unwrap();
    assert!(!is_fresh());
    lab.keep(&alice, NOW + 1);
    assert!(is_fresh() && !lab.path().is_symlink());
    assert!(!fs::read_to_string(&elsewhere).unwrap().contains("1700000011"));
}

#[test]
fn forgotten() {
    let lab = Lab::new();
    let alice = lab.alice();
    let there = place(8);
    assert_eq!(lab.forget(None), 0);
    lab.keep(&alice, NOW);
    lab.keep(&Scope { service: "su", ..alice }, NOW);
    lab.keep(&Scope { place: &there, ..alice }, NOW);
    assert_eq!(users(&lab.run_dir()), Ok(vec!["alice".to_owned()]));
    assert_eq!(lab.forget(Some(&place(9))), 0);
    assert_eq!(lab.forget(Some(&lab.here)), 2);
    assert_eq!(lab.look(&alice, NOW), None);
    assert_eq!(lab.look(&Scope { place: &there, ..alice }, NOW), Some(NOW));
    assert_eq!(lab.forget(None), 1);
    assert!(!lab.path().exists());
    assert_eq!(users(&lab.run_dir()), Ok(vec![]));
    assert_eq!(users(&lab.dir.path().join("none")), Ok(vec![]));
}

/// They take turns: whoever forgets is not undone by one who read before.
#[test]
fn many_at_once_lose_nothing_and_bring_nothing_back() {
    let lab = Lab::new();
    let alice = lab.alice();
    let places: Vec<_> = (0..8).map(place).collect();
    for round in 0..10 {
        let at = NOW + round;
        std::thread::scope(|threads| {
            for place in &places {
                let lab = &lab;
                threads.spawn(move || lab.keep(&Scope { place, ..alice }, at));
            }
        });
        for place in &places {
            assert_eq!(lab.look(&Scope { place, ..alice }, at), Some(at));
        }
        let (gone, rest) = places.split_first().unwrap();
        std::thread::scope(|threads| {
            for place in rest {
                let lab = &lab;
                threads.spawn(move || lab.keep(&Scope { place, ..alice }, at));
            }
            threads.spawn(|| lab.forget(Some(gone)));
        });
        assert_eq!(lab.look(&Scope { place: gone, ..alice }, at), None);
    }
    assert_eq!(fs::read_dir(lab.run_dir().join("fresh")).unwrap().count(), 1, "nothing beside it");
}
