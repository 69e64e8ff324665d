//! The files that name keys, when somebody has meddled with them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::time::Duration;

use sandbox::fido::Token;
use sandbox::{Answer, DENIED, run};

use crate::desk::{Desk, Login, MAPPING};

/// Where a user's own mapping is.
const OWN: &str = ".config/Yubico/u2f_keys";

const AT_HOME: &str = "auth required pam_mfa.so u2f local key_timeout=1 origin=pam://sandbox";

/// Alice with a mapping of her own.
fn at_home() -> (Desk, Token, String) {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let line = desk.register("", None);
    let directory = desk.alice.path(".config/Yubico");
    fs::create_dir_all(&directory).expect("her home is there");
    fs::write(desk.alice.path(OWN), format!("{line}\n")).expect("just made");
    for path in [desk.alice.path(".config"), directory, desk.alice.path(OWN)] {
        chown(path, Some(desk.alice.id), Some(desk.alice.id)).expect("root may");
    }
    (desk, token, line)
}

#[track_caller]
fn denied(login: &Login, reason: &str) {
    assert_eq!((login.said.result, login.reason()), (DENIED, reason), "{:?}", login.log);
    assert!(login.said.took < Duration::from_secs(5), "{:?}", login.said.took);
    let told = [login.log.join("\n"), login.said.messages.join("\n")].concat();
    assert!(!told.contains("canary"), "what lies there is nobody's business: {told}");
}

/// It is read with her rights: she is told nothing that she could not read herself, and root waits for nobody.
#[test]
fn what_lies_in_a_home_leads_nowhere() {
    let (desk, token, line) = at_home();
    let own = desk.alice.path(OWN);
    let login = || desk.login(AT_HOME, &[Answer::Error]);
    assert!(login().is_in(), "{:?}", login().log);
    let seen = token.seen();

    let secret = "/etc/canary";
    fs::write(secret, format!("canary\n{line}\n")).expect("our own /etc");
    fs::set_permissions(secret, Permissions::from_mode(0o600)).expect("just written");
    let replace = |with: &dyn Fn(&Path)| {
        let _ = fs::remove_file(&own);
        with(&own);
        let owner = desk.alice.id.to_string();
        run(&["chown", "--no-dereference", &owner, own.to_str().expect("plain")]);
    };
    replace(&|own| symlink(secret, own).expect("room"));
    denied(&login(), "unreadable");
    replace(&|own| symlink("/etc/shadow", own).expect("room"));
    denied(&login(), "unreadable");
    replace(&|own| symlink("/dev/zero", own).expect("room"));
    denied(&login(), "not_regular");
    replace(&|own| symlink(own, own).expect("room"));
    denied(&login(), "symlink_loop");
    replace(&|own| drop(run(&["mkfifo", own.to_str().expect("plain")])));
    denied(&login(), "not_regular");
    replace(&|own| drop(run(&["mknod", own.to_str().expect("plain"), "c", "1", "5"])));
    denied(&login(), "not_regular");
    replace(&|own| fs::write(own, vec![b'\n'; (1 << 20) + 1]).expect("room"));
    denied(&login(), "too_big");

    let bob = desk.machine.user("bob");
    replace(&|own| fs::write(own, format!("{line}\n")).expect("room"));
    chown(&own, Some(bob.id), None).expect("root may");
    denied(&login(), "wrong_owner");
    assert_eq!(token.seen(), seen, "no key was asked");
    chown(&own, Some(desk.alice.id), None).expect("root may");
    assert!(login().is_in());
}

#[test]
fn the_administrators_is_roots_alone() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    let login = || desk.ours("", &[Answer::Error]);
    assert!(login().is_in());
    let seen = token.seen();
    fs::set_permissions(MAPPING, Permissions::from_mode(0o664)).expect("our own /etc");
    denied(&login(), "wrong_mode");
    fs::set_permissions(MAPPING, Permissions::from_mode(0o644)).expect("our own /etc");
    chown(MAPPING, Some(desk.alice.id), None).expect("root may");
    denied(&login(), "wrong_owner");
    chown(MAPPING, Some(0), None).expect("root may");
    fs::rename(MAPPING, "/etc/canary").expect("our own /etc");
    run(&["mkfifo", MAPPING]);
    denied(&login(), "not_regular");
    fs::remove_file(MAPPING).expect("just made");
    fs::create_dir(MAPPING).expect("our own /etc");
    denied(&login(), "not_regular");
    fs::remove_dir(MAPPING).expect("just made");
    assert_eq!(token.seen(), seen, "no key was asked");
    symlink("/etc/canary", MAPPING).expect("our own /etc");
    assert!(login().is_in(), "root's link to root's file");
}

/// What is left of it is a mistake, as long as the end of the key is not there.
#[test]
fn no_half_of_a_line_is_a_key() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let line = desk.register("", None);
    let seen = token.seen();
    let whole = line.len() - ",+presence".len();
    for end in 0..whole {
        Desk::map(&line[..end]);
        let login = desk.ours("", &[Answer::Error]);
        let reason = if end < "alice".len() { "no_file" } else { "bad_mapping" };
        assert_eq!(login.reason(), reason, "{}", &line[..end]);
    }
    assert_eq!(token.seen(), seen, "no key was asked");
    Desk::map(&line[..whole]);
    assert!(desk.ours("", &[]).is_in(), "a touch is demanded all the same");
    assert_eq!(token.seen().waits, seen.waits + 1);
}

/// However long the line is, what stands at its end counts.
#[test]
fn demands_at_the_end_of_a_long_line() {
    let desk = Desk::new();
    let _token = desk.plug_in("pin=1234");
    let line = desk.register("--pin-verification", Some("1234"));
    let key = line.split_once(':').expect("a user").1;
    let public = key.split(',').nth(1).expect("a public key");
    let long = format!("{},{public},es256,+presence", "A".repeat(1364));
    Desk::map(&format!("alice:{}{key}", format!("{long}:").repeat(23)));
    let login = desk.ours("", &[Answer::Text("4321")]);
    assert_eq!(login.reason(), "key_pin_blocked", "{:?}", login.log);
    let login = desk.ours("", &[Answer::Error]);
    assert_eq!((login.reason(), login.said.prompts.len()), ("key_pin", 1), "{:?}", login.log);
}
