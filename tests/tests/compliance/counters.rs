//! Codes by counter.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

pub fn scenarios() -> Vec<Scenario> {
    let hotp = "HOTP_COUNTER 5";
    let with = |name: &str, more: &str| scenario(name, "", &format!("{hotp}|{more}"));
    vec![
        with("the next code", "").accepts("{hotp+5}").denies("{hotp+5}").accepts("{hotp+7}"),
        with("codes that were passed over", "").accepts("{hotp+7}").denies("{hotp+6}"),
        with("the usual counter window", "").denies("{hotp+8}"),
        with("the code before", "").denies("{hotp+4}"),
        with("counter window 1", "WINDOW_SIZE 1").denies("{hotp+6}").accepts("{hotp+6}"),
        with("counter window 2", "WINDOW_SIZE 2").accepts("{hotp+6}").denies("{hotp+9}"),
        with("counter window 100", "WINDOW_SIZE 100").accepts("{hotp+104}").denies("{hotp+205}"),
        with("a wrong code moves on", "").denies("000000").denies("000000").accepts("{hotp+7}"),
        with("an answer that is no code moves nothing", "")
            .denies("12345")
            .denies("abc")
            .denies("")
            .accepts("{hotp+5}"),
        with("eight digits move nothing", "").denies("12345678").accepts("{hotp+5}"),
        scenario("no_increment_hotp", "no_increment_hotp", hotp)
            .denies("000000")
            .denies("{hotp+4}")
            .accepts("{hotp+5}"),
        scenario("no_increment_hotp and a good code", "no_increment_hotp", hotp)
            .accepts("{hotp+6}")
            .denies("{hotp+6}"),
        with("a scratch code moves nothing", "11111111").accepts("11111111").denies("11111111"),
        with(
            "what belongs to codes by time does not matter",
            "TIME_SKEW 3|STEP_SIZE 99|DISALLOW_REUSE x",
        )
        .accepts("{hotp+5}"),
        with("with a rate limit, both lines change", "RATE_LIMIT 3 30")
            .accepts("{hotp+5}")
            .denies("000000"),
        scenario("many logins", "", hotp)
            .accepts("{hotp+5}")
            .accepts("{hotp+6}")
            .accepts("{hotp+9}")
            .accepts("{hotp+12}")
            .denies("{hotp+12}")
            .accepts("{hotp+14}"),
        scenario("a large counter", "", "HOTP_COUNTER 4294967296").accepts("{hotp+4294967297}"),
        scenario(
            "the largest counter but one",
            "",
            "HOTP_COUNTER 9223372036854775806|WINDOW_SIZE 1",
        )
        .accepts("{hotp+9223372036854775806}"),
        scenario("the largest counter", "", "HOTP_COUNTER 9223372036854775807|WINDOW_SIZE 1")
            .differs(
                "`HOTP_COUNTER` at its largest",
                "{hotp+9223372036854775807}",
                ["accepted", "\" HOTP_COUNTER -9223372036854775808"],
                ["denied", "\" HOTP_COUNTER 9223372036854775807"],
            ),
    ]
}
