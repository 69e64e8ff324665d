//! What credentials and sets of codes are known by: their names and places may change.

use std::fmt;
use std::str::FromStr;

/// Four random bytes, written as eight lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 4]);

impl Id {
    /// From random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// It is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id has eight digits of 0-9 and a-f")
    }
}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digits || text.len() != 8 {
            return Err(NoId);
        }
        u32::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| NoId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_lower_case_digits() {
        assert_eq!("0a1b2c3d".parse(), Ok(Id([0x0a, 0x1b, 0x2c, 0x3d])));
        assert_eq!(Id([0, 0, 0, 7]).to_string(), "00000007");
        for text in ["", "0a1b2c3", "0a1b2c3d4", "0A1B2C3D", "+a1b2c3d", "0a1b2c3g", "0a1b 2c3"] {
            assert_eq!(text.parse::<Id>(), Err(NoId), "{text}");
        }
    }
}
