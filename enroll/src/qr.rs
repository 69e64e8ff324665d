//! QR codes, in a terminal and as a picture. Every module's colour is set explicitly, so that they
//! are legible whatever colours are around them.

use std::fmt::Write;

use clap::ValueEnum;
use qrcode::render::{Renderer, svg};
use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Modules left light on every side (ISO/IEC 18004 section 5.3.8).
const QUIET_ZONE: u8 = 4;
const RESET: &str = "\x1b[0m";

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Not at all.
    #[value(name = "NONE")]
    None,
    /// Two blanks a module.
    #[value(name = "ANSI")]
    Ansi,
    /// The same, light and dark swapped: for the apps that read such codes.
    #[value(name = "ANSI_INVERSE", alias = "ANSI-INVERSE")]
    AnsiInverse,
    /// The same in soft colours.
    #[value(name = "ANSI_GREY", alias = "ANSI-GREY")]
    AnsiGrey,
    /// Half a character a module.
    #[value(name = "UTF8")]
    Utf8,
    /// The same, light and dark swapped: for the apps that read such codes.
    #[value(name = "UTF8_INVERSE", alias = "UTF8-INVERSE")]
    Utf8Inverse,
    /// The same in soft colours.
    #[value(name = "UTF8_GREY", alias = "UTF8-GREY")]
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
    pub fn is_small(self) -> bool {
        matches!(self, Self::Utf8 | Self::Utf8Inverse | Self::Utf8Grey)
    }

    fn ink(self) -> Ink {
        match self {
            Self::None | Self::Ansi | Self::Utf8 => Ink { dark: 16, light: 231 },
            Self::AnsiInverse | Self::Utf8Inverse => Ink { dark: 231, light: 16 },
            Self::AnsiGrey | Self::Utf8Grey => Ink { dark: 236, light: 251 },
        }
    }
}

