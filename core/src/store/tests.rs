//! Real files of every kind, in a directory of the test's own.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use tempfile::TempDir;

use super::*;
use crate::verify::{Denied, Input};

const TEXT: &str = "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n11111111\n22222222\n";

struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that passes every check.
    fn file(&self, name: &str, text: &[u8]) -> GauthFile {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o400)).unwrap();
        self.store(&self.path(name))
    }

    fn store(&self, path: &Path) -> GauthFile {
        GauthFile {
            path: path.to_owned(),
            rights: Rights::of_caller(),
            rules: Rules { strict_owner: true, allowed_mode: 0o600, path: Trust::Anybody },
            run_dir: self.path("run"),
            overtaken_by: None,
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "run")
            .collect();
        names.sort();
        names
    }
}

fn opened(store: &GauthFile) -> Option<Reason> {
    match store.open() {
        Opened::Enrolled(_) => None,
        Opened::NotEnrolled(trouble) => {
            assert!(matches!(trouble.reason, Reason::NoFile | Reason::NoDirectory));
            Some(trouble.reason)
        }
        Opened::Broken(trouble) => {
            assert!(!matches!(trouble.reason, Reason::NoFile | Reason::NoDirectory));
            assert!(trouble.detail.contains(store.path.to_str().unwrap()), "{trouble}");
            Some(trouble.reason)
        }
    }
}

fn accepted() -> Verdict {
    Verdict::Accepted(crate::verify::Accepted {
        factor: crate::verify::Factor::Scratch,
        credential: None,
        drift: 0,
        reusable: false,
        codes_left: None,
        input: Input::Reply,
        prefix: 0,
        notices: vec![],
    })
}

/// Uses the scratch code up if it is still there.
fn use_code(store: &GauthFile, code: u32) -> Result<Outcome, Trouble> {
    store.transact(&mut |account| {
        if account.scratch_codes.contains(&code) {
            (accepted(), vec![Change::ScratchUsed(code)])
        } else {
            (Verdict::Denied(Denied::finally(Reason::WrongCode)), vec![])
        }
    })
}

#[test]
fn what_is_a_state_file_and_what_is_not() {
    let home = Home::new();
    assert_eq!(opened(&home.file("good", TEXT.as_bytes())), None);
    assert_eq!(opened(&home.file("empty", b"")), Some(Reason::EmptyFile));
    assert_eq!(opened(&home.file("full", &vec![b'A'; 65_536])), None);
    assert_eq!(opened(&home.file("big", &vec![b'A'; 65_537])), Some(Reason::TooBig));
    assert_eq!(opened(&home.file("nul", b"GEZDGNBVGY3TQOJQ\n\0")), Some(Reason::HoldsNul));
    assert_eq!(opened(&home.store(&home.path("none"))), Some(Reason::NoFile));
    assert_eq!(opened(&home.store(&home.path("none/f"))), Some(Reason::NoDirectory));
    assert_eq!(opened(&home.store(&home.path("good/f"))), Some(Reason::Unreadable));
    assert_eq!(opened(&home.store(&home.path(&"n".repeat(300)))), Some(Reason::Unreadable));

    fs::create_dir(home.path("dir")).unwrap();
    mkfifo(&home.path("fifo"), Mode::S_IRUSR).unwrap();
    let _socket = UnixListener::bind(home.path("socket")).unwrap();
    for name in ["dir", "fifo", "socket"] {
        assert_eq!(opened(&home.store(&home.path(name))), Some(Reason::NotRegular), "{name}");
    }
    let null = Home::new().store(Path::new("/dev/null"));
    assert_eq!(opened(&null), Some(Reason::NotRegular));
}

#[test]
fn modes_and_owners() {
    let home = Home::new();
    let mut store = home.file("f", TEXT.as_bytes());
    for (mode, allowed, reason) in [
        (0o600, 0o600, None),
        (0o4600, 0o600, None),
        (0o640, 0o600, Some(Reason::WrongMode)),
        (0o1600, 0o600, Some(Reason::WrongMode)),
        (0o644, 0o644, None),
        (0o600, 0o400, Some(Reason::WrongMode)),
    ] {
        fs::set_permissions(&store.path, Permissions::from_mode(mode)).unwrap();
        store.rules.allowed_mode = allowed;
        assert_eq!(opened(&store), reason, "{mode:o} {allowed:o}");
    }
    let mut foreign = home.store(Path::new("/etc/hostname"));
    if Uid::effective().is_root() {
        std::os::unix::fs::chown(&store.path, Some(54_321), None).unwrap();
        foreign = store;
    }
    foreign.rules.allowed_mode = 0o7777;
    assert_eq!(opened(&foreign), Some(Reason::WrongOwner));
    foreign.rules.strict_owner = false;
    assert_eq!(opened(&foreign), None);
}

