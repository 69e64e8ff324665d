//! From user names to file names and back.

use std::fmt::Write;

use crate::reason::Reason;

/// The longest name, encoded, in bytes: room is left for what stands behind it.
const LONGEST: usize = 240;

/// The user's name as a file is called: everything but `A-Z a-z 0-9 _ -` and dots inside is written as
/// `%` and two hexadecimal digits for each byte.
///
/// # Errors
/// [`Reason::BadUserName`] if it is empty or too long.
pub(in crate::store) fn encode(user: &str) -> Result<String, Reason> {
    let last = user.len().wrapping_sub(1);
    let mut name = String::with_capacity(user.len());
    for (at, byte) in user.bytes().enumerate() {
        let is_inner_dot = byte == b'.' && at != 0 && at != last;
        if byte.is_ascii_alphanumeric() || b"_-".contains(&byte) || is_inner_dot {
            name.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    // Many names that are not UTF-8 look like this one.
    let unclear = user.contains('\u{fffd}');
    if (1..=LONGEST).contains(&name.len()) && !unclear {
        Ok(name)
    } else {
        Err(Reason::BadUserName)
    }
}

/// The user whose name [`encode`] writes so.
pub(in crate::store) fn decode(name: &str) -> Option<String> {
    let mut user = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        user.push(match byte {
            b'%' => {
                let (digits, behind) = rest.split_at_checked(2)?;
                rest = behind;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => byte,
        });
    }
    let user = String::from_utf8(user).ok()?;
    // There is one way to write it.
    (encode(&user).as_deref() == Ok(name)).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (user, name) in [
            ("alice", "alice"),
            ("a.b-c_D9", "a.b-c_D9"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            (".a.", "%2Ea%2E"),
            ("../root", "%2E.%2Froot"),
            ("DOM\\alice", "DOM%5Calice"),
            ("alice@example.org", "alice%40example.org"),
            ("j\u{f6}rg", "j%C3%B6rg"),
            ("a%b", "a%25b"),
            ("x~mfa", "x%7Emfa"),
            ("a b\n", "a%20b%0A"),
        ] {
            assert_eq!(encode(user).as_deref(), Ok(name));
            assert_eq!(decode(name).as_deref(), Some(user));
        }
        for user in [String::new(), "x".repeat(241), "\u{f6}".repeat(41), "a\u{fffd}".to_owned()] {
            assert_eq!(encode(&user), Err(Reason::BadUserName));
        }
        for name in ["", "%", "%2", "%zz", "%61", "%2e", "a~", "%FF", "a.", "%+1"] {
            assert_eq!(decode(name), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn one_plain_part_of_a_path_for_each_user(user in ".{1,40}") {
            if let Ok(name) = encode(&user) {
                proptest::prop_assert!(!name.contains('/') && !name.starts_with('.'));
                proptest::prop_assert_eq!(decode(&name), Some(user));
            }
        }
    }
}
