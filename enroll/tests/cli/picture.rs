//! The QR code as a file.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::host::{Home, code_of, refused, stdout};

const FULL: &str = "-tDfuWC --qr-file code.svg";

/// The number behind `before`, and what follows it.
fn number<'a>(text: &'a str, before: &str) -> (usize, &'a str) {
    let text = text.strip_prefix(before).unwrap_or_else(|| panic!("no {before:?} in {text}"));
    let end = text.find(|symbol: char| !symbol.is_ascii_digit()).unwrap();
    (text[..end].parse().unwrap(), &text[end..])
}

/// What a viewer shows of `svg` on a page of this brightness: a white ground, and the dark squares
/// of its one path. The size of a square, and where the page ends, in pixels.
fn shown(svg: &str, page: u8) -> (Vec<Vec<u8>>, usize, usize) {
    const MARGIN: usize = 40;
    let (width, rest) = number(&svg[svg.find("viewBox").unwrap()..], "viewBox=\"0 0 ");
    let (height, _) = number(rest, " ");
    assert!(svg.contains(&format!(
        "<rect x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"
    )));
    assert_eq!(svg.matches("fill=").count(), 2);
    let (_, path) = svg.split_once("<path fill=\"#000\" d=\"").unwrap();
    let (path, _) = path.split_once('"').unwrap();

    let mut picture = vec![vec![page; width + 2 * MARGIN]; height + 2 * MARGIN];
    picture[MARGIN..MARGIN + height]
        .iter_mut()
        .for_each(|row| row[MARGIN..MARGIN + width].fill(255));
    let mut side = 0;
    for square in path.split('M').skip(1) {
        let (left, rest) = number(square, "");
        let (top, rest) = number(rest, " ");
        let (across, rest) = number(rest, "h");
        let (down, rest) = number(rest, "v");
        assert_eq!(rest, format!("H{left}V{top}"));
        for row in &mut picture[MARGIN + top..MARGIN + top + down] {
            row[MARGIN + left..MARGIN + left + across].fill(0);
        }
        side = across;
    }
    (picture, side, MARGIN)
}

fn decoded(picture: &[Vec<u8>]) -> Vec<String> {
    let (width, height) = (picture[0].len(), picture.len());
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture[y][x]);
    prepared.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}

#[test]
fn a_camera_reads_it_on_dark_and_light() {
    let home = Home::new();
    let output = home.line(&format!("{FULL} -q --uri"), "");
    assert_eq!(code_of(&output), 0);
    let file = home.path().join("code.svg");
    let svg = fs::read_to_string(&file).unwrap();
    for page in [0, 128, 255] {
        let (picture, side, margin) = shown(&svg, page);
        assert_eq!(decoded(&picture), [stdout(&output).trim_end()], "{page}");

        let rows = &picture[margin..picture.len() - margin];
        let dark = |row: &Vec<u8>| row[margin..row.len() - margin].contains(&0);
        assert_eq!(rows.iter().position(dark), Some(4 * side));
        assert_eq!(rows.iter().rev().position(dark), Some(4 * side));
        let columns = |row: &Vec<u8>| {
            let row = &row[margin..row.len() - margin];
            row.iter().position(|&pixel| pixel == 0).zip(row.iter().rev().position(|&p| p == 0))
        };
        let (left, right): (Vec<_>, Vec<_>) = rows.iter().filter_map(columns).unzip();
        assert_eq!((left.iter().min(), right.iter().min()), (Some(&(4 * side)), Some(&(4 * side))));
    }
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(home.entries(), [".google_authenticator", "code.svg"]);
}

#[test]
fn a_person_hears_of_it() {
    let home = Home::new();
    let output = home.line(FULL, "");
    assert!(
        stdout(&output).ends_with("The QR code is in code.svg; delete it once the app has it.\n")
    );
}

#[test]
fn nothing_is_overwritten() {
    for link in [false, true] {
        let home = Home::new();
        let file = home.path().join("code.svg");
        if link {
            symlink("elsewhere", &file).unwrap();
        } else {
            fs::write(&file, "mine").unwrap();
        }
        let output = home.line(FULL, "");
        let sentence = refused(&output);
        assert!(sentence.contains("code.svg exists and is not overwritten"), "{sentence}");
        assert_eq!(stdout(&output), "", "before anything is shown");
        assert_eq!(home.entries(), ["code.svg"]);
        assert!(link || fs::read_to_string(&file).unwrap() == "mine");
    }
}

#[test]
fn an_enrolment_that_fails_leaves_none() {
    let home = Home::new();
    for (line, input) in [("-tDuWC", "n\n"), ("-tDuWC", ""), ("-tDfuW", "000000\n")] {
        home.line(&format!("{line} --qr-file code.svg"), input);
        assert_eq!(home.entries(), [""; 0], "{line}");
    }
    refused(&home.line("-tDfuWC -s code.svg --qr-file ./code.svg", ""));
    assert_eq!(home.entries(), [""; 0]);

    // The name of the state file's temporary file is taken, for good.
    let taken = home.path().join(".google_authenticator~mfa");
    fs::create_dir_all(taken.join("x")).unwrap();
    let sentence = refused(&home.line(FULL, ""));
    assert!(sentence.contains("cannot be rewritten"), "{sentence}");
    assert_eq!(home.entries(), [".google_authenticator~mfa"]);
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_shown() {
    let home = Home::new();
    let closed = home.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let long = format!("{}.svg", "x".repeat(252));
    for (file, words) in [
        ("closed/code.svg", "Permission denied"),
        ("nowhere/code.svg", "No such file or directory"),
        (&long, "File name too long"),
        ("code.png", "a name that ends in .svg"),
        ("-", "a name that ends in .svg"),
        (".svg", "a name that ends in .svg"),
    ] {
        let output = home.run(["-tDfuWC", "--qr-file", file], "");
        let sentence = refused(&output);
        assert!(sentence.contains(words), "{sentence}");
        assert_eq!(stdout(&output), "");
        assert_eq!(home.entries(), ["closed"]);
    }
    assert_eq!(code_of(&home.run(["-tDfuWC", "--qr-file", "A.SVG"], "")), 0);
}

#[test]
fn names_too_long_for_a_qr_code() {
    let home = Home::new();
    let label = "x".repeat(2_400);
    for quiet in ["-q", "--json"] {
        let line = ["-tDfuWC", quiet, "--qr-file", "x.svg", "-l", &label];
        let output = home.run(line, "");
        assert!(refused(&output).contains("too long for a QR code"));
        assert_eq!((stdout(&output), home.entries()), ("", vec![]));
    }
}
