//! At most so many attempts in so many seconds.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

pub fn scenarios() -> Vec<Scenario> {
    let limit =
        |name: &str, value: &str| scenario(name, "", &format!("TOTP_AUTH|RATE_LIMIT {value}"));
    let told = "told \"Too many attempts; try again in 31 s\"";
    vec![
        limit("three in thirty seconds", "3 30")
            .accepts("{totp}")
            .accepts("{totp}")
            .accepts("{totp}")
            .denies("{totp}")
            .later(30)
            .denies("{totp}")
            .later(31)
            .accepts("{totp}"),
        limit("wrong codes count", "2 30").denies("000000").denies("000000").denies("{totp}"),
        limit("answers that are no code count", "2 30").denies("").denies("abc").denies("{totp}"),
        limit("no answers count", "2 30").denies("null").denies("error").denies("{totp}"),
        limit("a denied attempt prolongs it", "1 30")
            .accepts("{totp}")
            .later(20)
            .denies("{totp}")
            .later(20)
            .denies("{totp}"),
        limit("the interval ends at its second", "1 30")
            .accepts("{totp}")
            .later(31)
            .accepts("{totp}"),
        limit("the last second of the interval counts", "1 30")
            .accepts("{totp}")
            .later(30)
            .denies("{totp}"),
        limit("times are put in order", "5 60 {now-10} {now-50} {now-30}").accepts("{totp}"),
        limit("old times go", "2 30 {now-31} {now-100} {now-30}").accepts("{totp}"),
        limit("times of the future go", "2 30 {now+1} {now+1000} {now-1}").accepts("{totp}"),
        limit("now counts", "1 30 {now}").denies("{totp}"),
        limit("of too many the newest stay", "2 30 {now-5} {now-4} {now-3} {now-2}")
            .denies("{totp}"),
        limit("times with more blanks", "3 30  {now-1}\t{now-2}").accepts("{totp}"),
        limit("times below 0", "3 30 -1").differs(
            FIT,
            "{totp}",
            ["\" RATE_LIMIT 3 30"],
            ["\" RATE_LIMIT 3 30 {now}"],
        ),
        limit("more attempts than fit", "4294967299 30").differs(
            FIT,
            "{totp}",
            ["accepted", PROMPT, "\" RATE_LIMIT 3 30 {now}"],
            ["denied", "\" RATE_LIMIT 4294967299 30"],
        ),
        limit("100 attempts", "100 3600").accepts("{totp}"),
        limit("one attempt in one second", "1 1")
            .accepts("{totp}")
            .later(1)
            .denies("{totp}")
            .later(2)
            .accepts("{totp}"),
        // Malformed: denied before anybody is asked, nothing changes.
        limit("no value", "").denies("{totp}"),
        limit("one number", "3").denies("{totp}"),
        limit("no attempts", "0 30").denies("{totp}"),
        limit("101 attempts", "101 30").denies("{totp}"),
        limit("no seconds", "3 0").denies("{totp}"),
        limit("3601 seconds", "3 3601").denies("{totp}"),
        limit("a word", "three 30").denies("{totp}"),
        limit("something behind the seconds", "3 30x").denies("{totp}"),
        limit("something behind a time", "3 30 {now-1}x").denies("{totp}"),
        limit("a blank at the end", "3 30 ").denies("{totp}"),
        limit("a blank behind a time", "3 30 {now-1} ").denies("{totp}"),
        // With others.
        scenario("scratch codes count", "", "TOTP_AUTH|RATE_LIMIT 1 30|11111111|22222222")
            .accepts("11111111")
            .denies("22222222"),
        scenario("a limited counter does not move", "", "HOTP_COUNTER 5|RATE_LIMIT 1 30")
            .denies("000000")
            .denies("000000"),
        scenario(
            "a limited token is not looked at",
            "try_first_pass",
            "TOTP_AUTH|RATE_LIMIT 1 30 {now}",
        )
        .token("{totp}")
        .denies("{totp}"),
        scenario(
            "a limited user is not asked for a password",
            "forward_pass",
            "TOTP_AUTH|RATE_LIMIT 1 30 {now}",
        )
        .denies("pass{totp}"),
        scenario(
            "nullok does not help a limited user",
            "nullok",
            "TOTP_AUTH|RATE_LIMIT 1 30 {now}",
        )
        .denies("{totp}"),
        scenario(
            "the first of two limits counts",
            "",
            "RATE_LIMIT 1 30|TOTP_AUTH|RATE_LIMIT 5 30 {now} {now}",
        )
        .accepts("{totp}")
        .denies("{totp}"),
        scenario("a limited user is told", "", "TOTP_AUTH|RATE_LIMIT 1 30 {now}").differs(
            TOLD,
            "{totp}",
            [],
            [told],
        ),
        scenario("who used a code is told", "", "TOTP_AUTH|DISALLOW_REUSE {step}").differs(
            TOLD,
            "{totp}",
            [],
            ["told \"That code has been used; the next one comes in 20 s\""],
        ),
    ]
}

const FIT: &str = "a number that does not fit into 32 bits";
const PROMPT: &str = "asked \"Verification code: \"";
const TOLD: &str = "code used, too many attempts, not checked";
