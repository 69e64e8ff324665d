use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;
use crate::random::system;

const NOW: u64 = 1_700_000_010;

const ALICE: Bearer = Bearer { user: "alice", service: "sshd", remote: "192.0.2.7" };

struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn run_dir(&self) -> PathBuf {
        self.0.path().join("run")
    }

    fn leave(&self) -> String {
        leave(&self.run_dir(), &ALICE, NOW, &system).unwrap()
    }

    fn consume(&self, name: &str, bearer: &Bearer, now: u64) -> bool {
        consume(&self.run_dir(), name, bearer, now)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.run_dir().join("checks").join(name)
    }

    fn count(&self) -> usize {
        fs::read_dir(self.path("")).unwrap().count()
    }
}

#[test]
fn good_once() {
    let lab = Lab::new();
    let name = lab.leave();
    assert_eq!(name.len(), 32);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&lab.path(&name)), 0o600);
    assert_eq!((mode(&lab.path("")), mode(&lab.run_dir())), (0o700, 0o700));
    assert!(lab.consume(&name, &ALICE, NOW + 1));
    assert!(!lab.consume(&name, &ALICE, NOW + 1));
    assert_eq!(lab.count(), 0);
    let all: BTreeSet<_> = (0..50).map(|_| lab.leave()).collect();
    assert_eq!((all.len(), lab.count()), (50, 50));
    assert!(all.iter().all(|name| lab.consume(name, &ALICE, NOW + GOOD_FOR)));
}

#[test]
fn good_for_one_login_only() {
    let lab = Lab::new();
    for (bearer, now) in [
        (Bearer { service: "sudo", ..ALICE }, NOW),
        (Bearer { service: "", ..ALICE }, NOW),
        (Bearer { remote: "192.0.2.70", ..ALICE }, NOW),
        (Bearer { remote: "", ..ALICE }, NOW),
        (Bearer { service: "sshd192.0.2.7", remote: "", ..ALICE }, NOW),
        (ALICE, NOW + GOOD_FOR + 1),
        (ALICE, NOW - 1),
        (ALICE, 0),
        (ALICE, u64::MAX),
    ] {
        let name = lab.leave();
        assert!(!lab.consume(&name, &bearer, now), "{bearer:?} {now}");
        assert!(!lab.consume(&name, &ALICE, NOW), "it is gone");
    }
    assert_eq!(lab.count(), 0);
    for user in ["bob", "", "alic", "alice\n", "alice\nx"] {
        let name = lab.leave();
        assert!(!lab.consume(&name, &Bearer { user, ..ALICE }, NOW), "{user:?}");
        assert!(lab.consume(&name, &ALICE, NOW), "another user cannot take it away");
    }
    for user in ["a\nb", "a\n", "\n", "J\u{f6}rg", ""] {
        let bearer = Bearer { user, ..ALICE };
        let name = leave(&lab.run_dir(), &bearer, NOW, &system).unwrap();
        assert!(lab.consume(&name, &bearer, NOW), "{user:?}");
    }
}

#[test]
fn only_names_that_are_made_here_become_paths() {
    let lab = Lab::new();
    let name = lab.leave();
    let text = fs::read(lab.path(&name)).unwrap();
    for other in [
        "",
        ".",
        "..",
        "../fresh/alice",
        &name[1..],
        &format!("{name}0"),
        &format!("{name}\n"),
        &format!("../checks/{name}"),
        &name.replace(|digit: char| digit.is_ascii_digit(), "A"),
        &name.replace(|digit: char| digit.is_ascii_digit(), "/"),
        &"\u{e9}".repeat(16),
    ] {
        assert!(!lab.consume(other, &ALICE, NOW), "{other:?}");
    }
    let unknown = "0123456789abcdef0123456789abcdef";
    assert!(!lab.consume(unknown, &ALICE, NOW));
    fs::write(lab.path(unknown), &text).unwrap();
    fs::set_permissions(lab.path(unknown), Permissions::from_mode(0o600)).unwrap();
    assert!(!lab.consume(unknown, &ALICE, NOW), "a copy under another name");
    assert!(!lab.path(unknown).exists() && lab.path(&name).exists());
}

