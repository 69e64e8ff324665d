//! One enrolment, from the first question to the file that is to be written.

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::path::Path;

use mfa_core::gauth::NewFile;
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::confirm::{Answer, judge};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::qr::{Mode, Symbol};
use crate::question::{Question, span};
use crate::random::{self, Random};
use crate::talk::Talk;
use crate::uri::Uri;

/// What an enrolment finds around it.
pub struct World<'a> {
    /// The user's name.
    pub person: OsString,
    /// The machine's name.
    pub host: OsString,
    /// How many columns the terminal has that shows the output; `None` if none does.
    pub columns: Option<usize>,
    /// The file to write.
    pub path: &'a Path,
    /// Whether there is one already.
    pub exists: bool,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> u64,
    /// Where secrets come from.
    pub random: &'a Random<'a>,
}

/// How it ended.
pub enum Ending {
    /// Nothing may be written.
    Declined,
    /// All is decided; what was shown holds once this is written.
    Agreed(Enrolment),
}

/// What is to be written.
pub struct Enrolment {
    /// The file.
    pub file: NewFile,
    /// When the code after the one that was used up begins, in seconds since 1970.
    next_code: Option<u64>,
    quiet: bool,
}

/// Settles everything that `plan` leaves open, and shows what the person needs. Writes no file.
///
/// # Errors
/// Why it could not be finished.
pub fn enrol<R: BufRead, W: Write>(
    mut plan: Plan,
    talk: &mut Talk<R, W>,
    world: &World,
) -> Result<Ending, Failure> {
    if let Some(question @ Question::TimeBased) = plan.open() {
        let yes = talk.ask_whether(&question.text(&plan, world.path, world.exists))?;
        plan.answer(question, yes);
    }
    let secret = random::secret(world.random)?;
    let scratch_codes = random::scratch_codes(world.random, plan.scratch_codes)?;
    let used = if plan.quiet { None } else { show(&plan, talk, world, &secret, &scratch_codes)? };
    while let Some(question) = plan.open() {
        let yes = talk.ask_whether(&question.text(&plan, world.path, world.exists))?;
        plan.answer(question, yes);
        if plan.declined() {
            return Ok(Ending::Declined);
        }
    }
    let used = used.filter(|_| plan.disallows_reuse());
    Ok(Ending::Agreed(Enrolment {
        next_code: used.map(|step| (step + 1) * u64::from(plan.period())),
        quiet: plan.quiet,
        file: plan.new_file(secret, scratch_codes, used),
    }))
}

impl Enrolment {
    /// Says that it is done.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn farewell<R: BufRead, W: Write>(
        &self,
        talk: &mut Talk<R, W>,
        world: &World,
    ) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        talk.say(&format!("\nWritten to {}.\n", world.path.display()))?;
        let Some(next_code) = self.next_code else { return Ok(()) };
        let when = match next_code.saturating_sub((world.clock)()) {
            0 => "is good now".to_owned(),
            seconds => format!("comes in {seconds} s"),
        };
        talk.say(&format!("The code that confirmed it is used up; the next one {when}.\n"))
    }
}

