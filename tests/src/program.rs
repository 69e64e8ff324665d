//! PAM applications in C: what a test needs of one that no real host does.

use std::fs;
use std::path::Path;

use crate::machine::run;

const LOGIN: &str = include_str!("login.h");

/// Compiles `source` once on this machine, with these options of cc(1) besides the usual; returns the
/// path of what comes of it, `/run/NAME`.
pub(crate) fn program(name: &str, source: &str, options: &str) -> String {
    // A host has libpam loaded before any module, whether it calls it in these lines or not.
    compile(name, source, &format!("-Wl,--no-as-needed -lpam {options}"))
}

/// The same for what is no PAM application: without libpam.
pub(crate) fn compile(name: &str, source: &str, options: &str) -> String {
    let path = format!("/run/{name}");
    if !Path::new(&path).exists() {
        let file = format!("{path}.c");
        fs::write("/run/login.h", LOGIN).expect("our own /run");
        fs::write(&file, source).expect("our own /run");
        let usual = "cc -O1 -pthread -Wall -Wextra -Werror";
        let argv = usual.split(' ').chain(options.split_whitespace());
        run(&argv.chain(["-o", &path, &file]).collect::<Vec<_>>());
    }
    path
}
