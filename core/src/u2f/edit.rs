//! Changes to a mapping: the new bytes of the file, in which nothing else is another.

use super::{credential, credentials};
use crate::account::Key;

/// Enrols a key of `user` behind those that are there. `None` for a key that is no USB key.
///
/// The user must be one of the user database, which has no name with a colon or a line end (passwd(5)).
#[must_use]
pub fn add(text: &[u8], user: &str, key: &Key) -> Option<Vec<u8>> {
    let credential = credential::write(key)?;
    let mut lines = lines(text);
    if let Some(line) = lines.iter_mut().rfind(|line| credentials(line, user).is_some()) {
        let end = line.trim_ascii_end().len();
        line.splice(end..end, format!(":{credential}").into_bytes());
    } else {
        // Behind the last line end there is no line.
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        lines.extend([format!("{user}:{credential}").into_bytes(), Vec::new()]);
    }
    Some(lines.join(&b'\n'))
}

/// Takes away the key of that place in the line of `user` that counts, the first is 0; `None` if there is
/// none. With the last key all lines of the user go: the one before would count again.
#[must_use]
pub fn remove(text: &[u8], user: &str, place: usize) -> Option<Vec<u8>> {
    let is_theirs = |line: &Vec<u8>| credentials(line, user).is_some();
    let mut lines = lines(text);
    let line = lines.iter_mut().rfind(|line| is_theirs(line))?;
    let (content, ending) = line.split_at(line.trim_ascii_end().len());
    let mut fields: Vec<_> = content.split(|&byte| byte == b':').collect();
    let mut filled = (0..).zip(&fields).filter(|(_, field)| !field.is_empty());
    // The first is the user.
    let (at, _) = filled.nth(place.checked_add(1)?)?;
    fields.remove(at);
    *line = [&fields.join(&b':'), ending].concat();
    if credentials(line, user)?.next().is_none() {
        lines.retain(|line| !is_theirs(line));
    }
    Some(lines.join(&b'\n'))
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}
