//! The options of a stack line: google-authenticator's and pam_u2f's, with the same meaning, and ours.

mod conf;
mod keys;
mod pam_u2f;

use std::ffi::{CStr, OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use mfa_core::options::{self, Form, REFUSED};
use mfa_core::policy::Keep;
use mfa_core::reason::Reason;
use nix::unistd::Uid;

use keys::Keys;

/// What the administrator wrote behind `pam_mfa.so`. Later options win.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // that is what the options of a line are
pub(crate) struct Args {
    /// `secret=`: the template of the file's path.
    pub(crate) secret: Option<OsString>,
    /// `store=`; `None` leaves it to the policy.
    pub(crate) store: Option<Keep>,
    /// `user=`: one identity for all file work, by name or number.
    pub(crate) user: Option<String>,
    /// `authtok_prompt=`.
    pub(crate) prompt: Option<String>,
    /// Without `no_strict_owner`.
    pub(crate) strict_owner: bool,
    /// `allowed_perm=`: mode bits.
    pub(crate) allowed_mode: u32,
    /// `debug`.
    pub(crate) debug: bool,
    /// `try_first_pass` and `use_first_pass`.
    pub(crate) first_pass: FirstPass,
    /// `forward_pass`.
    pub(crate) forward_pass: bool,
    /// Without `noskewadj`.
    pub(crate) learn_skew: bool,
    /// Without `no_increment_hotp`.
    pub(crate) advance_hotp: bool,
    /// `nullok`.
    pub(crate) nullok: bool,
    /// `echo_verification_code`.
    pub(crate) echo: bool,
    /// `grace_period=`: seconds.
    pub(crate) grace: u64,
    /// `allow_readonly`.
    pub(crate) allow_readonly: bool,
    /// `retry=`: how many answers a login may give, 1 to 5.
    pub(crate) retry: u8,
    /// `enroll`.
    pub(crate) enroll: Enroll,
    /// `skip=ignore`: whoever is skipped is left to the other modules of the stack.
    pub(crate) skip_is_ignored: bool,
    /// `policy_error=require`: with a mistake in /etc/pam_mfa everybody is asked for a code.
    pub(crate) require_on_policy_error: bool,
    /// `account=yes`: the administrator confirms that the module has an account line, too.
    account_line: bool,
    /// What it says of security keys.
    pub(crate) keys: Keys,
}

/// Whether who is not enrolled enrols while logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enroll {
    /// No.
    Never,
    /// Whoever gets so far.
    Anybody,
    /// Whoever has a ticket from the administrator.
    WithTicket,
}

/// What is wrong with `enroll` alone: what it promises is kept in the account phase.
const NEEDS_ACCOUNT: &str =
    "enroll needs account=yes beside it, and the module on an account line of the same service";

/// What `enroll` contradicts: it makes a system record, and asks for no password.
const ENROLL_ALONE: &str =
    "enroll does not go with secret=, store=home, forward_pass or use_first_pass";

/// What to do with the password that an earlier module asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstPass {
    /// Ask for a code of our own.
    Ignore,
    /// Look for a code in it, then ask.
    Try,
    /// Look for a code in it, never ask.
    Only,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            secret: None,
            store: None,
            user: None,
            prompt: None,
            strict_owner: true,
            allowed_mode: 0o600,
            debug: false,
            first_pass: FirstPass::Ignore,
            forward_pass: false,
            learn_skew: true,
            advance_hotp: true,
            nullok: false,
            echo: false,
            grace: 0,
            allow_readonly: false,
            retry: 1,
            enroll: Enroll::Never,
            skip_is_ignored: false,
            require_on_policy_error: false,
            account_line: false,
            keys: Keys::default(),
        }
    }
}

/// What is wrong with a line: the cause, and the option or what it lacks.
pub(crate) type Mistake = (Reason, String);

