//! A module of our own beside the one that is tested.

use crate::program::program;

/// Compiles a module that with `set=HEX` sets `PAM_AUTHTOK`, and with `show` tells the person what
/// it is, "token HEX" or "no token"; returns its path. No application may do either.
pub fn token_module() -> String {
    program("token.so", include_str!("token.c"), "-shared -fPIC")
}
