//! A disk with a page cache, of which any part may be lost.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::rc::Rc;

use super::super::Device;
use super::super::slot::{self, MARK};
use super::choices::Choices;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// The file, sector by sector.
#[derive(Clone, Hash)]
pub struct Disk(Vec<Sector>);

#[derive(Clone, Hash)]
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
#[derive(Clone, PartialEq)]
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
        hasher.write_u64(self.1);
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
        let end = (offset + bytes.len()).div_ceil(SECTOR);
        let sectors = self.0.iter_mut().zip(file.chunks(SECTOR));
        for (sector, bytes) in sectors.take(end).skip(offset / SECTOR) {
            if *sector.cached.0 != *bytes {
                sector.cached = Content::new(bytes);
            }
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

    /// Readers see what the disk holds: of everything after a power cut, of what is clean when the
    /// kernel needed the memory.
    pub fn forget(&mut self, is_cut: bool, choices: &mut Choices) {
        for sector in self.0.iter_mut().filter(|sector| is_cut || !sector.is_dirty) {
            if sector.durable.len() > 1 {
                let kept = choices.pick(sector.durable.len());
                sector.durable = vec![sector.durable.swap_remove(kept)];
            }
            sector.cached = sector.durable[0].clone();
            sector.is_dirty = false;
        }
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

/// Where a write of a slot stops that fails, in sectors.
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
            file.truncate(slot::SIZE);
            let is_odd = slot::read(&file).is_some_and(|(_, newest)| newest.sequence % 2 == 1);
            file.splice(if is_odd { 0..0 } else { slot::SIZE..slot::SIZE }, [0; slot::SIZE]);
        }
        for slot in file.chunks_mut(slot::SIZE) {
            let is_marked = match self.flaw {
                Some(Flaw::TrustingMark) => true,
                Some(Flaw::SameMark) => slot[MARK] == 0x80,
                _ => false,
            };
            if is_marked {
                mark(slot);
            }
        }
        Ok(file)
    }

    fn write(&mut self, mut offset: usize, bytes: &[u8]) -> io::Result<()> {
        let is_slot = bytes.len() == slot::SIZE;
        let mut bytes = bytes.to_vec();
        match self.flaw {
            Some(Flaw::EarlyMark) if is_slot => mark(&mut bytes),
            Some(Flaw::SameMark) if !is_slot => bytes = vec![0x80],
            Some(Flaw::OneSlot) => offset %= slot::SIZE,
            _ => {}
        }
        if self.is_stopped() {
            if is_slot && !self.is_killed {
                let sectors = STOPS[self.choices.pick(STOPS.len())];
                self.disk.write(offset, &bytes[..sectors * SECTOR]);
            }
            return Err(io::Error::other("the write stopped"));
        }
        self.disk.write(offset, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_stopped() {
            // Whoever is killed leaves the writes to the kernel.
            if !self.is_killed {
                self.disk.fail();
            }
            return Err(io::Error::other("the flush failed"));
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
