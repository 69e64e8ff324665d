//! A state file: first any bytes, then slots whose checksum is right, whatever else is in them. For
//! those the input is `MARK FIELDS NUL BODY NUL FIELDS NUL BODY`: what stands before the checksum.

#![no_main]

use std::io;

use data_encoding::HEXLOWER;
use libfuzzer_sys::fuzz_target;
use mfa_core::store::slots::{Damage, Device, MAX_BODY, SIZE, commit, load};
use ring::digest::{SHA256, digest};

const SLOT: usize = SIZE / 2;

fuzz_target!(|input: &[u8]| {
    update(input);
    let [mark, text @ ..] = input else { return };
    let mut parts = text.split(|&byte| byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let slots = [(part(), part()), (part(), part())];
    let file: Vec<u8> = slots.iter().flat_map(|(fields, body)| slot(fields, body, *mark)).collect();

    let read = [0, 1].map(|place| slots[place].0).map(std::str::from_utf8);
    let meant = slots.iter().zip(read).zip(0..).filter_map(|(((_, body), fields), place)| {
        let (version, sequence) = meaning(fields.ok()?, body)?;
        (version > 1 || sequence % 2 == place).then_some((version, sequence, *body))
    });
    let meant: Vec<_> = meant.collect();
    match load(&file) {
        Err(Damage::Size) => panic!("{} bytes", file.len()),
        Err(Damage::NoSlot) => assert_eq!(meant, []),
        Err(Damage::Newer(newer)) => assert!(meant.iter().any(|(version, ..)| *version == newer)),
        Ok(newest) => {
            assert!(meant.iter().all(|(version, ..)| *version == 1));
            let (_, _, body) = meant.iter().max_by_key(|(_, sequence, _)| sequence).unwrap();
            assert_eq!(newest.body, *body);
        }
    }
    update(&file);
});

/// Version and sequence of a slot with these fields, if it is valid.
fn meaning(fields: &str, body: &[u8]) -> Option<(u32, u64)> {
    let mut words = fields.strip_prefix("pam_mfa-state ")?.split(' ');
    let version = words.next()?.parse().ok().filter(|version| *version > 0)?;
    let sequence = words.next()?.parse().ok()?;
    let whole = format!("pam_mfa-state {version} {sequence} {}", body.len());
    let fits = body.len() <= MAX_BODY && whole.len() + 66 + body.len() < SLOT;
    (fits && fields == whole).then_some((version, sequence))
}

fn slot(fields: &[u8], body: &[u8], mark: u8) -> Vec<u8> {
    let checksum = digest(&SHA256, &[fields, b" ", body].concat());
    let checksum = HEXLOWER.encode(checksum.as_ref());
    let mut slot = [fields, b" ", checksum.as_bytes(), b"\n", body].concat();
    slot.resize(SLOT, 0);
    slot[SLOT - 1] = mark;
    slot
}

/// An update of what is valid reads back, and the state before it is still there if it gets lost.
fn update(file: &[u8]) {
    let Ok(newest) = load(file) else { return };
    let mut memory = Memory(file.to_vec());
    if let Err(error) = commit(&mut memory, newest, b"new") {
        assert_eq!((error.to_string().as_str(), &*memory.0), ("the sequence is at its end", file));
        return;
    }
    assert_eq!(load(&memory.0).unwrap().body, b"new");
    for place in [0, SLOT] {
        let mut torn = memory.0.clone();
        torn[place] ^= 1;
        let left = load(&torn).unwrap().body;
        assert!(left == b"new" || left == newest.body);
    }
}

struct Memory(Vec<u8>);

impl Device for Memory {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        self.0[offset..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