impl Args {
    /// Reads the options of a line, and of the file that `conf=` names, which must be `owner`'s.
    ///
    /// # Errors
    /// [`Reason::UnknownOption`] or [`Reason::BadOption`].
    pub(crate) fn read(args: &[&CStr], owner: Uid) -> Result<Self, Mistake> {
        Self::parse(args, &|path| conf::text(path, owner))
    }

    /// The same, with whatever `read` finds under a path.
    pub(crate) fn parse(
        args: &[&CStr],
        read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Self, Mistake> {
        let mut parsed = Self::default();
        let mut confs = args.iter().rev().filter_map(|arg| arg.to_bytes().strip_prefix(b"conf="));
        if let Some(path) = confs.next().map(|path| Path::new(OsStr::from_bytes(path))) {
            let wrong = |reason, why: &str| (reason, format!("conf={}: {why}", path.display()));
            let text = read(path).map_err(|why| wrong(Reason::BadOption, &why))?;
            for (line, option) in conf::options(&text) {
                parsed.take_default(&option).map_err(|reason| {
                    wrong(reason, &format!("line {line}: {}", explained(&option)))
                })?;
            }
        }
        for arg in args {
            let text = arg.to_bytes();
            parsed.take(text).map_err(|reason| (reason, explained(text)))?;
        }
        parsed.nullok |= parsed.keys.pam_u2f.nouserok;
        let checked = parsed.check_enroll().and_then(|()| parsed.keys.check());
        checked.map_err(|why| (Reason::BadOption, why.to_owned()))?;
        Ok(parsed)
    }

    /// An option in the file that `conf=` names: of pam_u2f, whose file it is.
    fn take_default(&mut self, option: &[u8]) -> Result<(), Reason> {
        match halves(option) {
            ("conf", _) => Err(Reason::UnknownOption),
            ("debug", None) => {
                self.debug = true;
                Ok(())
            }
            (key, value) => self.keys.pam_u2f.take(key, value),
        }
    }

    fn check_enroll(&self) -> Result<(), &'static str> {
        let contradicted = self.secret.is_some()
            || self.store == Some(Keep::Home)
            || self.forward_pass
            || self.first_pass == FirstPass::Only;
        match self.enroll {
            Enroll::Anybody | Enroll::WithTicket if !self.account_line => Err(NEEDS_ACCOUNT),
            Enroll::Anybody | Enroll::WithTicket if contradicted => Err(ENROLL_ALONE),
            Enroll::Never | Enroll::Anybody | Enroll::WithTicket => Ok(()),
        }
    }

    fn take(&mut self, arg: &[u8]) -> Result<(), Reason> {
        let (name, value) = halves(arg);
        if let Some(option) = options::Google::of_name(name) {
            self.take_googles(option, fitting(option.form(), value)?.unwrap_or_default())
        } else if let Some(option) = options::Ours::of_name(name) {
            self.take_ours(option, fitting(option.form(), value)?)
        } else {
            self.keys.take(name, value)
        }
    }

    fn take_googles(&mut self, option: options::Google, value: &[u8]) -> Result<(), Reason> {
        use options::Google;
        match option {
            Google::Secret => self.secret = Some(OsString::from_vec(value.to_vec())),
            Google::User => self.user = Some(text(value)?.to_owned()),
            Google::Prompt => self.prompt = Some(String::from_utf8_lossy(value).into_owned()),
            Google::AllowedPerm => self.allowed_mode = mode_bits(text(value)?)?,
            Google::GracePeriod => self.grace = grace(text(value)?)?,
            Google::NoStrictOwner => self.strict_owner = false,
            Google::Debug => self.debug = true,
            Google::TryFirstPass => self.first_pass = FirstPass::Try,
            Google::UseFirstPass => self.first_pass = FirstPass::Only,
            Google::ForwardPass => self.forward_pass = true,
            Google::NoSkewAdj => self.learn_skew = false,
            Google::NoIncrementHotp => self.advance_hotp = false,
            Google::Nullok => self.nullok = true,
            Google::Echo => self.echo = true,
            Google::AllowReadonly => self.allow_readonly = true,
        }
        Ok(())
    }

