//! How many instructions a login takes, by callgrind: nearly the same number every time, whatever
//! else the machine does.

use std::process::Command;

use crate::{Answer, Host};

/// The instructions of the module in a login of `user`, the kernel's not among them.
#[track_caller]
pub fn instructions(host: &Host, user: &str, answer: &str) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=pam_sm_authenticate")
        .args(host.argv(user, &[Answer::Text(answer)]))
        .output()
        .expect("valgrind is there");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.unwrap_or_else(|| panic!("callgrind counted nothing: {said}"));
    count.trim().parse().expect("a number")
}
