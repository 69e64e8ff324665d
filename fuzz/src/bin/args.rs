//! The options of a PAM line, and the path that they make for a user: `USER NUL HOME NUL OPTION NUL
//! ...`; no home if it is empty.

#![no_main]

#[path = "../../../pam_mfa/src/args.rs"]
mod args;
#[path = "../../../pam_mfa/src/path.rs"]
mod path;

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use args::Args;
use libfuzzer_sys::fuzz_target;
use mfa_core::reason::Reason;

fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|&byte| byte == 0);
    let user = String::from_utf8_lossy(pieces.next().unwrap_or_default());
    let home = pieces.next().filter(|home| !home.is_empty());
    let options: Vec<_> = pieces.map(|option| CString::new(option).expect("no NUL")).collect();
    let options: Vec<_> = options.iter().map(CString::as_c_str).collect();

    let args = match Args::parse(&options) {
        Ok(args) => args,
        Err((reason, culprit)) => return is_the_first_mistake(&options, reason, &culprit),
    };
    in_range(&args);
    let twice = [&options[..], &options].concat();
    assert_eq!(Args::parse(&twice), Ok(args.clone()), "the later wins, and they are the same");

    let home = home.map(|home| Path::new(OsStr::from_bytes(home)));
    if let Some(template) = &args.secret {
        leads_nowhere_else(template, &user, home);
    }
});

/// The option that is complained of is wrong by itself, and those before it are not; or none is, but
/// `enroll` beside the others.
fn is_the_first_mistake(options: &[&CStr], reason: Reason, culprit: &str) {
    assert!(matches!(reason, Reason::UnknownOption | Reason::BadOption));
    let is_wrong = |options: &[&CStr]| Args::parse(&[options, &[c"account=yes"]].concat()).is_err();
    if let Some(wrong) = options.iter().position(|&option| is_wrong(&[option])) {
        assert_eq!(options[wrong].to_string_lossy(), culprit);
        assert!(!is_wrong(&without_enroll(&options[..wrong])));
    } else {
        assert!(culprit.contains("enroll") && without_enroll(options).len() < options.len());
        assert!(Args::parse(&without_enroll(options)).is_ok());
    }
}

fn without_enroll<'a>(options: &[&'a CStr]) -> Vec<&'a CStr> {
    let is_other = |option: &&CStr| !option.to_bytes().starts_with(b"enroll");
    options.iter().copied().filter(is_other).collect()
}

fn in_range(args: &Args) {
    assert!((1..=5).contains(&args.retry));
    assert_ne!(args.allowed_mode, 0);
}

/// A user's name fills its own place in the path and no other.
fn leads_nowhere_else(template: &OsStr, user: &str, home: Option<&Path>) {
    let expanded = path::expand(template, user, home);
    let plain = path::expand(template, "alice", home);
    match (expanded, plain) {
        (Ok(expanded), Ok(plain)) => {
            assert!(expanded.components().map(kind).eq(plain.components().map(kind)));
            assert!(!expanded.as_os_str().as_bytes().contains(&0), "one C string");
        }
        (Err(Reason::BadUserName), _) => assert_ne!(user, "alice"),
        (expanded, plain) => assert_eq!(expanded, plain, "no home to name"),
    }
}

fn kind(component: Component) -> std::mem::Discriminant<Component> {
    // What the names are does not matter, but `..` is another variant.
    std::mem::discriminant(&match component {
        Component::Normal(_) => Component::Normal(OsStr::new("")),
        other => other,
    })
}
