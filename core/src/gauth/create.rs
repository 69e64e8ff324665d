//! A new file, as the original's own command lays it out.

use std::fmt::Write;

use zeroize::Zeroizing;

use crate::otp::{Algorithm, Digits};
use crate::secret::{ScratchCodes, Secret};

/// What a new file says. `None` leaves the line out, which means the default.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// The shared secret.
    pub secret: Secret,
    /// What moves a code on.
    pub method: NewMethod,
    /// The hash; no line where it is the default.
    pub algorithm: Algorithm,
    /// How many digits a code has; no line where it is the default.
    pub digits: Digits,
    /// How many codes are good at one moment, 1 to 100; 3 without a line.
    pub window: Option<u8>,
    /// Attempts and seconds; unlimited without a line.
    pub rate_limit: Option<(u8, u16)>,
    /// The recovery codes.
    pub scratch_codes: ScratchCodes,
}

/// What moves a new credential's code on.
#[derive(Debug, Clone)]
pub enum NewMethod {
    /// By the event; starts at counter 1.
    Hotp,
    /// By the time.
    Totp {
        /// Seconds a code lasts, 1 to 60; 30 without a line.
        period: Option<u8>,
        /// Each code counts once; holds the steps whose codes are used already.
        disallow_reuse: Option<Vec<u64>>,
    },
}

impl NewFile {
    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all at once, so that no shorter copy of the secret is left behind.
        let mut text =
            Zeroizing::new(String::with_capacity(4096 + self.secret.as_bytes().len() * 2));
        text.push_str(&self.secret.to_base32());
        text.push('\n');
        // Writing to a string cannot fail.
        if let Some((attempts, seconds)) = self.rate_limit {
            let _ = writeln!(text, "\" RATE_LIMIT {attempts} {seconds}");
        }
        if let Some(window) = self.window {
            let _ = writeln!(text, "\" WINDOW_SIZE {window}");
        }
        // The original knows neither and passes over both.
        if self.algorithm != Algorithm::default() {
            let _ = writeln!(text, "\" ALGORITHM {}", self.algorithm.name());
        }
        if self.digits != Digits::default() {
            let _ = writeln!(text, "\" DIGITS {}", self.digits.count());
        }
        match &self.method {
            NewMethod::Hotp => text.push_str("\" HOTP_COUNTER 1\n"),
            NewMethod::Totp { period, disallow_reuse } => {
                if let Some(period) = period {
                    let _ = writeln!(text, "\" STEP_SIZE {period}");
                }
                if let Some(used) = disallow_reuse {
                    text.push_str("\" DISALLOW_REUSE");
                    for step in used {
                        let _ = write!(text, " {step}");
                    }
                    text.push('\n');
                }
                text.push_str("\" TOTP_AUTH\n");
            }
        }
        for code in self.scratch_codes.iter() {
            let _ = writeln!(text, "{code}");
        }
        Zeroizing::new(std::mem::take(&mut *text).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauth::parse;

    fn new(method: NewMethod) -> NewFile {
        NewFile {
            secret: Secret::new(b"12345678901234567890".to_vec()),
            method,
            algorithm: Algorithm::default(),
            digits: Digits::default(),
            window: None,
            rate_limit: None,
            scratch_codes: ScratchCodes::default(),
        }
    }

    fn text(file: &NewFile) -> String {
        String::from_utf8(file.to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn options_stand_in_the_order_of_the_original() {
        let mut codes = ScratchCodes::default();
        codes.push(11_111_111);
        codes.push(22_222_222);
        let mut file = NewFile {
            window: Some(3),
            rate_limit: Some((3, 30)),
            scratch_codes: codes,
            ..new(NewMethod::Totp { period: Some(60), disallow_reuse: Some(vec![]) })
        };
        assert_eq!(
            text(&file),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\
             \" STEP_SIZE 60\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n11111111\n22222222\n"
        );
        file.method = NewMethod::Totp { period: None, disallow_reuse: Some(vec![7]) };
        assert!(text(&file).contains("\n\" DISALLOW_REUSE 7\n"));
    }

    #[test]
    fn hotp_starts_at_one() {
        assert_eq!(
            text(&new(NewMethod::Hotp)),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 1\n"
        );
    }

    #[test]
    fn only_unusual_algorithms_and_digits_have_a_line() {
        let algorithms = [
            (Algorithm::Sha1, ""),
            (Algorithm::Sha256, "\" ALGORITHM SHA256\n"),
            (Algorithm::Sha512, "\" ALGORITHM SHA512\n"),
        ];
        let digits = [(6, ""), (7, "\" DIGITS 7\n"), (8, "\" DIGITS 8\n")];
        for (algorithm, first) in algorithms {
            for (digits, second) in digits {
                let digits = Digits::new(digits).unwrap();
                let file = NewFile { algorithm, digits, ..new(NewMethod::Hotp) };
                let options = text(&file).split_off(33);
                assert_eq!(options, format!("{first}{second}\" HOTP_COUNTER 1\n"));
                let read = &parse(&file.to_bytes()).credentials[0];
                assert_eq!((read.algorithm, read.digits), (Ok(algorithm), Ok(digits)));
            }
        }
    }
}
