//! The file: its secret, its lines and its scratch codes, as loosely as the original reads them.

use sandbox::SECRET;

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

/// A file of which everything is said; it is rewritten at every login.
fn raw(name: &str, text: &str) -> Scenario {
    scenario(name, "", "").raw(text)
}

/// The secret is written as `first`, and the app has it as `base32`.
fn secret(name: &str, first: &str, base32: &str) -> Scenario {
    raw(name, &format!("{first}\n\" HOTP_COUNTER 7\n")).secret(base32)
}

pub fn scenarios() -> Vec<Scenario> {
    let lower = SECRET.to_lowercase();
    let long = "GEZDGNBVGY3TQOJQ".repeat(10);
    let hotp = |name: &str, value: &str| {
        scenario(name, "", &format!("HOTP_COUNTER{value}|TOTP_AUTH|WINDOW_SIZE 1"))
    };
    vec![
        // The secret.
        secret("a secret in small letters", &lower, SECRET).accepts("{hotp+7}"),
        secret("a secret in groups", "GEZD GNBV-GY3T\tQOJQ GEZDGNBVGY3TQOJQ", SECRET)
            .accepts("{hotp+7}"),
        secret("a secret with a carriage return", &format!("{SECRET}\r"), SECRET)
            .accepts("{hotp+7}"),
        secret("digits that are no base32 stand for letters", "018018018018", "OLBOLBOLBOLB")
            .accepts("{hotp+7}"),
        secret("a secret of one byte", "GE", "GE").accepts("{hotp+7}"),
        secret("a secret with bits left over", "GEZDGNBVGY3", "GEZDGNBVGY").accepts("{hotp+7}"),
        secret("a secret that is hashed first", &long, &long).accepts("{hotp+7}"),
        secret("a secret of one letter", "G", SECRET).denies("{hotp+7}"),
        secret("a secret with padding", &format!("{SECRET}="), SECRET).denies("{hotp+7}"),
        secret("a secret that is no base32", "!!!", SECRET).denies("{hotp+7}"),
        secret("a secret that is not there", "", SECRET).denies("{hotp+7}"),
        raw("a bad secret does not save the attempt", "!!!\n\" TOTP_AUTH\n\" RATE_LIMIT 3 30\n")
            .denies("{totp}"),
        raw("a bad secret and a scratch code", "!!!\n\" TOTP_AUTH\n11111111\n").denies("11111111"),
        raw("a secret without a newline", SECRET).denies("{totp}"),
        // Lines.
        raw(
            "lines that end as on other systems",
            &format!("{SECRET}\r\n\" HOTP_COUNTER 7\r\n\" WINDOW_SIZE 5\r\n11111111\r\n"),
        )
        .accepts("{hotp+11}")
        .accepts("11111111"),
        raw("empty lines", &format!("{SECRET}\n\n\n\" HOTP_COUNTER 7\n\n\n\" X\n\n11111111\n\n"))
            .accepts("{hotp+7}")
            .accepts("11111111"),
        raw("a last line without a newline", &format!("{SECRET}\n\" X\n\" HOTP_COUNTER 7"))
            .accepts("{hotp+7}"),
        raw("a last scratch code without a newline", &format!("{SECRET}\n\" TOTP_AUTH\n11111111"))
            .accepts("11111111"),
        raw("an option on the first line", "\" HOTP_COUNTER 7\n").denies("{hotp+7}"),
        raw("two blanks before the key", &format!("{SECRET}\n\"  HOTP_COUNTER 7\n"))
            .denies("{hotp+7}"),
        raw("no blank before the key", &format!("{SECRET}\n\"HOTP_COUNTER 7\n")).denies("{hotp+7}"),
        raw("a tab before the key", &format!("{SECRET}\n\"\tHOTP_COUNTER 7\n")).denies("{hotp+7}"),
        raw("a key in small letters", &format!("{SECRET}\n\" hotp_counter 7\n")).denies("{hotp+7}"),
        raw("a key behind a blank", &format!("{SECRET}\n \" HOTP_COUNTER 7\n")).denies("{hotp+7}"),
        raw("blanks and tabs behind the key", &format!("{SECRET}\n\" HOTP_COUNTER \t 7\n"))
            .accepts("{hotp+7}"),
        raw(
            "bytes that are no text",
            &format!("{SECRET}\n\" HOTP_COUNTER 7\n\" N {{0xff}}{{0xfe}}\n{{0xe9}}\n"),
        )
        .accepts("{hotp+7}"),
        scenario(
            "lines that nobody knows stay",
            "",
            "X 1|HOTP_COUNTER 7|Y|# a remark|HOTP_COUNTERS 9",
        )
        .accepts("{hotp+7}"),
        scenario(
            "the first of two lines counts, the others go",
            "",
            "HOTP_COUNTER 7|X|HOTP_COUNTER 20|HOTP_COUNTER 30",
        )
        .accepts("{hotp+7}")
        .denies("{hotp+20}"),
        scenario("the first of two windows counts", "", "TOTP_AUTH|WINDOW_SIZE 1|WINDOW_SIZE 17")
            .denies("{totp+2}"),
        scenario(
            "the first of two step sizes counts",
            "noskewadj",
            "TOTP_AUTH|STEP_SIZE 60|STEP_SIZE 30",
        )
        .period(60)
        .accepts("{totp}"),
        // Which kind of code.
        scenario("neither kind", "", "WINDOW_SIZE 3").denies("{totp}").denies("{hotp}"),
        scenario("neither kind, but scratch codes", "", "11111111|22222222")
            .accepts("22222222")
            .denies("22222222"),
        scenario("TOTP_AUTH with something behind", "", "TOTP_AUTHENTICATION").accepts("{totp}"),
        raw("TOTP_AUTH inside another line", &format!("{SECRET}\n# it has \" TOTP_AUTH\n"))
            .accepts("{totp}"),
        raw("TOTP_AUTH on the first line", &format!("{SECRET}\" TOTP_AUTH\n")).denies("{totp}"),
        scenario("a counter comes before the time", "", "TOTP_AUTH|HOTP_COUNTER 7")
            .denies("{totp}")
            .accepts("{hotp+8}"),
        // A counter is read loosely.
        hotp("a counter of 0 is none", " 0").accepts("{totp}"),
        hotp("a counter below 0 is none", " -1").accepts("{totp}"),
        hotp("a counter without a number is none", "").accepts("{totp}"),
        hotp("a counter that is no number is none", " x").accepts("{totp}"),
        hotp("a counter with something behind", " 7x").accepts("{hotp+7}"),
        hotp("a counter with a sign", " +7").accepts("{hotp+7}"),
        hotp("a counter with zeros", " 007").accepts("{hotp+7}"),
        // Numbers with a range.
        scenario("a window of 0", "", "TOTP_AUTH|WINDOW_SIZE 0").denies("{totp}"),
        scenario("a window of 1", "", "TOTP_AUTH|WINDOW_SIZE 1").accepts("{totp}"),
        scenario("a window of 100", "", "TOTP_AUTH|WINDOW_SIZE 100").accepts("{totp+50}"),
        scenario("a window of 101", "", "TOTP_AUTH|WINDOW_SIZE 101").denies("{totp}"),
        scenario("a window without a number", "", "TOTP_AUTH|WINDOW_SIZE").denies("{totp}"),
        scenario("a window with something behind", "", "TOTP_AUTH|WINDOW_SIZE 3x").denies("{totp}"),
        scenario("a window with a word behind", "", "TOTP_AUTH|WINDOW_SIZE 5 x")
            .accepts("{totp+2}"),
        scenario("a window below 0", "", "TOTP_AUTH|WINDOW_SIZE -3").denies("{totp}"),
        scenario("a window that is none, and a counter", "", "HOTP_COUNTER 7|WINDOW_SIZE 0")
            .denies("{hotp+7}"),
        scenario(
            "a window that is none, and a scratch code",
            "",
            "TOTP_AUTH|WINDOW_SIZE 0|11111111",
        )
        .accepts("11111111"),
        scenario("a step size of 0", "", "TOTP_AUTH|STEP_SIZE 0").denies("{totp}"),
        scenario("a step size of 1", "noskewadj", "TOTP_AUTH|STEP_SIZE 1")
            .period(1)
            .accepts("{totp}"),
        scenario("a step size of 60", "noskewadj", "TOTP_AUTH|STEP_SIZE 60")
            .period(60)
            .accepts("{totp-1}")
            .denies("{totp-2}"),
        scenario("a step size of 61", "", "TOTP_AUTH|STEP_SIZE 61").period(61).denies("{totp}"),
        scenario("a step size that is no number", "", "TOTP_AUTH|STEP_SIZE x").denies("{totp}"),
        scenario("a step size that is none, and a counter", "", "HOTP_COUNTER 7|STEP_SIZE 0")
            .accepts("{hotp+7}"),
        scenario("a window that does not fit", "", "TOTP_AUTH|WINDOW_SIZE 4294967299").differs(
            FIT,
            "{totp}",
            ["accepted"],
            ["denied"],
        ),
        scenario("a step size that does not fit", "", "TOTP_AUTH|STEP_SIZE 4294967326").differs(
            FIT,
            "{totp}",
            ["accepted"],
            ["denied"],
        ),
        scenario("a skew that does not fit", "noskewadj", "TOTP_AUTH|TIME_SKEW 4294967296")
            .differs(FIT, "{totp}", ["accepted"], ["denied"]),
        scenario(
            "a used step that does not fit",
            "",
            "TOTP_AUTH|DISALLOW_REUSE 99999999999999999999",
        )
        .differs(
            FIT,
            "{totp}",
            ["denied", "\" DISALLOW_REUSE 99999999999999999999"],
            ["accepted", "\" DISALLOW_REUSE 99999999999999999999 {step}"],
        ),
        // Scratch codes.
        scenario("a scratch code that does not fit", "", "TOTP_AUTH|4306078407").differs(
            FIT,
            "11111111",
            ["accepted"],
            ["denied", "4306078407"],
        ),
        scenario("a scratch code is good once", "", "TOTP_AUTH|11111111|22222222|33333333")
            .accepts("22222222")
            .denies("22222222")
            .accepts("11111111")
            .accepts("33333333"),
        scenario("a scratch code between options", "", "TOTP_AUTH|11111111|X|22222222|Y")
            .accepts("22222222")
            .accepts("11111111"),
        scenario("a scratch code behind blanks", "", "TOTP_AUTH|  11111111").accepts("11111111"),
        scenario("a scratch code behind zeros", "", "TOTP_AUTH|00011111111").accepts("11111111"),
        scenario("a scratch code behind a sign", "", "TOTP_AUTH|+11111111").accepts("11111111"),
        scenario("the smallest scratch code and the largest", "", "TOTP_AUTH|10000000|99999999")
            .accepts("10000000")
            .accepts("99999999"),
        scenario("a scratch code is none on the first line", "", "")
            .raw("11111111\n\" TOTP_AUTH\n")
            .denies("11111111"),
        scenario("a scratch code beside a counter does not move it", "", "HOTP_COUNTER 7|11111111")
            .accepts("11111111"),
        scenario(
            "a line that is none hides those below",
            "",
            "TOTP_AUTH|11111111|a remark|22222222",
        )
        .differs(
            "a line that is no scratch code",
            "22222222",
            ["denied", "22222222"],
            ["accepted"],
        ),
        scenario("a scratch code on two lines", "", "TOTP_AUTH|11111111|11111111")
            .differs("a scratch code on two lines", "11111111", ["11111111"], [])
            .differs("a scratch code on two lines", "11111111", ["accepted"], ["denied"]),
    ]
}

const FIT: &str = "a number that does not fit into 32 bits";
