//! System calls that fail, or during which the process is killed, by strace(1).

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

/// The `nth` call of `name` of a process, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The system call.
    pub name: String,
    /// Which one of them.
    pub nth: usize,
}

const TRACE: &str = "/run/strace";

/// The calls of an undisturbed run of `argv`, from the first that names `first` up to the first
/// after it that names `last`, this one not included.
#[track_caller]
pub fn calls(argv: &[String], first: &str, last: &str) -> Vec<Call> {
    strace(&[], argv);
    let trace = fs::read_to_string(TRACE).expect("strace wrote it");
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut calls = Vec::new();
    let mut inside = false;
    for line in trace.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let nth = seen.entry(name).and_modify(|nth| *nth += 1).or_insert(1);
        inside |= rest.contains(first);
        if inside && rest.contains(last) {
            return calls;
        }
        if inside {
            calls.push(Call { name: name.to_owned(), nth: *nth });
        }
    }
    panic!("no {last} after {first}:\n{trace}");
}

/// Runs `argv` with `fault` (as strace(1) has it: `error=EIO`, `signal=SIGKILL`) in place of
/// `call`. Returns what it wrote to its standard output.
#[track_caller]
pub fn inject(argv: &[String], call: &Call, fault: &str) -> String {
    let Call { name, nth } = call;
    let inject = format!("inject={name}:{fault}:when={nth}");
    let said = strace(&["-e", &format!("trace={name}"), "-e", &inject], argv);
    let trace = fs::read_to_string(TRACE).expect("strace wrote it");
    let happened = if fault.starts_with("error") { "(INJECTED)" } else { "killed by SIGKILL" };
    assert!(trace.contains(happened), "{fault} did not happen at {call:?}:\n{trace}");
    said
}

#[track_caller]
fn strace(options: &[&str], argv: &[String]) -> String {
    let output = Command::new("timeout")
        .args(["20", "strace", "-qq", "-s", "200", "-o", TRACE])
        .args(options)
        .arg("--")
        .args(argv)
        .stdin(Stdio::null())
        .output()
        .expect("coreutils are there");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
