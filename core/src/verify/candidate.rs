//! The codes that an answer may hold.

use super::{Answer, Input, MAX_ANSWER, Reply};
use crate::otp::Digits;

/// What a candidate's length allows it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Otp,
    Scratch,
    /// Eight-digit one-time codes look like scratch codes.
    Either,
}

impl Kind {
    pub(super) fn may_be_scratch(self) -> bool {
        self != Self::Otp
    }
}

/// A number at the end of an input, and where it was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) input: Input,
    /// Bytes before the code.
    pub(super) prefix: usize,
    /// How many digits the code has.
    pub(super) length: usize,
    pub(super) code: u32,
    pub(super) kind: Kind,
}

/// All candidates, in the order in which they are tried; one-time codes have one of these `lengths`.
pub(super) fn candidates(answer: &Answer, lengths: &[Digits]) -> Vec<Candidate> {
    let reply = match answer.reply {
        Reply::Given(text) if answer.combined => Some(text.to_vec()),
        Reply::Given(text) => Some(without_inner_spaces(text)),
        Reply::NotAsked | Reply::Missing(_) => None,
    };
    let reply = reply.map(zeroize::Zeroizing::new);
    let inputs = [
        (Input::FirstPass, answer.first_pass, true),
        (Input::Reply, reply.as_ref().map(|text| text.as_slice()), answer.combined),
    ];
    let mut found = Vec::new();
    for (input, text, prefix_allowed) in inputs {
        let Some(text) = text.filter(|text| text.len() <= MAX_ANSWER) else { continue };
        for (length, kind) in readings(lengths) {
            let Some(prefix) = text.len().checked_sub(length) else { continue };
            let (before, code) = text.split_at(prefix);
            let scratch_shape = kind != Kind::Scratch || code.first() != Some(&b'0');
            if (prefix_allowed || before.is_empty()) && scratch_shape {
                found.extend(number(code).map(|code| Candidate {
                    input,
                    prefix,
                    length,
                    code,
                    kind,
                }));
            }
        }
    }
    found
}

/// The lengths of code that are tried, and what a code of each may be: scratch codes have eight
/// digits.
fn readings(lengths: &[Digits]) -> impl Iterator<Item = (usize, Kind)> {
    (6..=8).filter_map(|length| {
        let otp = lengths.iter().any(|digits| digits.count() == length);
        match (otp, length == 8) {
            (true, true) => Some((length, Kind::Either)),
            (true, false) => Some((length, Kind::Otp)),
            (false, true) => Some((length, Kind::Scratch)),
            (false, false) => None,
        }
    })
}

/// Apps show "123 456", and so people type it.
fn without_inner_spaces(text: &[u8]) -> Vec<u8> {
    match text {
        [b' ', ..] | [.., b' '] => text.to_vec(),
        _ => {
            // Room for all at once: a vector that grows leaves pieces behind.
            let mut code = Vec::with_capacity(text.len());
            code.extend(text.iter().filter(|&&byte| byte != b' '));
            code
        }
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    // Without this check a sign would pass.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reply: &[u8], combined: bool, digits: u8) -> Vec<(usize, u32, Kind)> {
        let answer = Answer { first_pass: None, reply: Reply::Given(reply), combined };
        candidates(&answer, &[Digits::new(digits).unwrap()])
            .into_iter()
            .map(|found| (found.prefix, found.code, found.kind))
            .collect()
    }

    #[test]
    fn a_code_alone() {
        assert_eq!(read(b"012345", false, 6), [(0, 12345, Kind::Otp)]);
        assert_eq!(read(b"12345678", false, 6), [(0, 12_345_678, Kind::Scratch)]);
        assert_eq!(read(b"01234567", false, 6), []);
        assert_eq!(read(b"0123456", false, 7), [(0, 123_456, Kind::Otp)]);
        assert_eq!(read(b"01234567", false, 8), [(0, 1_234_567, Kind::Either)]);
    }

    #[test]
    fn codes_of_several_lengths() {
        let answer =
            Answer { first_pass: None, reply: Reply::Given(b"pass12345678"), combined: true };
        let lengths = [8, 6, 8].map(|digits| Digits::new(digits).unwrap());
        let found: Vec<_> = candidates(&answer, &lengths)
            .into_iter()
            .map(|found| (found.prefix, found.length, found.code, found.kind))
            .collect();
        assert_eq!(found, [(6, 6, 345_678, Kind::Otp), (4, 8, 12_345_678, Kind::Either)]);
    }

    #[test]
    fn spaces_only_inside_a_code_alone() {
        assert_eq!(read(b"123 456", false, 6), [(0, 123_456, Kind::Otp)]);
        assert_eq!(read(b"1234 5678", false, 6), [(0, 12_345_678, Kind::Scratch)]);
        for reply in [&b" 123456"[..], b"123456 ", b"123456\n", b"123\t456"] {
            assert_eq!(read(reply, false, 6), [], "{}", reply.escape_ascii());
        }
        assert_eq!(read(b"123 456", true, 6), []);
    }

    #[test]
    fn a_code_behind_a_password() {
        assert_eq!(read(b"pass123456", true, 6), [(4, 123_456, Kind::Otp)]);
        assert_eq!(
            read(b"pass12345678", true, 6),
            [(6, 345_678, Kind::Otp), (4, 12_345_678, Kind::Scratch)]
        );
        assert_eq!(read(b"\xff\xfe123456", true, 6), [(2, 123_456, Kind::Otp)]);
        assert_eq!(read(b"pass123456", false, 6), []);
    }

    #[test]
    fn nothing_that_is_no_code() {
        for reply in
            [&b""[..], b"12345", b"+12345", b"-12345", b"12345x", "１２３４５６".as_bytes()]
        {
            assert_eq!(read(reply, false, 6), [], "{}", reply.escape_ascii());
        }
        assert_eq!(read(&[b'1'; MAX_ANSWER + 1], true, 6), []);
    }

    #[test]
    fn what_an_earlier_module_asked_for_comes_first() {
        let answer = Answer {
            first_pass: Some(b"secret111111"),
            reply: Reply::Given(b"222222"),
            combined: false,
        };
        let found = candidates(&answer, &[Digits::SIX]);
        assert_eq!(found.iter().map(|c| c.code).collect::<Vec<_>>(), [111_111, 222_222]);
        assert_eq!(found[0].input, Input::FirstPass);
    }
}
