//! The original and ours, side by side: the same file, line, clock and answers, and everything that
//! is to be seen of it compared. What differs for a reason stands in docs/decisions.md, each row of
//! it shown here or in a test that table.rs names.

#![forbid(unsafe_code)]
#![allow(clippy::too_many_lines, reason = "a table has as many as it has rows")]

mod compare;
mod counters;
mod files;
mod grace;
mod keys;
mod known;
mod lab;
mod limits;
mod options;
mod random;
mod scenario;
mod skew;
mod stacking;
mod table;
mod template;
mod windows;

use compare::compare;
use lab::Lab;
use scenario::Scenario;

/// Every scenario that was written by hand.
fn by_hand() -> Vec<Scenario> {
    [
        counters::scenarios(),
        files::scenarios(),
        grace::scenarios(),
        keys::scenarios(),
        limits::scenarios(),
        options::scenarios(),
        skew::scenarios(),
        stacking::scenarios(),
        windows::scenarios(),
    ]
    .concat()
}

/// Each of them holds.
#[track_caller]
fn all_hold(scenarios: &[Scenario]) {
    let lab = Lab::new();
    let wrong: Vec<_> =
        scenarios.iter().filter_map(|scenario| compare(&lab, scenario).err()).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), scenarios.len(), wrong.join("\n"));
}

#[test]
fn the_table_is_long_and_names_nothing_twice() {
    let mut names: Vec<_> = by_hand().into_iter().map(|scenario| scenario.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert!(all >= 150 && names.len() == all, "{all} scenarios, {} names", names.len());
}
