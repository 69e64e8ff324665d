//! What is to be enrolled: what the flags decide, what is still open, and the file that follows.

use std::ffi::OsString;
use std::path::PathBuf;

use mfa_core::gauth::{NewFile, NewMethod};
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::record::Name;
use mfa_core::secret::{ScratchCodes, Secret};

use crate::args::Args;
use crate::qr::QrMode;
use crate::question::Question;

/// Seconds a time-based code lasts when nothing else is said.
pub const USUAL_PERIOD: u8 = 30;
/// How many codes are good at one moment when nothing else is said.
pub const USUAL_WINDOW: u8 = 3;
/// What "a wider window" means.
pub const WIDE_WINDOW: u8 = 17;
/// What "limit the attempts" means: attempts and seconds.
pub const USUAL_LIMIT: (u8, u16) = (3, 30);

/// How many recovery codes there are when nothing else is said.
pub const USUAL_CODES: u8 = 5;

/// What moves a code on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The time.
    Totp,
    /// Each use.
    Hotp,
}

/// What is shown of the secret and the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All that a person needs.
    All,
    /// One JSON object.
    Object,
    /// Nothing.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    /// As many as without a line.
    Usual,
    Minimal,
    Of(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// As without a line: none in a file, and in a record the one that it has anyway.
    Usual,
    Of(u8, u16),
}

/// What the app's code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It is not.
    None,
    /// To see that the app has it right.
    Offered,
    /// Without it nothing is written.
    Needed,
}

/// Whose record is written, and which credential in it.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The login name, as it was given.
    pub user: String,
    /// The credential's name.
    pub name: Name,
}

/// An enrolment with its open questions. `None` is one of them.
#[derive(Debug)]
pub struct Plan {
    method: Option<Method>,
    write: Option<bool>,
    disallow_reuse: Option<bool>,
    window: Option<Window>,
    limit: Option<Limit>,
    period: Option<u8>,
    /// The hash.
    pub algorithm: Algorithm,
    /// How many digits a code has.
    pub digits: Digits,
    /// How many recovery codes, unless as many as usual.
    pub codes: Option<u8>,
    /// The file to write, unless it is the usual one.
    pub file: Option<PathBuf>,
    /// Whose record to write in the place of a file.
    pub owner: Option<Owner>,
    /// The account's name in the app, unless it is the usual one.
    pub label: Option<OsString>,
    /// The host's name in the app, unless it is the usual one.
    pub issuer: Option<OsString>,
    /// How to draw the QR code, unless as usual.
    pub qr: Option<QrMode>,
    /// The file to draw the QR code into.
    pub qr_file: Option<PathBuf>,
    /// What is shown of the secret and the codes.
    pub shown: Shown,
    /// Whether the otpauth URI is shown, too.
    pub uri: bool,
    confirm: bool,
}

impl From<Args> for Plan {
    fn from(args: Args) -> Self {
        let chosen = |yes: bool, no: bool| (yes || no).then_some(yes);
        let method = chosen(args.time_based, args.counter_based);
        let limit = args.rate_limit.zip(args.rate_time).map(|(n, time)| Limit::Of(n, time));
        // A record counts each code once, and always limits attempts.
        let is_record = args.user.is_some();
        let window = args.window_size.map(Window::Of);
        let shown = match (args.json, args.quiet) {
            (true, _) => Shown::Object,
            (false, true) => Shown::Nothing,
            (false, false) => Shown::All,
        };
        Self {
            method: method.map(|time| if time { Method::Totp } else { Method::Hotp }),
            write: args.force.then_some(true),
            disallow_reuse: chosen(args.disallow_reuse || is_record, args.allow_reuse),
            window: window.or(args.minimal_window.then_some(Window::Minimal)),
            limit: limit.or((args.no_rate_limit || is_record).then_some(Limit::Usual)),
            period: args.step_size,
            algorithm: args.algorithm,
            digits: args.digits,
            codes: args.emergency_codes,
            file: args.secret,
            owner: args.user.zip(args.name).map(|(user, name)| Owner { user, name }),
            label: args.label,
            issuer: args.issuer,
            qr: args.qr_mode,
            qr_file: args.qr_file,
            shown,
            uri: args.uri,
            confirm: !args.no_confirm,
        }
    }
}

