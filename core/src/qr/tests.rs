use super::*;

const URI: &str =
    "otpauth://totp/alice@host.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=host";
const DRAWN: [Mode; 6] =
    [Mode::Ansi, Mode::AnsiInverse, Mode::AnsiGrey, Mode::Utf8, Mode::Utf8Inverse, Mode::Utf8Grey];

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
                '\u{2584}' => {
                    upper.push(ground);
                    lower.push(ink);
                }
                '\u{2588}' => {
                    upper.push(ink);
                    lower.push(ink);
                }
                // From a distance: its strokes cover two fifths of the ground.
                '#' => {
                    let grey = u8::try_from((2 * u16::from(ink) + 3 * u16::from(ground)) / 5);
                    upper.push(grey.unwrap());
                    lower.push(grey.unwrap());
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
    assert!(Symbol::smallest(&"a".repeat(2_953)).is_ok());
    assert!(Symbol::smallest(&"a".repeat(2_954)).is_err());
}

#[test]
fn a_camera_reads_the_plain_ones_on_dark_and_inverted_ones_on_light() {
    for symbol in [Symbol::new(URI).unwrap(), Symbol::smallest(URI).unwrap()] {
        for plain in [Plain::HalfBlocks, Plain::Ascii] {
            for (fg, bg) in [(255, 0), (200, 40), (0, 255), (40, 200)] {
                let mut picture = photograph(&screen(&symbol.draw_plain(plain), fg, bg), bg);
                if fg < bg {
                    assert_eq!(read(&picture), [""; 0], "{plain:?} on {bg}");
                    picture.iter_mut().flatten().for_each(|pixel| *pixel = 255 - *pixel);
                }
                assert_eq!(read(&picture), [URI], "{plain:?} on {bg}");
            }
        }
    }
}

#[test]
fn the_plain_ones_are_nothing_but_lines_of_one_width() {
    let symbol = Symbol::smallest(URI).unwrap();
    for (plain, symbols) in [(Plain::HalfBlocks, " \u{2580}\u{2584}\u{2588}"), (Plain::Ascii, " #")]
    {
        let text = symbol.draw_plain(plain);
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            assert!(line.chars().all(|symbol| symbols.contains(symbol)), "{line:?}");
            assert!(!line.starts_with(' ') && !line.ends_with(' '), "{line:?}");
            assert_eq!(line.chars().count(), text.lines().next().unwrap().chars().count());
        }
    }
}

#[test]
fn what_a_login_draws_leaves_room_for_its_words() {
    for (account, lines, columns) in [
        // An issuer that only says again where the account is costs two lines and the 80 columns.
        ("alice@host?issuer=host&", 19, 74),
        ("alice@host.example?", 19, 74),
        ("alice@host.example?issuer=host.example&", 21, 82),
        ("alice@login-1.example.org?issuer=login-1.example.org&", 21, 82),
    ] {
        let uri = format!("otpauth://totp/{account}secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let symbol = Symbol::smallest(&uri).unwrap();
        let (small, ascii) =
            (symbol.draw_plain(Plain::HalfBlocks), symbol.draw_plain(Plain::Ascii));
        assert_eq!(small.lines().count(), lines, "{account}");
        assert_eq!(ascii.lines().next().map(str::len), Some(columns), "{account}");
    }
}
