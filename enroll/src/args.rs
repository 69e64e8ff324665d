//! The command line: one definition, for the parser and the help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{ArgPredicate, PathBufValueParser, TypedValueParser};
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, value_parser};

use mfa_core::otp::{Algorithm, Digits};
use mfa_core::record::Name;

use crate::failure::Failure;
use crate::qr::QrMode;
use crate::refusal;

/// What the command line asks for.
pub enum Request {
    /// A new second factor.
    Enrol(Box<Args>),
    /// This text, and nothing else.
    Show(String),
}

/// Make a new second factor for your own account, or as root for somebody else: a secret for an
/// authenticator app, and recovery codes
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(
    name = "mfa-enroll",
    version,
    disable_version_flag = true,
    infer_long_args = true,
    override_usage = "mfa-enroll [OPTIONS]",
    after_help = "What no flag decides is asked. `mfa-enroll -tDfuw 3` asks only for a code of the \
                  app, `mfa-enroll -cfuw 3` for nothing. The flags with a letter are \
                  google-authenticator's. Some apps ignore --digits and --algorithm, and some cannot \
                  read what the modes with _INVERSE draw. Security keys: `mfa-enroll key --help`."
)]
pub struct Args {
    /// Time-based codes (TOTP)
    #[arg(short = 't', long)]
    pub time_based: bool,

    /// Counter-based codes (HOTP)
    #[arg(short = 'c', long)]
    pub counter_based: bool,

    /// Each time-based code counts once
    #[arg(short = 'd', long, aliases = ["d", "di"])]
    pub disallow_reuse: bool,

    /// A time-based code may be used again while it is good
    #[arg(short = 'D', long, aliases = ["a", "al"])]
    pub allow_reuse: bool,

    /// How many codes are good at one moment, 1 to 21
    #[arg(short = 'w', long, value_name = "N", value_parser = number::<u8>(1, 21))]
    #[arg(allow_hyphen_values = true)]
    pub window_size: Option<u8>,

    /// As few codes at one moment as work: 3 time-based, 1 counter-based
    #[arg(short = 'W', long)]
    pub minimal_window: bool,

    /// At most N attempts in the time of --rate-time, 1 to 10
    #[arg(short = 'r', long, value_name = "N", value_parser = number::<u8>(1, 10))]
    #[arg(allow_hyphen_values = true)]
    pub rate_limit: Option<u8>,

    /// The time of --rate-limit, 15 to 600
    #[arg(short = 'R', long, value_name = "SECONDS", value_parser = number::<u16>(15, 600))]
    #[arg(allow_hyphen_values = true)]
    pub rate_time: Option<u16>,

    /// Any number of attempts
    #[arg(short = 'u', long)]
    pub no_rate_limit: bool,

    /// How long a time-based code lasts, 1 to 60; 30 unless given
    #[arg(short = 'S', long, value_name = "SECONDS", value_parser = number::<u8>(1, 60))]
    #[arg(allow_hyphen_values = true)]
    pub step_size: Option<u8>,

    /// How many digits a code has, 6 to 8
    #[arg(long, value_name = "N", value_parser = digits)]
    #[arg(default_value = "6", allow_hyphen_values = true)]
    pub digits: Digits,

    /// The hash: SHA1, SHA256 or SHA512
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    #[arg(default_value = "SHA1", allow_hyphen_values = true)]
    pub algorithm: Algorithm,

    /// How many recovery codes, 0 to 10; 5 unless given
    #[arg(short = 'e', long, value_name = "N", value_parser = number::<u8>(0, 10))]
    #[arg(allow_hyphen_values = true)]
    pub emergency_codes: Option<u8>,

    /// The file to write; ~/.google_authenticator unless given
    #[arg(short = 's', long, value_name = "FILE", allow_hyphen_values = true)]
    pub secret: Option<PathBuf>,

    /// Enrol this user, into the record that only root reads; for root
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub user: Option<String>,

    /// What that record calls it; phone unless given
    #[arg(long, value_name = "NAME", value_parser = name, allow_hyphen_values = true)]
    #[arg(default_value_if("user", ArgPredicate::IsPresent, "phone"))]
    pub name: Option<Name>,

    /// Write the file without asking
    #[arg(short = 'f', long)]
    pub force: bool,

    /// The account's name in the app; user@hostname unless given
    #[arg(short = 'l', long, allow_hyphen_values = true)]
    pub label: Option<OsString>,

