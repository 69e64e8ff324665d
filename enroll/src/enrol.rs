//! One enrolment, from the first question to what is to be written.

use std::io::{BufRead, Write};

use mfa_core::otpauth;
use mfa_core::random;
use mfa_core::secret::Secret;
use zeroize::Zeroizing;

use crate::app::{FIRST_COUNTER, Names};
use crate::confirm::used_up;
use crate::failure::Failure;
use crate::plan::{Method, Plan, Shown};
use crate::qr;
use crate::question::Question;
use crate::report::report;
use crate::save::{Factor, Target};
use crate::show::{say_uri, show, show_codes};
use crate::talk::Talk;
use crate::world::World;

/// What is to be written; what was shown holds once it is.
pub struct Enrolment<Codes> {
    /// What the target is to hold.
    pub factor: Factor<Codes>,
    /// The QR code, if there is a file to draw it into.
    pub picture: Option<Zeroizing<String>>,
    /// What there is to be said once it is written.
    pub farewell: Farewell,
}

/// What there is to be said when all is done.
pub struct Farewell {
    used: Option<UsedUp>,
    shown: Shown,
}

/// Which code comes after the one that confirmed the secret.
enum UsedUp {
    /// The one that begins then, in seconds since 1970.
    Until(u64),
    /// The next that the app is asked for.
    Counter,
}

/// Settles everything that `plan` leaves open, and shows what the person needs. Writes no file;
/// `None` if none may be written.
///
/// # Errors
/// Why it could not be finished.
pub fn enrol<R: BufRead, W: Write, T: Target>(
    mut plan: Plan,
    talk: &mut Talk<R, W>,
    target: &T,
    world: &World,
) -> Result<Option<Enrolment<T::Codes>>, Failure> {
    if plan.shown == Shown::Object && plan.open().next().is_some() {
        return Err(Failure::Undecided(plan.open().map(Question::options).collect()));
    }
    if let Some(question @ Question::TimeBased) = plan.open().next() {
        let yes = talk.ask_whether(&question.text(&plan, target))?;
        plan.answer(question, yes);
    }
    for caution in plan.caution().map(str::to_owned).into_iter().chain(target.caution()) {
        (world.warn)(&caution);
    }
    let secret = random::secret(world.random)?;
    let codes = target.draw(&plan, world.random)?;
    let uri = uri(&plan, world, &secret);
    let picture = world.qr_file.map(|_| qr::svg(&uri)).transpose()?;
    let confirmed = match plan.shown {
        Shown::All => {
            let confirmed = show(&plan, talk, world, &secret, &uri)?;
            show_codes(talk, target.heading(&codes), &T::texts(&codes))?;
            confirmed
        }
        Shown::Object => None,
        Shown::Nothing => {
            say_uri(&plan, talk, &uri)?;
            None
        }
    };
    while let Some(question) = plan.open().next() {
        let yes = talk.ask_whether(&question.text(&plan, target))?;
        plan.answer(question, yes);
        if plan.declined() {
            return Ok(None);
        }
    }
    let used = confirmed.filter(|_| plan.counts_once());
    let farewell = Farewell::new(&plan, used);
    let factor = Factor { plan, secret, codes, used };
    if factor.plan.shown == Shown::Object {
        talk.put(&report(&factor, target, &uri, world.qr_file)?)?;
    }
    Ok(Some(Enrolment { factor, picture, farewell }))
}

impl Farewell {
    fn new(plan: &Plan, used: Option<u64>) -> Self {
        let used = used.map(|moment| match plan.method() {
            Method::Totp => UsedUp::Until((moment + 1) * u64::from(plan.period())),
            Method::Hotp => UsedUp::Counter,
        });
        Self { used, shown: plan.shown }
    }

    /// Says that it is done.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn say<R: BufRead, W: Write>(
        &self,
        talk: &mut Talk<R, W>,
        target: &impl Target,
        world: &World,
    ) -> Result<(), Failure> {
        if self.shown != Shown::All {
            return Ok(());
        }
        talk.say(&format!("\nWritten to {}.\n", target.path().display()))?;
        if let Some(qr_file) = world.qr_file {
            let qr_file = qr_file.display();
            talk.say(&format!("The QR code is in {qr_file}; delete it once the app has it.\n"))?;
        }
        let now = (world.clock)();
        match self.used {
            None => Ok(()),
            Some(UsedUp::Counter) => talk.say(&used_up(now, now)),
            Some(UsedUp::Until(next)) => talk.say(&used_up(next, now)),
        }
    }
}

