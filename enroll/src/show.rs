//! What a person is shown, and the app's code that they type back.

use std::io::{BufRead, Write};

use mfa_core::confirm::{judge, judge_counter};
use mfa_core::otp::Otp;
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::app::FIRST_COUNTER;
use crate::confirm::{confirm, insist};
use crate::failure::Failure;
use crate::plan::{Confirmation, Method, Plan};
use crate::qr::draw;
use crate::talk::Talk;
use crate::world::World;

/// Shows what the app needs; the step or counter of the code that confirmed it, if one did.
pub fn show<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    world: &World,
    secret: &Secret,
    uri: &str,
) -> Result<Option<u64>, Failure> {
    draw(talk, uri, plan.qr, world.columns)?;
    talk.say("Your new secret key is: ")?;
    talk.say(&secret.to_base32())?;
    talk.say("\n")?;
    say_uri(plan, talk, uri)?;

    let otp = plan.otp(secret);
    match plan.confirmation() {
        Confirmation::None => {
            talk.say("Your verification code for code 1 is ")?;
            talk.say(&Zeroizing::new(otp.text(1)))?;
            talk.say("\n")?;
            Ok(None)
        }
        Confirmation::Offered => {
            confirm(talk, world.clock, &otp, plan.period().into(), plan.window())
        }
        Confirmation::Needed => insisted(plan, talk, world, &otp).map(Some),
    }
}

fn insisted<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    world: &World,
    otp: &Otp,
) -> Result<u64, Failure> {
    let (period, window) = (plan.period().into(), plan.window());
    insist(talk, otp, &|typed| match plan.method() {
        Method::Totp => judge(typed, otp, (world.clock)(), period, window),
        Method::Hotp => judge_counter(typed, otp, FIRST_COUNTER, window),
    })
}

/// Shows the codes for a lost phone.
pub fn show_codes<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    heading: &str,
    codes: &[Zeroizing<String>],
) -> Result<(), Failure> {
    talk.say(heading)?;
    talk.say("\n")?;
    for code in codes {
        talk.say("  ")?;
        talk.say(code)?;
        talk.say("\n")?;
    }
    Ok(())
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
