//! A program that somebody has put in the place of mfa-fido.

use std::fs::{self, Permissions};
use std::marker::PhantomData;
use std::os::unix::fs::PermissionsExt;

use crate::Machine;
use crate::machine::run;

/// Where the module looks.
const PLACE: &str = "/usr/libexec/mfa-fido";
/// What it is to do. It has neither an environment nor arguments to tell.
const ORDERS: &str = "/run/impostor.orders";
/// Where it lies: /run is the machine's own, and the file is root's, whoever has built it.
const COPY: &str = "/run/impostor";

/// The program `src/bin/impostor.rs` in the place of mfa-fido, on this machine alone and until its end.
pub struct Impostor<'a>(PhantomData<&'a Machine>);

impl<'a> Impostor<'a> {
    /// Puts `program` there: its bytes, since no machine needs to have what cargo builds at its place.
    pub fn install(_machine: &'a Machine, program: &[u8]) -> Self {
        fs::write(COPY, program).expect("our own /run");
        fs::set_permissions(COPY, Permissions::from_mode(0o755)).expect("our own file");
        run(&["mount", "--bind", COPY, PLACE]);
        Self(PhantomData)
    }

    /// From here on it does what the word says.
    pub fn does(&self, word: &str) {
        fs::write(ORDERS, word).expect("our own /run");
    }

    /// Gives its file this owner and mode.
    pub fn belongs(&self, owner: u32, mode: u32) {
        std::os::unix::fs::chown(COPY, Some(owner), None).expect("root may");
        fs::set_permissions(COPY, Permissions::from_mode(mode)).expect("our own file");
    }
}
