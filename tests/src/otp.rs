//! What an authenticator app would show, by oathtool: code that shares nothing with ours.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::machine::run;

/// The usual time step, s.
const STEP: i64 = 30;

/// A base32 secret, as an app holds it.
#[derive(Clone, Debug)]
pub struct Secret(String);

impl Secret {
    /// From its base32 text.
    pub fn new(base32: &str) -> Self {
        Self(base32.to_owned())
    }

    /// The code of this moment, good for a login within the next seconds.
    pub fn code(&self) -> String {
        self.code_beside(0)
    }

    /// The code `steps` time steps from now, at a moment that leaves time to use it: even an
    /// earlier one stays in its window for 8 s.
    pub fn code_beside(&self, steps: i64) -> String {
        let left = STEP - now() % STEP;
        if left < 8 {
            thread::sleep(Duration::from_secs(left.unsigned_abs()));
        }
        self.code_at(now() + steps * STEP)
    }

    /// The code of a time, s since 1970.
    pub fn code_at(&self, time: i64) -> String {
        self.at(time, &[])
    }

    /// The key and its text as files have it, in hexadecimal.
    pub fn hex(&self) -> [String; 2] {
        let said = run(&["oathtool", "--verbose", "--hotp", "--base32", &self.0]);
        let key = said.lines().find_map(|line| line.strip_prefix("Hex secret: "));
        let text = self.0.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        [key.expect("oathtool says it").to_owned(), text]
    }

    /// The HOTP code of this counter.
    pub fn counted(&self, counter: u64) -> String {
        run(&["oathtool", "--hotp", "--base32", "--counter", &counter.to_string(), &self.0])
    }

    /// The HOTP codes of `count` counters from `first` on.
    pub fn counted_from(&self, first: u64, count: u64) -> Vec<String> {
        let [first, more] = [first, count.saturating_sub(1)].map(|number| number.to_string());
        let options = ["--hotp", "--base32", "--counter", &first, "--window", &more, &self.0];
        let codes = run(&[&["oathtool"], &options[..]].concat());
        codes.lines().map(str::to_owned).collect()
    }

    /// A code that is wrong now, was wrong and will be wrong for half a day either way, so that no
    /// drift explains it; nor is it one of the first thousand HOTP codes.
    pub fn wrong_code(&self) -> String {
        let around = 1510;
        let mut right: HashSet<String> = HashSet::new();
        let timed = self.at(now() - around * STEP, &["--window", &(2 * around).to_string()]);
        right.extend(timed.lines().map(str::to_owned));
        let counted = run(&["oathtool", "--hotp", "--base32", "--window", "1000", &self.0]);
        right.extend(counted.lines().map(str::to_owned));
        (123_456..1_000_000)
            .map(|code| code.to_string())
            .find(|code| !right.contains(code))
            .expect("most are wrong")
    }

    fn at(&self, time: i64, options: &[&str]) -> String {
        let now = format!("--now=@{time}");
        run(&[&["oathtool", "--totp", "--base32", &now], options, &[&self.0]].concat())
    }
}

/// Unix time, s.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the sun goes out")
}
