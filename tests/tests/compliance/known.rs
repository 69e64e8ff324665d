//! How a difference that nobody expected at this login is recognized as one of the table's.

use std::collections::HashSet;

use crate::compare::Sight;
use crate::scenario::START;

/// Whether a line is a hint that only ours gives: rows "code used, too many attempts, not checked"
/// and "EACCES and a full file-size limit".
pub fn is_only_told(line: &str) -> bool {
    let hints = [
        "told \"That code has been used",
        "told \"Too many attempts",
        "told \"The code could not be checked",
        "told \"Error \\\"Permission denied\\\" while",
    ];
    hints.iter().any(|hint| line.starts_with(hint))
}

/// The rows that random scenarios meet.
pub fn rows() -> impl Iterator<Item = &'static str> {
    EXPLANATIONS.iter().map(|(row, _)| *row)
}

/// Whether a line differs because of a row.
type Explains = fn(&Sight, &str) -> bool;

const EXPLANATIONS: &[(&str, Explains)] = &[
    ("`LASTn` in the future, or without `grace_period`", |sight, _| {
        let good = |at: u64| at <= sight.now() && sight.grace() > 0;
        sight.theirs_let_in_unasked() && !sight.records().any(good)
    }),
    ("grace period and rate limit", |sight, _| {
        let has = |what: &str| sight.ours.iter().any(|line| line.starts_with(what));
        let limited = has("denied") && has("\" RATE_LIMIT") && !has("asked ");
        sight.theirs_let_in_unasked() && limited
    }),
    ("grace period and `forward_pass`", |sight, _| {
        sight.theirs_let_in_unasked() && sight.ours[1] == "asked \"Password: \""
    }),
    ("grace period, and nothing else to write", |sight, line| {
        let now = format!(" {}", sight.now());
        let recorded = |line: &String| is_record(line) && line.ends_with(&now);
        sight.grace() > 0
            && is_record(line)
            && sight.ours.iter().any(recorded)
            && !sight.theirs.iter().any(recorded)
    }),
    ("a host with `_` or `%`, or that is no name, in `LASTn`", |sight, line| {
        let odd = |line: &String| line.contains(" a_b ") || line.contains(" a,b ");
        let lets_in = sight.theirs_let_in_unasked() && sight.login.from.as_deref() == Some("a,b");
        lets_in || is_record(line) && sight.theirs.iter().any(odd)
    }),
    ("used steps outside the window", |sight, line| {
        let lists = [&sight.difference.theirs, &sight.difference.ours].map(|lines| {
            let list = lines.iter().find(|line| is_list(line))?.replace("\\t", " ");
            Some(list.split_ascii_whitespace().map(str::to_owned).collect::<HashSet<_>>())
        });
        is_list(line) && matches!(&lists, [Some(theirs), Some(ours)] if theirs.is_subset(ours))
    }),
    ("third code while a clock is learnt", |sight, line| {
        let has = |what: &str| sight.theirs.iter().any(|line| line.starts_with(what));
        let learnt = has("accepted") && has("\" RESETTING_TIME_SKEW ") && has("\" TIME_SKEW");
        learnt && has("\" DISALLOW_REUSE") && (sight.ours[0] == "denied" || is_list(line))
    }),
    ("a line that is no scratch code", |sight, _| {
        let remark = sight.theirs.iter().any(|line| line.starts_with("# a remark"));
        remark && sight.only_ours_used_a_scratch_code()
    }),
    ("a scratch code on two lines", |sight, line| {
        is_scratch_code(line) && sight.ours[0] == "accepted" && sight.theirs[0] == "accepted"
    }),
    ("two prompts after a failed conversation", |sight, _| {
        let prompts = sight.ours.iter().filter(|line| line.starts_with("asked "));
        prompts.count() == 2 && ["null", "none", "error"].contains(&sight.login.replies[0].as_str())
    }),
];

impl Sight<'_> {
    /// Whether every line that differs does so because of one of these rows.
    pub fn is_explained(&self) -> bool {
        let explained = |line: &str| EXPLANATIONS.iter().any(|(_, explains)| explains(self, line));
        // A line that is written takes the empty ones below it with it.
        let lines: Vec<_> =
            self.difference.lines().filter(|line| !content(line).is_empty()).collect();
        !lines.is_empty()
            && !self.ours_misbehaved()
            && lines.into_iter().all(|line| explained(line))
    }

    /// No row is a reason for this.
    fn ours_misbehaved(&self) -> bool {
        let never = ["process ", "stderr ", "host: ", "returned "];
        self.ours.iter().any(|line| never.iter().any(|what| line.starts_with(what)))
    }

    fn theirs_let_in_unasked(&self) -> bool {
        let did = |what: &str| self.theirs.iter().any(|line| line.starts_with(what));
        self.theirs[0] == "accepted" && !did("asked ") && self.records().next().is_some()
    }

    /// When the logins from this host were that are still good to the original.
    fn records(&self) -> impl Iterator<Item = u64> {
        let from = self.login.from.clone().unwrap_or_default();
        let times = self.theirs.iter().filter_map(move |line| {
            let (_, record) = line.strip_prefix("\" LAST")?.split_once(' ')?;
            content(record).strip_prefix(&from)?.trim().parse::<u64>().ok()
        });
        times.filter(|at| at + self.grace() > self.now())
    }

    fn now(&self) -> u64 {
        START + self.login.later
    }

    fn grace(&self) -> u64 {
        let options = self.scenario.options.split(' ');
        options
            .filter_map(|option| option.strip_prefix("grace_period=")?.parse().ok())
            .next_back()
            .unwrap_or(0)
    }

    fn only_ours_used_a_scratch_code(&self) -> bool {
        self.ours[0] == "accepted"
            && self.difference.theirs.iter().any(|line| is_scratch_code(line))
    }
}

fn is_record(line: &str) -> bool {
    line.starts_with("\" LAST")
}

fn is_list(line: &str) -> bool {
    line.starts_with("\" DISALLOW_REUSE")
}

fn is_scratch_code(line: &str) -> bool {
    content(line).len() == 8 && content(line).parse::<u32>().is_ok()
}

/// A line without what ends it.
fn content(line: &str) -> &str {
    line.trim_end_matches(" and no newline").trim_end_matches("\\r")
}