/// The URI that the app is to know.
fn uri(plan: &Plan, world: &World, secret: &Secret) -> Zeroizing<String> {
    let names = Names {
        user: &world.person,
        host: &world.host,
        label: plan.label.as_deref(),
        issuer: plan.issuer.as_deref(),
    };
    let method = match plan.method() {
        Method::Totp => otpauth::Method::Totp { period: plan.period().into() },
        Method::Hotp => otpauth::Method::Hotp { counter: FIRST_COUNTER },
    };
    names.uri(secret, (method, plan.algorithm, plan.digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Invoker, Log};
    use std::cell::Cell;
    use std::ffi::OsString;

    use mfa_core::otp::{Algorithm, Digits, Otp};
    use mfa_core::secret::ScratchCodes;

    use crate::args::{Request, read};
    use crate::save::HomeFile;

    type Outcome = Result<Option<Enrolment<ScratchCodes>>, Failure>;

    const NOW: u64 = 1_700_000_000;

    /// An enrolment at [`NOW`] and all that was said. The secret is the bytes 7 to 26, the codes
    /// count up from 10000000.
    fn run(line: &str, input: &str) -> (Outcome, String) {
        run_at(None, line, input)
    }

    fn run_at(columns: Option<usize>, line: &str, input: &str) -> (Outcome, String) {
        let words = std::iter::once("mfa-enroll").chain(line.split_whitespace());
        let Ok(Request::Enrol(args)) = read(words.map(OsString::from)) else { panic!("{line}") };
        let mut output = vec![];
        let next = Cell::new(10_000_000_u32);
        let mut talk = Talk::new(input.as_bytes(), &mut output);
        let qr_file = args.qr_file.clone();
        let home = tempfile::tempdir().unwrap();
        let target = HomeFile::new(home.path().join("file")).unwrap();
        let root = Invoker { uid: 0, login_uid: None, sudo_user: None };
        let world = World {
            person: "alice".into(),
            host: "host".into(),
            columns,
            qr_file: qr_file.as_deref(),
            log: Log { invoker: &root, write: &|_| {} },
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
        let outcome = enrol(Plan::from(*args), &mut talk, &target, &world);
        if let Ok(Some(enrolment)) = &outcome {
            enrolment.farewell.say(&mut talk, &target, &world).unwrap();
        }
        (outcome, String::from_utf8(output).unwrap())
    }

    fn code(step: u64) -> String {
        let secret = Secret::new((7..27).collect());
        Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(step)
    }

    fn file(outcome: Outcome) -> String {
        let Factor { plan, secret, codes, used } = outcome.unwrap().expect("not declined").factor;
        let bytes = plan.new_file(secret, codes, used).to_bytes().to_vec();
        String::from_utf8(bytes).unwrap().split_off(33)
    }

    #[test]
    fn confirming_uses_the_code_up() {
        for (offset, wait) in [(-1, "is good now"), (0, "comes in 10 s"), (1, "comes in 40 s")] {
            let step = (NOW / 30).checked_add_signed(offset).unwrap();
            let (outcome, said) = run("-tdfuWe0", &format!("{}\n", code(step)));
            let line = format!("\" WINDOW_SIZE 3\n\" DISALLOW_REUSE {step}\n\" TOTP_AUTH\n");
            assert_eq!(file(outcome), line);
            assert!(said.ends_with(&format!("used up; the next one {wait}.\n")), "{said}");
        }
        let (outcome, said) = run("-tDfuWe0", &code(NOW / 30));
        assert_eq!(file(outcome), "\" WINDOW_SIZE 3\n\" TOTP_AUTH\n");
        assert!(!said.contains("used up"));
    }

    #[test]
    fn a_code_is_used_up_also_if_that_is_decided_later() {
        let (outcome, _) = run("-tuWe0", &format!("{}\ny\ny\n", code(NOW / 30)));
        assert!(file(outcome).contains(&format!("\" DISALLOW_REUSE {}\n", NOW / 30)));
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
            let (outcome, said) = run("-tDfuWe0", &format!("{}\n000000\n-1\n", code(step)));
            assert!(outcome.is_ok());
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
        let (outcome, said) = run("-tDuWC", "n\n");
        assert!(matches!(outcome, Ok(None)));
        assert!(said.ends_with("/file? (y/n) "), "{said}");
    }

    #[test]
    fn quiet_shows_nothing_but_questions() {
        let (outcome, said) = run("-t -q -e0", "y\ny\nn\nn\n");
        assert_eq!(file(outcome), "\" DISALLOW_REUSE\n\" TOTP_AUTH\n");
        assert_eq!(said.matches(" (y/n) ").count(), 4);
        assert!(!said.contains("secret key") && !said.contains("scratch codes"));
    }

    #[test]
    fn too_long_for_a_qr_code_only_if_one_is_drawn() {
        let label = "x".repeat(2_400);
        let (outcome, said) = run(&format!("-tDfuWC -Q utf8 -l {label}"), "");
        assert!(matches!(outcome, Err(Failure::TooLongForQr)));
        assert_eq!(said, "");
        for mode in ["", "-Q none"] {
            assert!(run(&format!("-tDfuWC {mode} -l {label}"), "").0.is_ok());
        }
    }
}
