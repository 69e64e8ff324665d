//! The command line of `mfa-enroll key`: one definition, for the parser and the help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mfa_core::record::Name;

use crate::args::name;

/// Whether these are the words of a command about keys: the program's name, and then `key`. None of
/// google-authenticator's begins so.
pub fn is_meant(line: &[OsString]) -> bool {
    line.get(1).is_some_and(|word| word == "key")
}

/// Security keys: a touch of them takes the place of a code
#[derive(Debug, Parser)]
#[command(name = "mfa-enroll", version, infer_long_args = true)]
pub struct Cli {
    /// The word that brought us here.
    #[command(subcommand)]
    pub word: Word,
}

/// The first word of a command line that is not google-authenticator's.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Security keys: a touch of them takes the place of a code
    #[command(subcommand)]
    Key(Command),
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Enrol a key that is plugged into this machine, or one that ssh uses
    Add(Box<Add>),
    /// Show which are enrolled
    List(List),
    /// Remove one: it counts no more
    Remove(Remove),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(
    after_help = "Without --user the key goes into ~/.config/Yubico/u2f_keys, which pam_u2f reads as \
                  well, and counts where the PAM line says u2f. With --user it goes into the record \
                  that only root reads, with its name and counter."
)]
pub struct Add {
    /// Enrol a key of this user, into the record that only root reads; for root
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// What that record calls it; key, or ssh-key, unless given
    #[arg(long, value_name = "NAME", value_parser = name, requires = "user")]
    pub name: Option<Name>,

    /// Each login asks for the PIN of the key
    #[arg(long)]
    pub pin: bool,

    /// Each login demands that the key knows its user, by finger or PIN
    #[arg(long)]
    pub verify_required: bool,

    /// The key keeps all about itself: it is found without this machine's help
    #[arg(long, conflicts_with = "ssh")]
    pub resident: bool,

    /// Whoever has the key plugged in need not touch it
    #[arg(long)]
    pub no_touch: bool,

    /// The relying party; pam://HOSTNAME unless given
    #[arg(long, value_name = "ORIGIN", value_parser = origin, conflicts_with = "ssh")]
    pub origin: Option<String>,

    /// Enrol the security key whose public half this file of OpenSSH holds
    #[arg(long, value_name = "FILE.pub", requires = "user")]
    pub ssh: Option<PathBuf>,

    /// The counter of the key is not compared: it does not count, or is kept elsewhere as well
    #[arg(long, requires = "user")]
    pub no_counter: bool,

    /// Print one JSON object once it is done; what is to be done goes to standard error
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// Those of this user, in the record that only root reads; for root
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Remove {
    /// What it is called, or its number in the list
    #[arg(value_name = "NAME|NUMBER")]
    pub which: String,

    /// One of this user, in the record that only root reads; for root
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn origin(text: &str) -> Result<String, String> {
    let is_one = (1..=255).contains(&text.len()) && !text.contains(char::is_control);
    is_one.then(|| text.to_owned()).ok_or_else(|| "1 to 255 printable characters".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_the_first_word_counts() {
        let is_meant = |line: &str| {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            is_meant(&words)
        };
        assert!(is_meant("mfa-enroll key") && is_meant("mfa-enroll key list"));
        assert!(!is_meant("mfa-enroll") && !is_meant("mfa-enroll -t key"));
        assert!(!is_meant("mfa-enroll keys") && !is_meant("key list"));
    }

    #[test]
    fn what_needs_a_record() {
        let read = |line: &str| Cli::try_parse_from(line.split(' '));
        for line in ["key add --name blue", "key add --ssh k.pub", "key add --no-counter"] {
            assert!(read(&format!("mfa-enroll {line}")).is_err(), "{line}");
            assert!(read(&format!("mfa-enroll {line} --user alice")).is_ok(), "{line}");
        }
        for line in
            ["--ssh k --resident", "--ssh k --origin x", "--origin \u{1b}", "--name x\u{a0}"]
        {
            assert!(read(&format!("mfa-enroll key add --user alice {line}")).is_err(), "{line}");
        }
    }
}
