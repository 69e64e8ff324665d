//! A new set of codes.

use zeroize::Zeroizing;

use super::text::ALPHABET;
use super::{Canonical, Hash, Hex, SYMBOLS, Salt, canonical, hash};

/// New codes, and what a record keeps of them.
#[derive(Debug)]
pub struct Drawn {
    /// To be shown once.
    pub codes: Vec<Canonical>,
    /// Of this set alone.
    pub salt: Salt,
    /// One for each code, in their order.
    pub hashes: Vec<Hash>,
}

/// Draws `count` different codes, each as likely as any other. `random` fills bytes with random ones.
///
/// # Errors
/// That of `random`.
pub fn draw<E>(random: &dyn Fn(&mut [u8]) -> Result<(), E>, count: usize) -> Result<Drawn, E> {
    let mut salt = [0; 16];
    random(&mut salt)?;
    let salt = Hex::new(salt);
    let mut codes = Vec::with_capacity(count);
    while codes.len() < count {
        let mut bytes = Zeroizing::new([0; SYMBOLS]);
        random(bytes.as_mut())?;
        for byte in bytes.iter_mut() {
            // Five bits: every symbol is met as often.
            *byte = ALPHABET.get(usize::from(*byte % 32)).copied().unwrap_or_default();
        }
        // What would not be read as a code, a number, is drawn again.
        codes.extend(canonical(&*bytes).filter(|code| !codes.contains(code)));
    }
    let hashes = codes.iter().map(|code| hash(code, &salt)).collect();
    Ok(Drawn { codes, salt, hashes })
}

#[cfg(test)]
mod tests {
    use super::super::position;
    use super::*;
    use ring::rand::{SecureRandom, SystemRandom};
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    #[test]
    fn numbers_and_doubles_are_drawn_again() {
        let salt: [u8; 16] = *b"sixteen of them.";
        let script: [&[u8]; 6] = [
            &salt,
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 33, 255 - 31],
            &[31; 12],
            &[63; 12],
            &[0; 12],
            &[0, 1, 9, 10, 17, 18, 20, 22, 27, 28, 31, 42],
        ];
        let script = RefCell::new(script.into_iter());
        let random = |bytes: &mut [u8]| {
            bytes.copy_from_slice(script.borrow_mut().next().unwrap());
            Ok::<_, ()>(())
        };
        let drawn = draw(&random, 2).unwrap();
        let texts: Vec<_> = drawn.codes.iter().map(|code| code.grouped().to_string()).collect();
        assert_eq!(texts, ["zzzz-zzzz-zzzz", "019a-hjmp-vwza"]);
        assert_eq!(drawn.salt, Hex::new(salt));
        assert_eq!(script.borrow().len(), 0);
    }

    #[test]
    fn the_kernels() {
        let system = SystemRandom::new();
        let random = |bytes: &mut [u8]| system.fill(bytes);
        let (one, other) = (draw(&random, 32).unwrap(), draw(&random, 32).unwrap());
        assert_ne!(one.salt, other.salt);
        assert_eq!((one.codes.len(), one.hashes.len()), (32, 32));
        for (at, code) in one.codes.iter().enumerate() {
            let read = canonical(code.grouped().as_bytes()).unwrap();
            assert_eq!(position(&hash(&read, &one.salt), &one.hashes), Some(at));
            assert_eq!(position(&hash(&read, &other.salt), &other.hashes), None);
            assert!(!other.codes.contains(code));
        }
        // 768 symbols: each comes about 24 times.
        let mut counts = BTreeMap::new();
        for symbol in one.codes.iter().chain(&other.codes).flat_map(Canonical::as_bytes) {
            *counts.entry(*symbol).or_insert(0) += 1;
        }
        assert!(counts.keys().eq(ALPHABET), "{counts:?}");
        assert!(counts.values().all(|count| (2..70).contains(count)), "{counts:?}");
    }

    #[test]
    fn debug_shows_nothing() {
        let random = |bytes: &mut [u8]| {
            bytes.fill(31);
            Ok::<_, ()>(())
        };
        let shown = format!("{:?}", draw(&random, 1).unwrap());
        assert_eq!(shown, "Drawn { codes: [Canonical(..)], salt: Hex(..), hashes: [Hex(..)] }");
    }

    #[test]
    fn no_randomness_no_codes() {
        assert!(draw(&|_| Err(()), 1).is_err());
    }
}
