//! The wire format of ssh (RFC 4251 section 5), as keys, agents and the helper speak it.

/// The input ends too early, goes on too long, or is not what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads one part after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next bytes, as many as the array has.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    /// A byte.
    ///
    /// # Errors
    /// [`Malformed`] at the end.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    /// A number of four bytes.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer.
    pub fn number(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer.
    pub fn long(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Bytes behind their length.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer.
    pub fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        self.bytes(length)
    }

    /// The same, in UTF-8.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer bytes, or others.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.string()?).map_err(|_| Malformed)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`Malformed`] if something is.
    pub fn end(self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Writes one part after the other.
#[derive(Debug, Clone, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A byte.
    #[must_use]
    pub fn byte(self, byte: u8) -> Self {
        self.bytes(&[byte])
    }

    /// A number of four bytes.
    #[must_use]
    pub fn number(self, number: u32) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// Bytes behind their length; of more than four gigabytes, which nothing here has, only so many.
    #[must_use]
    pub fn string(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.number(length).bytes(bytes)
    }

    /// All of it.
    #[must_use]
    pub fn done(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = Writer::default().byte(7).number(258).string(b"abc").string(b"").done();
        assert_eq!(bytes, b"\x07\0\0\x01\x02\0\0\0\x03abc\0\0\0\0");
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.byte(), Ok(7));
        assert_eq!(reader.number(), Ok(258));
        assert_eq!(reader.text(), Ok("abc"));
        assert_eq!(reader.clone().end(), Err(Malformed));
        assert_eq!(reader.string(), Ok(&b""[..]));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn what_ends_too_early_is_refused() {
        for bytes in [&b""[..], b"\0\0\0", b"\0\0\0\x01", b"\xff\xff\xff\xffabc"] {
            assert_eq!(Reader::new(bytes).string(), Err(Malformed));
        }
        assert_eq!(Reader::new(b"").byte(), Err(Malformed));
        assert_eq!(Reader::new(&[0; 7]).long(), Err(Malformed));
        assert_eq!(Reader::new(b"\0\0\0\x01\xff").text(), Err(Malformed));
    }
}