#[test]
fn symbolic_links_lead_to_the_file_or_say_that_they_do_not() {
    let home = Home::new();
    home.file("real", TEXT.as_bytes());
    fs::create_dir(home.path("dir")).unwrap();
    for (name, target, reason) in [
        ("absolute", home.path("real"), None),
        ("relative", PathBuf::from("./dir/../real"), None),
        ("twice", PathBuf::from("relative"), None),
        ("loop", PathBuf::from("loop"), Some(Reason::SymlinkLoop)),
        ("dangling", PathBuf::from("none"), Some(Reason::NoFile)),
        ("lost", PathBuf::from("none/f"), Some(Reason::NoDirectory)),
        ("device", PathBuf::from("/dev/zero"), Some(Reason::NotRegular)),
        ("parent", PathBuf::from(".."), Some(Reason::NotRegular)),
        ("here", PathBuf::from("."), Some(Reason::NotRegular)),
        ("root", PathBuf::from("/"), Some(Reason::NotRegular)),
    ] {
        symlink(&target, home.path(name)).unwrap();
        assert_eq!(opened(&home.store(&home.path(name))), reason, "{name}");
    }
    symlink(home.path("dir"), home.path("dirlink")).unwrap();
    assert_eq!(opened(&home.store(&home.path("dirlink/../real"))), None);
}

#[test]
fn a_change_replaces_the_file_and_leaves_nothing_else() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    fs::write(home.path("f~mfa"), "left by a crash").unwrap();
    let outcome = use_code(&store, 11_111_111).unwrap();
    assert_eq!((outcome.verdict, outcome.written), (accepted(), Ok(())));
    assert_eq!(fs::read_to_string(&store.path).unwrap(), TEXT.replace("11111111\n", ""));
    assert_eq!(fs::metadata(&store.path).unwrap().permissions().mode() & 0o7777, 0o400);
    assert_eq!(home.names(), ["f"]);
    let again = use_code(&store, 11_111_111).unwrap();
    assert!(matches!(again.verdict, Verdict::Denied(_)));
}

#[test]
fn what_a_crash_left_goes_with_the_next_login() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    fs::write(home.path("f~mfa"), TEXT).unwrap();
    assert!(use_code(&store, 33_333_333).is_ok());
    assert_eq!(home.names(), ["f"]);
}

#[test]
fn a_link_that_somebody_else_made_does_not_choose_what_is_replaced() {
    let home = Home::new();
    home.file("real", TEXT.as_bytes());
    symlink("real", home.path("link")).unwrap();
    let store = GauthFile::of_caller(home.path("link"));
    store.install(b"mine\n").unwrap();
    if Uid::effective().is_root() {
        std::os::unix::fs::lchown(home.path("link"), Some(54_322), None).unwrap();
    } else {
        // Only root can give a link away; so this one is looked at as somebody else.
        let place = walk::locate(&store.path, Trust::OwnLinks, Uid::from_raw(54_321));
        assert_eq!(place.err().unwrap().reason, Reason::UnsafePath);
        return;
    }
    assert_eq!(store.install(b"new\n").unwrap_err().reason, Reason::UnsafePath);
    assert_eq!(fs::read_to_string(home.path("real")).unwrap(), "mine\n");
}

#[test]
fn a_stranger_who_may_read_the_file_cannot_lock_its_owner_out() {
    let home = Home::new();
    let mut store = home.file("f", TEXT.as_bytes());
    store.rules.allowed_mode = 0o644;
    fs::set_permissions(&store.path, Permissions::from_mode(0o644)).unwrap();
    let holder = File::open(&store.path).unwrap();
    lock::lock(&holder, lock::Deadline::from_now()).unwrap();
    let outcome = use_code(&store, 11_111_111);
    if Uid::effective().is_root() {
        assert_eq!(outcome.unwrap().written, Ok(()));
    } else {
        // Without a lock of root's own, this one is all there is.
        assert_eq!(outcome.unwrap_err().reason, Reason::Locked);
    }
}

#[test]
fn no_change_no_write() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    let inode = || fs::metadata(&store.path).unwrap().ino();
    let before = inode();
    assert!(use_code(&store, 33_333_333).is_ok());
    assert_eq!(inode(), before);
}

