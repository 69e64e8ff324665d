//! mfactl, see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mfactl::command::main()
}
