//! mfa-enroll: makes a new second factor for your own account, with the flags, questions and exit
//! codes of google-authenticator.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    mfa_enroll::command::main()
}
