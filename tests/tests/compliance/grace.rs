//! After a login, the same host gets in without a code for a while.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

pub fn scenarios() -> Vec<Scenario> {
    // The counter makes the original write the record of the login, too.
    let hotp = "HOTP_COUNTER 5|WINDOW_SIZE 20";
    let limited = "HOTP_COUNTER 5|RATE_LIMIT 9 30";
    let with =
        |name: &str, more: &str| scenario(name, "grace_period=60", &format!("{hotp}|{more}"));
    let full: Vec<_> = (0..10).map(|n| format!("LAST{n} h{n} {{now-{}}}", 90 - n)).collect();
    let malformed: Vec<_> =
        (0..10).map(|n| format!("LAST{n} no,host {{now-{}}}", 90 - n)).collect();
    let eleven = (0..11).fold(with("ten hosts and one more", ""), |hosts, n| {
        let (host, code) = (format!("h{n}"), format!("{{hotp+{}}}", 5 + n));
        hosts.later(1).from(host.as_str()).accepts(code.as_str())
    });
    vec![
        with("the same host again", "")
            .accepts("{hotp+5}")
            .later(59)
            .accepts("000000")
            .later(1)
            .denies("000000"),
        with("another host", "").accepts("{hotp+5}").from("192.0.2.8").denies("000000"),
        with("a host of the file", "LAST3 192.0.2.7 {now-59}").accepts("000000"),
        with("a host of the file, too long ago", "LAST3 192.0.2.7 {now-60}").denies("000000"),
        with(
            "the first record of a host counts",
            "LAST1 192.0.2.7 {now-90}|LAST2 192.0.2.7 {now-9}",
        )
        .denies("000000"),
        with(
            "the number counts, not the place",
            "LAST2 192.0.2.7 {now-90}|LAST1 192.0.2.7 {now-9}",
        )
        .accepts("000000"),
        with("a record that is replaced", "LAST3 192.0.2.7 {now-90}|LAST0 h {now-1}")
            .accepts("{hotp+5}"),
        with("the first free record is taken", "LAST0 h {now-1}|LAST2 i {now-2}")
            .accepts("{hotp+5}"),
        with("of ten the oldest goes", &full.join("|"))
            .accepts("{hotp+5}")
            .from("h1")
            .denies("000000"),
        eleven
            .from("h3")
            .accepts("000000")
            .from("h10")
            .accepts("000000")
            .from("h0")
            .denies("000000"),
        with("an address of version 6", "")
            .from("2001:db8::1")
            .accepts("{hotp+5}")
            .accepts("000000"),
        with("the beginning of an address", "LAST0 192.0.2.70 {now-5}").denies("000000"),
        with("an address without its end", "LAST0 192.0.2. {now-5}").denies("000000"),
        with("a name in other letters", "LAST0 HOST {now-5}").from("host").denies("000000"),
        with("a record with more blanks", "LAST0\t192.0.2.7   {now-5}  ").accepts("000000"),
        with("a record with something behind", "LAST0 192.0.2.7 {now-5}x").accepts("000000"),
        with("a long host", "")
            .from("a".repeat(100).as_str())
            .accepts("{hotp+5}")
            .accepts("000000"),
        with("no host", "").from(None).accepts("{hotp+5}").denies("000000"),
        with("an empty host", "").from("").differs(HOST, "{hotp+5}", ["\" LAST0  {now}"], []),
        with("a denial is no login", "").denies("000000").denies("000000"),
        with("a record that is none", "LAST0 192.0.2.7").accepts("{hotp+5}"),
        with("a record without a number", "LAST0 192.0.2.7 x").denies("000000"),
        with("a record of an older login", "LAST0 192.0.2.7 5").denies("000000"),
        with("a malformed record is left alone", "LAST0 a,b 5|LAST1 c 5").accepts("{hotp+5}"),
        with("a scratch code is a login", "11111111").accepts("11111111").accepts("000000"),
        scenario("a grace of 0 is none", "grace_period=0", hotp)
            .accepts("{hotp+5}")
            .denies("000000"),
        scenario("no grace period", "", hotp).accepts("{hotp+5}").denies("000000"),
        scenario("the last grace_period= wins", "grace_period=60 grace_period=10", hotp)
            .accepts("{hotp+5}")
            .later(9)
            .accepts("000000")
            .later(1)
            .denies("000000"),
        scenario("grace and a token", "grace_period=60 use_first_pass", hotp)
            .token("pass{hotp+5}")
            .accepts("")
            .accepts(""),
        scenario("grace by time", "grace_period=60", "TOTP_AUTH|DISALLOW_REUSE")
            .accepts("{totp}")
            .accepts("000000"),
        scenario("grace by time that allows reuse", "grace_period=60", "TOTP_AUTH|RATE_LIMIT 9 30")
            .accepts("{totp}"),
        scenario("grace and nobody's file", "grace_period=60", "").without_file().denies("{totp}"),
        // Differences.
        scenario("nothing else to write", "grace_period=60", "TOTP_AUTH").differs(
            "grace period, and nothing else to write",
            "{totp}",
            [],
            ["\" LAST0 192.0.2.7 {now}"],
        ),
        scenario("a record of the future", "", &format!("{hotp}|LAST0 192.0.2.7 {{now+100}}"))
            .differs(
                FUTURE,
                "000000",
                ["accepted", "\" HOTP_COUNTER 5"],
                ["denied", PROMPT, "\" HOTP_COUNTER 6"],
            ),
        with("a record of the future, and a grace period", "LAST0 192.0.2.7 {now+1}").differs(
            FUTURE,
            "000000",
            ["accepted", "\" HOTP_COUNTER 5"],
            ["denied", PROMPT, "\" HOTP_COUNTER 6"],
        ),
        scenario(
            "a limited user in the period",
            "grace_period=60",
            "HOTP_COUNTER 5|RATE_LIMIT 1 30 {now}|LAST0 192.0.2.7 {now-9}",
        )
        .differs(
            "grace period and rate limit",
            "000000",
            ["accepted"],
            ["denied", "told \"Too many attempts; try again in 31 s\""],
        ),
        scenario(
            "an attempt in the period does not count",
            "grace_period=60",
            &format!("{limited}|LAST0 192.0.2.7 {{now-9}}"),
        )
        .accepts("000000"),
        scenario(
            "forward_pass in the period",
            "grace_period=60 forward_pass",
            &format!("{hotp}|LAST0 192.0.2.7 {{now-9}}"),
        )
        .differs(
            "grace period and `forward_pass`",
            "password",
            [],
            ["asked \"Password: \"", "token \"password\""],
        ),
        with("a host with _", "")
            .from("a_b")
            .accepts("{hotp+5}")
            .accepts("000000")
            .later(60)
            .differs(
                HOST,
                "{hotp+6}",
                ["\" LAST1 a_b {now}", "\" LAST0 a_b {now-60}"],
                ["\" LAST0 a_b {now}"],
            ),
        with("a host with %", "").from("fe80::1%eth0").accepts("{hotp+5}").differs(
            HOST,
            "000000",
            ["denied", PROMPT, "\" HOTP_COUNTER 7"],
            ["accepted", "\" HOTP_COUNTER 6"],
        ),
        with("a host with a blank", "").from("a b").differs(
            HOST,
            "{hotp+5}",
            ["\" LAST0 a b {now}"],
            [],
        ),
        with(
            "a host whose name begins another",
            "LAST0 192.0.2.70 {now-5}|LAST1 192.0.2.7 {now-5}",
        )
        .differs(
            "a host whose name begins that of an earlier `LASTn`",
            "000000",
            ["denied", PROMPT, "\" HOTP_COUNTER 6"],
            ["accepted", "\" HOTP_COUNTER 5"],
        ),
        with("ten malformed records", &malformed.join("|")).differs(
            "ten malformed `LASTn`",
            "{hotp+5}",
            ["\" LAST/ 192.0.2.7 {now}", "\" LAST0 no,host {now-90}"],
            ["\" LAST0 192.0.2.7 {now}"],
        ),
    ]
}

const FUTURE: &str = "`LASTn` in the future, or without `grace_period`";
const HOST: &str = "a host with `_` or `%`, or that is no name, in `LASTn`";
const PROMPT: &str = "asked \"Verification code: \"";
