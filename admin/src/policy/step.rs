//! What is done to the files, one after the other: after each of them, and after a crash there,
//! readers see the old policy or the new one.

use std::path::Path;

use mfa_core::policy::trial::{PREVIOUS, TRIAL};
use mfa_core::policy::{POLICY, Trial, Turn};
use mfa_core::store::Trouble;

/// One of them, durable when the next begins.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The file has this text.
    Write(&'static str, Vec<u8>),
    /// There is no such file.
    Remove(&'static str),
}

use Step::{Remove, Write};

/// A policy is on trial. What says so comes before it: until then the trial is one of the old policy.
pub fn begin(old: Option<Vec<u8>>, new: Vec<u8>, trial: &Trial) -> Vec<Step> {
    let keep = old.map(|old| Write(PREVIOUS, old));
    let steps = [Write(TRIAL, trial.to_text().into_bytes()), Write(POLICY, new)];
    keep.into_iter().chain(steps).collect()
}

/// The policy before is in its place again. Its copy stays: readers go by it until the end.
pub fn revert(previous: Option<Vec<u8>>) -> Vec<Step> {
    vec![previous.map_or(Remove(POLICY), |text| Write(POLICY, text)), Remove(TRIAL)]
}

/// The new policy stays.
pub fn confirm() -> Vec<Step> {
    vec![Remove(TRIAL)]
}

/// Does all of them, or as many as can be done.
///
/// # Errors
/// Why the next one could not be done, or may not survive a crash.
pub fn take(steps: &[Step], run_dir: &Path, dir: &Path) -> Result<(), Trouble> {
    steps.iter().try_for_each(|step| match step {
        Write(name, text) => Turn::take(run_dir, dir, name)?.replace(text)?.map_or(Ok(()), Err),
        Remove(name) => Turn::take(run_dir, dir, name)?.remove(),
    })
}