#[test]
fn a_link_stays_and_its_target_changes() {
    let home = Home::new();
    fs::create_dir(home.path("real")).unwrap();
    home.file("real/f", TEXT.as_bytes());
    symlink("real/f", home.path("link")).unwrap();
    let store = home.store(&home.path("link"));
    assert_eq!(use_code(&store, 22_222_222).unwrap().written, Ok(()));
    assert_eq!(fs::read_link(home.path("link")).unwrap(), Path::new("real/f"));
    assert!(!fs::read_to_string(home.path("real/f")).unwrap().contains("22222222"));
    assert_eq!(home.names(), ["link", "real"]);
    assert_eq!(fs::read_dir(home.path("real")).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_written_leaves_the_file_as_it_was() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    // A directory under the name beside it cannot be unlinked, not even by root.
    fs::create_dir(home.path("f~mfa")).unwrap();
    let trouble = use_code(&store, 11_111_111).unwrap().written.unwrap_err();
    assert_eq!((trouble.reason, trouble.errno), (Reason::CannotWrite, Some(Errno::EEXIST)));
    assert_eq!(fs::read_to_string(&store.path).unwrap(), TEXT);
    assert!(store.install(b"new").is_err());
    assert_eq!(fs::read_to_string(&store.path).unwrap(), TEXT);
}

#[test]
fn a_file_changed_by_others_meanwhile_is_not_overwritten() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    let mut decided = 0;
    let outcome = store.transact(&mut |_| {
        decided += 1;
        // As the original does it, which knows no lock.
        fs::write(home.path("new"), format!("other {decided}\n")).unwrap();
        fs::set_permissions(home.path("new"), fs::Permissions::from_mode(0o400)).unwrap();
        fs::rename(home.path("new"), home.path("f")).unwrap();
        (accepted(), vec![Change::ScratchUsed(11_111_111)])
    });
    assert_eq!(decided, 2, "once before the lock, once below it");
    assert_eq!(outcome.unwrap().written.unwrap_err().reason, Reason::Changed);
    assert_eq!(fs::read_to_string(&store.path).unwrap(), "other 2\n");
    assert_eq!(home.names(), ["f"]);
}

#[test]
fn what_changes_nothing_needs_no_lock() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    let holder = File::open(&store.path).unwrap();
    lock::lock(&holder, lock::Deadline::from_now()).unwrap();
    let mut decided = 0;
    let outcome = store.transact(&mut |_| {
        decided += 1;
        (accepted(), vec![])
    });
    assert_eq!(outcome.unwrap().verdict, accepted());
    assert_eq!(decided, 1);
}

