//! `make bench`: medians of interleaved rounds, beside the original and pam_permit in the same run.

#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use benches::{Contender, FLOOR, Kind, OURS, THEIRS};
use sandbox::timer::{Login, Work, medians, medians_of_batches};
use sandbox::{Machine, Namespace, RECORDS, SECRET, User, footprint, installed};

/// Logins of each contender, in turn.
const ROUNDS: u16 = 400;

/// So many of them one after the other by a system record: it admits no more than a hundred a second.
const BATCH: u16 = 80;

/// So much more than its goal may a ratio be, and still count as met.
const TOLERANCE: f64 = 1.05;

const LEGEND: &str = "
Medians of 400 logins of each kind, the modules in turn, codes that are right unless it says otherwise.
pam_permit shows what PAM itself takes, google is Debian's libpam-google-authenticator. The ratio is that of
ours to it; a goal counts as met up to 5 % above. Let the machine be idle.
";

const CONTENDERS: [Contender; 3] = [FLOOR, THEIRS, OURS];

fn main() {
    let bench = Bench::new();
    println!("{LEGEND}");
    headline("time, ms", "goal");
    let totp = bench.logins(Kind::Totp, Work::Inside);
    totp.row("TOTP, in process", 1.0);
    bench.logins(Kind::Totp, Work::Fresh).row("TOTP, in a fresh process", 1.0);
    let hotp = bench.logins(Kind::Hotp, Work::Inside);
    hotp.row("HOTP, durable", 1.4);
    let with_sync = Medians { theirs: hotp.theirs + hotp.sync, ..hotp };
    with_sync.row("... if google synced the directory, too", 1.1);
    bench.system_logins().row("HOTP, durable, ours by a system record", 0.9);
    bench.logins(Kind::WrongCode, Work::Inside).row("a wrong code, 3,000 steps searched", 0.3);
    let loads = CONTENDERS.map(|contender| Work::Load(installed(contender.module)));
    Medians::of(&loads).row("dlopen", 1.2);

    println!("\n{:<40} {:>43}  goal", "what a policy adds to a login, us", "");
    bench.policies();

    headline("instructions", "");
    for (name, kind) in [
        ("TOTP", Kind::Totp),
        ("HOTP", Kind::Hotp),
        ("a wrong code, 3,000 steps searched", Kind::WrongCode),
    ] {
        let [_, theirs, ours] = &bench.users;
        let theirs = THEIRS.instructions(&bench.machine, theirs, kind);
        let ours = OURS.instructions(&bench.machine, ours, kind);
        println!("{name:<40} {:>10} {theirs:>10} {ours:>10} {:>6.2}", "", ratio(ours, theirs));
    }

    println!(
        "\n{:<40} {:>10} {:>10} {:>10} {:>6}  goal",
        "weight", "pam_permit", "google", "ours", ""
    );
    weigh("file, kB", 946, |path| fs::metadata(path).expect("it is installed").len() / 1000);
    weigh("memory that no other process shares, kB", 40, |path| footprint(path).into());
}

fn headline(what: &str, goal: &str) {
    println!(
        "\n{what:<40} {:>10} {:>10} {:>10} {:>6}  {goal}",
        "pam_permit", "google", "ours", "ratio"
    );
}

