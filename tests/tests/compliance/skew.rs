//! A clock that differs is learnt from three codes in a row.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

pub fn scenarios() -> Vec<Scenario> {
    let totp = "TOTP_AUTH|WINDOW_SIZE 3";
    let seen = |earlier: &str| format!("TOTP_AUTH|RESETTING_TIME_SKEW {earlier}");
    vec![
        scenario("a clock ahead is learnt", "", totp)
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+20}")
            .later(30)
            .accepts("{totp+20}")
            .later(30)
            .accepts("{totp+20}")
            .denies("{totp}"),
        scenario("a clock behind is learnt", "", totp)
            .denies("{totp-20}")
            .later(60)
            .denies("{totp-20}")
            .later(30)
            .accepts("{totp-20}")
            .later(30)
            .accepts("{totp-21}"),
        scenario("a clock that wanders is learnt", "", totp)
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+21}")
            .later(30)
            .accepts("{totp+21}"),
        scenario("a clock that runs away is not", "", totp)
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+21}")
            .later(30)
            .denies("{totp+22}"),
        scenario("with noskewadj nothing is learnt", "noskewadj", totp)
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+20}"),
        scenario("the same code again teaches nothing", "", totp)
            .denies("{totp+20}")
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+19}"),
        scenario("two codes of one step teach nothing", "", totp)
            .denies("{totp+20}")
            .denies("{totp+21}")
            .later(30)
            .denies("{totp+20}"),
        scenario("three steps between are too many", "", totp)
            .denies("{totp+20}")
            .later(90)
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+20}")
            .later(30)
            .accepts("{totp+20}"),
        scenario("a wrong code between does not disturb", "", totp)
            .denies("{totp+20}")
            .denies("000000")
            .later(30)
            .denies("{totp+20}")
            .later(30)
            .accepts("{totp+20}"),
        scenario("a good code between does not disturb", "", totp)
            .denies("{totp+20}")
            .later(30)
            .accepts("{totp}")
            .denies("{totp+20}")
            .later(30)
            .accepts("{totp+20}"),
        scenario("half a day is within reach", "", totp)
            .denies("{totp+1499}")
            .denies("{totp-1499}"),
        scenario("more than half a day is not", "", totp)
            .denies("{totp+1500}")
            .denies("{totp-1500}"),
        scenario("a learnt clock is learnt anew", "", "TOTP_AUTH|TIME_SKEW 20")
            .denies("{totp-5}")
            .later(30)
            .denies("{totp-5}")
            .later(30)
            .accepts("{totp-5}"),
        scenario("the mean is cut off towards 0", "", &seen("{step-2}-20 {step-1}-21"))
            .accepts("{totp-21}"),
        scenario("the mean is cut off towards 0, ahead", "", &seen("{step-2}+20 {step-1}+21"))
            .accepts("{totp+21}"),
        scenario(
            "of more than three the last count",
            "",
            &seen("{step-9}+1 {step-8}+7 {step-2}+20 {step-1}+20"),
        )
        .accepts("{totp+20}"),
        scenario("pairs up to the first that is none", "", &seen("{step-2}+20 x {step-1}+20"))
            .denies("{totp+20}"),
        scenario("pairs with nothing between", "", &seen("{step-2}+20{step-1}+20"))
            .denies("{totp+20}"),
        scenario("pairs that are none", "", &seen("x")).denies("{totp+20}"),
        scenario("pairs of the future", "", &seen("{step+1}+20 {step+2}+20")).denies("{totp+20}"),
        scenario(
            "a scratch code learns nothing",
            "",
            &(seen("{step-2}+20 {step-1}+20") + "|11111111"),
        )
        .accepts("11111111"),
        scenario("with a rate limit, too", "", "TOTP_AUTH|RATE_LIMIT 3 30")
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+20}")
            .later(30)
            .accepts("{totp+20}"),
        scenario("of another step size", "", "TOTP_AUTH|STEP_SIZE 60")
            .period(60)
            .denies("{totp+20}")
            .later(60)
            .denies("{totp+20}")
            .later(60)
            .accepts("{totp+20}"),
        scenario("forward_pass after learning", "forward_pass", &seen("{step-2}+20 {step-1}+20"))
            .accepts("pass{totp+20}"),
        // What ours does better needs a list of used codes.
        scenario("the third code", "", "TOTP_AUTH|DISALLOW_REUSE")
            .denies("{totp+20}")
            .later(30)
            .denies("{totp+20}")
            .later(30)
            .differs(THIRD, "{totp+20}", ["\" DISALLOW_REUSE"], ["\" DISALLOW_REUSE {step+20}"])
            .differs(
                THIRD,
                "{totp+20}",
                ["accepted"],
                ["denied", "told \"That code has been used; the next one comes in 20 s\""],
            ),
        scenario(
            "old codes in their order",
            "",
            "TOTP_AUTH|DISALLOW_REUSE {step-18}|RESETTING_TIME_SKEW {step-2}-20 {step-1}-20",
        )
        .differs(
            THIRD,
            "{totp-20}",
            ["accepted", "\" TIME_SKEW -20", "\" RESETTING_TIME_SKEW "],
            [
                "denied",
                "told \"That code has been used; get a new one\"",
                "\" RESETTING_TIME_SKEW {step-2}-20 {step-1}-20 {step}-20",
            ],
        ),
        scenario(
            "the rounded mean makes a used code the next",
            "",
            "TOTP_AUTH|WINDOW_SIZE 1|DISALLOW_REUSE|RESETTING_TIME_SKEW {step-2}+20 {step-1}+20",
        )
        .differs(THIRD, "{totp+21}", ["\" DISALLOW_REUSE"], ["\" DISALLOW_REUSE {step+21}"])
        .later(30)
        .differs(
            "window 1 while a clock is learnt",
            "{totp+20}",
            ["accepted"],
            ["denied", "told \"That code has been used; the next one comes in 20 s\""],
        ),
    ]
}

const THIRD: &str = "third code while a clock is learnt";