#[test]
fn a_lock_that_is_held_denies_after_three_seconds() {
    let home = Home::new();
    let store = home.file("f", TEXT.as_bytes());
    let holder = File::open(&store.path).unwrap();
    lock::lock(&holder, lock::Deadline::from_now()).unwrap();
    let start = Instant::now();
    assert_eq!(use_code(&store, 11_111_111).unwrap_err().reason, Reason::Locked);
    let waited = start.elapsed();
    assert!((Duration::from_secs(3)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
    assert_eq!(fs::read_to_string(&store.path).unwrap(), TEXT);
    drop(holder);
    assert!(use_code(&store, 11_111_111).is_ok());
}

#[test]
fn a_run_directory_that_others_can_enter_is_not_used() {
    let home = Home::new();
    let path = home.path("f");
    let lock = |run: &Path| lock::lock_path(run, &path, lock::Deadline::from_now());
    let run = home.path("fresh");
    assert!(lock(&run).is_ok());
    assert_eq!(fs::metadata(&run).unwrap().permissions().mode() & 0o077, 0);
    fs::set_permissions(&run, Permissions::from_mode(0o711)).unwrap();
    assert_eq!(lock(&run).err().unwrap().reason, Reason::CannotLock);
    symlink(&home.dir, home.path("link")).unwrap();
    assert_eq!(lock(&home.path("link")).err().unwrap().reason, Reason::CannotLock);
    assert_eq!(lock(&home.path("none/run")).err().unwrap().reason, Reason::CannotLock);
    // The file's own lock still serves.
    let mut store = home.file("f", TEXT.as_bytes());
    store.run_dir = run;
    let outcome = use_code(&store, 11_111_111).unwrap();
    assert_eq!(outcome.verdict, accepted());
    assert_eq!(outcome.warning.is_some(), Uid::effective().is_root());
}

#[test]
fn one_code_for_many_at_once_counts_once() {
    const LOGINS: usize = 16;
    for _ in 0..5 {
        let home = Home::new();
        let store = home.file("f", TEXT.as_bytes());
        let (barrier, winners) = (Barrier::new(LOGINS), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..LOGINS {
                scope.spawn(|| {
                    barrier.wait();
                    let outcome = use_code(&store, 11_111_111).unwrap();
                    if outcome.verdict == accepted() && outcome.written.is_ok() {
                        winners.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(winners.into_inner(), 1);
        assert_eq!(home.names(), ["f"]);
    }
}

#[test]
fn a_guarded_path_is_in_the_hands_of_its_keeper_alone() {
    let home = Home::new();
    let mut store = home.file("f", TEXT.as_bytes());
    store.rules.path = Trust::OwnPath;
    let mode = |mode| fs::set_permissions(&home.dir, Permissions::from_mode(mode)).unwrap();
    for (bits, reason) in [
        (0o755, None),
        (0o1777, None),
        (0o775, Some(Reason::UnsafePath)),
        (0o777, Some(Reason::UnsafePath)),
    ] {
        mode(bits);
        assert_eq!(opened(&store), reason, "{bits:o}");
    }
    mode(0o755);
    let keeper = Uid::from_raw(54_321);
    let foreign = walk::locate(&store.path, Trust::OwnPath, keeper).map(|place| place.name);
    if Uid::effective().is_root() {
        assert_eq!(foreign, Ok("f".into()), "root may");
        std::os::unix::fs::chown(&home.dir, Some(54_322), None).unwrap();
        assert_eq!(opened(&store), Some(Reason::UnsafePath));
        // In a sticky directory others can put links of their own.
        std::os::unix::fs::chown(&home.dir, Some(0), None).unwrap();
        mode(0o1777);
        symlink("f", home.path("link")).unwrap();
        std::os::unix::fs::lchown(home.path("link"), Some(54_322), None).unwrap();
        store.path = home.path("link");
        assert_eq!(opened(&store), Some(Reason::UnsafePath));
    } else {
        assert_eq!(foreign.unwrap_err().reason, Reason::UnsafePath);
    }
}

#[test]
fn a_new_file_goes_in_the_place_of_whatever_file_was_there() {
    let home = Home::new();
    let store = GauthFile::of_caller(home.path("f"));
    let text = || fs::read_to_string(home.path("f")).unwrap();
    store.install(b"one\n").unwrap();
    assert_eq!(text(), "one\n");
    assert_eq!(fs::metadata(&store.path).unwrap().permissions().mode() & 0o7777, 0o400);
    fs::set_permissions(&store.path, Permissions::from_mode(0o666)).unwrap();
    store.install(b"two\n").unwrap();
    assert_eq!(text(), "two\n");
    fs::remove_file(&store.path).unwrap();
    fs::write(&store.path, "").unwrap();
    store.install(b"three\n").unwrap();
    assert_eq!(text(), "three\n");
    fs::remove_file(&store.path).unwrap();
    mkfifo(&store.path, Mode::S_IRUSR).unwrap();
    assert_eq!(store.install(b"four\n").unwrap_err().reason, Reason::NotRegular);
    let nowhere = GauthFile { path: home.path("none/f"), ..store };
    assert_eq!(nowhere.install(b"five\n").unwrap_err().reason, Reason::NoDirectory);
}

#[test]
fn whoever_holds_the_file_keeps_logins_waiting() {
    let home = Home::new();
    let store = home.file("f", format!("{TEXT}12345678\n").as_bytes());
    let (account, held) = store.hold().unwrap();
    assert!(account.scratch_codes.contains(&12_345_678));
    let login = std::thread::spawn({
        let store = store.clone();
        move || use_code(&store, 12_345_678).unwrap().verdict
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!login.is_finished());
    drop(held);
    assert_eq!(login.join().unwrap(), accepted());
}

#[test]
fn what_a_record_has_taken_over_is_not_used_up_here() {
    let home = Home::new();
    let mut store = home.file("f", format!("{TEXT}12345678\n").as_bytes());
    let base = Base::new(&home.path("lib"), &home.path("run"));
    base.create().unwrap();
    let record = SystemRecord::new(base, "alice", Uid::effective()).unwrap();
    store.overtaken_by = Some(record.clone());
    fs::write(record.path(), "").unwrap();
    let before = fs::read(&store.path).unwrap();
    assert_eq!(use_code(&store, 12_345_678).unwrap_err().reason, Reason::Changed);
    assert_eq!(fs::read(&store.path).unwrap(), before);
    fs::remove_file(record.path()).unwrap();
    assert_eq!(use_code(&store, 12_345_678).unwrap().verdict, accepted());
}
