//! What is typed where mfa-enroll asks for a code of the app: `PERIOD WINDOW OFFSET TYPED`, the first
//! three a byte each; `@` stands for the code OFFSET steps from now.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_core::confirm::{Answer, judge, judge_counter};
use mfa_core::otp::{Algorithm, Digits, Otp, step};
use mfa_core::secret::Secret;

const NOW: u64 = 1_700_000_000;

fuzz_target!(|input: &[u8]| {
    let [period, window, offset, typed @ ..] = input else { return };
    let (period, window) = (u64::from(period % 60 + 1), window % 21 + 1);
    let otp = Otp::new(&Secret::new(vec![7; 20]), Algorithm::Sha1, Digits::SIX);
    let current = step(NOW, period);
    let code = otp.text(current.wrapping_add_signed(i8::from_be_bytes([*offset]).into()));
    let typed = String::from_utf8_lossy(typed).replace('@', &code);

    let digits: String = typed.chars().filter(|symbol| !symbol.is_whitespace()).collect();
    match judge(&typed, &otp, NOW, period, window) {
        Answer::Right(good) => {
            assert!(good.abs_diff(current) <= 1 && good.abs_diff(current) < window.into());
            assert_eq!(otp.text(good), digits);
        }
        Answer::OtherTime(seconds) => {
            let period = i64::try_from(period).unwrap();
            assert_eq!(seconds % period, 0);
            let other = current.wrapping_add_signed(seconds / period);
            assert_eq!(otp.text(other), digits);
        }
        Answer::Skip => assert!(digits.starts_with('-')),
        Answer::Wrong => assert_eq!(digits.len(), 6),
        Answer::NoCode => assert_ne!(digits, code),
    }
    if let Answer::Right(good) = judge_counter(&typed, &otp, current, window) {
        assert!((current..current + u64::from(window)).contains(&good));
        assert_eq!(otp.text(good), digits);
    }
});
