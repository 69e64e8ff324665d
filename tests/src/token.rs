//! A module of our own beside the one that is tested.

use std::fs;
use std::path::Path;

use crate::machine::run;

/// Compiles a module that with `set=HEX` sets `PAM_AUTHTOK`, and with `show` tells the person what
/// it is, "token HEX" or "no token"; returns its path. No application may do either.
pub fn token_module() -> &'static str {
    let module = "/run/token.so";
    if !Path::new(module).exists() {
        fs::write("/run/token.c", include_str!("token.c")).expect("our own /run");
        let options = "-Wall -Wextra -Werror -shared -fPIC -o /run/token.so /run/token.c -lpam";
        run(&["cc"].into_iter().chain(options.split(' ')).collect::<Vec<_>>());
    }
    module
}
