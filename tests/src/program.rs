//! PAM applications in C: what a test needs of one that no real host does.

use std::fs;
use std::path::Path;

use crate::machine::run;

const LOGIN: &str = include_str!("login.h");

/// Compiles `source` once on this machine; returns the path of the program.
pub(crate) fn program(name: &str, source: &str) -> String {
    let path = format!("/run/{name}");
    if !Path::new(&path).exists() {
        let file = format!("{path}.c");
        fs::write("/run/login.h", LOGIN).expect("our own /run");
        fs::write(&file, source).expect("our own /run");
        // A host has libpam loaded before any module, whether it calls it in these lines or not.
        let options = "-O1 -pthread -Wall -Wextra -Werror -Wl,--no-as-needed -lpam";
        let options = options.split(' ').chain(["-o", &path, &file]);
        run(&["cc"].into_iter().chain(options).collect::<Vec<_>>());
    }
    path
}
