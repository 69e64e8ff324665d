//! The new factor as one JSON object, for scripts.

use std::borrow::Cow;
use std::path::Path;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::app::FIRST_COUNTER;
use crate::failure::Failure;
use crate::plan::Method;
use crate::save::{Factor, Target};

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Report<'a> {
    /// A path that is not UTF-8 has U+FFFD where it is not.
    file: Cow<'a, str>,
    user: Option<&'a str>,
    name: Option<&'a str>,
    qr_file: Option<Cow<'a, str>>,
    r#type: &'static str,
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
    recovery_codes: &'a [Zeroizing<String>],
}

#[derive(Serialize)]
struct RateLimit {
    attempts: u8,
    seconds: u16,
}

/// The object on a line of its own: what `target` holds once `factor` is installed.
///
/// # Errors
/// [`Failure::Output`], if it cannot be put into words.
pub fn report<T: Target>(
    factor: &Factor<T::Codes>,
    target: &T,
    uri: &str,
    qr_file: Option<&Path>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let Factor { plan, secret, codes, .. } = factor;
    let secret = secret.to_base32();
    let (r#type, period, counter) = match plan.method() {
        Method::Hotp => ("hotp", None, Some(FIRST_COUNTER)),
        Method::Totp => ("totp", Some(plan.period()), None),
    };
    let (path, names) = (target.path(), target.names());
    let rate_limit = target.rate_limit(plan);
    let report = Report {
        file: path.to_string_lossy(),
        user: names.map(|(user, _)| user),
        name: names.map(|(_, name)| name),
        qr_file: qr_file.map(Path::to_string_lossy),
        r#type,
        secret: &secret,
        uri,
        algorithm: plan.algorithm.name(),
        digits: plan.digits.count(),
        period,
        counter,
        disallow_reuse: plan.counts_once(),
        window: plan.window(),
        rate_limit: rate_limit.map(|(attempts, seconds)| RateLimit { attempts, seconds }),
        recovery_codes: &T::texts(codes),
    };
    // Room for all at once, so that no shorter copy of the secret is left behind. A byte of a path or
    // name takes six at most.
    let lengths = [path.as_os_str().len(), qr_file.map_or(0, |path| path.as_os_str().len())];
    let names = names.map_or(0, |(user, name)| user.len() + name.len());
    let room = 1024 + uri.len() + 6 * (lengths.iter().sum::<usize>() + names);
    let mut line = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *line, &report).map_err(|error| Failure::Output(error.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// Codes are text: what people type, not what they count with.
fn texts<S: Serializer>(codes: &[Zeroizing<String>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(codes.iter().map(|code| code.as_str()))
}
