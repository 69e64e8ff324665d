//! Enrolment while logging in: a new secret is shown, and a code made from it asked for.

use mfa_core::audit::Decision;
use mfa_core::otp::{Algorithm, Digits, Otp, step};
use mfa_core::otpauth::{self, Uri};
use mfa_core::qr::{Plain, Symbol, TooLong};
use mfa_core::random::{self, NoRandomness};
use mfa_core::reason::Reason;
use mfa_core::secret::Secret;
use mfa_core::store::{Store, SystemRecord, Trouble};
use mfa_core::verify::MAX_ANSWER;
use nix::unistd::{Uid, gethostname};
use zeroize::Zeroizing;

use super::{Login, Outcome, put};
use crate::args::Enroll;
use crate::pam::{Host, Level, Token};
use crate::pending::{PERIOD, Pending};
use crate::person::look_up;

/// How many codes a person may try: the first may be of the account that the app showed before.
const TRIES: u8 = 3;

/// What a person is shown to enrol.
struct Offer {
    /// The new secret, of SHA-1 codes by time with six digits.
    secret: Secret,
    /// The QR code of its otpauth URI in half blocks; lines end in `\n`, as below.
    drawing: Zeroizing<String>,
    /// The same in printable ASCII, for who sees no picture: in a locale without UTF-8, ssh shows each
    /// half block as twelve characters, and no host knows the locale of its clients.
    plain: Zeroizing<String>,
}

impl Offer {
    /// Draws a new secret for `user` on this machine.
    fn new(user: &str) -> Result<Self, Reason> {
        let secret = random::secret(&random::system).map_err(|NoRandomness| Reason::Internal)?;
        let machine = gethostname().unwrap_or_default();
        let uri = Uri {
            secret: secret.clone(),
            // Without an issuer: each byte more makes the picture larger.
            label: [user.as_bytes(), b"@", machine.as_encoded_bytes()].concat(),
            issuer: Vec::new(),
            method: otpauth::Method::Totp { period: PERIOD },
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
        };
        let symbol = Symbol::smallest(&uri.text()).map_err(|TooLong| Reason::Internal)?;
        let [drawing, plain] =
            [Plain::HalfBlocks, Plain::Ascii].map(|with| symbol.draw_plain(with));
        Ok(Self { secret, drawing, plain })
    }
}

/// Whether what was typed is a good ticket.
type TicketCheck<'a> = &'a dyn Fn(&[u8]) -> Result<(), Trouble>;

