//! What a person is shown, and the app's code that they type back.

use std::io::{BufRead, Write};

use mfa_core::otp::Otp;
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::confirm::{Answer, judge};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::qr::{Mode, Symbol};
use crate::question::span;
use crate::talk::Talk;
use crate::world::World;

/// Shows what the app and the person need; the step of the code that confirmed it, if one did.
pub fn show<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    world: &World,
    secret: &Secret,
    uri: &str,
    scratch_codes: &[u32],
) -> Result<Option<u64>, Failure> {
    draw(plan, talk, world, uri)?;
    talk.say("Your new secret key is: ")?;
    talk.say(&secret.to_base32())?;
    talk.say("\n")?;
    say_uri(plan, talk, uri)?;

    let otp = plan.otp(secret);
    let used = if plan.confirms() {
        confirm(plan, talk, world, &otp)?
    } else {
        talk.say("Your verification code for code 1 is ")?;
        talk.say(&Zeroizing::new(otp.text(1)))?;
        talk.say("\n")?;
        None
    };

    talk.say("Your emergency scratch codes are:\n")?;
    for code in scratch_codes {
        talk.say(&Zeroizing::new(format!("  {code}\n")))?;
    }
    Ok(used)
}

fn draw<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    world: &World,
    uri: &str,
) -> Result<(), Failure> {
    // A QR code in a pipe is wanted only by those who say so.
    if plan.qr.or(world.columns.map(|_| Mode::Ansi)).unwrap_or(Mode::None) == Mode::None {
        return Ok(());
    }
    let symbol = Symbol::new(uri)?;
    let fits = world.columns.is_none_or(|columns| symbol.columns(Mode::Ansi) <= columns);
    let mode = plan.qr.unwrap_or(if fits { Mode::Ansi } else { Mode::Utf8 });
    let smaller = if mode.is_small() { "" } else { ", or start again with --qr-mode=UTF8" };
    talk.say(&format!(
        "Scan this with the authenticator app. If its lines are broken, make the\n\
         window {} columns wide{smaller}.\n",
        symbol.columns(mode)
    ))?;
    talk.say(&symbol.draw(mode))
}

/// Shows `uri` on a line of its own, if that is wanted.
pub fn say_uri<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    uri: &str,
) -> Result<(), Failure> {
    if plan.uri {
        talk.say(uri)?;
        talk.say("\n")?;
    }
    Ok(())
}

/// Asks for the app's code until it is right or nobody wants to go on. Says nothing of what would
/// have been right.
fn confirm<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    world: &World,
    otp: &Otp,
) -> Result<Option<u64>, Failure> {
    loop {
        let typed = talk.ask("Code from the app (-1 to skip): ")?;
        match judge(&typed, otp, (world.clock)(), plan.period(), plan.window()) {
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
