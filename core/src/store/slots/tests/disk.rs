//! A disk with a page cache, of which any part may be lost.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::rc::Rc;

use super::super::slot::{self, MARK};
use super::super::{Device, SIZE};
use super::choices::Choices;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// The file, sector by sector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Disk(Vec<Sector>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sector {
    /// What readers see.
    cached: Content,
    /// Whether the next flush writes it.
    is_dirty: bool,
    /// One of these is on the disk: what was there at the last flush that worked, or whatever was
    /// written since. Any order in which writes reach the disk, and any part of them, is among these.
    durable: Vec<Content>,
}

/// The bytes of a sector, and their hash: it is asked for often.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content(Rc<[u8]>, u64);

impl Content {
    fn new(bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        Self(bytes.into(), hasher.finish())
    }
}

impl Hash for Content {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

impl Disk {
    /// All of `file` is durable.
    pub fn new(file: &[u8]) -> Self {
        let sector = |bytes: &[u8]| {
            let cached = Content::new(bytes);
            Sector { durable: vec![cached.clone()], cached, is_dirty: false }
        };
        Self(file.chunks(SECTOR).map(sector).collect())
    }

    /// What readers see.
    pub fn file(&self) -> Vec<u8> {
        self.0.iter().map(|sector| &*sector.cached.0).collect::<Vec<_>>().concat()
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let mut file = self.file();
        file[offset..][..bytes.len()].copy_from_slice(bytes);
        let touched = offset / SECTOR..(offset + bytes.len()).div_ceil(SECTOR);
        for (sector, bytes) in
            self.0.iter_mut().zip(file.chunks(SECTOR)).take(touched.end).skip(touched.start)
        {
            sector.cached = Content::new(bytes);
            sector.is_dirty = true;
            if !sector.durable.contains(&sector.cached) {
                sector.durable.push(sector.cached.clone());
            }
        }
    }

    fn flush(&mut self) {
        for sector in self.0.iter_mut().filter(|sector| sector.is_dirty) {
            sector.durable = vec![sector.cached.clone()];
            sector.is_dirty = false;
        }
    }

    /// A failed flush: nobody knows what was written, and no flush writes it again.
    fn fail(&mut self) {
        self.0.iter_mut().for_each(|sector| sector.is_dirty = false);
    }

    /// The power fails, or the kernel needs memory and forgets what is clean: readers see what the
    /// disk holds.
    #[must_use]
    pub fn forget(mut self, with_dirty: bool, choices: &mut Choices) -> Self {
        for sector in self.0.iter_mut().filter(|sector| with_dirty || !sector.is_dirty) {
            if sector.durable.len() > 1 {
                sector.durable = vec![sector.durable[choices.pick(sector.durable.len())].clone()];
            }
            sector.cached = sector.durable[0].clone();
            sector.is_dirty = false;
        }
        self
    }
}

/// A protocol that is not the one we have, by a device between it and the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// A flush is left out.
    NoFlush,
    /// The mark is written with the slot.
    EarlyMark,
    /// The newest slot is overwritten, not the other one.
    OneSlot,
    /// A slot without its mark is taken for durable.
    TrustingMark,
    /// The mark is the same for every sequence.
    SameMark,
}

/// One process that uses the disk.
pub struct Process<'a> {
    pub disk: &'a mut Disk,
    /// How each of its calls ends.
    pub choices: &'a mut Choices,
    pub flaw: Option<Flaw>,
    pub is_killed: bool,
}

/// Where a write stops that fails, in sectors.
const STOPS: [usize; 4] = [0, 1, 2, 7];

impl Process<'_> {
    /// Whether a call does nothing: it fails, or the process is killed before it.
    fn is_stopped(&mut self) -> bool {
        let choice = if self.is_killed { 2 } else { self.choices.pick(3) };
        self.is_killed = choice == 2;
        choice > 0
    }
}

impl Device for Process<'_> {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut file = self.disk.file();
        if self.flaw == Some(Flaw::OneSlot) {
            if let Some((_, newest)) = slot::read(&file[..slot::SIZE]) {
                if newest.sequence % 2 == 1 {
                    file.rotate_right(slot::SIZE);
                }
            }
        }
        for slot in file.chunks_mut(slot::SIZE) {
            if self.flaw == Some(Flaw::TrustingMark)
                || self.flaw == Some(Flaw::SameMark) && slot[MARK] == 0x80
            {
                mark(slot);
            }
        }
        Ok(file)
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let mut bytes = bytes.to_vec();
        let offset = if self.flaw == Some(Flaw::OneSlot) { offset % slot::SIZE } else { offset };
        match self.flaw {
            Some(Flaw::EarlyMark) if bytes.len() == slot::SIZE => mark(&mut bytes),
            Some(Flaw::SameMark) if bytes.len() == 1 => bytes = vec![0x80],
            _ => {}
        }
        if self.is_stopped() {
            let sectors = if bytes.len() == 1 { 0 } else { STOPS[self.choices.pick(STOPS.len())] };
            self.disk.write(offset, &bytes[..sectors * SECTOR]);
            return Err(io::Error::other("write"));
        }
        self.disk.write(offset, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_stopped() {
            // A process that is killed leaves its writes to the kernel.
            if !self.is_killed {
                self.disk.fail();
            }
            return Err(io::Error::other("flush"));
        }
        if self.flaw != Some(Flaw::NoFlush) {
            self.disk.flush();
        }
        Ok(())
    }
}

/// Marks a slot as if it were known to be durable.
fn mark(bytes: &mut [u8]) {
    if let Some((_, slot)) = slot::read(bytes) {
        bytes[MARK] = slot::mark(slot.sequence);
    }
}

const _: () = assert!(SIZE % SECTOR == 0);