impl Plan {
    /// The questions that neither a flag nor a person has answered, in the original's order. Others
    /// may follow from an answer.
    pub fn open(&self) -> impl Iterator<Item = Question> + use<> {
        let time_based = self.method == Some(Method::Totp);
        [
            (self.method.is_none(), Question::TimeBased),
            (self.write.is_none(), Question::Write),
            (time_based && self.disallow_reuse.is_none(), Question::DisallowReuse),
            (self.window.is_none(), Question::Widen),
            (self.limit.is_none(), Question::Limit),
        ]
        .into_iter()
        .filter_map(|(open, question)| open.then_some(question))
    }

    /// Settles `question`.
    pub fn answer(&mut self, question: Question, yes: bool) {
        match question {
            Question::TimeBased => {
                self.method = Some(if yes { Method::Totp } else { Method::Hotp });
            }
            Question::Write => self.write = Some(yes),
            Question::DisallowReuse => self.disallow_reuse = Some(yes),
            Question::Widen => {
                self.window = Some(if yes { Window::Of(WIDE_WINDOW) } else { Window::Usual });
            }
            Question::Limit => {
                let (attempts, seconds) = USUAL_LIMIT;
                self.limit = Some(if yes { Limit::Of(attempts, seconds) } else { Limit::Usual });
            }
        }
    }

    /// Whether nothing may be written.
    pub fn declined(&self) -> bool {
        self.write == Some(false)
    }

    /// What moves a code on: time, unless something else was said.
    pub fn method(&self) -> Method {
        self.method.unwrap_or(Method::Totp)
    }

    /// Whether the app's code is asked for. Where it is only offered, only one that moves with the
    /// time is: it can be told wrong without using one up.
    pub fn confirmation(&self) -> Confirmation {
        if !self.confirm || self.shown != Shown::All {
            Confirmation::None
        } else if self.owner.is_some() {
            Confirmation::Needed
        } else if self.method() == Method::Totp {
            Confirmation::Offered
        } else {
            Confirmation::None
        }
    }

