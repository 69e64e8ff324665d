//! The token's PIN, on its way.

use zeroize::Zeroizing;

use crate::wire::Malformed;

/// What a token takes at most, in bytes (CTAP 2.1 section 6.5.1).
const LONGEST: usize = 63;

/// A PIN of 1 to 63 bytes without NUL. It is wiped after use.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// What was typed; `None` if no token can have such a PIN.
    #[must_use]
    pub fn new(typed: &[u8]) -> Option<Self> {
        let fits = (1..=LONGEST).contains(&typed.len()) && !typed.contains(&0);
        fits.then(|| Self(Zeroizing::new(typed.to_vec())))
    }

    /// As it was typed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The datagram, which is nothing but the PIN.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.0
    }

    /// Reads the datagram.
    ///
    /// # Errors
    /// [`Malformed`] if no token can have such a PIN.
    pub fn decode(datagram: &[u8]) -> Result<Self, Malformed> {
        Self::new(datagram).ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_can_have() {
        for pin in [&b"1"[..], b"123456", &[b'x'; 63], "pässe".as_bytes(), b" \n"] {
            let pin = Pin::new(pin).unwrap();
            assert!(Pin::decode(pin.encode()) == Ok(pin));
        }
        for none in [&b""[..], &[b'x'; 64], b"12\x0034", b"\0"] {
            assert!(Pin::new(none).is_none() && Pin::decode(none) == Err(Malformed));
        }
    }
}
