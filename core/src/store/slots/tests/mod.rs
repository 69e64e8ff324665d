//! What is valid, what is refused, and a real file; [`power`] is about what survives.

mod choices;
mod disk;
mod power;

use std::fs::{self, File};
use std::io::ErrorKind;

use super::slot::{MARK, mark, write};
use super::*;
use choices::Choices;
use disk::{Disk, Process};

/// What an update leaves: the second slot is older.
fn updated() -> Vec<u8> {
    let mut first = write(1, 2, b"new").unwrap();
    first[MARK] = mark(2);
    [first, write(1, 1, b"old").unwrap()].concat()
}

/// What an update of `file` answers, and the file then.
fn update(file: &[u8], body: &[u8]) -> (io::Result<()>, Vec<u8>) {
    let mut disk = Disk::new(file);
    let choices = &mut Choices::none();
    let mut process = Process { disk: &mut disk, choices, flaw: None, is_killed: false };
    let answer = commit(&mut process, load(file).unwrap(), body);
    (answer, disk.file())
}

#[test]
fn the_form_of_a_slot() {
    let (answer, file) = update(&initial(b"old").unwrap(), b"new");
    answer.unwrap();
    // Of "pam_mfa-state 1 2 3 new", by sha256sum.
    let header = "pam_mfa-state 1 2 3 \
        73f2e3f8bd8ead2d09926722f54cd59973b80d1d5ec42f495004eb5b109b3c76\n";
    let expected = [header.as_bytes(), b"new", &[0; 4007], &[0x82]].concat();
    assert_eq!(file[..slot::SIZE], expected);
    assert_eq!(file[slot::SIZE + MARK], 0x81, "the first flush was for the new file");
    assert_eq!([mark(0), mark(127), mark(128), mark(u64::MAX)], [0x80, 0xff, 0x80, 0xff]);
}

#[test]
fn a_slot_with_any_bit_changed_does_not_count() {
    let file = updated();
    for (at, bit) in (0..SIZE).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = file.clone();
        changed[at] ^= 1 << bit;
        let newest = load(&changed).unwrap();
        let expected: &[u8] = if at < MARK { b"old" } else { b"new" };
        assert_eq!(newest.body, expected, "bit {bit} of byte {at}");
        assert_eq!(newest.is_marked, at > MARK, "bit {bit} of byte {at}");
    }
}

#[test]
fn what_may_not_be_used() {
    let file = updated();
    let (first, second) = file.split_at(slot::SIZE);
    let torn = [&first[..512], &second[512..]].concat();
    assert_eq!(load(&[&torn[1..], &torn, &[0]].concat()), Err(Damage::NoSlot));
    assert_eq!(load(&[0; SIZE]), Err(Damage::NoSlot));
    assert_eq!(load(&[second, first].concat()), Err(Damage::NoSlot), "each in the other's place");
    for size in [0, 1, slot::SIZE, SIZE - 1] {
        assert_eq!(load(&file[..size]), Err(Damage::Size));
    }
    assert_eq!(load(&[&file[..], &[0]].concat()), Err(Damage::Size));

    let newer = write(2, 0, b"newer").unwrap();
    assert_eq!(load(&[&newer, second].concat()), Err(Damage::Newer(2)));
    assert_eq!(load(&[first, &newer].concat()), Err(Damage::Newer(2)));
    let older = write(0, 4, b"never was").unwrap();
    assert_eq!(load(&[&older, second].concat()).unwrap().body, b"old");
    let said = [Damage::Size, Damage::NoSlot, Damage::Newer(2)].map(|damage| damage.to_string());
    assert_eq!(said, ["not 8192 bytes", "neither slot is valid", "version 2, of a newer pam_mfa"]);
}

#[test]
fn a_body_fits_or_nothing_is_written() {
    let full = [7; MAX_BODY];
    let (answer, file) = update(&updated(), &full);
    answer.unwrap();
    assert_eq!(load(&file).unwrap().body, full);
    let longest = write(1, u64::MAX, &full).unwrap();
    assert_eq!((longest.len(), longest[MARK - 1], longest[MARK]), (slot::SIZE, 7, 0));

    let (answer, file) = update(&updated(), &[7; MAX_BODY + 1]);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(file, updated());
    assert_eq!(initial(&[7; MAX_BODY + 1]).unwrap_err().kind(), ErrorKind::FileTooLarge);
}

#[test]
fn the_sequence_does_not_begin_again() {
    let slot = |sequence| write(1, sequence, b"last").unwrap();
    let (answer, file) = update(&[slot(u64::MAX - 1), slot(u64::MAX - 2)].concat(), b"end");
    answer.unwrap();
    let (answer, same) = update(&file, b"more");
    assert_eq!(answer.unwrap_err().to_string(), "the sequence is at its end");
    assert_eq!(same, file);
    assert_eq!(load(&file).unwrap().body, b"end");
}

#[test]
fn a_real_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    fs::write(&path, initial(b"0").unwrap()).unwrap();
    let mut file = File::options().read(true).write(true).open(&path).unwrap();
    for body in ["1", "22", "333", "4"] {
        let read = file.read().unwrap();
        commit(&mut file, load(&read).unwrap(), body.as_bytes()).unwrap();
        let written = fs::read(&path).unwrap();
        let newest = load(&written).unwrap();
        assert_eq!((newest.body, newest.is_marked), (body.as_bytes(), true));
    }

    let read = file.read().unwrap();
    let mut only_readable = File::open(&path).unwrap();
    commit(&mut only_readable, load(&read).unwrap(), b"5").unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), read);

    for (size, seen) in [(0, 0), (100, 100), (SIZE as u64 + 1, SIZE + 1), (1 << 40, SIZE + 1)] {
        file.set_len(size).unwrap();
        assert_eq!(file.read().unwrap().len(), seen);
    }
}
