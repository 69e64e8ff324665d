//! The public half of an enrolled key.

/// A public key, of one of the two kinds that tokens make (COSE algorithms -7 and -8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Public {
    /// ECDSA on P-256 with SHA-256: the point as 04, X and Y (SEC 1 section 2.3.3).
    Es256([u8; 65]),
    /// Ed25519 (RFC 8032).
    Eddsa([u8; 32]),
}

impl Public {
    /// A point as X and Y, with or without the 04 before them; `None` if it is of another length or
    /// form. Whether it is on the curve shows when it is used.
    #[must_use]
    pub fn es256(point: &[u8]) -> Option<Self> {
        let (form, coordinates) = match point.len() {
            64 => (&4, point),
            _ => point.split_first()?,
        };
        let mut whole = [4; 65];
        let (_, place) = whole.split_first_mut()?;
        if *form != 4 || coordinates.len() != place.len() {
            return None;
        }
        place.copy_from_slice(coordinates);
        Some(Self::Es256(whole))
    }

    /// `None` if it is not 32 bytes long, or a point of small order, for which anybody can make
    /// signatures.
    #[must_use]
    pub fn eddsa(point: &[u8]) -> Option<Self> {
        let point: [u8; 32] = point.try_into().ok()?;
        (!is_of_small_order(&point)).then_some(Self::Eddsa(point))
    }

    /// The word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Es256(_) => "es256",
            Self::Eddsa(_) => "eddsa",
        }
    }

    /// The bytes of the key as mappings and records hold them: X and Y, or 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Es256(point) => point.split_first().map_or(&[], |(_, coordinates)| coordinates),
            Self::Eddsa(point) => point,
        }
    }

    /// The key of that kind with those bytes.
    #[must_use]
    pub fn of(kind: &str, bytes: &[u8]) -> Option<Self> {
        match kind {
            "es256" => Self::es256(bytes),
            "eddsa" => Self::eddsa(bytes),
            _ => None,
        }
    }
}

/// Whether 8 times the point is nothing (RFC 7748 section 6.1): there are 8 such points, and more ways
/// to write them. The sign is not looked at.
fn is_of_small_order(point: &[u8; 32]) -> bool {
    /// Of order 8, but for the sign.
    const EIGHTHS: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let [first, middle @ .., last] = point;
    let last = last & 0x7f;
    // y is 0 or 1; or p - 1, p or p + 1.
    let is_low = *first < 2 && middle.iter().all(|&byte| byte == 0) && last == 0;
    let is_high = *first >= 0xec && *first <= 0xee && middle.iter().all(|&byte| byte == 0xff);
    let eighth = |other: &[u8; 32]| {
        let [start @ .., end] = other;
        point.starts_with(start) && last == *end
    };
    is_low || (is_high && last == 0x7f) || EIGHTHS.iter().any(eighth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points() {
        let whole = [&[4][..], &[7; 64]].concat();
        let key = Public::es256(&whole).unwrap();
        assert_eq!(Public::es256(&[7; 64]), Some(key.clone()));
        assert_eq!((key.kind(), key.as_bytes()), ("es256", &[7; 64][..]));
        assert_eq!(Public::of("es256", key.as_bytes()), Some(key));
        for bad in [&[][..], &[4], &[7; 63], &[7; 65], &[4; 66], &[7; 32]] {
            assert_eq!(Public::es256(bad), None, "{bad:?}");
        }
        let key = Public::eddsa(&[7; 32]).unwrap();
        assert_eq!((key.kind(), key.as_bytes()), ("eddsa", &[7; 32][..]));
        assert_eq!(Public::of("eddsa", &[7; 32]), Some(key));
        assert_eq!(Public::eddsa(&[7; 31]), None);
        assert_eq!(Public::of("rs256", &[7; 32]), None);
    }

    /// Ring takes such a signature for any message.
    #[test]
    fn points_that_sign_everything_are_no_keys() {
        let neutral = [&[1][..], &[0; 31]].concat();
        let signature = [&neutral[..], &[0; 32]].concat();
        let ring = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, &neutral);
        assert!(ring.verify(b"anything", &signature).is_ok());

        let low = |first: u8, last: u8| [&[first][..], &[0; 30], &[last]].concat();
        let high = |first: u8, last: u8| [&[first][..], &[0xff; 30], &[last]].concat();
        for point in [
            low(0, 0),
            low(0, 0x80),
            low(1, 0),
            low(1, 0x80),
            high(0xec, 0x7f),
            high(0xec, 0xff),
            high(0xed, 0x7f),
            high(0xee, 0xff),
        ] {
            assert_eq!(Public::eddsa(&point), None, "{point:?}");
        }
        for point in [low(2, 0), low(0, 1), high(0xeb, 0x7f), high(0xef, 0x7f), high(0xec, 0x7e)] {
            assert!(Public::eddsa(&point).is_some(), "{point:?}");
        }
    }
}
