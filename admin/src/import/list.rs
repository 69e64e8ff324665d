//! Files that enrol many people: users.oath, and otpauth URIs, one a line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use mfa_core::otp::{Algorithm, step};
use mfa_core::otpauth::{self, Uri};
use mfa_core::record::{Method, Name};
use mfa_core::state::Used;
use nix::unistd::User;
use zeroize::Zeroizing;

use super::draft::Found;
use super::oath;
use crate::failure::Failure;

/// The largest file that is read, in bytes: lines for a hundred thousand people.
const MAX_SIZE: u64 = 32 << 20;

/// How many codes are good at one moment. Neither kind of file says.
const WINDOW: u8 = 3;

/// A user, as the file has the name, and what it enrols this user with; or what of the file enrols
/// nobody, and why.
pub type Entry = Result<(String, Vec<Found>), (String, Failure)>;

/// The whole file; `-` is standard input.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut text = Zeroizing::new(Vec::new());
    let read = if path == Path::new("-") {
        io::stdin().take(MAX_SIZE + 1).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut text))
    };
    let failed = |why: String| Failure::Refused(format!("{} {why}", path.display()));
    read.map_err(|error| failed(format!("cannot be read ({error})")))?;
    if u64::try_from(text.len()).is_ok_and(|size| size > MAX_SIZE) {
        return Err(failed(format!("is larger than {} MiB", MAX_SIZE >> 20)));
    }
    Ok(text)
}

/// What users.oath enrols whom with; only `users`, if there are any.
pub fn oath(text: &[u8], now: u64, users: &[String]) -> Vec<Entry> {
    let mut people = Vec::new();
    for line in oath::read(text, now) {
        let entry = match line {
            Ok(entry) => entry,
            Err(refusal) => {
                people.push(refused(refusal.line, &refusal.mistake.to_string()));
                continue;
            }
        };
        if !users.is_empty() && !users.contains(&entry.user) {
            continue;
        }
        let (method, used) = match entry.method {
            oath::Method::Hotp { counter } => {
                (Method::Hotp, Used::hotp(i64::try_from(counter).ok()))
            }
            oath::Method::Totp { period, step } => {
                (Method::Totp { period }, Used::totp(i64::try_from(step).unwrap_or(i64::MAX)))
            }
        };
        let found = Found {
            name: None,
            method,
            secret: entry.secret,
            algorithm: Algorithm::Sha1,
            digits: entry.digits,
            window: WINDOW,
            used,
        };
        add(&mut people, entry.user, found);
    }
    people
}

/// What otpauth URIs enrol whom with: `user`, or who the label says. Blank lines and comments are left
/// out.
pub fn uris(text: &[u8], now: u64, user: Option<&String>) -> Vec<Entry> {
    let mut people = Vec::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let read = std::str::from_utf8(line)
            .map_err(|_| "it is not UTF-8".to_owned())
            .and_then(|line| Uri::read(line).map_err(|mistake| mistake.to_string()))
            .and_then(|uri| {
                let label = Label::of(&uri);
                let user = user.cloned().or(label.account.map(login_name));
                let user = user.ok_or_else(|| "its label names no user; say who".to_owned())?;
                Ok((user, found(uri, label.name, now)?))
            });
        match read {
            Ok((user, found)) => add(&mut people, user, found),
            Err(why) => people.push(refused(number, &why)),
        }
    }
    people
}

/// The two halves of a label.
struct Label {
    /// The account's name.
    account: Option<String>,
    /// Where the account is, as far as it can be a credential's name.
    name: Option<Name>,
}

impl Label {
    fn of(uri: &Uri) -> Self {
        let text = String::from_utf8(uri.label.clone()).unwrap_or_default();
        let (before, account) = text.split_once(':').unwrap_or(("", &text));
        let issuer = std::str::from_utf8(&uri.issuer).ok().filter(|issuer| !issuer.is_empty());
        let name: String = issuer.unwrap_or(before).trim().chars().take(32).collect();
        let account = account.trim();
        Self {
            account: (!account.is_empty()).then(|| account.to_owned()),
            name: Name::new(name.trim()),
        }
    }
}

/// `alice@host` is alice, unless there is somebody of the whole name; as the user database spells it.
fn login_name(account: String) -> String {
    let known = |name: &str| User::from_name(name).ok().flatten().map(|user| user.name);
    let local = account.rsplit_once('@').map(|(local, _)| local);
    known(&account).or_else(|| known(local?)).unwrap_or(account)
}

fn found(uri: Uri, name: Option<Name>, now: u64) -> Result<Found, String> {
    let (method, used) = match uri.method {
        otpauth::Method::Totp { period } => {
            let step = i64::try_from(step(now, period)).unwrap_or(i64::MAX);
            (Method::Totp { period }, Used::totp(step))
        }
        otpauth::Method::Hotp { counter } => {
            let counter =
                i64::try_from(counter).map_err(|_| "its counter is beyond any".to_owned())?;
            (Method::Hotp, Used::hotp(Some(counter)))
        }
    };
    Ok(Found {
        name,
        method,
        secret: uri.secret,
        algorithm: uri.algorithm,
        digits: uri.digits,
        window: WINDOW,
        used,
    })
}

fn add(people: &mut Vec<Entry>, user: String, found: Found) {
    let mut known = people.iter_mut().flatten();
    match known.find(|(name, _)| *name == user) {
        Some((_, all)) => all.push(found),
        None => people.push(Ok((user, vec![found]))),
    }
}

fn refused(line: usize, why: &str) -> Entry {
    Err((format!("line {line}"), Failure::Refused(why.to_owned())))
}
