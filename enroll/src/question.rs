//! The questions that no flag answered.

use crate::plan::{Method, Plan, USUAL_LIMIT, USUAL_WINDOW, WIDE_WINDOW};
use crate::save::Target;
use crate::span::span;

/// A question that is answered by yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Time-based, or counter-based?
    TimeBased,
    /// May it be written?
    Write,
    /// Shall each code count once?
    DisallowReuse,
    /// Shall more codes be good at one moment?
    Widen,
    /// Shall attempts be limited?
    Limit,
}

impl Question {
    /// The options that answer it.
    pub fn options(self) -> &'static str {
        match self {
            Self::TimeBased => "--time-based or --counter-based",
            Self::Write => "--force",
            Self::DisallowReuse => "--disallow-reuse or --allow-reuse",
            Self::Widen => "--window-size or --minimal-window",
            Self::Limit => "--rate-limit with --rate-time, or --no-rate-limit",
        }
    }

    /// The words, without the marker for what can be answered.
    pub fn text(self, plan: &Plan, target: &impl Target) -> String {
        let period = u64::from(plan.period());
        match self {
            Self::TimeBased => {
                "Nearly every app shows codes that change with the time; others change\n\
                 with each use.\nTime-based codes?"
                    .to_owned()
            }
            Self::Write => target.question(),
            Self::DisallowReuse => format!(
                "A code is good for a while, also for somebody who saw you type it. If each\n\
                 counts once, you can log in only once every {}.\nLet each code count only once?",
                span(period)
            ),
            Self::Widen if plan.method() == Method::Hotp => format!(
                "The next {USUAL_WINDOW} codes are good, for an app that was asked for one that\n\
                 was never used.\nLet the next {WIDE_WINDOW} be good?"
            ),
            Self::Widen => format!(
                "{USUAL_WINDOW} codes are good at one moment, so the phone's clock may be off\n\
                 by {}. With {WIDE_WINDOW} it may be off by {}, and a guess\nhits more easily.\n\
                 Let {WIDE_WINDOW} codes be good?",
                span(period),
                span(period * u64::from(WIDE_WINDOW / 2))
            ),
            Self::Limit => {
                let (attempts, seconds) = USUAL_LIMIT;
                format!(
                    "Codes can be guessed by whoever may try often enough.\n\
                     Allow at most {attempts} attempts in {}?",
                    span(u64::from(seconds))
                )
            }
        }
    }
}
