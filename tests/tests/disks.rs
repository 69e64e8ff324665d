//! Disks without room for a byte or a file more: whoever has a system record still logs in, and a
//! code is still good once.

use std::fs;

use nix::sys::statvfs::statvfs;
use sandbox::{Answer, DENIED, Host, LoopDisk, Machine, RECORDS, SECRET, Secret, User, run};

/// What is full: no byte is left, or no inode.
#[derive(Clone, Copy, Debug)]
enum Full {
    Bytes,
    Inodes,
}

/// Fills the file system that the records lie on, until nothing more fits.
#[track_caller]
fn fill(full: Full) {
    // What one command could not place, a smaller one may.
    let script = match full {
        Full::Bytes => "for size in 1M 4K 1; do dd if=/dev/zero of=full-$size bs=$size; sync; done",
        Full::Inodes => "n=0; while true >more-$n; do n=$((n + 1)); done",
    };
    run(&["sh", "-c", &format!("cd {RECORDS}; {script}; true")]);
    let left = statvfs(RECORDS).expect("it is mounted");
    let (left, next) = match full {
        Full::Bytes => (left.blocks_available(), fs::write(format!("{RECORDS}/full-1"), [0; 8192])),
        Full::Inodes => (left.files_available(), fs::write(format!("{RECORDS}/one-more"), "")),
    };
    assert_eq!(left, 0, "{full:?}");
    let errno = next.expect_err("nothing fits").raw_os_error();
    assert_eq!(errno, Some(nix::errno::Errno::ENOSPC as i32), "{full:?}");
}

/// Codes of alice's are taken once each.
#[track_caller]
fn once_each(machine: &Machine, alice: &User, counters: [u64; 3]) {
    let host = Host::new(machine, "auth required pam_mfa.so");
    for counter in counters {
        let code = Secret::new(SECRET).counted(counter);
        assert_eq!(host.authenticate("alice", &[Answer::Text(&code)]).result, 0, "{}", machine.log);
        let again = host.authenticate("alice", &[Answer::Text(&code)]);
        assert_eq!((again.result, again.changed), (DENIED, vec![]), "{}", machine.log);
        assert_eq!(alice.counter("token"), i64::try_from(counter + 1).ok());
    }
    machine.log.expect_denied("alice", "reused");
}

#[test]
fn a_full_tmpfs() {
    for (full, size) in [(Full::Bytes, "size=128k"), (Full::Inodes, "nr_inodes=32")] {
        let machine = Machine::new();
        let alice = machine.user("alice");
        fs::create_dir(RECORDS).expect("our own /var/lib");
        let options = format!("mode=0755,{size}");
        run(&["mount", "-t", "tmpfs", "-o", &options, "records", RECORDS]);
        alice.enrolment().hotp("token", SECRET).save();
        fill(full);
        once_each(&machine, &alice, [1, 2, 3]);
    }
}

#[test]
fn a_full_ext4() {
    for full in [Full::Bytes, Full::Inodes] {
        let machine = Machine::new();
        let alice = machine.user("alice");
        let disk = LoopDisk::new(&machine, 4 << 20, RECORDS);
        alice.enrolment().hotp("token", SECRET).save();
        fill(full);
        once_each(&machine, &alice, [1, 2, 3]);

        // What is on the disk, and not in memory alone.
        let disk = disk.mount_again();
        assert_eq!(alice.counter("token"), Some(4), "{full:?}");
        once_each(&machine, &alice, [4, 5, 6]);
        drop(disk);
    }
}