impl Login<'_> {
    /// Lets a person enrol who has not, and keeps what is confirmed with the host: nothing is written
    /// here. Nobody is asked where no record could be made. `asked` has no account of this person.
    pub(super) fn enrol(&self, host: &mut impl Host, asked: Box<dyn Store>) -> Outcome {
        let (uid, record) = match self.vacancy() {
            Ok(vacancy) => vacancy,
            Err(Trouble { reason, detail, .. }) => {
                return self.facts.refuse(host, reason, &detail, false);
            }
        };
        let now = host.now();
        let check: TicketCheck = &|typed| record.check_ticket(typed, now);
        let check = (self.args.enroll == Enroll::WithTicket).then_some(check);
        match self.invite(host, uid, asked, check, || Offer::new(&self.facts.user)) {
            Ok(()) => {
                self.facts.log(host, Level::Info, Decision::Confirmed);
                Outcome::Accepted
            }
            Err(Trouble { reason, detail, .. }) => self.facts.refuse(host, reason, &detail, true),
        }
    }

    /// Where the record will be, and for which user id.
    fn vacancy(&self) -> Result<(Uid, SystemRecord), Trouble> {
        let user =
            look_up(&self.facts.user).map_err(|(reason, detail)| Trouble::new(reason, detail))?;
        let record = self.paths.record(&user.name, user.uid)?;
        record.check_vacant()?;
        Ok((user.uid, record))
    }

    /// The dialogue. Nobody is asked for a ticket where there is no check for it; without a good one
    /// there is no offer.
    fn invite(
        &self,
        host: &mut impl Host,
        uid: Uid,
        asked: Box<dyn Store>,
        check: Option<TicketCheck>,
        offer: impl FnOnce() -> Result<Offer, Reason>,
    ) -> Result<(), Trouble> {
        let trouble = |reason| Trouble::new(reason, "enrolment");
        let mut ticket = None;
        if let Some(check) = check {
            let typed = ask_ticket(host).map_err(trouble)?;
            check(&typed)?;
            ticket = Some(typed);
        }
        let offer = offer().map_err(trouble)?;
        let step = self.confirm(host, &offer).map_err(trouble)?;
        let (user, uid) = (self.facts.user.clone(), uid.as_raw());
        let kept = host.keep(Pending { user, uid, secret: offer.secret, step, ticket, asked });
        if kept { Ok(()) } else { Err(trouble(Reason::Internal)) }
    }

    /// Shows the secret and asks for codes until one is right; returns its time step.
    fn confirm(&self, host: &mut impl Host, offer: &Offer) -> Result<u64, Reason> {
        let mut plain = Some(&offer.plain);
        let mut before: Option<Token> = None;
        let mut left = TRIES;
        let hint = "\nIf that is no picture, press Enter.";
        host.inform(&invitation(&offer.secret, &offer.drawing, hint));
        loop {
            let typed = put(host, "Code from the app: ", self.args.echo)?;
            let reason = match judge(&offer.secret, &typed, host.now()) {
                Ok(step) => return Ok(step),
                Err(Reason::EmptyAnswer) => {
                    let plain = plain.take().ok_or(Reason::EmptyAnswer)?;
                    host.inform(&invitation(&offer.secret, plain, ""));
                    continue;
                }
                Err(reason) => reason,
            };
            left -= 1;
            // Some clients give one password to every question.
            if left == 0 || before.as_ref() == Some(&typed) {
                return Err(reason);
            }
            host.tell("That is not the right code");
            before = Some(typed);
        }
    }
}

fn ask_ticket(host: &mut impl Host) -> Result<Token, Reason> {
    let typed = put(host, "Enrolment ticket: ", false)?;
    let typed = Token::new(typed.trim_ascii().to_vec());
    match typed.len() {
        0 => Err(Reason::EmptyAnswer),
        length if length > MAX_ANSWER => Err(Reason::AnswerTooLong),
        _ => Ok(typed),
    }
}

/// What is to be done, the drawing, and the secret as text below it, where it stays on the screen. The
/// first line is not the drawing's: ssh writes `(user@host) ` before it.
fn invitation(secret: &Secret, drawing: &str, hint: &str) -> Zeroizing<String> {
    let key = secret.to_base32();
    let head = "Scan this with an authenticator app, or type in the key below it.\n\n";
    // With room enough: a text that grows leaves copies behind.
    let length = head.len() + drawing.len() + 2 * key.len() + hint.len() + 16;
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.push_str(head);
    text.push_str(drawing);
    text.push_str("\nKey:");
    for (place, letter) in key.chars().enumerate() {
        if place % 4 == 0 {
            text.push(' ');
        }
        text.push(letter);
    }
    text.push_str(hint);
    text
}

