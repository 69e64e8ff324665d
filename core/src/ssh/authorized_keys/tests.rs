use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::*;
use crate::reason::Reason;
use crate::ssh::vectors;

const NOW: u64 = 1_893_456_000 - 1;

fn names(text: &str) -> Vec<Option<String>> {
    read(text, NOW).into_iter().map(|key| key.name).collect()
}

#[test]
fn keys_of_security_keys_in_their_order() {
    let text = format!(
        "# of alice\n\n{}{}{}  {}\r\n{}{}#{}",
        vectors::RSA,
        vectors::RED,
        vectors::RED_CERT,
        vectors::WORK.trim_ascii(),
        vectors::PLAIN,
        vectors::VERIFIED,
        vectors::UNTOUCHED_ECDSA
    );
    let keys = read(&text, NOW);
    assert_eq!(names(&text), [Some("red key".into()), None, Some("verified".into())]);
    for (key, line) in keys.iter().zip([vectors::RED, vectors::WORK, vectors::VERIFIED]) {
        let SkKey { public, application } = vectors::key(line);
        assert_eq!((&key.public, &key.application), (&public, &application));
        assert!(key.touch && !key.verification);
        assert_eq!((&key.port, key.counter), (&Port::Ssh, Counter::Unchecked));
    }
}

#[test]
fn options() {
    let with = |options: &str| {
        let keys = read(&format!("{options} {}", vectors::RED), NOW);
        keys.first().map(|key| (key.touch, key.verification))
    };
    assert_eq!(with("restrict,pty"), Some((true, false)));
    assert_eq!(with("no-touch-required\t"), Some((false, false)));
    assert_eq!(with("verify-required"), Some((true, true)));
    assert_eq!(with("expiry-time=\"20300101Z\""), Some((true, false)));
    for options in [
        "expiry-time=\"20291231Z\"",
        "expiry-time=\"20300101\"",
        "cert-authority",
        "from=\"*\"",
        "command=\"echo a b\",no-pty",
        "no-touch-required,colour=\"red\"",
        "restrict,",
        "sk-ssh-ed25519@openssh.com",
        "restrict restrict",
        "\"",
    ] {
        assert_eq!(with(options), None, "{options}");
    }
}

#[test]
fn what_is_not_utf_8_is_in_names_only() {
    let text = [vectors::RED.trim_ascii().as_bytes(), b" \xff\n"].concat();
    assert_eq!(names(&String::from_utf8_lossy(&text)), [Some("red key \u{fffd}".into())]);
}

#[test]
fn a_file_in_its_owner_s_hands() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("alice");
    let open = |name: &str| open(&dir.path().join(name), Uid::effective(), NOW);
    let reason = |name| open(name).unwrap_err().reason;
    assert_eq!(reason("alice"), Reason::NoFile);
    assert_eq!(reason("none/alice"), Reason::NoDirectory);

    fs::write(&path, vectors::RED).unwrap();
    for (mode, trusted) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let expected = if trusted { Ok(1) } else { Err(Reason::WrongMode) };
        assert_eq!(open("alice").map(|keys| keys.len()).map_err(|it| it.reason), expected);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("alice", dir.path().join("link")).unwrap();
    assert_eq!(open("link").unwrap().len(), 1, "its owner's link");
    mkfifo(&dir.path().join("fifo"), Mode::S_IRUSR).unwrap();
    assert_eq!(reason("fifo"), Reason::NotRegular);
    fs::write(dir.path().join("big"), vec![b'\n'; 1 << 20]).unwrap();
    assert_eq!(open("big").unwrap(), []);
    fs::write(dir.path().join("big"), vec![b'\n'; (1 << 20) + 1]).unwrap();
    assert_eq!(reason("big"), Reason::TooBig);

    let stranger = Uid::from_raw(54_321);
    let trouble = super::open(&path, stranger, NOW).unwrap_err();
    let whose = if Uid::effective().is_root() { Reason::WrongOwner } else { Reason::UnsafePath };
    assert_eq!(trouble.reason, whose);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o770)).unwrap();
    assert_eq!(reason("alice"), Reason::UnsafePath, "others can replace it");
}
