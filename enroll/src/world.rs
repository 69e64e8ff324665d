//! What an enrolment finds around it.

use std::ffi::OsString;
use std::path::Path;

use mfa_core::random::Random;

use crate::log::Log;

/// The person, the machine, the files.
pub struct World<'a> {
    /// The name of who is enrolled.
    pub person: OsString,
    /// The machine's name.
    pub host: OsString,
    /// How many columns the terminal has that shows the output; `None` if none does.
    pub columns: Option<usize>,
    /// The file to draw the QR code into.
    pub qr_file: Option<&'a Path>,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> u64,
    /// Where secrets come from.
    pub random: &'a Random<'a>,
    /// The system's log.
    pub log: Log<'a>,
    /// Takes a sentence of warning, without its full stop.
    pub warn: &'a dyn Fn(&str),
}
