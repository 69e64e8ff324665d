//! What a person is shown, and the app's code that they type back.

use std::io::{BufRead, Write};

use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::confirm::confirm;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::qr::draw;
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
    draw(talk, uri, plan.qr, world.columns)?;
    talk.say("Your new secret key is: ")?;
    talk.say(&secret.to_base32())?;
    talk.say("\n")?;
    say_uri(plan, talk, uri)?;

    let otp = plan.otp(secret);
    let used = if plan.confirms() {
        confirm(talk, world.clock, &otp, plan.period().into(), plan.window())?
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
