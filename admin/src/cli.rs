//! The command line: one definition, for the parser, the help and the manual.

use clap::{Parser, Subcommand};

use crate::codes::{bypass as bypass_code, recovery};
use crate::{
    apply, bypass, check, credential, doctor, events, explain, export, forget, import, policy,
    reset, seal, show, snippet, state, ticket, unlock, users, verify,
};

/// Who has enrolled what, who must give a code, and what is wrong. For root
#[derive(Debug, Parser)]
#[command(
    name = "mfactl",
    version,
    infer_long_args = true,
    subcommand_required = true,
    after_help = "Exit codes: 0 for done, 1 for what could not be done, 2 for a command line that makes \
                  no sense, 3 for mistakes that were found.\n\n\
                  The doctor has exit codes of its own."
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// One variant for each group of commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Who has which factors, where they are kept, and who is locked out
    Users(users::Args),
    /// What a user has enrolled; with a name, the QR code, secret and URI of a credential
    Show(show::Args),
    /// The credentials of a user: phones, tokens and security keys
    #[command(
        subcommand,
        after_help = "A user has up to 16. `mfa-enroll key add --user USER` enrols a security key."
    )]
    Credential(credential::Command),
    /// Recovery codes, for a lost phone: how many are left, and new ones
    Codes(recovery::Args),
    /// One code from the help desk, good once and for a while
    BypassCode(bypass_code::Args),
    /// Issue a one-time ticket for enrolment at login
    Ticket(ticket::Args),
    /// Whose a code is, and what a login would make of it; nothing is used up
    Verify(verify::Args),
    /// Make what a user has enrolled count no more
    Reset(reset::Args),
    /// Let whoever failed too often try again at once
    Unlock(unlock::Args),
    /// Let earlier checks count no more: the next login asks for a code
    Forget(forget::Args),
    /// Try a new policy: the old one comes back unless somebody can still log in
    #[command(
        subcommand,
        after_help = "The new policy counts at once, and the old one again when the time is over, unless somebody \
                      confirms the new one from a login that came later. One policy is on trial at a time."
    )]
    Policy(policy::Command),
    /// The networks whose logins need no second factor
    #[command(
        subcommand,
        after_help = "An entry stands for the second factor alone: whom a rule of the policy denies it does not \
                      help. One that has expired counts for nothing."
    )]
    Bypass(bypass::Command),
    /// What becomes of a login, rule by rule
    Explain(explain::Args),
    /// Find mistakes in records, policy and bypass list, installed or not, and say what mends them
    Check(check::Args),
    /// What a login of each service meets, and what is wrong with it
    Doctor(doctor::Args),
    /// The lines that make a service ask for a code: where they go, what they do, how to go back
    Snippet(snippet::Args),
    /// What happened lately, and what dry runs would have done
    Log(events::Args),
    /// What counts as used where the state of a record is lost
    #[command(subcommand)]
    State(state::Command),
    /// Install records that configuration management has written
    Apply(apply::Args),
    /// Make system records of what people have enrolled elsewhere, or go back
    Import(import::Import),
    /// Make a google-authenticator file of a system record
    Export(export::Export),
    /// Encrypt the secrets of all system records with this host's key
    #[command(
        after_help = "Without a key of this host's one is made, /var/lib/pam_mfa/host.key. Back it up, apart from \
                      the records: without it nobody can read the secrets again."
    )]
    Seal(seal::Args),
    /// Decrypt the secrets of all system records again
    #[command(after_help = "The key stays where it is.")]
    Unseal(seal::Args),
}