    fn take_ours(&mut self, option: options::Ours, value: Option<&[u8]>) -> Result<(), Reason> {
        use options::Ours;
        match (option, value) {
            (Ours::Store, Some(keep)) => {
                self.store = Some(Keep::of_word(text(keep)?).ok_or(Reason::BadOption)?);
            }
            (Ours::Retry, Some(count)) => self.retry = retry(text(count)?)?,
            (Ours::Skip, Some(b"success")) => self.skip_is_ignored = false,
            (Ours::Skip, Some(b"ignore")) => self.skip_is_ignored = true,
            (Ours::PolicyError, Some(b"deny")) => self.require_on_policy_error = false,
            (Ours::PolicyError, Some(b"require")) => self.require_on_policy_error = true,
            (Ours::Enroll, None) => self.enroll = Enroll::Anybody,
            (Ours::Enroll, Some(b"ticket")) => self.enroll = Enroll::WithTicket,
            (Ours::Account, Some(b"yes")) => self.account_line = true,
            (
                Ours::Store
                | Ours::Retry
                | Ours::Skip
                | Ours::PolicyError
                | Ours::Enroll
                | Ours::Account,
                _,
            ) => return Err(Reason::BadOption),
        }
        Ok(())
    }
}

/// The value, if an option of this form may be written with it, or without one.
fn fitting(form: Form, value: Option<&[u8]>) -> Result<Option<&[u8]>, Reason> {
    if form.takes(value.is_some()) { Ok(value) } else { Err(Reason::UnknownOption) }
}

/// Name and value of an option. A name that is not UTF-8 is nobody's.
fn halves(option: &[u8]) -> (&str, Option<&[u8]>) {
    let mut halves = option.splitn(2, |&byte| byte == b'=');
    let key = halves.next().and_then(|key| std::str::from_utf8(key).ok());
    (key.unwrap_or_default(), halves.next())
}

/// The option, and why there is none of that name where others have one.
fn explained(option: &[u8]) -> String {
    let shown = String::from_utf8_lossy(option);
    match refusal(&shown) {
        Some(why) => format!("{shown}: {why}"),
        None => shown.into_owned(),
    }
}

/// Why an option of pam_u2f is refused, if it is one of those.
fn refusal(option: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(name, _)| *name == option).map(|(_, why)| *why)
}

fn text(value: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(value).map_err(|_| Reason::BadOption)
}

/// Octal and not zero.
fn mode_bits(value: &str) -> Result<u32, Reason> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let mode = u32::from_str_radix(value, 8).ok().filter(|&mode| mode != 0 && digits);
    mode.ok_or(Reason::BadOption)
}

/// Decimal; nothing counts as 0, as in the original.
fn grace(value: &str) -> Result<u64, Reason> {
    if value.is_empty() {
        return Ok(0);
    }
    number(value, 0..=u64::MAX)
}

/// Decimal, within the range.
fn number(value: &str, range: RangeInclusive<u64>) -> Result<u64, Reason> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && range.contains(number));
    number.ok_or(Reason::BadOption)
}

