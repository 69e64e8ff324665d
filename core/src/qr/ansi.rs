//! With every module's colour set explicitly: legible whatever colours are around it.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::Symbol;

/// Modules left light on every side (ISO/IEC 18004 section 5.3.8).
const QUIET_ZONE: usize = 4;
const RESET: &str = "\x1b[0m";

/// How to draw on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Two blanks a module.
    Ansi,
    /// The same, light and dark swapped: for the apps that read such codes.
    AnsiInverse,
    /// The same in soft colours.
    AnsiGrey,
    /// Half a character a module.
    Utf8,
    /// The same, light and dark swapped: for the apps that read such codes.
    Utf8Inverse,
    /// The same in soft colours.
    Utf8Grey,
}

/// Two colours of the palette of 256, none of the 16 that themes change.
#[derive(Clone, Copy)]
struct Ink {
    dark: u8,
    light: u8,
}

impl Mode {
    /// Whether it takes as little room as can be.
    #[must_use]
    pub fn is_small(self) -> bool {
        matches!(self, Self::Utf8 | Self::Utf8Inverse | Self::Utf8Grey)
    }

    fn ink(self) -> Ink {
        match self {
            Self::Ansi | Self::Utf8 => Ink { dark: 16, light: 231 },
            Self::AnsiInverse | Self::Utf8Inverse => Ink { dark: 231, light: 16 },
            Self::AnsiGrey | Self::Utf8Grey => Ink { dark: 236, light: 251 },
        }
    }
}

impl Symbol {
    /// How many columns of a terminal it takes.
    #[must_use]
    pub fn columns(&self, mode: Mode) -> usize {
        self.side(QUIET_ZONE) * if mode.is_small() { 1 } else { 2 }
    }

    /// The lines for a terminal, quiet zone included. Colours end with each line.
    #[must_use]
    pub fn draw(&self, mode: Mode) -> Zeroizing<String> {
        let side = self.side(QUIET_ZONE);
        // Room for all at once, so that no shorter copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(side.pow(2) * 30));
        let ink = mode.ink();
        for row in (0..side).step_by(if mode.is_small() { 2 } else { 1 }) {
            // What is set already: the same colours are not set again.
            let mut set = None;
            for column in 0..side {
                let color = |row| {
                    if self.is_dark(row, column, QUIET_ZONE) { ink.dark } else { ink.light }
                };
                let colors =
                    (color(row), if mode.is_small() { color(row + 1) } else { color(row) });
                if set.replace(colors) != Some(colors) {
                    set_colors(&mut text, colors);
                }
                text.push_str(match (mode.is_small(), colors.0 == colors.1) {
                    (false, _) => "  ",
                    (true, true) => " ",
                    (true, false) => "\u{2580}",
                });
            }
            text.push_str(RESET);
            text.push('\n');
        }
        text
    }
}

/// The upper half is drawn, the lower half is ground.
fn set_colors(text: &mut String, (upper, lower): (u8, u8)) {
    // Writing to a string cannot fail.
    let _ = if upper == lower {
        write!(text, "\x1b[48;5;{lower}m")
    } else {
        write!(text, "\x1b[38;5;{upper};48;5;{lower}m")
    };
}
