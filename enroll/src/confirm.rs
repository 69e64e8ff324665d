//! The dialogue that shows whether the app has the secret and the time right.

use std::io::{BufRead, Write};

use mfa_core::confirm::{Answer, judge};
use mfa_core::otp::Otp;

use crate::failure::Failure;
use crate::span::span;
use crate::talk::Talk;

/// Asks for the app's code until it is right or nobody wants to go on; the step of the code that was
/// right. Says nothing of what would have been right. `clock` tells the seconds since 1970; `period`
/// and `window` are those of [`judge`].
///
/// # Errors
/// As [`Talk::ask`].
pub fn confirm<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    clock: &dyn Fn() -> u64,
    otp: &Otp,
    period: u64,
    window: u8,
) -> Result<Option<u64>, Failure> {
    loop {
        let typed = talk.ask("Code from the app (-1 to skip): ")?;
        match judge(&typed, otp, clock(), period, window) {
            Answer::Right(step) => {
                talk.say("The app has it right.\n")?;
                return Ok(Some(step));
            }
            Answer::Skip => {
                talk.say("Not confirmed.\n")?;
                return Ok(None);
            }
            Answer::NoCode => {
                let digits = otp.digits().count();
                talk.say(&format!("A code has {digits} digits. Try again.\n"))?;
            }
            Answer::Wrong => talk.say(
                "That code is wrong. Check that the app's entry has the secret above, and\n\
                 try again.\n",
            )?,
            Answer::OtherTime(seconds) => talk.say(&format!(
                "That code is of another time: the phone's clock is about {} {}.\n\
                 Set it to automatic, check this machine's clock too, and try again.\n",
                span(seconds.unsigned_abs()),
                if seconds < 0 { "slow" } else { "fast" },
            ))?,
        }
    }
}
