//! Power cuts at every moment of every short history, and of many long ones.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::{Device, MAX_BODY, commit, initial, load, settle};
use super::choices::Choices;
use super::disk::{Disk, Flaw, Process};

/// What was promised of a disk, and the disk. Updates have numbers, and are known by them: all bytes
/// of a body are the number of its update.
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
        let disk = Disk::new(&initial(&[0; 700]).unwrap());
        Self { disk, flaw, acknowledged: 0, tried: 0 }
    }

    /// Another update, with a body of so many bytes. `choices` say what happens to it.
    fn update(&mut self, length: usize, choices: &mut Choices) {
        self.tried += 1;
        let body = vec![self.tried; length];
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
        let newest = load(&file).unwrap();
        if settle(&mut process, newest).is_ok() {
            self.acknowledged = newest.body[0];
        }
    }

    fn process<'a>(&'a mut self, choices: &'a mut Choices) -> Process<'a> {
        Process { disk: &mut self.disk, choices, flaw: self.flaw, is_killed: false }
    }

    /// Readers see what was acknowledged last, or something that was tried later.
    fn check(&mut self) -> Result<(), String> {
        let file = self.process(&mut Choices::none()).read().unwrap();
        let newest = load(&file).map_err(|damage| damage.to_string())?;
        let (found, acknowledged) = (newest.body[0], self.acknowledged);
        if (acknowledged..=self.tried).contains(&found) {
            return Ok(());
        }
        Err(format!("update {found}, though {acknowledged} was acknowledged"))
    }
}

/// Every history of so many updates, whatever happens to each and between them.
struct Exploration {
    updates: u8,
    /// Hashes of the worlds that were looked at.
    seen: HashSet<u64>,
    /// How many ways led to them.
    steps: u64,
}

impl Exploration {
    /// # Errors
    /// The first promise that is not kept.
    fn of(updates: u8, flaw: Option<Flaw>) -> Result<Self, String> {
        let mut all = Self { updates, seen: HashSet::new(), steps: 0 };
        all.visit(&mut World::new(flaw))?;
        Ok(all)
    }

    fn visit(&mut self, world: &mut World) -> Result<(), String> {
        self.steps += 1;
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return Ok(());
        }
        world.check()?;
        self.branch(world, |next, choices| next.disk.forget(true, choices))?;
        self.branch(world, |next, choices| next.disk.forget(false, choices))?;
        self.branch(world, World::settle)?;
        if world.tried == self.updates {
            return Ok(());
        }
        // Of one sector and of two, so that a slot has something left of the body before.
        let length = if world.tried % 3 == 0 { 100 } else { 700 };
        self.branch(world, |next, choices| next.update(length, choices))
    }

    fn branch(
        &mut self,
        world: &World,
        step: impl Fn(&mut World, &mut Choices),
    ) -> Result<(), String> {
        Choices::each(|choices| {
            let mut next = world.clone();
            step(&mut next, choices);
            self.visit(&mut next)
        })
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let all = Exploration::of(4, None).unwrap();
    println!("{} states, {} ways to them", all.seen.len(), all.steps);
    assert!(all.seen.len() > 10_000 && all.steps > 200_000);
}

#[test]
fn a_protocol_with_a_flaw_loses_something() {
    use Flaw::{EarlyMark, NoFlush, OneSlot, SameMark, TrustingMark};
    for flaw in [NoFlush, EarlyMark, OneSlot, TrustingMark, SameMark] {
        assert!(Exploration::of(3, Some(flaw)).is_err(), "{flaw:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]
    #[test]
    fn nothing_acknowledged_is_lost_in_the_long_run(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 500..2_000),
    ) {
        let mut world = World::new(None);
        let mut choices = Choices::Random(bytes.into_iter());
        while choices.are_left() && world.tried < u8::MAX {
            let length = 1 + choices.pick(256) * MAX_BODY / 256;
            match choices.pick(8) {
                0 => world.disk.forget(true, &mut choices),
                1 => world.disk.forget(false, &mut choices),
                2 => world.settle(&mut choices),
                3..=5 => world.update(length, &mut choices),
                _ => world.update(length, &mut Choices::none()),
            }
            world.check().unwrap();
            for _ in 0..4 {
                let mut after = world.clone();
                after.disk.forget(true, &mut choices);
                after.check().unwrap();
            }
        }
    }
}