/// A QR code: what is dark and what is light.
pub struct Symbol {
    width: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Symbol {
    /// A code of error correction level M that holds `text`.
    ///
    /// # Errors
    /// [`Failure::TooLongForQr`].
    pub fn new(text: &str) -> Result<Self, Failure> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)
            .map_err(|_| Failure::TooLongForQr)?;
        let width = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width, dark: Zeroizing::new(dark) })
    }

    /// How many columns of a terminal it takes.
    pub fn columns(&self, mode: Mode) -> usize {
        self.side() * if mode.is_small() { 1 } else { 2 }
    }

    /// The lines for a terminal, quiet zone included. Colours end with each line.
    pub fn draw(&self, mode: Mode) -> Zeroizing<String> {
        // Room for all at once, so that no shorter copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(self.side().pow(2) * 30));
        if mode == Mode::None {
            return text;
        }
        let ink = mode.ink();
        let mut row = 0;
        while row < self.side() {
            // What is set already: the same colours are not set again.
            let mut set = None;
            for column in 0..self.side() {
                let color = |row| if self.is_dark(row, column) { ink.dark } else { ink.light };
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
            row += if mode.is_small() { 2 } else { 1 };
        }
        text
    }

    /// An SVG picture, black on white, quiet zone included.
    pub fn svg(&self) -> Zeroizing<String> {
        let colors: Vec<Color> =
            self.dark.iter().map(|&dark| if dark { Color::Dark } else { Color::Light }).collect();
        let picture = Renderer::<svg::Color>::new(&colors, self.width, QUIET_ZONE.into());
        Zeroizing::new(picture.build())
    }

    fn side(&self) -> usize {
        self.width + 2 * usize::from(QUIET_ZONE)
    }

    /// Everything around the symbol is light.
    fn is_dark(&self, row: usize, column: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET_ZONE.into()).filter(|&at| at < self.width);
        match (inside(row), inside(column)) {
            (Some(row), Some(column)) => {
                self.dark.get(row * self.width + column).copied().unwrap_or(false)
            }
            _ => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str =
        "otpauth://totp/alice@host.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=host";
    const DRAWN: [Mode; 6] = [
        Mode::Ansi,
        Mode::AnsiInverse,
        Mode::AnsiGrey,
        Mode::Utf8,
        Mode::Utf8Inverse,
        Mode::Utf8Grey,
    ];

    /// A terminal whose own colours are `fg` on `bg`, as brightness: what it shows of `text`, two
    /// pixels to a character, one above the other.
    fn screen(text: &str, fg: u8, bg: u8) -> Vec<Vec<u8>> {
        let brightness = |palette: u8| match palette {
            16 => 0,
            231 => 255,
            grey @ 232..=255 => 8 + 10 * (grey - 232),
            other => panic!("colour {other}"),
        };
        let mut rows = vec![];
        for line in text.lines() {
            let (mut upper, mut lower) = (vec![], vec![]);
            let (mut ink, mut ground) = (fg, bg);
            let mut rest = line;
            while let Some(symbol) = rest.chars().next() {
                rest = &rest[symbol.len_utf8()..];
                match symbol {
                    '\x1b' => {
                        let (codes, after) = rest[1..].split_once('m').unwrap();
                        rest = after;
                        match codes.split(';').collect::<Vec<_>>()[..] {
                            ["0"] => (ink, ground) = (fg, bg),
                            ["48", "5", color] => ground = brightness(color.parse().unwrap()),
                            ["38", "5", color, "48", "5", other] => {
                                ink = brightness(color.parse().unwrap());
                                ground = brightness(other.parse().unwrap());
                            }
                            _ => panic!("{codes}"),
                        }
                    }
                    ' ' => {
                        upper.push(ground);
                        lower.push(ground);
                    }
                    '\u{2580}' => {
                        upper.push(ink);
                        lower.push(ground);
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((ink, ground), (fg, bg), "colours end with the line");
            rows.extend([upper, lower]);
        }
        rows
    }

    /// The picture with a rim of the terminal's own colour, and each pixel several wide, as a
    /// camera sees it.
    fn photograph(rows: &[Vec<u8>], rim: u8) -> Vec<Vec<u8>> {
        const SCALE: usize = 3;
        let width = rows[0].len() + 8;
        let blank = vec![rim; width * SCALE];
        let mut picture = vec![blank.clone(); 4 * SCALE];
        for row in rows {
            let row = [&[rim; 4], &row[..], &[rim; 4]].concat();
            let wide: Vec<u8> = row.iter().flat_map(|&pixel| [pixel; SCALE]).collect();
            picture.extend(std::iter::repeat_n(wide, SCALE));
        }
        picture.extend(std::iter::repeat_n(blank, 4 * SCALE));
        picture
    }

    fn read(picture: &[Vec<u8>]) -> Vec<String> {
        let (width, height) = (picture[0].len(), picture.len());
        let mut prepared =
            rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture[y][x]);
        prepared.detect_grids().iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect()
    }

    #[test]
    fn a_camera_reads_each_on_dark_and_light() {
        let symbol = Symbol::new(URI).unwrap();
        for mode in DRAWN {
            for (fg, bg) in [(255, 0), (0, 255), (200, 40)] {
                let rows = screen(&symbol.draw(mode), fg, bg);
                assert!(rows.iter().all(|row| row.len() == symbol.columns(mode)), "{mode:?}");
                let inverse = matches!(mode, Mode::AnsiInverse | Mode::Utf8Inverse);
                let mut picture = photograph(&rows, bg);
                if inverse {
                    // Some readers try this themselves, rqrr does not.
                    assert_eq!(read(&picture), [""; 0], "{mode:?} on {bg}");
                    picture.iter_mut().flatten().for_each(|pixel| *pixel = 255 - *pixel);
                }
                assert_eq!(read(&picture), [URI], "{mode:?} on {bg}");
            }
        }
    }

    #[test]
    fn the_quiet_zone_is_four_modules_on_every_side() {
        let symbol = Symbol::new(URI).unwrap();
        for mode in DRAWN {
            let rows = screen(&symbol.draw(mode), 128, 128);
            let light = rows[0][0];
            let (across, down) = if mode.is_small() { (1, 1) } else { (2, 2) };
            let dark = |row: &Vec<u8>| row.iter().any(|&pixel| pixel != light);
            assert_eq!(rows.iter().position(dark), Some(4 * down), "{mode:?}");
            // An odd number of rows leaves half a character, which is light as well.
            assert!(rows.iter().rev().position(dark).unwrap() >= 4 * down, "{mode:?}");
            let first = rows.iter().filter_map(|row| row.iter().position(|&p| p != light)).min();
            assert_eq!(first, Some(4 * across), "{mode:?}");
            let last = rows.iter().filter_map(|row| row.iter().rposition(|&p| p != light)).max();
            assert_eq!(last, Some(rows[0].len() - 1 - 4 * across), "{mode:?}");
        }
    }

    #[test]
    fn long_texts_up_to_the_largest_code() {
        for length in [1, 100, 1_000, 2_331] {
            let text = "a".repeat(length);
            let symbol = Symbol::new(&text).unwrap();
            let rows = screen(&symbol.draw(Mode::Utf8), 255, 0);
            assert_eq!(read(&photograph(&rows, 0)), [text], "{length}");
        }
        assert!(Symbol::new(&"a".repeat(2_332)).is_err());
    }

    #[test]
    fn none_draws_nothing() {
        assert_eq!(*Symbol::new("x").unwrap().draw(Mode::None), "");
    }
}
