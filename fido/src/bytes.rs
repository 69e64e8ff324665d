//! Bytes as libfido2 takes and gives them.

use std::ffi::CString;

use crate::ffi::Code;

/// Text for C. Requests hold no NUL.
pub fn text(text: &str) -> Result<CString, Code> {
    CString::new(text).map_err(|_| Code::INTERNAL)
}

/// What is in a CBOR byte string (RFC 8949 section 3.1); before version 1.13 there is no other way to the
/// authenticator data of an assertion.
pub fn unwrapped(cbor: &[u8]) -> Option<&[u8]> {
    let (length, bytes) = match cbor {
        [head @ 0x40..=0x57, bytes @ ..] => (usize::from(head - 0x40), bytes),
        [0x58, length, bytes @ ..] => (usize::from(*length), bytes),
        [0x59, high, low, bytes @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), bytes),
        _ => return None,
    };
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_strings() {
        let of = |head: &[u8], length| [head, &vec![7; length]].concat();
        for (head, length) in [
            (&[0x40][..], 0),
            (&[0x57], 23),
            (&[0x58, 37], 37),
            (&[0x58, 255], 255),
            (&[0x59, 1, 2], 258),
        ] {
            assert_eq!(unwrapped(&of(head, length)), Some(&vec![7; length][..]));
            assert_eq!(unwrapped(&of(head, length + 1)), None);
            if length > 0 {
                assert_eq!(unwrapped(&of(head, length - 1)), None);
            }
        }
        for bad in [&[][..], &[0x58], &[0x59, 0], &[0x60], &[0x5a, 0, 0, 0, 0], &[0x5f, 0xff]] {
            assert_eq!(unwrapped(bad), None, "{bad:?}");
        }
    }
}
