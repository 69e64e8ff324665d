//! A phone's camera before a terminal with light text on a dark ground.

/// How wide a dot is in the picture, pixels.
const SCALE: usize = 3;

/// What the last QR code on the screen says, be it drawn in half blocks or in number signs.
#[track_caller]
pub fn scan(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().map(|line| line.trim_end_matches('\r')).collect();
    let is_drawn = |line: &&str| line.starts_with("####") || line.starts_with(['█', '▀', '▄']);
    let last = lines.iter().rposition(is_drawn).unwrap_or_else(|| panic!("no picture:\n{screen}"));
    let first = lines[..last].iter().rposition(|line| !is_drawn(line)).map_or(0, |at| at + 1);
    let dots: Vec<Vec<bool>> = lines[first..=last].iter().flat_map(|line| dots(line)).collect();

    // With some of the dark screen around it.
    let (width, height) = (dots[0].len() + 8, dots.len() + 8);
    let is_light = |x: usize, y: usize| {
        let row = y.checked_sub(4).and_then(|y| dots.get(y));
        row.zip(x.checked_sub(4)).and_then(|(row, x)| row.get(x)) == Some(&true)
    };
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, |x, y| {
            if is_light(x / SCALE, y / SCALE) { 230 } else { 20 }
        });
    let texts: Vec<String> =
        picture.detect_grids().iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect();
    assert_eq!(texts.len(), 1, "no camera reads this:\n{screen}");
    texts.concat()
}

/// A character cell is twice as high as it is wide: two rows of dots, light or dark.
fn dots(line: &str) -> [Vec<bool>; 2] {
    let halves = |symbol| match symbol {
        '█' | '#' => (true, true),
        '▀' => (true, false),
        '▄' => (false, true),
        ' ' => (false, false),
        other => panic!("{other:?} in the picture"),
    };
    let (upper, lower) = line.chars().map(halves).unzip();
    [upper, lower]
}
