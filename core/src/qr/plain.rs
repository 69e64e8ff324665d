//! Without a control sequence, for where only text goes: prompts of PAM.
//!
//! What is light is drawn and what is dark is left out, so that the code has its own colours on a
//! terminal with light text on a dark ground, as most are. Where the text is dark, light and dark are
//! swapped; some apps read that as well, others do not.

use zeroize::Zeroizing;

use super::Symbol;

/// Modules left light on every side: half of what ISO/IEC 18004 section 5.3.8 asks for. Apps read
/// it, and a terminal of 24 lines and 80 columns has room for it and the words around it.
const QUIET_ZONE: usize = 2;

/// What to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// Half a character a module (U+2580, U+2584, U+2588), for UTF-8.
    HalfBlocks,
    /// Two number signs a module, for every character set.
    Ascii,
}

impl Symbol {
    /// The lines, quiet zone included, as many characters in each; none begins or ends with a blank.
    ///
    /// An otpauth URI of up to 85 bytes, 32 of them the secret, in [`Symbol::smallest`] takes 19
    /// lines of 37 half blocks, or 37 lines of 74 columns.
    #[must_use]
    pub fn draw_plain(&self, plain: Plain) -> Zeroizing<String> {
        let side = self.side(QUIET_ZONE);
        // Room for all at once, so that no shorter copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(side * (3 * side + 1)));
        let is_light = |row, column| !self.is_dark(row, column, QUIET_ZONE);
        let rows_a_line = if plain == Plain::HalfBlocks { 2 } else { 1 };
        for row in (0..side).step_by(rows_a_line) {
            for column in 0..side {
                let upper = is_light(row, column);
                text.push_str(match (plain, upper) {
                    (Plain::Ascii, true) => "##",
                    (Plain::Ascii, false) => "  ",
                    (Plain::HalfBlocks, _) => match (upper, is_light(row + 1, column)) {
                        (true, true) => "\u{2588}",
                        (true, false) => "\u{2580}",
                        (false, true) => "\u{2584}",
                        (false, false) => " ",
                    },
                });
            }
            text.push('\n');
        }
        text
    }
}
