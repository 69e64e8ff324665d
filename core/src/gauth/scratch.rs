//! Scratch codes: one on a line of its own, anywhere below the secret.

use zeroize::Zeroizing;

use super::scan::{WHITE, lone_integer, skip, until};

/// A scratch code and what its line takes of the text, in bytes from the start.
pub(super) struct Found {
    pub(super) code: u32,
    start: usize,
    end: usize,
}

/// All scratch codes. A line that is none is passed over; the original stops there and so loses
/// the codes below it.
pub(super) fn codes(text: &[u8]) -> impl Iterator<Item = Found> {
    let (_, mut rest) = until(text, b"\n");
    std::iter::from_fn(move || {
        loop {
            let line = skip(rest, b"\r\n");
            if line.is_empty() {
                return None;
            }
            if let Some((code, behind)) = scratch_code(line) {
                rest = behind;
                let end = text.len() - skip(behind, b"\r\n").len();
                return Some(Found { code, start: text.len() - line.len(), end });
            }
            // The blank lines before what is no code are none either; one by one would take long.
            (_, rest) = until(skip(line, WHITE), b"\n");
        }
    })
}

fn scratch_code(line: &[u8]) -> Option<(u32, &[u8])> {
    // Option lines begin with a quotation mark and so with no digit.
    let (code, rest) = lone_integer(line)?;
    let alone = matches!(rest.first(), None | Some(b'\r' | b'\n'));
    let code = u32::try_from(code).ok().filter(|code| (10_000_000..100_000_000).contains(code))?;
    alone.then_some((code, rest))
}

/// Removes every line that holds `code`, with the newlines behind it.
pub(super) fn remove(text: &[u8], code: u32) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut kept = 0;
    for Found { start, end, .. } in codes(text).filter(|found| found.code == code) {
        out.extend(text.get(kept..start).into_iter().flatten());
        kept = end;
    }
    out.extend(text.get(kept..).into_iter().flatten());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<u32> {
        codes(text.as_bytes()).map(|found| found.code).collect()
    }

    #[test]
    fn lines_of_eight_digits_below_the_secret() {
        let text = "12345678\n\" TOTP_AUTH\n11111111\r\n\r\n  22222222\n\" X\n33333333";
        assert_eq!(found(text), [11_111_111, 22_222_222, 33_333_333]);
    }

    #[test]
    fn a_line_that_is_none_hides_only_itself() {
        let text = "S\n11111111\n1234567\nx\n22222222 \n99999999\n100000000\n33333333\n";
        assert_eq!(found(text), [11_111_111, 99_999_999, 33_333_333]);
    }

    #[test]
    fn blank_lines_take_no_time() {
        let text = format!("S\n{}x\n11111111\n", " \n".repeat(100_000));
        let started = std::time::Instant::now();
        assert_eq!(found(&text), [11_111_111]);
        assert!(started.elapsed().as_secs() < 5, "{:?}, not some milliseconds", started.elapsed());
    }

    #[test]
    fn removal_takes_the_line_and_the_newlines_behind() {
        let removed =
            |code| String::from_utf8(remove(b"S\n\n11111111\n\r\n22222222", code).to_vec());
        assert_eq!(removed(11_111_111).unwrap(), "S\n\n22222222");
        assert_eq!(removed(22_222_222).unwrap(), "S\n\n11111111\n\r\n");
        assert_eq!(removed(33_333_333).unwrap(), "S\n\n11111111\n\r\n22222222");
        let twice = remove(b"S\n11111111\n\" X\n 011111111\n22222222\n11111111\n", 11_111_111);
        assert_eq!(twice.as_slice(), b"S\n\" X\n22222222\n", "else it would be good again");
    }
}