/// A machine with a user for each contender, in their order.
struct Bench {
    machine: Machine,
    users: [User; 3],
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::with_disk();
        let users = CONTENDERS.map(|contender| contender.enter(&machine));
        Self { machine, users }
    }

    fn logins(&self, kind: Kind, work: fn(Login) -> Work) -> Medians {
        let answers = kind.answers(ROUNDS.into());
        for user in &self.users {
            user.write_state(kind.state());
        }
        let [floor, theirs, ours] =
            CONTENDERS.map(|contender| work(contender.login(kind, &answers)));
        // It keeps the disk busy, and so stays out of the rows that write nothing.
        let sync = (kind == Kind::Hotp).then(|| Work::Sync(self.users[0].home.clone()));
        Medians::of(&[floor, theirs, ours].into_iter().chain(sync).collect::<Vec<_>>())
    }

    /// Accepted codes by time, without a policy and with some, each in its own view of /etc.
    fn policies(&self) {
        let answers = Kind::Totp.answers(ROUNDS.into());
        self.users[2].write_state(Kind::Totp.state());
        let settings = "/etc/pam_mfa";
        fs::create_dir(settings).expect("our own /etc");
        let sizes = [("none", None), ("no rules", Some(0)), ("5", Some(5)), ("200", Some(200))];
        let views = sizes.map(|(_, rules)| {
            let dir = format!("/run/policy{}", rules.map_or(String::new(), |it| it.to_string()));
            fs::create_dir(&dir).expect("our own /run");
            if let Some(rules) = rules {
                fs::write(format!("{dir}/policy.toml"), policy(rules)).expect("just made");
            }
            Namespace::with("mount --bind \"$0\" \"$1\"", &[&dir, settings])
        });
        let work: Vec<_> = views
            .iter()
            .map(|view| Work::There(view.root(), OURS.login(Kind::Totp, &answers)))
            .collect();
        let medians = medians(ROUNDS.into(), &work);
        let goals = [("rules: none", None), ("rules: 5", Some(60)), ("rules: 200", Some(2000))];
        for ((name, goal), median) in goals.into_iter().zip(&medians[1..]) {
            let more = median.saturating_sub(medians[0]) / 1000;
            let met =
                goal.map_or(String::new(), |goal| format!("{goal} {}", verdict(ratio(more, goal))));
            println!("{name:<40} {more:>43}  {met}");
        }
    }

    /// Codes by counter, ours in a system record, theirs in a file.
    fn system_logins(&self) -> Medians {
        let answers = Kind::Hotp.answers(BATCH.into());
        let work = CONTENDERS.map(|contender| Work::Inside(contender.login(Kind::Hotp, &answers)));
        let [_, theirs, ours] = &self.users;
        let batches = usize::from(ROUNDS / BATCH);
        let medians = medians_of_batches(batches, BATCH.into(), &work, || {
            theirs.write_state(Kind::Hotp.state());
            ours.enrolment().hotp("token", SECRET).save();
        });
        fs::remove_dir_all(RECORDS).expect("just made");
        Medians::from(&medians)
    }
}

/// A policy of so many rules that are for somebody else, each of some 100 bytes.
fn policy(rules: usize) -> String {
    let rule = |n| {
        format!(
            "[[rule]]\nname = \"rule {n:03}\"\nusers = [\"user{n:03}\", \"other{n:03}\"]\n\
             services = [\"sshd\"]\nrequire = [\"otp\"]\n"
        )
    };
    std::iter::once("version = 1\n".to_owned()).chain((0..rules).map(rule)).collect()
}

/// Nanoseconds.
#[derive(Clone, Copy)]
struct Medians {
    floor: u64,
    theirs: u64,
    ours: u64,
    /// Making a rename in a home durable, where that is measured, too.
    sync: u64,
}

impl Medians {
    /// Of `CONTENDERS`, and of a sync if there is one.
    fn of(work: &[Work]) -> Self {
        Self::from(&medians(ROUNDS.into(), work))
    }

    fn from(medians: &[u64]) -> Self {
        let &[floor, theirs, ours, ref rest @ ..] = medians else { panic!("one each") };
        Self { floor, theirs, ours, sync: rest.first().copied().unwrap_or(0) }
    }

    fn row(&self, name: &str, goal: f64) {
        let [floor, theirs, ours] = [self.floor, self.theirs, self.ours].map(milliseconds);
        let ratio = ratio(self.ours, self.theirs);
        let met = verdict(ratio / goal);
        println!(
            "{name:<40} {floor:>10.3} {theirs:>10.3} {ours:>10.3} {ratio:>6.2}  {goal:.1} {met}"
        );
    }
}

fn weigh(name: &str, goal: u64, weight: impl Fn(&Path) -> u64) {
    let [floor, theirs, ours] = CONTENDERS.map(|contender| weight(&installed(contender.module)));
    let verdict = verdict(ratio(ours, goal));
    println!("{name:<40} {floor:>10} {theirs:>10} {ours:>10} {:>6}  {goal} {verdict}", "");
}

/// What is said of a figure that is so many times its goal.
fn verdict(of_goal: f64) -> &'static str {
    if of_goal <= TOLERANCE { "met" } else { "MISSED" }
}

#[expect(clippy::cast_precision_loss, reason = "printed with three digits")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "printed with two digits")]
fn ratio(ours: u64, theirs: u64) -> f64 {
    ours as f64 / theirs as f64
}