/// The time step of a code as people type it, with blanks; one step to either side of `now`, s since
/// 1970, is good: whoever is further off should hear of it now.
///
/// # Errors
/// [`Reason::EmptyAnswer`], [`Reason::NotACode`] or [`Reason::WrongCode`].
fn judge(secret: &Secret, typed: &[u8], now: u64) -> Result<u64, Reason> {
    let typed = typed.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    let digits = Zeroizing::new(typed.take(MAX_ANSWER).collect::<Vec<u8>>());
    if digits.is_empty() {
        return Err(Reason::EmptyAnswer);
    }
    if digits.len() != Digits::SIX.count() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::NotACode);
    }
    let otp = Otp::new(secret, Algorithm::Sha1, Digits::SIX);
    let current = step(now, PERIOD);
    let good = [current, current.saturating_sub(1), current.saturating_add(1)];
    let code = digits.iter().fold(0, |code, digit| 10 * code + u32::from(digit - b'0'));
    good.into_iter().find(|&step| otp.code(step) == code).ok_or(Reason::WrongCode)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, Reaction, SECRET, STEP, Stage, code};
    use super::super::{Facts, guarded};
    use std::path::Path;

    use super::*;
    use crate::Paths;
    use crate::args::Args;
    use crate::person::Person;
    use crate::ruling::Ruling;

    /// Where there is nothing.
    fn nowhere() -> Paths<'static> {
        let nowhere = Path::new("/nonexistent");
        Paths {
            run: nowhere,
            records: nowhere,
            etc: nowhere,
            helper: nowhere,
            owner: Uid::from_raw(0),
        }
    }

    /// What comes of an enrolment where this is typed.
    fn enrol(replies: &[&str], ticket: Option<TicketCheck>) -> (Stage, Outcome) {
        let mut stage = Stage::new("").types(replies);
        let outcome = enrol_on(&mut stage, ticket);
        (stage, outcome)
    }

    fn enrol_on(stage: &mut Stage, ticket: Option<TicketCheck>) -> Outcome {
        let secret = Secret::from_lenient_base32(SECRET.as_bytes()).unwrap();
        let args = Args::default();
        let facts = Facts::gather(stage, stage.user.clone().unwrap());
        let person = Person::find(stage.user.clone());
        let ruling = Ruling::usual();
        let login = Login {
            args: &args,
            facts: &facts,
            person: &person,
            ruling: &ruling,
            paths: nowhere(),
        };
        let [drawing, plain] = ["▀▄\n█ \n", "## #\n"].map(|text| Zeroizing::new(text.to_owned()));
        let offer = || Ok(Offer { secret, drawing, plain });
        let (uid, asked) = (Uid::from_raw(1000), Box::new(stage.place()));
        guarded(stage, |host| match login.invite(host, uid, asked, ticket, offer) {
            Ok(()) => Outcome::Accepted,
            Err(trouble) => facts.refuse(host, trouble.reason, &trouble.detail, true),
        })
    }

    fn prompts(stage: &Stage) -> Vec<&str> {
        stage.prompts.iter().map(|(prompt, _)| prompt.as_str()).collect()
    }

    #[test]
    fn a_right_code_is_kept_with_its_step() {
        for (offset, typed) in [
            (0, code(STEP)),
            (-1, code(STEP - 1)),
            (1, code(STEP + 1)),
            (0, code(STEP).split_at(3).0.to_owned() + " " + code(STEP).split_at(3).1 + "\r"),
        ] {
            let (mut stage, outcome) = enrol(&[&typed], None);
            assert_eq!((outcome, prompts(&stage).len()), (Outcome::Accepted, 1), "{typed:?}");
            let kept = stage.kept().unwrap();
            assert_eq!((kept.user, kept.uid), (stage.user.clone().unwrap(), 1000));
            assert_eq!(kept.step, STEP.checked_add_signed(offset).unwrap());
            assert_eq!(kept.secret.to_base32().as_str(), SECRET);
            assert!(kept.ticket.is_none());
        }
    }

    #[test]
    fn what_is_shown() {
        let (stage, _) = enrol(&[&code(STEP)], None);
        assert_eq!(
            stage.shown,
            ["Scan this with an authenticator app, or type in the key below it.\n\n\
              ▀▄\n█ \n\n\
              Key: GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ\n\
              If that is no picture, press Enter."]
        );
        assert_eq!(stage.prompts, [("Code from the app: ".to_owned(), false)]);
    }

    #[test]
    fn enter_draws_it_plainly_once() {
        let (stage, outcome) = enrol(&["", &code(STEP)], None);
        assert_eq!((outcome, stage.shown.len()), (Outcome::Accepted, 2));
        let plain = &stage.shown[1];
        assert!(plain.is_ascii() && plain.contains("\n## #\n") && plain.contains("\nKey: GEZD "));
        assert!(plain.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
        assert!(!plain.contains("Enter"));

        let (stage, outcome) = enrol(&["", " ", &code(STEP)], None);
        assert_eq!((outcome, stage.reason().as_str()), (Outcome::Denied, "empty_answer"));
    }

    #[test]
    fn three_tries() {
        let right = code(STEP);
        let (stage, outcome) = enrol(&["000000", "", "000001", &right], None);
        assert_eq!((outcome, stage.shown.len(), stage.said.len()), (Outcome::Accepted, 2, 2));
        let far = code(STEP + 2);
        for (replies, reason, asked) in [
            (&["000000", "000001", &far, &right][..], "wrong_code", 3),
            (&["123", "12345678", "abcdef", &right], "not_a_code", 3),
            (&["hunter2", "hunter2", &right], "not_a_code", 2),
            (&[], "conversation_failed", 1),
        ] {
            let (mut stage, outcome) = enrol(replies, None);
            assert_eq!((outcome, prompts(&stage).len()), (Outcome::Denied, asked), "{replies:?}");
            assert_eq!(stage.reason(), reason);
            assert!(stage.kept().is_none());
        }
    }

    #[test]
    fn odd_answers() {
        let cases = [
            (vec![Reaction::Null], "no_answer"),
            (vec![Reaction::Fail], "conversation_failed"),
            (vec![Reaction::Panic], "internal"),
            (vec![Reaction::Type(vec![b'1'; 1 << 20])], "conversation_failed"),
            (vec![Reaction::Type(b"12345\xff".to_vec())], "conversation_failed"),
        ];
        for (script, reason) in cases {
            let mut stage = Stage::new("");
            stage.script = script.into();
            assert_eq!(enrol_on(&mut stage, None), Outcome::Denied);
            assert_eq!(stage.reason(), reason);
            assert!(stage.kept().is_none());
        }
        let secret = Secret::new(b"12345678901234567890".to_vec());
        for now in [0, 29, u64::MAX, NOW] {
            let typed = code(step(now, 30));
            assert_eq!(judge(&secret, typed.as_bytes(), now), Ok(step(now, 30)));
        }
    }

    #[test]
    fn without_a_good_ticket_nothing_is_shown() {
        let check = |typed: &[u8]| {
            let trouble = || Trouble::new(Reason::BadTicket, "");
            (typed == b"kumquat").then_some(()).ok_or_else(trouble)
        };
        let (mut stage, outcome) = enrol(&[" kumquat\n", &code(STEP)], Some(&check));
        assert_eq!(outcome, Outcome::Accepted);
        assert_eq!(stage.prompts[0], ("Enrolment ticket: ".to_owned(), false));
        assert_eq!(stage.kept().unwrap().ticket.unwrap().as_slice(), b"kumquat");
        for (replies, reason) in [
            (&["orange", &code(STEP)][..], "bad_ticket"),
            (&["", &code(STEP)], "empty_answer"),
            (&[&"x".repeat(2000)], "answer_too_long"),
            (&[], "conversation_failed"),
        ] {
            let (mut stage, outcome) = enrol(replies, Some(&check));
            assert_eq!((outcome, stage.reason().as_str()), (Outcome::Denied, reason));
            assert_eq!((stage.prompts.len(), stage.shown.len()), (1, 0));
            assert!(stage.kept().is_none());
        }
    }

    #[test]
    fn the_log_knows_no_secret() {
        let right = code(STEP);
        let (stage, _) = enrol(&["kumquat", &right], Some(&|_| Ok(())));
        let (failed, _) = enrol(&["kumquat", "999999", "999999"], Some(&|_| Ok(())));
        let log = [stage.log.borrow().join("\n"), failed.log.borrow().join("\n")].concat();
        for secret in ["kumquat", "999999", &right, SECRET, "GEZD"] {
            assert!(!log.contains(secret), "{log}");
        }
    }

    const LINE: &str = "store=system enroll account=yes";

    /// Whether an enrolment was offered, and to whom nobody answered nothing was written.
    fn is_offered(stage: &mut Stage, line: &str) -> bool {
        assert_eq!(stage.login_with(line), Outcome::Denied);
        assert!(stage.record().is_none() && !stage.place().state_path().exists());
        assert!(stage.kept().is_none());
        let is_offered = stage.shown.len() == 1;
        assert_eq!(is_offered, stage.prompts.iter().any(|(prompt, _)| prompt.contains("the app")));
        is_offered
    }

    #[test]
    fn who_is_not_enrolled_is_offered_a_secret_of_their_own() {
        let mut stage = Stage::with_records();
        assert!(is_offered(&mut stage, LINE));
        let first = stage.shown[0].clone();
        assert!(first.contains('\u{2588}') && first.contains("\nKey: "), "{first}");
        assert_eq!(stage.reason(), "conversation_failed");
        assert!(is_offered(&mut stage, &format!("nullok {LINE}")), "it goes before nullok");
        assert_ne!(stage.shown[0], first);
    }

    #[test]
    fn who_was_reset_is_not_enrolled() {
        let mut stage = Stage::with_records();
        stage.place().edit_vacant().unwrap().bury("reset").unwrap();
        std::fs::remove_file(stage.place().state_path()).unwrap();
        assert!(is_offered(&mut stage, "enroll account=yes nullok"));
    }

    #[test]
    fn nobody_is_asked_where_no_record_can_be_made() {
        let mut stage = Stage::new("");
        let line = "enroll account=yes";
        let facts = Facts::gather(&stage, stage.user.clone().unwrap());
        let args = Args::read(&[c"enroll", c"account=yes"], Uid::effective()).unwrap();
        let person = Person::find(stage.user.clone());
        let ruling = Ruling::usual();
        let login = Login {
            args: &args,
            facts: &facts,
            person: &person,
            ruling: &ruling,
            paths: nowhere(),
        };
        let asked = Box::new(stage.place());
        assert_eq!(login.enrol(&mut stage, asked), Outcome::Denied);
        assert_eq!(stage.reason(), "no_records");
        assert!(stage.prompts.is_empty() && stage.shown.is_empty() && stage.said.is_empty());

        stage.user = Some("no such user".to_owned());
        assert_eq!(stage.login_with(line), Outcome::Denied);
        assert_eq!(stage.reason(), "unknown_user");
        let is_usual = |prompt: &&str| *prompt == "Verification code: ";
        assert!(prompts(&stage).iter().all(is_usual), "asked like anybody");
        assert!(!stage.prompts.is_empty());
        assert!(stage.shown.is_empty());
    }

    #[test]
    fn a_ticket_is_looked_at_before_anything_is_shown() {
        let stage = Stage::with_records();
        let line = "store=system enroll=ticket account=yes";
        let type_ticket = |stage: Stage, ticket: &str| {
            let mut stage = stage.types(&[ticket]);
            assert_eq!(stage.login_with(line), Outcome::Denied);
            (stage.shown.len(), stage.reason(), stage)
        };
        let reason = |code: &str| code.to_owned();
        let (shown, why, back) = type_ticket(stage, "k7qf-2m9x-hw4d");
        assert_eq!((shown, why), (0, reason("bad_ticket")), "there is none");
        let good = back.ticket(60);
        let (shown, why, back) = type_ticket(back, "k7qf-2m9x-hw4d");
        assert_eq!((shown, why), (0, reason("bad_ticket")));
        let (shown, why, back) = type_ticket(back, &good.to_uppercase());
        assert_eq!((shown, why), (1, reason("conversation_failed")));
        let old = back.ticket(0);
        let (shown, why, _) = type_ticket(back, &old);
        assert_eq!((shown, why), (0, reason("expired")));
    }
}
