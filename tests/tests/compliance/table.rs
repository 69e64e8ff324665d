//! The table in docs/decisions.md: where ours differs from the original, and why.

use std::collections::HashSet;

use crate::by_hand;
use crate::known;
use crate::scenario::Expected;

const DECISIONS: &str = include_str!("../../../docs/decisions.md");

/// The rows about what is not compared here: the log, other hooks, limits of the process, logins at
/// one moment, enrolment. Tests of their own show them.
const ELSEWHERE: &[&str] = &[
    "log ident",
    "`debug`",
    "dummy password of sshd",
    "account, session, password lines",
    "failed setfsuid, file-size limit",
    "logins at the same time",
    "code of the step before or after, while enrolling",
    "code confirmed while enrolling",
    "wrong code while enrolling",
    "period, counter",
];

/// The first column.
fn rows() -> HashSet<&'static str> {
    let (_, table) = DECISIONS.split_once("| what | the original |").expect("the table is there");
    let rows = table.lines().skip(2).map_while(|row| row.strip_prefix("| ")?.split(" | ").next());
    rows.collect()
}

#[test]
fn every_row_is_shown_and_every_mark_is_a_row() {
    let shown: HashSet<&str> = by_hand()
        .iter()
        .flat_map(|scenario| &scenario.logins)
        .filter_map(|login| match login.expected {
            Expected::Differs(row, ..) => Some(row),
            _ => None,
        })
        .collect();
    let elsewhere: HashSet<&str> = ELSEWHERE.iter().copied().collect();
    assert_eq!(shown.intersection(&elsewhere).next(), None, "shown here after all");
    let marks = &shown | &elsewhere;
    assert_eq!(rows().difference(&marks).next(), None, "a row that no scenario shows");
    assert_eq!(marks.difference(&rows()).next(), None, "a mark that is no row");
    assert_eq!(known::rows().find(|row| !shown.contains(row)), None, "known, but not shown");
}
