//! What is wrong with a token.

use std::str::FromStr;
use std::time::Duration;

/// One thing that differs from a token that is well, and touched at once. All that is signed is
/// signed as it is sent, but for [`Fault::BadSignature`].
///
/// As text it is its name, and behind `=` its number or milliseconds: `Untouched`, `CountFrom=7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody touches it.
    Untouched,
    /// It is touched so long after it asks for that.
    TouchedAfter(Duration),
    /// It waits only so long for a touch, instead of 30 s. With U2F it is the client who gives up.
    GivesUpAfter(Duration),
    /// It says that it was not touched.
    WithoutUp,
    /// It says that it did not verify its user.
    WithoutUv,
    /// One bit of the signature is another.
    BadSignature,
    /// It signs for another relying party. With U2F the client says which: a bad signature.
    OtherParty,
    /// It knows the handle, and signs with another key.
    OtherKey,
    /// The data that it signs says that a public key follows, which does not.
    AttestedFlag,
    /// The data that it signs says that extensions follow, which do not.
    ExtensionFlag,
    /// The data that it signs is a byte too long.
    TrailingByte,
    /// The counter stands there; 0 is that of a token that has none.
    Counter(u32),
    /// The counter goes on from there.
    CountFrom(u32),
    /// So many wrong PINs are left.
    PinRetries(u8),
    /// Every report takes so long.
    Slow(Duration),
    /// It never answers.
    Silent,
    /// It is not there.
    Unplugged,
    /// It is pulled out so long after it asks for a touch, until its faults are set again.
    PulledAfter(Duration),
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let (name, number) = word.split_once('=').unwrap_or((word, "0"));
        let number: u32 = number.parse().map_err(|_| format!("{word} has no number"))?;
        let time = Duration::from_millis(number.into());
        Ok(match name {
            "Untouched" => Self::Untouched,
            "TouchedAfter" => Self::TouchedAfter(time),
            "GivesUpAfter" => Self::GivesUpAfter(time),
            "WithoutUp" => Self::WithoutUp,
            "WithoutUv" => Self::WithoutUv,
            "BadSignature" => Self::BadSignature,
            "OtherParty" => Self::OtherParty,
            "OtherKey" => Self::OtherKey,
            "AttestedFlag" => Self::AttestedFlag,
            "ExtensionFlag" => Self::ExtensionFlag,
            "TrailingByte" => Self::TrailingByte,
            "Counter" => Self::Counter(number),
            "CountFrom" => Self::CountFrom(number),
            "PinRetries" => Self::PinRetries(u8::try_from(number).map_err(|_| word.to_owned())?),
            "Slow" => Self::Slow(time),
            "Silent" => Self::Silent,
            "Unplugged" => Self::Unplugged,
            "PulledAfter" => Self::PulledAfter(time),
            _ => return Err(format!("there is no fault {word}")),
        })
    }
}

/// How long a token waits for a touch.
const PATIENCE: Duration = Duration::from_secs(30);

/// All faults of a token.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// How long after the token asks for it the touch comes, if it does.
    pub(super) fn touched_after(&self) -> Option<Duration> {
        let touch = self.find(|fault| match fault {
            Fault::Untouched | Fault::PulledAfter(_) => Some(None),
            Fault::TouchedAfter(time) => Some(Some(time)),
            _ => None,
        });
        touch.unwrap_or(Some(Duration::ZERO))
    }

    pub(super) fn gives_up_after(&self) -> Duration {
        let time = self.find(|fault| match fault {
            Fault::GivesUpAfter(time) => Some(time),
            _ => None,
        });
        time.unwrap_or(PATIENCE)
    }

    pub(super) fn pulled_after(&self) -> Option<Duration> {
        self.find(|fault| match fault {
            Fault::PulledAfter(time) => Some(time),
            _ => None,
        })
    }

    pub(super) fn report_takes(&self) -> Duration {
        let time = self.find(|fault| match fault {
            Fault::Slow(time) => Some(time),
            _ => None,
        });
        time.unwrap_or_default()
    }

    fn find<T>(&self, says: impl Fn(Fault) -> Option<T>) -> Option<T> {
        self.0.iter().copied().find_map(says)
    }
}