/// Shows what the app and the person need; the step of the code that confirmed it, if one did.
fn show<R: BufRead, W: Write>(
    plan: &Plan,
    talk: &mut Talk<R, W>,
    world: &World,
    secret: &Secret,
    scratch_codes: &[u32],
) -> Result<Option<u64>, Failure> {
    draw(plan, talk, world, secret)?;
    talk.say("Your new secret key is: ")?;
    talk.say(&secret.to_base32())?;
    talk.say("\n")?;

    let otp = Otp::new(secret, Algorithm::Sha1, Digits::SIX);
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
    secret: &Secret,
) -> Result<(), Failure> {
    // A QR code in a pipe is wanted only by those who say so.
    if plan.qr.or(world.columns.map(|_| Mode::Ansi)).unwrap_or(Mode::None) == Mode::None {
        return Ok(());
    }
    let usual_label = [world.person.as_os_str(), "@".as_ref(), &world.host].into_iter().collect();
    let label: &OsString = plan.label.as_ref().unwrap_or(&usual_label);
    let issuer = plan.issuer.as_ref().unwrap_or(&world.host);
    let uri = Uri {
        secret,
        label: label.as_encoded_bytes(),
        issuer: issuer.as_encoded_bytes(),
        method: plan.method(),
        period: plan.period(),
    };
    let symbol = Symbol::new(uri.text().as_bytes()).ok_or(Failure::TooLongForQr)?;
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
            Answer::NoCode => talk.say("A code has 6 digits. Try again.\n")?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    use crate::args::{Request, read};

    const NOW: u64 = 1_700_000_000;

    /// An enrolment at [`NOW`] and all that was said. The secret is the bytes 7 to 26, the codes
    /// count up from 10000000.
    fn run(line: &str, input: &str) -> (Result<Ending, Failure>, String) {
        run_at(None, line, input)
    }

    fn run_at(
        columns: Option<usize>,
        line: &str,
        input: &str,
    ) -> (Result<Ending, Failure>, String) {
        let words = std::iter::once("mfa-enroll").chain(line.split_whitespace());
        let Ok(Request::Enrol(args)) = read(words.map(OsString::from)) else { panic!("{line}") };
        let mut output = vec![];
        let next = Cell::new(10_000_000_u32);
        let mut talk = Talk::new(input.as_bytes(), &mut output);
        let world = World {
            person: "alice".into(),
            host: "host".into(),
            columns,
            path: Path::new("/home/alice/.google_authenticator"),
            exists: false,
            clock: &|| NOW,
            random: &|bytes: &mut [u8]| {
                match bytes.len() {
                    4 => bytes.copy_from_slice(&(next.replace(next.get() + 1) << 5).to_le_bytes()),
                    _ => (7..).zip(bytes).for_each(|(value, byte)| *byte = value),
                }
                Ok(())
            },
        };
        let ending = enrol(Plan::from(*args), &mut talk, &world);
        if let Ok(Ending::Agreed(enrolment)) = &ending {
            enrolment.farewell(&mut talk, &world).unwrap();
        }
        (ending, String::from_utf8(output).unwrap())
    }

    fn code(step: u64) -> String {
        let secret = Secret::new((7..27).collect());
        Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(step)
    }

    fn file(ending: Result<Ending, Failure>) -> String {
        match ending.unwrap() {
            Ending::Agreed(enrolment) => {
                let bytes = enrolment.file.to_bytes().to_vec();
                String::from_utf8(bytes).unwrap().split_off(33)
            }
            Ending::Declined => panic!("declined"),
        }
    }

    #[test]
    fn confirming_uses_the_code_up() {
        for (offset, wait) in [(-1, "is good now"), (0, "comes in 10 s"), (1, "comes in 40 s")] {
            let step = (NOW / 30).checked_add_signed(offset).unwrap();
            let (ending, said) = run("-tdfuWe0", &format!("{}\n", code(step)));
            let line = format!("\" WINDOW_SIZE 3\n\" DISALLOW_REUSE {step}\n\" TOTP_AUTH\n");
            assert_eq!(file(ending), line);
            assert!(said.ends_with(&format!("used up; the next one {wait}.\n")), "{said}");
        }
        let (ending, said) = run("-tDfuWe0", &code(NOW / 30));
        assert_eq!(file(ending), "\" WINDOW_SIZE 3\n\" TOTP_AUTH\n");
        assert!(!said.contains("used up"));
    }

    #[test]
    fn a_code_is_used_up_also_if_that_is_decided_later() {
        let (ending, _) = run("-tuWe0", &format!("{}\ny\ny\n", code(NOW / 30)));
        assert!(file(ending).contains(&format!("\" DISALLOW_REUSE {}\n", NOW / 30)));
    }

    #[test]
    fn another_time_is_named_and_the_right_code_never() {
        for (offset, words) in [
            (-2, "60 seconds slow"),
            (2, "60 seconds fast"),
            (-120, "60 minutes slow"),
            (240, "2 hours fast"),
        ] {
            let step = (NOW / 30).checked_add_signed(offset).unwrap();
            let (ending, said) = run("-tDfuWe0", &format!("{}\n000000\n-1\n", code(step)));
            assert!(ending.is_ok());
            assert!(said.contains(words), "{said}");
            assert!(said.contains("That code is wrong."));
            assert!(!said.contains(&code(NOW / 30)));
        }
    }

    #[test]
    fn a_terminal_that_is_narrow_gets_the_small_picture() {
        for (columns, line, drawn, small) in [
            (None, "-tDfuWC", false, false),
            (Some(200), "-tDfuWC", true, false),
            (Some(80), "-tDfuWC", true, true),
            (Some(80), "-tDfuWC -Q ansi", true, false),
            (None, "-tDfuWC -Q utf8", true, true),
        ] {
            let (_, said) = run_at(columns, line, "");
            assert_eq!(said.contains("\x1b[48;5;231m"), drawn, "{columns:?} {line}");
            assert_eq!(said.contains('\u{2580}'), small, "{columns:?} {line}");
        }
    }

    #[test]
    fn declining_ends_it() {
        let (ending, said) = run("-tDuWC", "n\n");
        assert!(matches!(ending, Ok(Ending::Declined)));
        assert!(said.ends_with("Write all this to /home/alice/.google_authenticator? (y/n) "));
    }

    #[test]
    fn quiet_shows_nothing_but_questions() {
        let (ending, said) = run("-t -q -e0", "y\ny\nn\nn\n");
        assert_eq!(file(ending), "\" DISALLOW_REUSE\n\" TOTP_AUTH\n");
        assert_eq!(said.matches(" (y/n) ").count(), 4);
        assert!(!said.contains("secret key") && !said.contains("scratch codes"));
    }

    #[test]
    fn too_long_for_a_qr_code_only_if_one_is_drawn() {
        let label = "x".repeat(2_400);
        let (ending, said) = run(&format!("-tDfuWC -Q utf8 -l {label}"), "");
        assert!(matches!(ending, Err(Failure::TooLongForQr)));
        assert_eq!(said, "");
        for mode in ["", "-Q none"] {
            assert!(run(&format!("-tDfuWC {mode} -l {label}"), "").0.is_ok());
        }
    }
}
