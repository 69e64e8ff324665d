//! The table in docs/decisions.md: where ours differs from the original, and why.

use std::collections::HashSet;

use crate::by_hand;
use crate::known;
use crate::scenario::Expected;

const DECISIONS: &str = include_str!("../../../docs/decisions.md");

/// The rows about what is not compared here, each with the test that shows it and the file that has
/// that test.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("log ident", "a_code_opens_the_door_once", include_str!("../sshd.rs")),
    ("`debug`", "secrets_and_answers_never_reach_the_log", LOGIN),
    ("dummy password of sshd", "what_sshd_says_for_those_it_refuses", VERIFY),
    (
        "account, session, password lines",
        "lines_that_have_nothing_to_say_lock_nobody_out",
        include_str!("../su.rs"),
    ),
    (
        "failed setfsuid, file-size limit",
        "a_host_that_may_do_little_is_not_killed",
        include_str!("../bad_input.rs"),
    ),
    ("logins at the same time", "one_code_by_time_lets_one_in", include_str!("../races.rs")),
    (
        "code of the step before or after, while enrolling",
        "the_window_of_the_file_but_at_most_one_to_either_side",
        include_str!("../../../core/src/confirm.rs"),
    ),
    ("code confirmed while enrolling", "the_apps_code_confirms_and_is_used_up", DIALOGUE),
    ("wrong code while enrolling", "a_wrong_code_is_asked_again_and_reveals_nothing", DIALOGUE),
    ("period, counter", "all_that_is_unusual", include_str!("../../../core/src/otpauth/write.rs")),
];

const LOGIN: &str = include_str!("../../../pam_mfa/src/login/tests.rs");
const VERIFY: &str = include_str!("../../../core/src/verify/tests.rs");
const DIALOGUE: &str = include_str!("../../../enroll/tests/cli/dialogue.rs");

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
    let elsewhere: HashSet<&str> = ELSEWHERE.iter().map(|(row, ..)| *row).collect();
    for (row, test, file) in ELSEWHERE {
        assert!(
            file.contains(&format!("#[test]\nfn {test}()"))
                || file.contains(&format!("#[test]\n    fn {test}()")),
            "{row}: no {test}"
        );
    }
    assert_eq!(shown.intersection(&elsewhere).next(), None, "shown here after all");
    let marks = &shown | &elsewhere;
    assert_eq!(rows().difference(&marks).next(), None, "a row that no scenario shows");
    assert_eq!(marks.difference(&rows()).next(), None, "a mark that is no row");
    assert_eq!(known::rows().find(|row| !shown.contains(row)), None, "known, but not shown");
}
