//! Keys, certificates, signatures and answers that OpenSSH 9.2 made, with its own stand-in for a token.
//!
//! Keys: `ssh-keygen -t ed25519-sk -w sk-dummy.so` and the like. Certificates: `ssh-keygen -s ca -I ID -z 7 -n
//! alice,bob -V 20200101000000Z:20300101000000Z`; `FOREVER` has neither names nor dates. Signatures:
//! `ssh-keygen -Y sign -n test@pam_mfa` of [`TEXT`]. Answers: of an agent with `red`, `work` and `plain`.

use data_encoding::BASE64;

use super::{Certificate, Line, SkKey};
use crate::wire::Reader;

/// What was signed.
pub(crate) const TEXT: &[u8] = b"hello\n";
/// What for.
pub(crate) const NAMESPACE: &str = "test@pam_mfa";
/// When the certificates are good, s since 1970.
pub(crate) const VALID: std::ops::Range<u64> = 1_577_836_800..1_893_456_000;

pub(crate) const RED: &str = include_str!("red.pub");
pub(crate) const WORK: &str = include_str!("work.pub");
pub(crate) const UNTOUCHED_ED25519: &str = include_str!("untouched-ed25519.pub");
pub(crate) const UNTOUCHED_ECDSA: &str = include_str!("untouched-ecdsa.pub");
pub(crate) const VERIFIED: &str = include_str!("verified.pub");
pub(crate) const PLAIN: &str = include_str!("plain.pub");
pub(crate) const RSA: &str = include_str!("rsa.pub");
pub(crate) const ECDSA: &str = include_str!("ecdsa.pub");
pub(crate) const CA: &str = include_str!("ca.pub");

pub(crate) const RED_CERT: &str = include_str!("red-cert.pub");
/// With `-O no-touch-required`.
pub(crate) const WORK_CERT: &str = include_str!("work-cert.pub");
/// With `-O force-command=/bin/true -O source-address=192.0.2.0/24`.
pub(crate) const PLAIN_CERT: &str = include_str!("plain-cert.pub");
/// With `-O verify-required`.
pub(crate) const RSA_CERT: &str = include_str!("rsa-cert.pub");
/// With `-O critical:shape@example.org=round`.
pub(crate) const ECDSA_CERT: &str = include_str!("ecdsa-cert.pub");
pub(crate) const FOREVER_CERT: &str = include_str!("forever-cert.pub");
/// With `-h`.
pub(crate) const HOST_CERT: &str = include_str!("host-cert.pub");

/// Each key, its signature, and the flags in it.
pub(crate) const SIGNED: [(&str, &str, u8); 5] = [
    (RED, include_str!("red.sig"), 1),
    (WORK, include_str!("work.sig"), 1),
    (UNTOUCHED_ED25519, include_str!("untouched-ed25519.sig"), 0),
    (UNTOUCHED_ECDSA, include_str!("untouched-ecdsa.sig"), 0),
    (VERIFIED, include_str!("verified.sig"), 5),
];

/// What the agent said to a request for its keys.
pub(crate) const LIST: &[u8] = include_bytes!("list.reply");
/// What it said when `red` and `work` were to sign what ssh-keygen has signed.
pub(crate) const SIGNATURES: [(&str, &[u8]); 2] =
    [(RED, include_bytes!("sign-red.reply")), (WORK, include_bytes!("sign-work.reply"))];

pub(crate) fn blob(line: &str) -> Vec<u8> {
    Line::read(line).unwrap().blob
}

pub(crate) fn key(line: &str) -> SkKey {
    SkKey::of_line(line).unwrap()
}

pub(crate) fn certificate(line: &str) -> Certificate {
    Certificate::read(&blob(line)).unwrap()
}

/// The signature in a file of ssh-keygen's.
pub(crate) fn signature(file: &str) -> Vec<u8> {
    let base64: String = file.lines().filter(|line| !line.starts_with('-')).collect();
    let file = BASE64.decode(base64.as_bytes()).unwrap();
    let mut reader = Reader::new(&file);
    assert_eq!(reader.bytes(10), Ok(&b"SSHSIG\0\0\0\x01"[..]));
    for _ in ["key", "namespace", "reserved", "hash"] {
        reader.string().unwrap();
    }
    let signature = reader.string().unwrap().to_vec();
    reader.end().unwrap();
    signature
}
