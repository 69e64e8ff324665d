//! The QR code on the terminal and as a picture.

use std::fmt::Write as _;
use std::io::{BufRead, Write};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use mfa_core::qr::{Mode, Symbol};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::talk::Talk;

/// Modules left light on every side of a picture (ISO/IEC 18004 section 5.3.8).
const QUIET_ZONE: usize = 4;

/// How wide a module is in a picture, pixels.
const PIXELS: usize = 8;

/// How to draw on the terminal, by the names of the command line; `None` is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QrMode(pub Option<Mode>);

impl ValueEnum for QrMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(None),
            Self(Some(Mode::Ansi)),
            Self(Some(Mode::AnsiInverse)),
            Self(Some(Mode::AnsiGrey)),
            Self(Some(Mode::Utf8)),
            Self(Some(Mode::Utf8Inverse)),
            Self(Some(Mode::Utf8Grey)),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self.0 {
            None => PossibleValue::new("NONE"),
            Some(Mode::Ansi) => PossibleValue::new("ANSI"),
            Some(Mode::AnsiInverse) => PossibleValue::new("ANSI_INVERSE").alias("ANSI-INVERSE"),
            Some(Mode::AnsiGrey) => PossibleValue::new("ANSI_GREY").alias("ANSI-GREY"),
            Some(Mode::Utf8) => PossibleValue::new("UTF8"),
            Some(Mode::Utf8Inverse) => PossibleValue::new("UTF8_INVERSE").alias("UTF8-INVERSE"),
            Some(Mode::Utf8Grey) => PossibleValue::new("UTF8_GREY").alias("UTF8-GREY"),
        })
    }
}

/// Draws `uri` as `mode` says. Without one it is drawn as it fits into `columns`, and not at all
/// where there are none: a QR code in a pipe is wanted only by those who say so.
///
/// # Errors
/// [`Failure::TooLongForQr`], or [`Failure::Output`].
pub fn draw<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    uri: &str,
    mode: Option<QrMode>,
    columns: Option<usize>,
) -> Result<(), Failure> {
    let usual = QrMode(columns.map(|_| Mode::Ansi));
    let QrMode(Some(wanted)) = mode.unwrap_or(usual) else { return Ok(()) };
    let symbol = Symbol::new(uri)?;
    let fits = columns.is_none_or(|columns| symbol.columns(wanted) <= columns);
    let drawn = if mode.is_some() || fits { wanted } else { Mode::Utf8 };
    let smaller = if drawn.is_small() { "" } else { ", or start again with --qr-mode=UTF8" };
    talk.say(&format!(
        "Scan this with the authenticator app. If its lines are broken, make the\n\
         window {} columns wide{smaller}.\n",
        symbol.columns(drawn)
    ))?;
    talk.say(&symbol.draw(drawn))
}

/// An SVG picture of `uri`, black on white, quiet zone included.
///
/// # Errors
/// [`Failure::TooLongForQr`].
pub fn svg(uri: &str) -> Result<Zeroizing<String>, Failure> {
    let symbol = Symbol::new(uri)?;
    let width = symbol.width();
    let side = (width + 2 * QUIET_ZONE) * PIXELS;
    // Room for all at once, so that no shorter copy is left behind.
    let mut picture = Zeroizing::new(String::with_capacity(512 + width.pow(2) * 32));
    // Writing to a string cannot fail.
    let _ = write!(
        picture,
        "<?xml version=\"1.0\" standalone=\"yes\"?>\
         <svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"{side}\" height=\"{side}\" \
         viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect x=\"0\" y=\"0\" width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path fill=\"#000\" d=\""
    );
    for (place, _) in symbol.modules().iter().enumerate().filter(|(_, dark)| **dark) {
        let [left, top] =
            [place % width, place / width].map(|modules| (modules + QUIET_ZONE) * PIXELS);
        let _ = write!(picture, "M{left} {top}h{PIXELS}v{PIXELS}H{left}V{top}");
    }
    picture.push_str("\"/></svg>");
    Ok(picture)
}
