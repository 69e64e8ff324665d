//! Secrets and recovery codes, from the kernel's generator.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::secret::{ScratchCodes, Secret};

/// The size of a secret: 160 bits, as RFC 4226 section 4 recommends.
const SECRET_BYTES: usize = 20;
const SCRATCH_CODES: std::ops::RangeInclusive<u32> = 10_000_000..=99_999_999;

/// Fills bytes with random ones.
pub type Random<'a> = dyn Fn(&mut [u8]) -> Result<(), NoRandomness> + 'a;

/// The kernel gives no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the kernel gives no random numbers")
    }
}

/// The kernel's generator (getrandom(2)).
///
/// # Errors
/// [`NoRandomness`].
pub fn system(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    SystemRandom::new().fill(bytes).map_err(|_| NoRandomness)
}

/// A new secret of 20 bytes.
///
/// # Errors
/// [`NoRandomness`].
pub fn secret(random: &Random) -> Result<Secret, NoRandomness> {
    let mut bytes = vec![0; SECRET_BYTES];
    random(&mut bytes)?;
    Ok(Secret::new(bytes))
}

/// `count` different numbers of eight digits, each as likely as any other.
///
/// # Errors
/// [`NoRandomness`].
pub fn scratch_codes(random: &Random, count: u8) -> Result<ScratchCodes, NoRandomness> {
    let count = usize::from(count);
    let mut codes = ScratchCodes::with_capacity(count);
    while codes.len() < count {
        let mut bytes = Zeroizing::new([0; 4]);
        random(bytes.as_mut())?;
        // 27 bits reach just beyond the largest; what is out of range is drawn again.
        let code = u32::from_le_bytes(*bytes) >> 5;
        if SCRATCH_CODES.contains(&code) && !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn codes_out_of_range_and_doubles_are_drawn_again() {
        let draws: [u32; 7] =
            [9_999_999, 100_000_000, 10_000_000, 10_000_000, 0, 99_999_999, 12_345_678];
        let next = Cell::new(0);
        let random = |bytes: &mut [u8]| {
            bytes.copy_from_slice(&(draws[next.replace(next.get() + 1)] << 5).to_le_bytes());
            Ok(())
        };
        let codes = scratch_codes(&random, 3).unwrap();
        assert_eq!(*codes, [10_000_000, 99_999_999, 12_345_678]);
    }

    #[test]
    fn the_kernels() {
        let (one, other) = (secret(&system).unwrap(), secret(&system).unwrap());
        assert_eq!(one.to_base32().len(), 32);
        assert_ne!(one, other);
        let codes = scratch_codes(&system, 200).unwrap();
        assert!(codes.iter().all(|code| SCRATCH_CODES.contains(code)));
        // Their first digits are spread: each comes about 22 times.
        for digit in 1..=9 {
            let count = codes.iter().filter(|&&code| code / 10_000_000 == digit).count();
            assert!((2..60).contains(&count), "{count} begin with {digit}");
        }
    }

    #[test]
    fn no_randomness_no_secret() {
        let random = |_: &mut [u8]| Err(NoRandomness);
        assert!(secret(&random).is_err() && scratch_codes(&random, 1).is_err());
    }
}
