//! The module as a file: what a host takes in with it.

use std::fs;
use std::path::PathBuf;

use sandbox::{Machine, footprint, installed, run};

/// Every login loads it. Half of it is what std and the reader of TOML take; the policy, with its limits,
/// fresh checks and tokens, is an eighth.
const MOST_BYTES: u64 = 946_000;

/// The same with Rust 1.85, whose own library takes more.
const MOST_BYTES_OF_OLD_RUST: u64 = 1_060_000;

/// What each process may have to itself: there are as many as there are sessions.
const MOST_KILOBYTES: u32 = 40;

fn ours() -> PathBuf {
    installed("pam_mfa.so")
}

/// The lines that readelf(1) prints about it.
fn readelf(option: &str) -> Vec<String> {
    let path = ours();
    let said = run(&["readelf", "--wide", option, path.to_str().expect("ASCII")]);
    said.lines().map(str::to_owned).collect()
}

#[test]
fn it_needs_libc_and_libpam_only() {
    let needed: Vec<_> = readelf("--dynamic")
        .iter()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned()))
        .collect();
    assert!(needed.iter().any(|name| name == "libpam.so.0"), "{needed:?}");
    for name in &needed {
        let known = ["libpam.so.0", "libc.so.6"].contains(&name.as_str());
        assert!(known || name.starts_with("ld-linux"), "{needed:?}");
    }
}

#[test]
fn it_exports_the_six_hooks_only() {
    let mut exported: Vec<_> = readelf("--dyn-syms")
        .iter()
        .filter(|line| line.contains(" GLOBAL ") || line.contains(" WEAK "))
        .filter(|line| !line.contains(" UND "))
        .filter_map(|line| Some(line.split_whitespace().last()?.to_owned()))
        .collect();
    exported.sort();
    let hooks = [
        "pam_sm_acct_mgmt",
        "pam_sm_authenticate",
        "pam_sm_chauthtok",
        "pam_sm_close_session",
        "pam_sm_open_session",
        "pam_sm_setcred",
    ];
    assert_eq!(exported, hooks);
}

#[test]
fn it_stays_loaded_and_nothing_in_it_can_be_redirected() {
    let dynamic = readelf("--dynamic").join("\n");
    for flag in ["NODELETE", "BIND_NOW"] {
        assert!(dynamic.contains(flag), "{flag}: {dynamic}");
    }
    let segments = readelf("--program-headers");
    assert!(segments.iter().any(|line| line.contains("GNU_RELRO")), "{segments:?}");
    let stack = segments.iter().find(|line| line.contains("GNU_STACK")).expect("there is one");
    assert!(!stack.contains("RWE"), "an executable stack: {stack}");
}

#[test]
fn it_is_small() {
    let _machine = Machine::new();
    let size = fs::metadata(ours()).expect("it is there").len();
    let comment = readelf("--string-dump=.comment").join("\n");
    assert!(comment.contains("rustc version "), "{comment}");
    let is_old = comment.contains("rustc version 1.8");
    let most = if is_old { MOST_BYTES_OF_OLD_RUST } else { MOST_BYTES };
    assert!(size <= most, "{size} bytes");
    let sections = readelf("--section-headers").join("\n");
    assert!(!sections.contains(".symtab"), "it is not stripped");
    let kilobytes = footprint(&ours());
    assert!(kilobytes <= MOST_KILOBYTES, "{kilobytes} kB that no other process shares");
}
