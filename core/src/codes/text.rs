//! Codes as people type them, and the one form that is hashed.

use std::fmt;

use zeroize::Zeroizing;

/// What a code is made of: Crockford's base32, five bits a symbol, in which no two symbols look alike
/// (<https://www.crockford.com/base32.html>).
pub(super) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The length of a code without its hyphens: 60 bits.
pub const SYMBOLS: usize = 12;

/// The length of a scratch code of google-authenticator, the first digit not 0.
const DIGITS: usize = 8;

const GROUP: usize = 4;

/// A recovery code of [`SYMBOLS`] lower-case symbols, or a scratch code of eight digits. Wiped when
/// dropped and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical(Zeroizing<Vec<u8>>);

impl Canonical {
    /// What is hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As people get it to keep: groups of four with hyphens between, `k7qf-2m9x-hw4d`.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        // Room for all at once: a text that grows leaves pieces behind.
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() / GROUP * (GROUP + 1)));
        for (at, &symbol) in self.0.iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(symbol.into());
        }
        text
    }
}

impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canonical(..)")
    }
}

/// Reads an answer that is a code and nothing else: any case, hyphens and blanks inside ignored, o
/// taken for 0, i and l for 1.
///
/// `None` for everything else, and for twelve digits: what looks like a number is a one-time code or
/// the end of a password, and no code is drawn so.
#[must_use]
pub fn canonical(text: &[u8]) -> Option<Canonical> {
    let is_separator = |byte: &u8| matches!(byte, b' ' | b'-');
    if text.first().is_some_and(is_separator) || text.last().is_some_and(is_separator) {
        return None;
    }
    let mut code = Zeroizing::new(Vec::with_capacity(SYMBOLS));
    for &byte in text.iter().filter(|byte| !is_separator(byte)) {
        if code.len() == SYMBOLS {
            return None;
        }
        code.push(symbol(byte)?);
    }
    let is_number = code.iter().all(u8::is_ascii_digit);
    let is_code = match code.len() {
        SYMBOLS => !is_number,
        DIGITS => is_number && code.first() != Some(&b'0'),
        _ => false,
    };
    is_code.then_some(Canonical(code))
}

fn symbol(byte: u8) -> Option<u8> {
    match byte.to_ascii_lowercase() {
        b'o' => Some(b'0'),
        b'i' | b'l' => Some(b'1'),
        symbol => ALPHABET.contains(&symbol).then_some(symbol),
    }
}

/// A code at the end of a longer answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Suffix {
    /// The length in bytes of what stands before it, the password.
    pub prefix: usize,
    /// The code.
    pub code: Canonical,
}