fn retry(value: &str) -> Result<u8, Reason> {
    match value.as_bytes() {
        [digit @ b'1'..=b'5'] => Ok(digit - b'0'),
        _ => Err(Reason::BadOption),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    /// Without any file.
    pub(super) fn parse(line: &str) -> Result<Args, Mistake> {
        parse_with(line, &|_| Err("none".to_owned()))
    }

    pub(super) fn parse_with(
        line: &str,
        read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Args, Mistake> {
        let args: Vec<_> = line.split_whitespace().map(|arg| CString::new(arg).unwrap()).collect();
        Args::parse(&args.iter().map(CString::as_c_str).collect::<Vec<_>>(), read)
    }

    pub(super) fn unknown(option: &str) {
        assert_eq!(parse(option), Err((Reason::UnknownOption, option.to_owned())));
    }

    pub(super) fn bad(option: &str) {
        assert_eq!(parse(option), Err((Reason::BadOption, option.to_owned())));
    }

    #[test]
    fn every_option() {
        let line = "secret=/x/${USER} store=home user=root authtok_prompt=Code: allowed_perm=0440 debug \
                    no_strict_owner use_first_pass forward_pass noskewadj no_increment_hotp \
                    nullok echo-verification-code grace_period=3600 allow_readonly retry=3 \
                    account=yes skip=ignore policy_error=require";
        let expected = Args {
            secret: Some("/x/${USER}".into()),
            store: Some(Keep::Home),
            user: Some("root".into()),
            prompt: Some("Code:".into()),
            strict_owner: false,
            allowed_mode: 0o440,
            debug: true,
            first_pass: FirstPass::Only,
            forward_pass: true,
            learn_skew: false,
            advance_hotp: false,
            nullok: true,
            echo: true,
            grace: 3600,
            allow_readonly: true,
            retry: 3,
            enroll: Enroll::Never,
            skip_is_ignored: true,
            require_on_policy_error: true,
            account_line: true,
            keys: Keys::default(),
        };
        assert_eq!(parse(line), Ok(expected));
        assert_eq!(parse(""), Ok(Args::default()));
        assert!(parse("echo_verification_code").unwrap().echo);
    }

    #[test]
    fn the_later_option_wins() {
        assert_eq!(parse("use_first_pass try_first_pass").unwrap().first_pass, FirstPass::Try);
        assert_eq!(parse("secret=a secret=b=c").unwrap().secret.unwrap(), "b=c");
        assert_eq!(parse("secret=").unwrap().secret.unwrap(), "");
        assert_eq!(parse("store=home store=auto").unwrap().store, Some(Keep::Auto));
        assert_eq!(parse("store=system store=home").unwrap().store, Some(Keep::Home));
        assert!(!parse("skip=ignore skip=success").unwrap().skip_is_ignored);
        assert!(!parse("policy_error=require policy_error=deny").unwrap().require_on_policy_error);
        assert_eq!(parse("enroll=ticket enroll account=yes").unwrap().enroll, Enroll::Anybody);
    }

    #[test]
    fn enroll_needs_the_account_line() {
        for line in ["enroll", "enroll=ticket", "nullok enroll store=system"] {
            assert_eq!(parse(line), Err((Reason::BadOption, NEEDS_ACCOUNT.to_owned())), "{line}");
        }
        assert_eq!(parse("account=yes enroll").unwrap().enroll, Enroll::Anybody);
        assert_eq!(parse("account=yes").unwrap().enroll, Enroll::Never);
    }

    #[test]
    fn enroll_goes_with_system_records_and_a_password_before_it() {
        for line in ["secret=x", "store=home", "forward_pass", "use_first_pass"] {
            for enroll in ["enroll", "enroll=ticket"] {
                let line = format!("{enroll} account=yes {line}");
                assert_eq!(parse(&line), Err((Reason::BadOption, ENROLL_ALONE.to_owned())));
            }
        }
        for line in ["store=system", "store=home store=auto", "try_first_pass", "nullok"] {
            assert!(parse(&format!("enroll=ticket account=yes {line}")).is_ok(), "{line}");
        }
    }

    #[test]
    fn mistakes() {
        for option in [
            "nullok=1",
            "secret",
            "Nullok",
            "colour=red",
            "nulloks",
            "retries=2",
            "=",
            "store",
            "skip",
            "policy_error",
            "account",
            "enrol",
        ] {
            unknown(option);
        }
        for option in [
            "allowed_perm=",
            "allowed_perm=0",
            "allowed_perm=9",
            "allowed_perm=0600x",
            "allowed_perm=+600",
            "grace_period=-1",
            "grace_period=+1",
            "grace_period=1h",
            "grace_period=99999999999999999999",
            "retry=0",
            "retry=6",
            "retry=",
            "retry=03",
            "store=",
            "store=etc",
            "enroll=",
            "enroll=yes",
            "account=",
            "account=no",
            "skip=",
            "skip=deny",
            "policy_error=",
            "policy_error=ignore",
        ] {
            bad(option);
        }
    }
}
