//! Codes by time: how far they may be off, and that they are used up.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

/// With `noskewadj`, so that what is outside is just wrong.
fn window(name: &str, size: &str) -> Scenario {
    scenario(name, "noskewadj", &format!("TOTP_AUTH{size}"))
}

pub fn scenarios() -> Vec<Scenario> {
    let once = "TOTP_AUTH|DISALLOW_REUSE";
    let many: Vec<_> = (10..42).map(|steps| format!("{{step+{steps}}}")).collect();
    let many: &str = format!("\" DISALLOW_REUSE {}", many.join(" ")).leak();
    vec![
        // Of an even window, the larger half is ahead.
        window("the usual window", "")
            .accepts("{totp-1}")
            .accepts("{totp+1}")
            .denies("{totp-2}")
            .denies("{totp+2}"),
        window("window 1", "|WINDOW_SIZE 1")
            .accepts("{totp}")
            .denies("{totp-1}")
            .denies("{totp+1}"),
        window("window 2", "|WINDOW_SIZE 2")
            .accepts("{totp+1}")
            .denies("{totp-1}")
            .denies("{totp+2}"),
        window("window 4", "|WINDOW_SIZE 4")
            .accepts("{totp-1}")
            .accepts("{totp+2}")
            .denies("{totp-2}")
            .denies("{totp+3}"),
        window("window 6", "|WINDOW_SIZE 6")
            .accepts("{totp-2}")
            .accepts("{totp+3}")
            .denies("{totp-3}")
            .denies("{totp+4}"),
        window("window 17", "|WINDOW_SIZE 17")
            .accepts("{totp-8}")
            .accepts("{totp+8}")
            .denies("{totp-9}")
            .denies("{totp+9}"),
        window("window 100", "|WINDOW_SIZE 100")
            .accepts("{totp-49}")
            .accepts("{totp+50}")
            .denies("{totp-50}")
            .denies("{totp+51}"),
        window("a step ends at its second", "|WINDOW_SIZE 1")
            .later(19)
            .accepts("{totp}")
            .later(1)
            .denies("{totp-1}"),
        window("a stored skew moves the window", "|TIME_SKEW 5")
            .accepts("{totp+5}")
            .accepts("{totp+6}")
            .denies("{totp}"),
        window("a stored skew back", "|TIME_SKEW -5")
            .accepts("{totp-6}")
            .denies("{totp-3}")
            .denies("{totp}"),
        window("a stored skew that is no number", "|TIME_SKEW x").accepts("{totp}"),
        window("a stored skew with something behind", "|TIME_SKEW 5x").accepts("{totp+5}"),
        window("another step size", "|STEP_SIZE 60")
            .period(60)
            .accepts("{totp}")
            .denies("{totp+2}"),
        // Reuse.
        scenario("reuse is allowed where nothing forbids it", "", "TOTP_AUTH")
            .accepts("{totp}")
            .accepts("{totp}"),
        scenario("a code is good once", "", once)
            .accepts("{totp}")
            .denies("{totp}")
            .denies("{totp}"),
        scenario("each code of a window is good once", "", once)
            .accepts("{totp+1}")
            .accepts("{totp-1}")
            .accepts("{totp}")
            .denies("{totp+1}")
            .denies("{totp-1}"),
        scenario("a used code is remembered in the next step", "", once)
            .accepts("{totp}")
            .later(30)
            .denies("{totp-1}"),
        scenario(
            "the same code of a step that is listed",
            "",
            "TOTP_AUTH|DISALLOW_REUSE {step-1} {step}",
        )
        .denies("{totp}")
        .denies("{totp-1}")
        .accepts("{totp+1}"),
        scenario(
            "a skew counts in what is listed",
            "",
            "TOTP_AUTH|TIME_SKEW 5|DISALLOW_REUSE {step+5}",
        )
        .denies("{totp+5}")
        .accepts("{totp+6}"),
        scenario("blanks in the list stay", "", "TOTP_AUTH|DISALLOW_REUSE   {step-1}\t{step} ")
            .accepts("{totp+1}"),
        scenario("a list that is none", "", "TOTP_AUTH|DISALLOW_REUSE x").denies("{totp}"),
        scenario("a list with something behind", "", "TOTP_AUTH|DISALLOW_REUSE {step-1}x")
            .denies("{totp}"),
        scenario(
            "a list that is none, and a wrong code",
            "noskewadj",
            "TOTP_AUTH|DISALLOW_REUSE x",
        )
        .denies("{totp+5}"),
        scenario(
            "a list that is none, and a scratch code",
            "",
            "TOTP_AUTH|DISALLOW_REUSE x|11111111",
        )
        .accepts("11111111"),
        scenario(
            "the first of two lists counts",
            "",
            "TOTP_AUTH|DISALLOW_REUSE|DISALLOW_REUSE {step}",
        )
        .accepts("{totp}"),
        scenario("a denial changes no list", "noskewadj", "TOTP_AUTH|DISALLOW_REUSE {step-1}")
            .denies("{totp+5}"),
        // Differences.
        scenario("a step that was used long ago", "", "TOTP_AUTH|DISALLOW_REUSE {step-9} {step-1}")
            .differs(
                OUTSIDE,
                "{totp}",
                ["\" DISALLOW_REUSE {step-1} {step}"],
                ["\" DISALLOW_REUSE {step-9} {step-1} {step}"],
            ),
        scenario("a clock that jumped back", "", "TOTP_AUTH|DISALLOW_REUSE {step+9}")
            .differs(
                OUTSIDE,
                "{totp}",
                ["\" DISALLOW_REUSE {step}"],
                ["\" DISALLOW_REUSE {step+9} {step}"],
            )
            .later(270)
            .differs(
                OUTSIDE,
                "{totp}",
                ["accepted", "\" DISALLOW_REUSE {step}"],
                [
                    "denied",
                    "told \"That code has been used; the next one comes in 20 s\"",
                    "\" DISALLOW_REUSE {step} {step-9}",
                ],
            ),
        scenario("more steps than are remembered", "", &format!("TOTP_AUTH|{many}")).differs(
            OUTSIDE,
            "{totp}",
            ["accepted", "\" DISALLOW_REUSE {step}"],
            ["denied", "told \"That code has been used; the next one comes in 1250 s\"", many],
        ),
    ]
}

const OUTSIDE: &str = "used steps outside the window";