/// The codes that a password with a code behind it may end in, at most two, the longer one first:
/// three groups with hyphens between, or twelve symbols, or eight digits. They are read as by
/// [`canonical`], but nothing else may stand between the symbols: it could be the password's.
pub fn suffixes(text: &[u8]) -> impl Iterator<Item = Suffix> {
    // Where the hyphens are.
    let forms: [(usize, &[usize]); 3] =
        [(SYMBOLS + 2, &[GROUP, 2 * GROUP + 1]), (SYMBOLS, &[]), (DIGITS, &[])];
    forms.into_iter().filter_map(|(length, hyphens)| {
        let prefix = text.len().checked_sub(length)?;
        let (_, code) = text.split_at_checked(prefix)?;
        let has_form = code.iter().enumerate().all(|(at, &byte)| {
            if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_alphanumeric() }
        });
        let code = canonical(code).filter(|_| has_form)?;
        Some(Suffix { prefix, code })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CODE: &str = "k7qf2m9xhw4d";

    fn read(text: &str) -> Option<String> {
        canonical(text.as_bytes()).map(|code| String::from_utf8(code.as_bytes().to_vec()).unwrap())
    }

    fn ends(text: &str) -> Vec<(usize, String)> {
        suffixes(text.as_bytes())
            .map(|found| (found.prefix, found.code.grouped().to_string()))
            .collect()
    }

    #[test]
    fn as_people_type_it() {
        let typed =
            ["k7qf-2m9x-hw4d", CODE, "K7QF-2M9X-HW4D", "k7qf 2m9x hw4d", "k-7-q-f  2m9x--hw4 d"];
        for typed in typed {
            assert_eq!(read(typed).as_deref(), Some(CODE), "{typed}");
        }
        assert_eq!(read("oO0i-IlL1-zzzz").as_deref(), Some("00011111zzzz"));
        for typed in ["12345678", "1234-5678", "1234 5678", "l234 567B", "i234567o"] {
            let expected = if typed.ends_with('B') { None } else { Some(()) };
            assert_eq!(read(typed).map(|_| ()), expected, "{typed}");
        }
    }

    #[test]
    fn refused() {
        let long = "k".repeat(5000);
        for text in [
            "",
            "-",
            " ",
            "k7qf-2m9x-hw4",
            "k7qf-2m9x-hw4d0",
            "k7qf-2m9x-hw4u",
            "k7qf_2m9x_hw4d",
            "k7qf\t2m9xhw4d",
            "k7qf2m9xhw4d\n",
            " k7qf2m9xhw4d",
            "k7qf2m9xhw4d ",
            "-k7qf2m9xhw4d",
            "k7qf2m9xhw4d-",
            "k7qf2m9xhw4\u{e9}",
            "k7qf\u{2010}2m9x\u{2010}hw4d",
            "123456789012",
            "1234-5678-9012",
            "loooooooooil",
            "01234567",
            "o1234567",
            "1234567",
            "123456789",
            "1234567a",
            "+1234567",
            "\u{ff11}2345678",
            &long,
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn behind_a_password() {
        let grouped = || "k7qf-2m9x-hw4d".to_owned();
        assert_eq!(ends("pass\u{e9} k7qf-2m9x-hw4d"), [(7, grouped())]);
        assert_eq!(ends("pass-K7QF2M9XHW4D"), [(5, grouped())]);
        assert_eq!(ends("k7qf-2m9x-hw4d"), [(0, grouped())]);
        assert_eq!(ends("unu12345678"), [(3, "1234-5678".to_owned())]);
        let both = [(1, "pass-1234-5678".to_owned()), (5, "1234-5678".to_owned())];
        assert_eq!(ends("_pass12345678"), both);
        for text in [
            "",
            "unu1234-5678",
            "unuk7qf 2m9x hw4d",
            "unuk7qf--2m9xhw4d",
            "unu-k7qf2-m9xhw4d",
            "unu7-q-f-2m9x-hw4d",
            "unu1-2-3-4-5-67-8-",
            "k7qf-2m9x-hw4d ",
            "123456789012345601234567",
        ] {
            assert_eq!(ends(text), [], "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let found = suffixes(b"passk7qf-2m9x-hw4d").next().unwrap();
        assert_eq!(format!("{found:?}"), "Suffix { prefix: 4, code: Canonical(..) }");
    }

    /// Twelve symbols that are a code, and ways to type each.
    fn code() -> impl Strategy<Value = String> {
        "[0-9a-hjkmnp-tv-z]{12}"
            .prop_filter("a number", |code| code.bytes().any(|symbol| symbol.is_ascii_alphabetic()))
    }

    proptest! {
        #[test]
        fn however_it_is_typed(
            code in code(),
            ways in proptest::collection::vec((0_usize..4, "[ -]{0,3}"), 12),
        ) {
            let mut typed = String::new();
            for (symbol, (way, between)) in code.chars().zip(&ways) {
                let alike = match symbol {
                    '0' => ['0', '0', 'o', 'O'],
                    '1' => ['1', 'i', 'L', 'l'],
                    other => [other, other.to_ascii_uppercase(), other, other],
                };
                // Between symbols, not in front of the first.
                if !typed.is_empty() {
                    typed.push_str(between);
                }
                typed.push(alike[*way]);
            }
            prop_assert_eq!(read(&typed), Some(code));
        }

        #[test]
        fn what_is_shown_is_read_back(code in code(), password: String) {
            let read = canonical(code.as_bytes()).unwrap();
            let shown = read.grouped();
            prop_assert_eq!(canonical(shown.as_bytes()), Some(read.clone()));
            for text in [&*shown, &code] {
                let answer = format!("{password}{text}");
                let found = suffixes(answer.as_bytes()).next();
                prop_assert_eq!(found, Some(Suffix { prefix: password.len(), code: read.clone() }));
            }
        }
    }
}
