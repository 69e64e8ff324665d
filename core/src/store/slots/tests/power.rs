//! Power cuts at every moment of every short history, and of many long ones.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::{Device, MAX_BODY, commit, initial, load, settle};
use super::choices::Choices;
use super::disk::{Disk, Flaw, Process};

/// The body that update `number` writes, told from all others by any of its parts.
fn body(number: u8, length: usize) -> Vec<u8> {
    vec![number; length]
}

/// Which update left what readers see.
fn number(file: &[u8]) -> Result<u8, String> {
    let newest = load(file).map_err(|damage| damage.to_string())?;
    newest.body.first().copied().ok_or_else(|| "no update".to_owned())
}

/// A disk, and what was promised of it.
#[derive(Clone, Hash)]
struct World {
    disk: Disk,
    flaw: Option<Flaw>,
    /// The last update that was acknowledged.
    acknowledged: u8,
    /// The last one that was tried.
    tried: u8,
}

impl World {
    fn new(flaw: Option<Flaw>) -> Self {
        let disk = Disk::new(&initial(&body(0, 700)).unwrap());
        Self { disk, flaw, acknowledged: 0, tried: 0 }
    }

    /// A login that goes as `choices` say.
    fn update(&mut self, length: usize, choices: &mut Choices) {
        self.tried += 1;
        let body = body(self.tried, length);
        let mut process = self.process(choices);
        let file = process.read().unwrap();
        if commit(&mut process, load(&file).unwrap(), &body).is_ok() {
            self.acknowledged = self.tried;
        }
    }

    /// Somebody relies on what is there.
    fn settle(&mut self, choices: &mut Choices) {
        let mut process = self.process(choices);
        let file = process.read().unwrap();
        if settle(&mut process, load(&file).unwrap()).is_ok() {
            self.acknowledged = number(&file).unwrap();
        }
    }

    fn process<'a>(&'a mut self, choices: &'a mut Choices) -> Process<'a> {
        Process { disk: &mut self.disk, choices, flaw: self.flaw, is_killed: false }
    }

    fn forget(&self, with_dirty: bool, choices: &mut Choices) -> Self {
        Self { disk: self.disk.clone().forget(with_dirty, choices), ..self.clone() }
    }

    /// Readers see what was acknowledged last, or something later.
    fn check(&mut self) -> Result<(), String> {
        let file = self.process(&mut Choices::none()).read().unwrap();
        let (acknowledged, tried) = (self.acknowledged, self.tried);
        match number(&file)? {
            seen if seen < acknowledged => {
                Err(format!("update {seen}, though {acknowledged} was acknowledged"))
            }
            seen if seen > tried => Err(format!("update {seen} of {tried}")),
            _ => Ok(()),
        }
    }
}

/// Every history of so many updates, and all that can become of it.
#[allow(warnings)]
static TR: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
fn explore(world: &mut World, updates: u8, seen: &mut HashSet<u64>) -> Result<(), String> {
    TR.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    if !seen.insert(hasher.finish()) {
        return Ok(());
    }
    world.check()?;
    for with_dirty in [true, false] {
        Choices::each(|choices| explore(&mut world.forget(with_dirty, choices), updates, seen))?;
    }
    Choices::each(|choices| {
        let mut next = world.clone();
        next.settle(choices);
        explore(&mut next, updates, seen)
    })?;
    if world.tried == updates {
        return Ok(());
    }
    Choices::each(|choices| {
        let mut next = world.clone();
        // Two sectors and one by turns: a slot has something left of its last body.
        next.update(if next.tried % 3 == 0 { 100 } else { 700 }, choices);
        explore(&mut next, updates, seen)
    })
}

#[test]
fn nothing_acknowledged_is_lost() {
    let mut seen = HashSet::new();
    let start = std::time::Instant::now();
    assert_eq!(
        explore(&mut World::new(None), std::env::var("N").unwrap().parse().unwrap(), &mut seen),
        Ok(())
    );
    eprintln!("{} states {:?} {:?}", seen.len(), TR, start.elapsed());
    assert!(seen.len() > 1000);
}

#[test]
fn a_protocol_with_a_flaw_loses_something() {
    use Flaw::{EarlyMark, NoFlush, OneSlot, SameMark, TrustingMark};
    for flaw in [NoFlush, EarlyMark, OneSlot, TrustingMark, SameMark] {
        let mut seen = HashSet::new();
        let r = explore(&mut World::new(Some(flaw)), 3, &mut seen);
        eprintln!("{flaw:?} {} {r:?}", seen.len());
        assert!(r.is_err(), "{flaw:?}");
    }
}
