//! What kind of token it is.

use std::str::FromStr;

/// What a token is and holds when it is plugged in.
///
/// As text it is words with blanks between, or nothing: `seed=N`, `u2f`, `fingerprint`, `pin=PIN`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Which of them it is: only one with the same seed knows a token's handles again.
    pub seed: u8,
    /// It is as old as U2F, and knows no CTAP2.
    pub u2f: bool,
    /// It verifies its user by itself; every finger is the right one.
    pub fingerprint: bool,
    /// The PIN that is set.
    pub pin: Option<String>,
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut model = Self::default();
        for word in text.split_whitespace() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("seed", seed) => model.seed = seed.parse().map_err(|_| word.to_owned())?,
                ("u2f", "") => model.u2f = true,
                ("fingerprint", "") => model.fingerprint = true,
                ("pin", pin) => model.pin = Some(pin.to_owned()),
                _ => return Err(format!("no token is {word}")),
            }
        }
        Ok(model)
    }
}
