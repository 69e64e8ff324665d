//! Text to modules, in buffers of our own that are wiped: what is drawn is a secret.

use qrcodegen_no_heap::{QrCode, QrCodeEcc, QrSegment, Version};
use zeroize::Zeroizing;

use super::{Symbol, TooLong};

/// The most characters that any code holds: of the 45 that take five and a half bits each, in the
/// largest code of level L (ISO/IEC 18004 table 7).
const MOST: usize = 4_296;

/// How many of these characters at least have to stand together for a segment of their own to pay: its
/// header and that of the bytes behind it take 37 bits, and each character saves two and a half.
const WORTHWHILE: usize = 16;

/// The smallest code of this level that holds `text`.
///
/// # Errors
/// [`TooLong`].
pub(super) fn encode(text: &str, level: QrCodeEcc) -> Result<Symbol, TooLong> {
    if text.len() > MOST {
        return Err(TooLong);
    }
    let buffer = || Zeroizing::new(vec![0; Version::MAX.buffer_len()]);
    let (mut spare, mut code) = (buffer(), buffer());
    // A base32 secret is one such run.
    let (before, run, behind) = around_longest_run(text);
    let segments = [
        QrSegment::make_bytes(before.as_bytes()),
        QrSegment::make_alphanumeric(run, &mut spare),
        QrSegment::make_bytes(behind.as_bytes()),
    ];
    let segments: Vec<_> = segments.into_iter().filter(|part| part.num_chars() > 0).collect();
    let (length, level, version) = QrCode::encode_segments_to_codewords(
        &segments,
        &mut code,
        level,
        Version::MIN,
        Version::MAX,
        false,
    )
    .map_err(|_| TooLong)?;
    drop(segments);
    let code = QrCode::encode_codewords(&mut code, length, &mut spare, level, version, None);

    let side = 0..code.size();
    let width = side.len();
    // Room for all at once, so that no shorter copy is left behind.
    let mut dark = Zeroizing::new(Vec::with_capacity(width * width));
    for y in side.clone() {
        dark.extend(side.clone().map(|x| code.get_module(x, y)));
    }
    Ok(Symbol { width, dark })
}

/// The longest worthwhile run in `text` of what takes less than a byte, and what is around it.
fn around_longest_run(text: &str) -> (&str, &str, &str) {
    let is_short = |symbol: char| QrSegment::is_alphanumeric(symbol.encode_utf8(&mut [0; 4]));
    let runs = text.split(|symbol| !is_short(symbol));
    let longest = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= WORTHWHILE);
    longest
        .and_then(|run| text.split_once(run).map(|(before, behind)| (before, run, behind)))
        .unwrap_or((text, "", ""))
}