    /// The host's name in the app; the hostname unless given, none if empty
    #[arg(short = 'i', long, allow_hyphen_values = true)]
    pub issuer: Option<OsString>,

    /// How to draw the QR code: NONE, ANSI, UTF8, ANSI_INVERSE, ... or UTF8_GREY
    #[arg(short = 'Q', long, value_name = "MODE", ignore_case = true, aliases = ["qr", "qr-"])]
    #[arg(hide_possible_values = true, allow_hyphen_values = true)]
    pub qr_mode: Option<QrMode>,

    /// Draw the QR code into this new file as well, once all is decided
    #[arg(long, value_name = "FILE.svg", value_parser = PathBufValueParser::new().try_map(svg))]
    #[arg(allow_hyphen_values = true)]
    pub qr_file: Option<PathBuf>,

    /// Print what the QR code holds, an otpauth URI; with --quiet that and open questions alone
    #[arg(long, aliases = ["u"])]
    pub uri: bool,

    /// Print one JSON object and nothing else; what would be asked needs a flag
    #[arg(long)]
    pub json: bool,

    /// Ask for no code of the app
    #[arg(short = 'C', long, overrides_with = "no_confirm")]
    pub no_confirm: bool,

    /// Show neither secret nor codes; questions are asked all the same
    #[arg(short = 'q', long)]
    pub quiet: bool,

    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// All words from the first that is no option on: there is nothing to be done with them.
fn stray_words() -> Arg {
    Arg::new("stray")
        .hide(true)
        .num_args(1..)
        .trailing_var_arg(true)
        .value_parser(value_parser!(OsString))
}

/// Reads the command line, the program's name first.
///
/// What one option contradicts counts before a stray word, and a missing partner after it: so it
/// is with the original.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn read(line: impl IntoIterator<Item = OsString>) -> Result<Request, Failure> {
    let mut command = Args::command().arg(stray_words());
    let parsed = command
        .try_get_matches_from_mut(line)
        .and_then(|matches| Ok((Args::from_arg_matches(&matches)?, matches.contains_id("stray"))));
    let (args, has_stray_words) = match parsed {
        Ok(parsed) => parsed,
        Err(error) if !error.use_stderr() => return Ok(Request::Show(error.to_string())),
        Err(error) => return Err(Failure::Usage(refusal::sentence(&command, &error))),
    };
    let refuse = |sentence: Option<&str>| match sentence {
        Some(sentence) => Err(Failure::Usage(sentence.to_owned())),
        None => Ok(()),
    };
    refuse(args.contradiction())?;
    if has_stray_words {
        return Ok(Request::Show(command.render_help().to_string()));
    }
    refuse(args.lack())?;
    Ok(Request::Enrol(Box::new(args)))
}

impl Args {
    fn reuse_given(&self) -> bool {
        self.disallow_reuse || self.allow_reuse
    }

    /// Two options that cannot both be meant.
    fn contradiction(&self) -> Option<&'static str> {
        let rate_given = self.rate_limit.is_some() || self.rate_time.is_some();
        [
            (
                self.time_based && self.counter_based,
                "--time-based and --counter-based exclude each other; give one of them",
            ),
            (
                self.disallow_reuse && self.allow_reuse,
                "--disallow-reuse and --allow-reuse exclude each other; give one of them",
            ),
            (
                self.reuse_given() && self.counter_based,
                "a counter-based code is never good twice; leave --disallow-reuse and \
                 --allow-reuse out",
            ),
            (
                self.window_size.is_some() && self.minimal_window,
                "--window-size and --minimal-window exclude each other; give one of them",
            ),
            (
                rate_given && self.no_rate_limit,
                "--no-rate-limit excludes --rate-limit and --rate-time; leave it or them out",
            ),
            (
                self.json && (self.quiet || self.uri || self.qr_mode.is_some()),
                "--json prints one object, URI included, and nothing else; leave --quiet, --uri \
                 and --qr-mode out",
            ),
            (
                self.user.is_some() && self.secret.is_some(),
                "--user writes that user's record and no file; leave --secret or --user out",
            ),
            (
                self.user.is_some() && self.allow_reuse,
                "the record of --user counts each code once; leave --allow-reuse out",
            ),
            (
                self.user.is_some() && self.no_rate_limit,
                "the record of --user always limits attempts; leave --no-rate-limit out, or give \
                 --rate-limit and --rate-time",
            ),
        ]
        .into_iter()
        .find_map(|(given, sentence)| given.then_some(sentence))
    }

    /// An option that means nothing without another.
    fn lack(&self) -> Option<&'static str> {
        if self.reuse_given() && !self.time_based {
            Some("--disallow-reuse and --allow-reuse need --time-based; add it")
        } else if self.rate_limit.is_some() != self.rate_time.is_some() {
            Some("--rate-limit and --rate-time need each other; give both")
        } else if self.name.is_some() && self.user.is_none() {
            Some("--name needs --user, since a file has no name for its secret; add it")
        } else if self.user.is_some() && (self.quiet || self.json) && !self.no_confirm {
            Some(
                "with --quiet or --json no code of the app can confirm the secret; add \
                 --no-confirm to write it unconfirmed",
            )
        } else {
            None
        }
    }
}

