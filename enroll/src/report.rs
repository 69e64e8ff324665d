//! The new factor as one JSON object, for scripts.

use std::borrow::Cow;
use std::path::Path;

use mfa_core::gauth::{NewFile, NewMethod};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::plan::Plan;

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Report<'a> {
    /// A path that is not UTF-8 has U+FFFD where it is not.
    file: Cow<'a, str>,
    qr_file: Option<Cow<'a, str>>,
    method: &'static str,
    secret: &'a str,
    uri: &'a str,
    algorithm: &'static str,
    digits: usize,
    period: Option<u8>,
    counter: Option<u64>,
    disallow_reuse: bool,
    window: u8,
    rate_limit: Option<RateLimit>,
    #[serde(serialize_with = "texts")]
    recovery_codes: &'a [u32],
}

#[derive(Serialize)]
struct RateLimit {
    attempts: u8,
    seconds: u16,
}

/// The object on a line of its own: what `new` holds once it is at `path`.
///
/// # Errors
/// [`Failure::Output`], if it cannot be put into words.
pub fn report(
    plan: &Plan,
    new: &NewFile,
    uri: &str,
    path: &Path,
    qr_file: Option<&Path>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let secret = new.secret.to_base32();
    let (method, period, counter, disallow_reuse) = match &new.method {
        NewMethod::Hotp => ("hotp", None, Some(1), true),
        NewMethod::Totp { disallow_reuse, .. } => {
            ("totp", Some(plan.period()), None, disallow_reuse.is_some())
        }
    };
    let report = Report {
        file: path.to_string_lossy(),
        qr_file: qr_file.map(Path::to_string_lossy),
        method,
        secret: &secret,
        uri,
        algorithm: new.algorithm.name(),
        digits: new.digits.count(),
        period,
        counter,
        disallow_reuse,
        window: plan.window(),
        rate_limit: new.rate_limit.map(|(attempts, seconds)| RateLimit { attempts, seconds }),
        recovery_codes: &new.scratch_codes,
    };
    // Room for all at once, so that no shorter copy of the secret is left behind. A byte of a path
    // takes six at most.
    let paths = path.as_os_str().len() + qr_file.map_or(0, |path| path.as_os_str().len());
    let mut line = Zeroizing::new(Vec::with_capacity(1024 + uri.len() + 6 * paths));
    serde_json::to_writer(&mut *line, &report).map_err(|error| Failure::Output(error.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// Codes are text: what people type, not what they count with.
fn texts<S: Serializer>(codes: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(codes.iter().map(Text))
}

struct Text<'a>(&'a u32);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}
