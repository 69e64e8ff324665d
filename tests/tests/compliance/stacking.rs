//! With other modules: what an earlier one asked for, and what a later one is given.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

pub fn scenarios() -> Vec<Scenario> {
    let totp = "TOTP_AUTH|DISALLOW_REUSE|11111111|22222222";
    let hotp = "HOTP_COUNTER 5|11111111|22222222";
    let with = |name: &str, options: &str| scenario(name, options, totp);
    vec![
        // What an earlier module asked for is left alone.
        with("a token that nobody looks at", "").token("pass{totp}").accepts("{totp}"),
        with("a token that nobody looks at does not help", "").token("pass{totp}").denies("000000"),
        // try_first_pass: look, then ask.
        with("try: the token ends in the code", "try_first_pass")
            .token("pass{totp}")
            .accepts("000000"),
        with("try: the token is the code", "try_first_pass").token("{totp}").accepts("000000"),
        with("try: the token ends in a scratch code", "try_first_pass")
            .token("pass22222222")
            .accepts("000000"),
        with("try: no token", "try_first_pass").accepts("{totp}"),
        with("try: an empty token", "try_first_pass").token("").accepts("{totp}"),
        with("try: a token without a code", "try_first_pass").token("password").accepts("{totp}"),
        with("try: a token with a wrong code", "try_first_pass")
            .token("pass000000")
            .accepts("{totp}"),
        with("try: a wrong code, then a wrong code", "try_first_pass")
            .token("pass000000")
            .denies("000001"),
        with("try: then a scratch code", "try_first_pass").token("pass000000").accepts("11111111"),
        with("try: a used code ends it", "try_first_pass")
            .token("pass{totp}")
            .accepts("")
            .denies("{totp+1}"),
        with("try: the code of another time ends it", "try_first_pass")
            .token("pass{totp+20}")
            .denies("{totp}"),
        with("try: the code of another time, with noskewadj", "try_first_pass noskewadj")
            .token("pass{totp+20}")
            .accepts("{totp}"),
        with("try: a password behind the code in the answer", "try_first_pass")
            .token("password")
            .denies("pass{totp}"),
        scenario("try: a counter moves once for both", "try_first_pass", hotp)
            .token("pass000000")
            .denies("000001"),
        scenario("try: a counter moves not if the second is right", "try_first_pass", hotp)
            .token("pass000000")
            .accepts("{hotp+5}"),
        scenario("try: a counter code in the token", "try_first_pass", hotp)
            .token("pass{hotp+5}")
            .accepts(""),
        scenario("try: nothing but scratch codes", "try_first_pass", "11111111")
            .token("pass11111111")
            .accepts(""),
        scenario("try: a window that is none ends it", "try_first_pass", "TOTP_AUTH|WINDOW_SIZE 0")
            .token("pass{totp}")
            .denies("{totp}"),
        scenario("try: nobody's file and a token without digits", "try_first_pass", "")
            .without_file()
            .token("password")
            .denies("{totp}"),
        scenario("try: nobody's file and a token with digits", "try_first_pass", "")
            .without_file()
            .token("pass123456")
            .differs(
                "`try_first_pass` without a file, AUTHTOK ending in digits",
                "000000",
                [],
                ["asked \"Verification code: \""],
            ),
        // use_first_pass: look, never ask.
        with("use: the token ends in the code", "use_first_pass")
            .token("pass{totp}")
            .accepts("000000"),
        with("use: the token is the code", "use_first_pass").token("{totp-1}").accepts("000000"),
        with("use: the token ends in a scratch code", "use_first_pass")
            .token("pass11111111")
            .accepts("000000"),
        with("use: no token", "use_first_pass").denies("{totp}"),
        with("use: an empty token", "use_first_pass").token("").denies("{totp}"),
        with("use: a token without a code", "use_first_pass").token("password").denies("{totp}"),
        with("use: a wrong code", "use_first_pass").token("pass000000").denies("{totp}"),
        with("use: the code twice", "use_first_pass").token("pass{totp}").accepts("").denies(""),
        with("use: a blank behind the code", "use_first_pass")
            .token("pass{totp} ")
            .denies("{totp}"),
        with("use: bytes that are no text", "use_first_pass")
            .token("{0xff}{0xfe}{totp}")
            .accepts(""),
        with("use: sshd's dummy password", "use_first_pass")
            .token("{0x08}{0x0a}{0x0d}{0x7f}INCORRECT")
            .denies("{totp}"),
        with("use: the last of both wins", "try_first_pass use_first_pass")
            .token("password")
            .denies("{totp}"),
        with("try: the last of both wins", "use_first_pass try_first_pass")
            .token("password")
            .accepts("{totp}"),
        scenario("use: a counter moves", "use_first_pass", hotp)
            .token("pass000000")
            .denies("{hotp+5}"),
        scenario("use: nobody's file", "use_first_pass", "")
            .without_file()
            .token("pass{totp}")
            .denies("{totp}"),
        scenario("use: nobody's file, with nullok", "use_first_pass nullok", "")
            .without_file()
            .token("x")
            .ignores(""),
        // forward_pass: what stands before the code goes on.
        with("forward: the password goes on", "forward_pass").accepts("pass{totp}"),
        with("forward: the code alone leaves an empty password", "forward_pass").accepts("{totp}"),
        with("forward: a password that ends in digits", "forward_pass").accepts("pass12{totp}"),
        with("forward: a password of digits", "forward_pass").accepts("1{totp}"),
        with("forward: a password with blanks", "forward_pass").accepts("correct horse {totp}"),
        with("forward: a password of bytes", "forward_pass").accepts("{0xe9}{0xff}{totp}"),
        with("forward: a scratch code", "forward_pass").accepts("pass11111111"),
        with("forward: a scratch code alone", "forward_pass").accepts("11111111"),
        with("forward: a wrong code forwards nothing", "forward_pass").denies("pass000000"),
        with("forward: a used code forwards nothing", "forward_pass")
            .accepts("pass{totp}")
            .denies("pass{totp}"),
        with("forward: a password alone", "forward_pass").denies("password"),
        with("forward: nothing", "forward_pass").denies(""),
        with("forward: five digits", "forward_pass").denies("12345"),
        with("forward: a blank behind the code", "forward_pass").denies("pass{totp} "),
        with("forward: a blank in the code", "forward_pass").denies("pass123 456"),
        with("forward: no answer", "forward_pass").denies("null"),
        with("forward: an error", "forward_pass").denies("error"),
        with("forward: a token stays if the code is wrong", "forward_pass")
            .token("old")
            .denies("pass000000"),
        with("forward: a token is replaced", "forward_pass").token("old").accepts("pass{totp}"),
        scenario("forward: the longest password", "forward_pass", totp)
            .accepts(vec!["x".repeat(400) + "{totp}"]),
        scenario("forward: a longer password than most programs take", "forward_pass", totp)
            .accepts(vec!["x".repeat(1018) + "{totp}"]),
        scenario("forward: an answer that is too long", "forward_pass", hotp).differs(
            "an answer of more than 1024 bytes",
            vec!["x".repeat(1019) + "000000"],
            ["\" HOTP_COUNTER 6"],
            ["\" HOTP_COUNTER 5"],
        ),
        scenario("forward: a counter's code", "forward_pass", hotp).accepts("pass{hotp+6}"),
        scenario("forward: a scratch code moves a counter, too", "forward_pass", hotp)
            .accepts("pass11111111"),
        scenario(
            "forward: a scratch code, no_increment_hotp",
            "forward_pass no_increment_hotp",
            hotp,
        )
        .accepts("pass11111111"),
        scenario("forward: nobody's file", "forward_pass", "").without_file().denies("pass{totp}"),
        scenario("forward: nobody's file, with nullok", "forward_pass nullok", "")
            .without_file()
            .ignores("pass{totp}"),
        with("forward and try: the token's password goes on", "forward_pass try_first_pass")
            .token("pass{totp}")
            .accepts("x"),
        with("forward and try: the answer's password goes on", "forward_pass try_first_pass")
            .token("password")
            .accepts("other{totp}"),
        with("forward and try: nothing goes on", "forward_pass try_first_pass")
            .token("password")
            .denies("other"),
        with("forward and use: the token's password goes on", "forward_pass use_first_pass")
            .token("pass{totp}")
            .accepts("x"),
        with("forward and use: a scratch code", "forward_pass use_first_pass")
            .token("pass11111111")
            .accepts("x"),
        with("forward and use: nothing goes on", "forward_pass use_first_pass")
            .token("pass000000")
            .denies("x"),
        // Answers.
        with("an empty answer", "").denies(""),
        with("no answer", "").denies("null"),
        with("an error", "").denies("error"),
        with("no answer, a counter", "")
            .raw("GEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 5\n")
            .denies("null"),
        with("five digits", "").denies("12345"),
        with("seven digits", "").denies("1234567"),
        with("nine digits", "").denies("111111111"),
        with("eight digits that begin with 0", "")
            .raw("GEZDGNBVGY3TQOJQ\n01234567\n")
            .denies("01234567"),
        with("a sign", "").denies("+12345"),
        with("a blank before the code", "").denies(" {totp}"),
        with("a blank behind the code", "").denies("{totp} "),
        with("a newline behind the code", "").denies("{totp}{0x0a}"),
        with("a tab in the code", "").denies("123{0x09}456"),
        with("a password before the code", "").denies("pass{totp}"),
        with("the code twice in one answer", "").denies("{totp}{totp}"),
        with("an answer of bytes", "").denies("{0xff}{0xfe}"),
        with("digits of another script", "").denies("\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}"),
        scenario("a very long answer", "", totp).denies(vec!["1".repeat(5000)]),
        scenario("a blank in the middle", "", "HOTP_COUNTER 1").differs(
            "`123 456`",
            "287 082",
            ["denied", "\" HOTP_COUNTER 1"],
            ["accepted", "\" HOTP_COUNTER 2"],
        ),
        scenario("an answer after an error", "", "TOTP_AUTH").differs(
            "two prompts after a failed conversation",
            ["error", "{totp}"],
            ["denied"],
            ["accepted"],
        ),
        scenario("a scratch code after no answer", "", "TOTP_AUTH|11111111")
            .accepts(["null", "11111111"]),
    ]
}
