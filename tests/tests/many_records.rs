//! What a login costs does not depend on how many people have enrolled.

use std::fs::{self, File};
use std::path::Path;

use sandbox::timer::{Login, Work, medians};
use sandbox::{LoopDisk, Machine, Namespace, RECORDS, SECRET, Secret, User, run};

const MANY: u32 = 100_000;

/// So much, in hundredths of what a login takes with one record, it may take with many.
const MOST: u64 = 110;

/// Logins in a row: a record admits a hundred in a second.
const ROUNDS: u16 = 90;

/// Where the many are, each a file of its own.
const CROWDED: &str = "/var/lib/disk/crowded";

#[test]
fn a_hundred_thousand_do_not_delay_one() {
    let machine = Machine::new();
    machine.stack("timed", "auth required pam_mfa.so");
    let alice = machine.user("alice");
    // One file system for both.
    let _disk = LoopDisk::new(&machine, 1 << 30, "/var/lib/disk");
    for dir in ["/var/lib/disk/one", CROWDED, RECORDS] {
        fs::create_dir(dir).expect("our own directories");
    }
    run(&["mount", "--bind", "/var/lib/disk/one", RECORDS]);
    alice.enrolment().hotp("token", SECRET).save();
    run(&["sh", "-c", &format!("cp --archive {RECORDS}/* {CROWDED}")]);
    populate(&alice);

    let there = Namespace::with("mount --bind \"$0\" \"$1\"", &[CROWDED, RECORDS]);
    let first = fs::read(alice.system().state_path()).expect("enrolled");
    let mut ratios: Vec<_> = (0..9).map(|_| hundredths(&first, &there)).collect();
    ratios.sort_unstable();
    assert!(ratios[ratios.len() / 2] <= MOST, "hundredths: {ratios:?}");
    let rounds = i64::from(ROUNDS);
    assert_eq!(alice.counter("token"), Some(rounds + 1));
    run(&["mount", "--bind", CROWDED, RECORDS]);
    assert_eq!(alice.counter("token"), Some(rounds + 1), "she logged in there, too");
    drop(there);
    run(&["umount", RECORDS]);
    run(&["umount", RECORDS]);
}

/// The files of so many others, as a host that enrolled all of them would have.
fn populate(one: &User) {
    let record = fs::read_to_string(one.system().path()).expect("enrolled");
    let size = fs::metadata(one.system().state_path()).expect("enrolled").len();
    let (users, states) = (Path::new(CROWDED).join("users"), Path::new(CROWDED).join("state"));
    for number in 0..MANY {
        let name = format!("user{number}");
        let text = record.replace(&one.name, &name);
        fs::write(users.join(format!("{name}.toml")), text).expect("there is room");
        // Nobody reads it here, and its blocks are left out.
        let state = File::create_new(states.join(name)).and_then(|state| state.set_len(size));
        state.expect("there is room");
    }
    let there = fs::read_dir(users).expect("just filled").count();
    assert_eq!(there, usize::try_from(MANY).expect("a small number") + 1);
    run(&["sync", "--file-system", CROWDED]);
}

/// How long durable logins take among the many, in hundredths of what they take with one record;
/// one after the other, from this state on.
fn hundredths(first: &[u8], there: &Namespace) -> u64 {
    for records in [RECORDS, CROWDED] {
        fs::write(Path::new(records).join("state/alice"), first).expect("it is there");
    }
    let answers = Secret::new(SECRET).counted_from(1, ROUNDS.into());
    let login = Login { service: "timed", user: "alice", answers, result: 0 };
    let work = [Work::Inside(login.clone()), Work::There(there.root(), login)];
    let [one, many] = medians(ROUNDS.into(), &work)[..] else { panic!("two medians") };
    many * 100 / one
}
