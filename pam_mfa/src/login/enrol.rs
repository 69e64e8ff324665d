//! Enrolment while logging in: a new secret is shown, and a code made from it asked for.

use mfa_core::audit::Decision;
use mfa_core::otp::{Algorithm, Digits, Otp, step};
use mfa_core::reason::Reason;
use mfa_core::secret::Secret;
use mfa_core::verify::{Denied, MAX_ANSWER};
use zeroize::Zeroizing;

use super::{Login, Outcome, put};
use crate::pam::{Host, Level, Token};
use crate::pending::Pending;

/// How many codes a person may try: the first may be of the account that the app showed before.
const TRIES: u8 = 3;

/// The time step of the new secret, s: what every app knows.
const PERIOD: u64 = 30;

/// What a person is shown to enrol.
pub(super) struct Offer<'a> {
    /// The new secret, of SHA-1 codes by time with six digits.
    pub(super) secret: Secret,
    /// The QR code of its otpauth URI in half blocks; lines end in `\n`, as below.
    pub(super) drawing: &'a str,
    /// The same in printable ASCII, for who sees no picture: in a locale without UTF-8, ssh shows each
    /// half block as twelve characters, and no host knows the locale of its clients.
    pub(super) plain: &'a str,
}

/// Whether what was typed is a good ticket.
pub(super) type TicketCheck<'a> = &'a dyn Fn(&[u8]) -> bool;

impl Login<'_> {
    /// Lets the person enrol, and keeps what is confirmed with the host. Nobody is asked for a ticket
    /// where there is no check for it.
    pub(super) fn enrol(
        &self,
        host: &mut impl Host,
        uid: u32,
        offer: Offer,
        ticket: Option<TicketCheck>,
    ) -> Outcome {
        let confirmed = ticket
            .map(|is_good| ask_ticket(host, is_good))
            .transpose()
            .and_then(|ticket| Ok((ticket, self.confirm(host, &offer)?)));
        let kept = confirmed.and_then(|(ticket, step)| {
            let user = self.facts.user.clone();
            let pending = Pending { user, uid, secret: offer.secret, step, ticket };
            host.keep(pending).then_some(()).ok_or(Reason::Internal)
        });
        match kept {
            Ok(()) => {
                self.facts.log(host, Level::Info, Decision::Confirmed);
                Outcome::Accepted
            }
            Err(reason) => self.facts.deny(host, Denied::finally(reason), "enrolment", true),
        }
    }

    /// Shows the secret and asks for codes until one is right; returns its time step.
    fn confirm(&self, host: &mut impl Host, offer: &Offer) -> Result<u64, Reason> {
        let mut plain = Some(offer.plain);
        let mut before: Option<Token> = None;
        let mut left = TRIES;
        let hint = "\nIf that is no picture, press Enter.";
        host.inform(&invitation(&offer.secret, offer.drawing, hint));
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

fn ask_ticket(host: &mut impl Host, is_good: TicketCheck) -> Result<Token, Reason> {
    let typed = put(host, "Enrolment ticket: ", false)?;
    let typed = Token::new(typed.trim_ascii().to_vec());
    match typed.len() {
        0 => Err(Reason::EmptyAnswer),
        length if length > MAX_ANSWER => Err(Reason::AnswerTooLong),
        _ => is_good(&typed).then_some(typed).ok_or(Reason::BadTicket),
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
    use super::*;
    use crate::args::Args;

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
        let login = Login { args: &args, facts: &facts };
        let offer = Offer { secret, drawing: "▀▄\n█ \n", plain: "## #\n" };
        guarded(stage, |host| login.enrol(host, 1000, offer, ticket))
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
            assert!(stage.last_log().starts_with("confirmed user="), "{}", stage.last_log());
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
        let is_good = |typed: &[u8]| typed == b"kumquat";
        let (mut stage, outcome) = enrol(&[" kumquat\n", &code(STEP)], Some(&is_good));
        assert_eq!(outcome, Outcome::Accepted);
        assert_eq!(stage.prompts[0], ("Enrolment ticket: ".to_owned(), false));
        assert_eq!(stage.kept().unwrap().ticket.unwrap().as_slice(), b"kumquat");
        for (replies, reason) in [
            (&["orange", &code(STEP)][..], "bad_ticket"),
            (&["", &code(STEP)], "empty_answer"),
            (&[&"x".repeat(2000)], "answer_too_long"),
            (&[], "conversation_failed"),
        ] {
            let (mut stage, outcome) = enrol(replies, Some(&is_good));
            assert_eq!((outcome, stage.reason().as_str()), (Outcome::Denied, reason));
            assert_eq!((stage.prompts.len(), stage.shown.len()), (1, 0));
            assert!(stage.kept().is_none());
        }
    }

    #[test]
    fn the_log_knows_no_secret() {
        let right = code(STEP);
        let (stage, _) = enrol(&["kumquat", &right], Some(&|_| true));
        let (failed, _) = enrol(&["kumquat", "999999", "999999"], Some(&|_| true));
        let log = [stage.log.borrow().join("\n"), failed.log.borrow().join("\n")].concat();
        for secret in ["kumquat", "999999", &right, SECRET, "GEZD"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
