//! One enrolment, from the first question to the file that is to be written.

use std::ffi::OsString;
use std::io::{BufRead, Write};

use mfa_core::gauth::NewFile;
use mfa_core::otpauth::{self, Uri};
use mfa_core::random;
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::plan::{Method, Plan, Shown};
use crate::qr;
use crate::question::Question;
use crate::report::report;
use crate::show::{say_uri, show};
use crate::talk::Talk;
use crate::world::World;

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
    /// The QR code, if there is a file to draw it into.
    pub picture: Option<Zeroizing<String>>,
    /// When the code after the one that was used up begins, in seconds since 1970.
    next_code: Option<u64>,
    shown: Shown,
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
    if plan.shown == Shown::Object && plan.open().next().is_some() {
        return Err(Failure::Undecided(plan.open().map(Question::options).collect()));
    }
    if let Some(question @ Question::TimeBased) = plan.open().next() {
        let yes = talk.ask_whether(&question.text(&plan, world.path, world.exists))?;
        plan.answer(question, yes);
    }
    if let Some(caution) = plan.caution() {
        (world.warn)(caution);
    }
    let secret = random::secret(world.random)?;
    let scratch_codes = random::scratch_codes(world.random, plan.scratch_codes)?;
    let uri = uri(&plan, world, &secret);
    let picture = world.qr_file.map(|_| qr::svg(&uri)).transpose()?;
    let used = match plan.shown {
        Shown::All => show(&plan, talk, world, &secret, &uri, &scratch_codes)?,
        Shown::Object => None,
        Shown::Nothing => {
            say_uri(&plan, talk, &uri)?;
            None
        }
    };
    while let Some(question) = plan.open().next() {
        let yes = talk.ask_whether(&question.text(&plan, world.path, world.exists))?;
        plan.answer(question, yes);
        if plan.declined() {
            return Ok(Ending::Declined);
        }
    }
    let used = used.filter(|_| plan.disallows_reuse());
    let file = plan.new_file(secret, scratch_codes, used);
    if plan.shown == Shown::Object {
        talk.put(&report(&plan, &file, &uri, world.path, world.qr_file)?)?;
    }
    Ok(Ending::Agreed(Enrolment {
        next_code: used.map(|step| (step + 1) * u64::from(plan.period())),
        shown: plan.shown,
        picture,
        file,
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
        if self.shown != Shown::All {
            return Ok(());
        }
        talk.say(&format!("\nWritten to {}.\n", world.path.display()))?;
        if let Some(qr_file) = world.qr_file {
            let qr_file = qr_file.display();
            talk.say(&format!("The QR code is in {qr_file}; delete it once the app has it.\n"))?;
        }
        let Some(next_code) = self.next_code else { return Ok(()) };
        let when = match next_code.saturating_sub((world.clock)()) {
            0 => "is good now".to_owned(),
            seconds => format!("comes in {seconds} s"),
        };
        talk.say(&format!("The code that confirmed it is used up; the next one {when}.\n"))
    }
}

/// The URI that the app is to know.
fn uri(plan: &Plan, world: &World, secret: &Secret) -> Zeroizing<String> {
    let usual_label = [world.person.as_os_str(), "@".as_ref(), &world.host].into_iter().collect();
    let label: &OsString = plan.label.as_ref().unwrap_or(&usual_label);
    let issuer = plan.issuer.as_ref().unwrap_or(&world.host);
    let uri = Uri {
        secret: secret.clone(),
        label: label.as_encoded_bytes().to_vec(),
        issuer: issuer.as_encoded_bytes().to_vec(),
        method: match plan.method() {
            Method::Totp => otpauth::Method::Totp { period: plan.period().into() },
            // The file begins with this one as well.
            Method::Hotp => otpauth::Method::Hotp { counter: 1 },
        },
        algorithm: plan.algorithm,
        digits: plan.digits,
    };
    uri.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::path::Path;

    use mfa_core::otp::{Algorithm, Digits, Otp};

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
        let qr_file = args.qr_file.clone();
        let world = World {
            person: "alice".into(),
            host: "host".into(),
            columns,
            path: Path::new("/home/alice/.google_authenticator"),
            exists: false,
            qr_file: qr_file.as_deref(),
            warn: &|_| {},
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