#[test]
fn what_is_malformed_is_worth_nothing_and_goes() {
    let lab = Lab::new();
    let check = |damage: &dyn Fn(&Path, String)| {
        let name = lab.leave();
        let path = lab.path(&name);
        damage(&path, fs::read_to_string(&path).unwrap());
        assert!(!lab.consume(&name, &ALICE, NOW));
        assert!(fs::symlink_metadata(&path).is_err());
    };
    for (from, to) in [
        ("check 1", "check 2"),
        ("1700000010", "1700000011"),
        ("17", "x"),
        ("\n", ""),
        ("\n", "\0"),
    ] {
        check(&|path, text| fs::write(path, text.replacen(from, to, 1)).unwrap());
    }
    for length in [0, 1, 15, 16, 20, 27, 60, 92, 97] {
        check(&|path, text| fs::write(path, &text[..length]).unwrap());
    }
    check(&|path, text| fs::write(path, text + "x").unwrap());
    check(&|path, _| fs::write(path, vec![b'\n'; 1 << 20]).unwrap());
    check(&|path, _| fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap());
    check(&|path, _| {
        let elsewhere = lab.0.path().join("elsewhere");
        fs::rename(path, &elsewhere).unwrap();
        symlink(&elsewhere, path).unwrap();
    });
    assert_eq!(lab.count(), 0);
}

#[test]
fn of_many_at_once_one_is_in_time() {
    let lab = Lab::new();
    for _ in 0..20 {
        let name = lab.leave();
        let good = std::thread::scope(|scope| {
            let tries: Vec<_> =
                (0..8).map(|_| scope.spawn(|| lab.consume(&name, &ALICE, NOW))).collect();
            tries.into_iter().map(|it| it.join().unwrap()).filter(|good| *good).count()
        });
        assert_eq!(good, 1);
    }
}

#[test]
fn what_nobody_came_for_goes_with_the_next() {
    let lab = Lab::new();
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let leave = || leave(&lab.run_dir(), &ALICE, now, &system).unwrap();
    let age = |name: &str, seconds| {
        let file = File::options().write(true).open(lab.path(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    };
    let (old, young) = (leave(), leave());
    age(&old, GOOD_FOR + 10);
    age(&young, GOOD_FOR - 10);
    fs::create_dir(lab.path("dir")).unwrap();
    let last = leave();
    assert!(!lab.path(&old).exists());
    assert!(lab.path(&young).exists() && lab.path(&last).exists());

    // However many come, and never the latest.
    let names: Vec<_> = (0..MOST + 20).map(|_| leave()).collect();
    assert_eq!(lab.count(), MOST + 1, "them, and a directory that nobody expects");
    assert!(!lab.path(&young).exists());
    assert!(lab.path(names.last().unwrap()).exists());
    for name in names.iter().chain([&last]).filter(|name| lab.path(name).exists()) {
        age(name, GOOD_FOR + 10);
    }
    leave();
    assert_eq!(lab.count(), 2, "it, and that directory");
}

#[test]
fn a_clock_that_was_wrong_pushes_nobody_out() {
    let lab = Lab::new();
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let leave = || leave(&lab.run_dir(), &ALICE, now, &system).unwrap();
    for name in (0..MOST).map(|_| leave()) {
        let file = File::options().write(true).open(lab.path(&name)).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
    }
    let names: Vec<_> = (0..8).map(|_| leave()).collect();
    assert!(names.iter().all(|name| lab.path(name).exists()));
    assert_eq!(lab.count(), MOST);
}

#[test]
fn a_directory_of_others_is_not_used() {
    let lab = Lab::new();
    let name = lab.leave();
    for dir in [lab.run_dir(), lab.path("")] {
        fs::set_permissions(&dir, Permissions::from_mode(0o770)).unwrap();
        let trouble = leave(&lab.run_dir(), &ALICE, NOW, &system).unwrap_err();
        assert_eq!(trouble.reason, Reason::CannotWrite, "{trouble}");
        assert!(!lab.consume(&name, &ALICE, NOW));
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
    }
    let none = |_: &mut [u8]| Err(NoRandomness);
    assert!(leave(&lab.run_dir(), &ALICE, NOW, &none).is_err());
    assert!(lab.consume(&name, &ALICE, NOW));
}
