//! The options of a PAM line and of the file that they name, and the paths that they make for a user: `USER
//! NUL HOME NUL FILE NUL OPTION NUL ...`; no home if it is empty.

#![no_main]

#[expect(dead_code)] // files of this machine are not read
#[path = "../../../pam_mfa/src/args/mod.rs"]
mod args;
#[path = "../../../pam_mfa/src/path.rs"]
mod path;

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use args::Args;
use libfuzzer_sys::fuzz_target;
use mfa_core::reason::Reason;

fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|&byte| byte == 0);
    let user = String::from_utf8_lossy(pieces.next().unwrap_or_default());
    let home = pieces.next().filter(|home| !home.is_empty());
    let file = pieces.next().unwrap_or_default();
    let options: Vec<_> = pieces.map(|option| CString::new(option).expect("no NUL")).collect();
    let options: Vec<_> = options.iter().map(CString::as_c_str).collect();

    let parse = |options: &[&CStr]| Args::parse(options, &|_| Ok(file.to_vec()));

    let args = match parse(&options) {
        Ok(args) => args,
        Err((reason, culprit)) => return is_the_first_mistake(&options, reason, &culprit, &parse),
    };
    in_range(&args);
    let twice = [&options[..], &options].concat();
    assert_eq!(parse(&twice), Ok(args.clone()), "the later wins, and they are the same");

    let home = home.map(|home| Path::new(OsStr::from_bytes(home)));
    if let Some(template) = &args.secret {
        leads_nowhere_else(&|user| path::expand(template, user, home), &user);
    }
    leads_nowhere_else(&|user| args.keys.pam_u2f.path(user), &user);
});

type Parse<'a> = dyn Fn(&[&CStr]) -> Result<Args, (Reason, String)> + 'a;

/// What is complained of is wrong by itself: the file, else the first option that is. If none is, some demand
/// others beside them.
fn is_the_first_mistake(options: &[&CStr], reason: Reason, culprit: &str, parse: &Parse) {
    assert!(matches!(reason, Reason::UnknownOption | Reason::BadOption));
    let culprit_of = |options: &[&CStr]| parse(options).err().map(|(_, culprit)| culprit);
    let own = |option: &CStr| {
        let culprit = culprit_of(&[c"account=yes", c"u2f", option])?;
        culprit.starts_with(&*option.to_string_lossy()).then_some(culprit)
    };
    let mut confs = options.iter().rev().filter(|option| option.to_bytes().starts_with(b"conf="));
    let of_file = |conf: &&CStr| own(conf).filter(|culprit| *culprit != conf.to_string_lossy());
    let first = confs.next().and_then(of_file);
    if let Some(first) = first.or_else(|| options.iter().find_map(|option| own(option))) {
        assert_eq!(culprit, first);
    } else {
        let mended = [&without_enroll(options)[..], &[c"u2f", c"authfile=x"]].concat();
        assert_eq!(culprit_of(&mended), None);
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
fn leads_nowhere_else(expand: &dyn Fn(&str) -> Result<PathBuf, Reason>, user: &str) {
    match (expand(user), expand("alice")) {
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