/// Reads a decimal number as strtol(3) does: leading blanks, a sign and zeros are fine.
fn number<T: TryFrom<i64>>(
    min: i64,
    max: i64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let blanks: &[char] = &[' ', '\t', '\n', '\x0b', '\x0c', '\r'];
        let value = text.trim_start_matches(blanks).parse::<i64>().ok();
        value
            .filter(|value| (min..=max).contains(value))
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| format!("a number from {min} to {max}"))
    }
}

/// Reads how many digits a code has.
///
/// # Errors
/// What it could have been.
pub fn digits(text: &str) -> Result<Digits, String> {
    let range = "a number from 6 to 8";
    number(6, 8)(text).and_then(|digits| Digits::new(digits).ok_or_else(|| range.to_owned()))
}

/// Reads the name of a hash, in any case.
///
/// # Errors
/// What it could have been.
pub fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(text).ok_or_else(|| "one of SHA1, SHA256, SHA512".to_owned())
}

/// Reads the name of a credential or key.
///
/// # Errors
/// What it could have been.
pub fn name(text: &str) -> Result<Name, String> {
    let wanted = "1 to 32 printable characters with no blank at either end";
    Name::new(text).ok_or_else(|| wanted.to_owned())
}

fn svg(path: PathBuf) -> Result<PathBuf, String> {
    let is_svg = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    is_svg.then_some(path).ok_or_else(|| "a name that ends in .svg".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().arg(stray_words()).debug_assert();
        crate::definition().debug_assert();
    }

    #[test]
    fn abbreviations_mean_what_they_meant_to_the_original() {
        let originals = [
            ("help", None),
            ("counter-based", None),
            ("time-based", None),
            ("no-confirm", None),
            ("disallow-reuse", None),
            ("allow-reuse", None),
            ("force", None),
            ("label", Some("a")),
            ("issuer", Some("a")),
            ("quiet", None),
            ("qr-mode", Some("ansi")),
            ("rate-limit", Some("3")),
            ("rate-time", Some("30")),
            ("no-rate-limit", None),
            ("secret", Some("a")),
            ("step-size", Some("30")),
            ("window-size", Some("3")),
            ("minimal-window", None),
            ("emergency-codes", Some("3")),
        ];
        let mut tried = 0;
        for (name, value) in originals {
            for end in 1..=name.len() {
                let short = &name[..end];
                let meant = originals.iter().filter(|(other, _)| other.starts_with(short)).count();
                let word = value.map_or(format!("--{short}"), |value| format!("--{short}={value}"));
                let read = Args::command().try_get_matches_from(["mfa-enroll", word.as_str()]);
                let id = name.replace('-', "_");
                let given = match read {
                    Ok(read) => {
                        read.value_source(&id) == Some(clap::parser::ValueSource::CommandLine)
                    }
                    Err(error) => {
                        name == "help" && error.kind() == clap::error::ErrorKind::DisplayHelp
                    }
                };
                assert_eq!(given, meant == 1, "{word}");
                tried += 1;
            }
        }
        assert!(tried > 150, "{tried}");
    }

    #[test]
    fn numbers_as_strtol_reads_them() {
        let read = number::<u8>(0, 10);
        for (text, value) in [("3", 3), (" 3", 3), ("\t+3", 3), ("03", 3), ("-0", 0), ("10", 10)] {
            assert_eq!(read(text), Ok(value), "{text:?}");
        }
        for text in ["", " ", "3 ", "3x", "0x3", "11", "-1", "4294967299", "99999999999999999999"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
