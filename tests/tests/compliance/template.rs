//! Texts that speak of a moment: `{totp-1}` is the code of the step before.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use sandbox::Secret;

/// What the marks of a template mean.
pub struct Meaning<'a> {
    /// The moment, Unix time, s.
    pub now: u64,
    /// The time step, s.
    pub period: u64,
    /// The secret of the app that shows the codes, in base32.
    pub secret: &'a str,
}

impl Meaning<'_> {
    /// Fills in the marks: `{now}`, `{step}`, the codes `{totp}` (of a step) and `{hotp}` (of a
    /// counter from 0 on), each with an offset behind it or without, and `{0xff}`, a byte.
    /// Everything else stands for itself.
    pub fn of(&self, template: &str) -> Vec<u8> {
        let mut text = Vec::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('{') {
            let (mark, behind) = behind.split_once('}').expect("a mark ends");
            text.extend_from_slice(before.as_bytes());
            text.extend(self.mark(mark));
            rest = behind;
        }
        text.extend_from_slice(rest.as_bytes());
        text
    }

    fn mark(&self, mark: &str) -> Vec<u8> {
        if let Some(byte) = mark.strip_prefix("0x") {
            return vec![u8::from_str_radix(byte, 16).expect("a byte")];
        }
        let (name, offset) = mark.split_at(mark.find(['+', '-']).unwrap_or(mark.len()));
        let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().expect("a number") };
        let from = |start: u64| start.checked_add_signed(offset).expect("not before 1970");
        let step = self.now / self.period;
        match name {
            "now" => from(self.now).to_string(),
            "step" => from(step).to_string(),
            "totp" => code(self.secret, from(step)),
            "hotp" => code(self.secret, from(0)),
            _ => panic!("{{{mark}}} is no mark"),
        }
        .into_bytes()
    }
}

/// Asks for many codes at once, since asking is slow.
fn code(secret: &str, counter: u64) -> String {
    type Codes = HashMap<(String, u64), Vec<String>>;
    const MANY: u64 = 1024;
    static KNOWN: LazyLock<Mutex<Codes>> = LazyLock::new(Mutex::default);
    let (first, nth) = (counter - counter % MANY, counter % MANY);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let codes = known
        .entry((secret.to_owned(), first))
        .or_insert_with(|| Secret::new(secret).counted_from(first, MANY));
    codes[usize::try_from(nth).expect("below 1024")].clone()
}
