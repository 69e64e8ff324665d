//! QR codes as text: in colours for a terminal, and without any for a prompt.

mod ansi;
mod encode;
mod plain;
#[cfg(test)]
mod tests;

use std::fmt;

use qrcodegen_no_heap::QrCodeEcc;
use zeroize::Zeroizing;

pub use ansi::Mode;
pub use plain::Plain;

/// A QR code: what is dark and what is light.
pub struct Symbol {
    width: usize,
    dark: Zeroizing<Vec<bool>>,
}

/// The text does not fit into any QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is too long for a QR code")
    }
}

impl Symbol {
    /// A code that holds `text`, and of which some 15 % may be illegible (level M of ISO/IEC 18004
    /// section 4.2). Any 2331 bytes fit.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn new(text: &str) -> Result<Self, TooLong> {
        encode::encode(text, QrCodeEcc::Medium)
    }

    /// The smallest code that holds `text`; some 7 % may be illegible (level L). Any 2953 bytes
    /// fit.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn smallest(text: &str) -> Result<Self, TooLong> {
        encode::encode(text, QrCodeEcc::Low)
    }

    /// How many modules there are to a side, without a quiet zone: 21 to 177.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Which modules are dark: row by row, each from the left, without a quiet zone.
    #[must_use]
    pub fn modules(&self) -> &[bool] {
        &self.dark
    }

    /// How many modules there are to a side with a quiet zone of `quiet` modules.
    fn side(&self, quiet: usize) -> usize {
        self.width + 2 * quiet
    }

    /// Whether a module is dark, counted from the corner of the quiet zone. Everything around the
    /// symbol is light.
    fn is_dark(&self, row: usize, column: usize, quiet: usize) -> bool {
        let inside = |at: usize| at.checked_sub(quiet).filter(|&at| at < self.width);
        inside(row).zip(inside(column)).is_some_and(|(row, column)| {
            self.dark.get(row * self.width + column).copied().unwrap_or(false)
        })
    }
}
