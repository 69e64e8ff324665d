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
    let judge = |typed: &str| judge(typed, otp, clock(), period, window);
    let used = ask(talk, "skip", otp, &judge)?;
    if used.is_none() {
        talk.say("Not confirmed.\n")?;
    }
    Ok(used)
}

/// Asks for the app's code until it is right: without it there is no enrolment. The step or counter
/// of the code, as `judge` finds it.
///
/// # Errors
/// [`Failure::NotConfirmed`]; or as [`Talk::ask`].
pub fn insist<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    otp: &Otp,
    judge: &dyn Fn(&str) -> Answer,
) -> Result<u64, Failure> {
    ask(talk, "give up", otp, judge)?.ok_or(Failure::NotConfirmed)
}

/// The sentence on what follows: the code that confirmed is used up, and the one after it begins at
/// `next`. Both times in seconds since 1970.
#[must_use]
pub fn used_up(next: u64, now: u64) -> String {
    let when = match next.saturating_sub(now) {
        0 => "is good now".to_owned(),
        seconds => format!("comes in {seconds} s"),
    };
    format!("The code that confirmed it is used up; the next one {when}.\n")
}

/// `None` if the person typed -1, whose meaning is told by `refusal`.
fn ask<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    refusal: &str,
    otp: &Otp,
    judge: &dyn Fn(&str) -> Answer,
) -> Result<Option<u64>, Failure> {
    loop {
        let typed = talk.ask(&format!("Code from the app (-1 to {refusal}): "))?;
        match judge(&typed) {
            Answer::Right(moment) => {
                talk.say("The app has it right.\n")?;
                return Ok(Some(moment));
            }
            Answer::Skip => return Ok(None),
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
