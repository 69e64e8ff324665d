//! `make bench`: medians of interleaved rounds, beside the original and pam_permit in the same run.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use benches::{Contender, FLOOR, Kind, OURS, THEIRS};
use sandbox::timer::{Work, instructions, medians};
use sandbox::{Host, Machine, User, footprint, module};

/// Logins of each contender, in turn.
const ROUNDS: u16 = 400;

fn main() {
    let machine = Machine::with_disk();
    let users = [OURS, THEIRS, FLOOR].map(|contender| contender.enter(&machine));
    println!(
        "\n{:<44} {:>11} {:>11} {:>11} {:>6}  goal",
        "medians", "pam_permit", "theirs", "ours", "ratio"
    );
    let inside = |kind| logins(&users, kind, Work::Inside);
    row("accepted TOTP, in process", &inside(Kind::Totp)[..3], 1.0);
    row("accepted TOTP, in a fresh process", &logins(&users, Kind::Totp, Work::Fresh)[..3], 1.0);
    let hotp = inside(Kind::Hotp);
    row("accepted HOTP, durable", &hotp[..3], 1.4);
    row("... theirs with a sync of the directory", &[hotp[0], hotp[1] + hotp[3], hotp[2]], 1.1);
    row("wrong code, 3,000 steps searched", &inside(Kind::WrongCode)[..3], 0.3);
    row("dlopen", &medians(usize::from(ROUNDS), &[FLOOR, THEIRS, OURS].map(load)), 1.2);

    println!("\n{:<44} {:>11} {:>11} {:>11} {:>6}", "instructions", "", "theirs", "ours", "ratio");
    for (name, kind) in [
        ("accepted TOTP", Kind::Totp),
        ("accepted HOTP", Kind::Hotp),
        ("wrong code, 3,000 steps searched", Kind::WrongCode),
    ] {
        let [ours, theirs] = [(OURS, &users[0]), (THEIRS, &users[1])].map(|(contender, user)| {
            user.write_state(kind.state());
            let host = Host::new(&machine, &format!("auth required {}", contender.module));
            instructions(&host, &user.name, &kind.answers(1)[0])
        });
        println!("{name:<44} {:>11} {theirs:>11} {ours:>11} {:>6.2}", "", ratio(ours, theirs));
    }

    println!("\n{:<44} {:>11} {:>11} {:>11}", "weight", "pam_permit", "theirs", "ours");
    weigh("file, bytes", |path| fs::metadata(path).expect("it is installed").len());
    weigh("memory shared with nobody, kB", |path| footprint(path).into());
}

/// The medians of pam_permit, theirs and ours, and of making a rename in a home durable.
fn logins(users: &[User; 3], kind: Kind, work: fn(sandbox::timer::Login) -> Work) -> Vec<u64> {
    let answers = kind.answers(ROUNDS.into());
    for user in users {
        user.write_state(kind.state());
    }
    let logins = [FLOOR, THEIRS, OURS].map(|contender| work(contender.login(kind, &answers)));
    let sync = Work::Sync(users[2].home.clone());
    medians(usize::from(ROUNDS), &[&logins[..], &[sync]].concat())
}

fn load(contender: Contender) -> Work {
    Work::Load(path(contender))
}

fn path(contender: Contender) -> PathBuf {
    module(contender.module)
}

/// Prints a line for the medians of pam_permit, theirs and ours, in nanoseconds.
fn row(name: &str, medians: &[u64], goal: f64) {
    let &[floor, theirs, ours] = medians else { panic!("three contenders") };
    let met = ratio(ours, theirs) <= goal * 1.05;
    let [floor, theirs_ms, ours_ms] = [floor, theirs, ours].map(milliseconds);
    let met = if met { "met" } else { "MISSED" };
    println!(
        "{name:<44} {floor:>8.3} ms {theirs_ms:>8.3} ms {ours_ms:>8.3} ms {:>6.2}  {goal:.1} {met}",
        ratio(ours, theirs)
    );
}

fn weigh(name: &str, weight: impl Fn(&Path) -> u64) {
    let [floor, theirs, ours] = [FLOOR, THEIRS, OURS].map(|contender| weight(&path(contender)));
    println!("{name:<44} {floor:>11} {theirs:>11} {ours:>11}");
}

#[expect(clippy::cast_precision_loss, reason = "printed with three digits")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "printed with two digits")]
fn ratio(ours: u64, theirs: u64) -> f64 {
    ours as f64 / theirs as f64
}