    /// What there is to know about a choice that not every program follows.
    pub fn caution(&self) -> Option<&'static str> {
        let usual = (self.algorithm, self.digits) == (Algorithm::default(), Digits::default());
        (!usual).then_some(
            "some apps ignore --digits and --algorithm and show wrong codes, so try a code before \
             you rely on it; the original google-authenticator module ignores them as well",
        )
    }

    /// The generator of the codes of `secret`.
    pub fn otp(&self, secret: &Secret) -> Otp {
        Otp::new(secret, self.algorithm, self.digits)
    }

    /// Seconds a time-based code lasts.
    pub fn period(&self) -> u8 {
        self.period.unwrap_or(USUAL_PERIOD)
    }

    /// How many codes are good at one moment, as far as it is known.
    pub fn window(&self) -> u8 {
        self.window_line().unwrap_or(USUAL_WINDOW)
    }

    /// Whether each code counts once.
    pub fn counts_once(&self) -> bool {
        self.method() == Method::Hotp || self.disallow_reuse == Some(true)
    }

    /// Attempts and seconds, if anything was said of them.
    pub fn rate_limit(&self) -> Option<(u8, u16)> {
        match self.limit {
            Some(Limit::Of(attempts, seconds)) => Some((attempts, seconds)),
            Some(Limit::Usual) | None => None,
        }
    }

    /// The file: what is still open is taken for a no. `used` is the step of a code that must not
    /// be good again.
    pub fn new_file(
        &self,
        secret: Secret,
        scratch_codes: ScratchCodes,
        used: Option<u64>,
    ) -> NewFile {
        let method = match self.method() {
            Method::Hotp => NewMethod::Hotp,
            Method::Totp => NewMethod::Totp {
                period: self.period,
                disallow_reuse: self.counts_once().then(|| used.into_iter().collect()),
            },
        };
        NewFile {
            secret,
            method,
            algorithm: self.algorithm,
            digits: self.digits,
            window: self.window_line(),
            rate_limit: self.rate_limit(),
            scratch_codes,
        }
    }

    fn window_line(&self) -> Option<u8> {
        match self.window? {
            Window::Usual => None,
            Window::Of(size) => Some(size),
            Window::Minimal if self.method() == Method::Hotp => Some(1),
            Window::Minimal => Some(USUAL_WINDOW),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Request, read};

    fn plan(line: &str) -> Plan {
        let line = std::iter::once("mfa-enroll").chain(line.split_whitespace());
        match read(line.map(OsString::from)).unwrap() {
            Request::Enrol(args) => Plan::from(*args),
            Request::Show(text) => panic!("{text}"),
        }
    }

    /// The lines below the secret.
    fn file(plan: &Plan) -> String {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        let mut codes = ScratchCodes::default();
        codes.push(11_111_111);
        let bytes = plan.new_file(secret, codes, Some(7)).to_bytes();
        let text = std::str::from_utf8(&bytes).unwrap();
        text.split_once('\n').unwrap().1.to_owned()
    }

    /// All questions, each answered by `yes`.
    fn asked(plan: &mut Plan, yes: bool) -> Vec<Question> {
        let mut questions = vec![];
        while let Some(question) = plan.open().next() {
            plan.answer(question, yes);
            questions.push(question);
        }
        questions
    }

    #[test]
    fn everything_is_asked_in_order() {
        use Question::{DisallowReuse, Limit, TimeBased, Widen, Write};
        let mut all = plan("");
        assert_eq!(asked(&mut all, true), [TimeBased, Write, DisallowReuse, Widen, Limit]);
        assert_eq!(
            file(&all),
            "\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 17\n\" DISALLOW_REUSE 7\n\" TOTP_AUTH\n11111111\n"
        );
        let mut none = plan("");
        assert_eq!(asked(&mut none, false), [TimeBased, Write, Widen, Limit]);
        assert!(none.declined());
        assert_eq!(file(&none), "\" HOTP_COUNTER 1\n11111111\n");
    }

    #[test]
    fn howtos_ask_nothing() {
        for (line, text) in [
            ("-tDfuw 3", "\" WINDOW_SIZE 3\n\" TOTP_AUTH\n11111111\n"),
            ("-cfuw 3", "\" WINDOW_SIZE 3\n\" HOTP_COUNTER 1\n11111111\n"),
            ("-tDfuW", "\" WINDOW_SIZE 3\n\" TOTP_AUTH\n11111111\n"),
            ("-cfuW -S 60", "\" WINDOW_SIZE 1\n\" HOTP_COUNTER 1\n11111111\n"),
            (
                "-t -d -f -S 60 -W -r 3 -R 30 -e 0 -q",
                "\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\" STEP_SIZE 60\n\" DISALLOW_REUSE 7\n\
                 \" TOTP_AUTH\n11111111\n",
            ),
            (
                "-cfuW --digits 8 --algorithm sha512",
                "\" WINDOW_SIZE 1\n\" ALGORITHM SHA512\n\" DIGITS 8\n\" HOTP_COUNTER 1\n\
                 11111111\n",
            ),
        ] {
            let mut plan = plan(line);
            assert_eq!(asked(&mut plan, true), [], "{line}");
            assert_eq!(file(&plan), text, "{line}");
        }
    }

    #[test]
    fn a_caution_only_where_something_is_unusual() {
        for (line, given) in [
            ("-t", false),
            ("-t --digits 6 --algorithm SHA1", false),
            ("-t --digits 7", true),
            ("-c --algorithm SHA256", true),
        ] {
            assert_eq!(plan(line).caution().is_some(), given, "{line}");
        }
    }

    #[test]
    fn what_is_confirmed() {
        use Confirmation::{Needed, None, Offered};
        for (line, confirmation) in [
            ("-t", Offered),
            ("-tC", None),
            ("-tq", None),
            ("-t --json", None),
            ("-c", None),
            ("-tDfuw 3", Offered),
            ("-t --user alice", Needed),
            ("-c --user alice", Needed),
            ("-cC --user alice", None),
            ("-tqC --user alice", None),
        ] {
            assert_eq!(plan(line).confirmation(), confirmation, "{line}");
        }
    }

    #[test]
    fn of_a_record_less_is_open() {
        use Question::{TimeBased, Widen, Write};
        let mut all = plan("--user alice");
        assert_eq!(asked(&mut all, true), [TimeBased, Write, Widen]);
        assert!(all.counts_once() && all.rate_limit().is_none());
        for line in ["-cfW --user alice", "-tdfw 5 --user alice --name token"] {
            assert_eq!(asked(&mut plan(line), true), [], "{line}");
        }
        assert_eq!(plan("-r 5 -R 60 --user alice").rate_limit(), Some((5, 60)));
    }
}
